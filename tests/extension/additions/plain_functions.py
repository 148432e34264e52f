"""Networks of plain functions: one hidden layer each."""

import jax
import jax.numpy as jnp

from gan_jax import NETWORKS, Network, Networks


def layers(*sizes):
    """A network's ``init`` and its product of layers."""

    def init(config, key):
        pairs = zip(sizes_of(config), sizes_of(config)[1:], strict=False)
        keys = jax.random.split(key, len(sizes) - 1)
        weights = [jax.random.normal(one, pair) * (2 / pair[0]) ** 0.5 for one, pair in zip(keys, pairs, strict=True)]
        return {"params": {f"layers/{at}": weight for at, weight in enumerate(weights)}}

    def sizes_of(config):
        return [size(config) for size in sizes]

    def multiply(variables, hidden):
        *inner, last = [variables["params"][name] for name in sorted(variables["params"])]
        for weight in inner:
            hidden = jax.nn.leaky_relu(hidden @ weight)
        return hidden @ last

    return init, multiply


def pixels(config):
    height, width, channels = config.image_shape
    return height * width * channels


init_generator, to_pixels = layers(lambda config: config.latent_dim, lambda config: config.width, pixels)
init_discriminator, to_logits = layers(pixels, lambda config: config.width, lambda config: 1)


def generate(config, variables, latents, labels, *, train, key):
    return jnp.tanh(to_pixels(variables, latents)).reshape(-1, *config.image_shape), variables


def score(config, variables, images, labels, *, train, key):
    return to_logits(variables, images.reshape(len(images), -1))[:, 0], variables


NETWORKS["plain"] = Networks(
    Network(init_generator, generate), Network(init_discriminator, score, single_image_logits=True)
)
