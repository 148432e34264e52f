"""Networks of Flax NNX, with batch normalization in both."""

import jax
import jax.numpy as jnp
from flax import nnx

from gan_jax import NETWORKS, Networks, from_nnx


class Generator(nnx.Module):
    def __init__(self, config, rngs):
        self.shape = config.image_shape
        self.first = nnx.Linear(config.latent_dim, config.width, rngs=rngs)
        self.norm = nnx.BatchNorm(config.width, rngs=rngs)
        self.last = nnx.Linear(config.width, self.shape[0] * self.shape[1] * self.shape[2], rngs=rngs)

    def __call__(self, latents, labels, train, key):
        hidden = jax.nn.relu(self.norm(self.first(latents), use_running_average=not train))
        return jnp.tanh(self.last(hidden)).reshape(-1, *self.shape)


class Discriminator(nnx.Module):
    def __init__(self, config, rngs):
        height, width, channels = config.image_shape
        self.first = nnx.Linear(height * width * channels, config.width, rngs=rngs)
        self.norm = nnx.BatchNorm(config.width, rngs=rngs)
        self.last = nnx.Linear(config.width, 1, rngs=rngs)

    def __call__(self, images, labels, train, key):
        hidden = self.norm(self.first(images.reshape(len(images), -1)), use_running_average=not train)
        return self.last(jax.nn.leaky_relu(hidden))[:, 0]


NETWORKS["nnx"] = Networks(from_nnx(Generator), from_nnx(Discriminator))
