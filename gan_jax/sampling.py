"""Images from a trained generator, as many as one likes, as pixels on the host."""

import jax
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.pixels import quantize_images
from gan_jax.state import NetworkState
from gan_jax.steps import generate, sample_latents

_BATCH = 250


def sample_images(config: GanConfig, generator: NetworkState, count: int, seed: int = 0) -> np.ndarray:
    """Draw images in eval mode.

    Args:
      config: the networks' configuration.
      generator: the generator's state.
      count: how many; the first of many are those of few.
      seed: decides the latents.

    Returns:
      ``[count, height, width, channels]`` uint8.
    """
    batches = []
    for index in range(-(-count // _BATCH)):
        latents = sample_latents(config, jax.random.fold_in(jax.random.key(seed), index), _BATCH)
        batches.append(quantize_images(generate(config, generator, latents)))
    return np.concatenate(batches)[:count]
