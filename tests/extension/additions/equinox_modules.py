"""Networks of Equinox, with dropout in the discriminator."""

import equinox as eqx
import jax
import jax.numpy as jnp

from gan_jax import NETWORKS, Networks, from_equinox


class Generator(eqx.Module):
    layers: eqx.nn.MLP
    shape: tuple = eqx.field(static=True)

    def __init__(self, config, key):
        height, width, channels = self.shape = config.image_shape
        self.layers = eqx.nn.MLP(config.latent_dim, height * width * channels, config.width, depth=1, key=key)

    def __call__(self, latents, labels, train, key):
        return jnp.tanh(jax.vmap(self.layers)(latents)).reshape(-1, *self.shape)


class Discriminator(eqx.Module):
    layers: eqx.nn.MLP
    dropout: eqx.nn.Dropout

    def __init__(self, config, key):
        height, width, channels = config.image_shape
        self.layers = eqx.nn.MLP(height * width * channels, "scalar", config.width, depth=1, key=key)
        self.dropout = eqx.nn.Dropout(0.2)

    def __call__(self, images, labels, train, key):
        pixels = self.dropout(images.reshape(len(images), -1), key=key, inference=not train)
        return jax.vmap(self.layers)(pixels)


NETWORKS["equinox"] = Networks(from_equinox(Generator), from_equinox(Discriminator))
