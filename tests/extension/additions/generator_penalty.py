"""A penalty on G that keeps the mean of its images near grey."""

import jax.numpy as jnp

from gan_jax import GENERATOR_PENALTIES


def greyness(generate, latents, key):
    return jnp.mean(jnp.mean(generate(latents), axis=(1, 2, 3)) ** 2)


GENERATOR_PENALTIES["greyness"] = greyness
