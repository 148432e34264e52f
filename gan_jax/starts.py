"""Where a run starts from."""

from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from gan_jax.config import GanConfig, RunConfig
from gan_jax.errors import InputError
from gan_jax.sharding import copy_to_all
from gan_jax.sources import ResidentImages, RunKeys, ShardedImages, run_keys
from gan_jax.state import GanState, init_state
from gan_jax.trained import load_run


class Start(NamedTuple):
    """All that training needs beside its configuration and step."""

    keys: RunKeys
    source: ResidentImages | ShardedImages
    state: GanState  # at step 0


def prepare_start(settings: RunConfig, config: GanConfig, images: np.ndarray, mesh: Mesh | None = None) -> Start:
    """Derive a run's start from its settings.

    Args:
      settings: the seed, and a discriminator to start from, if any.
      config: the networks' configuration.
      images: ``[count, height, width, channels]`` uint8.
      mesh: the devices that share each batch; None for one.

    Raises:
      InputError: there are fewer images than one batch, or the discriminator is not of the configured shape.
    """
    keys = run_keys(settings.seed)
    source = ShardedImages(config, images, keys, mesh) if mesh else ResidentImages(config, images, keys)
    state = _with_discriminator(settings, init_state(config, keys.init))
    return Start(copy_to_all(keys, mesh), source, copy_to_all(state, mesh))


def _with_discriminator(settings: RunConfig, state: GanState) -> GanState:
    if settings.discriminator is None:
        return state
    given = load_run(settings.discriminator).state.discriminator
    shapes = [[leaf.shape for leaf in jax.tree.leaves(one.params)] for one in (given, state.discriminator)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"the discriminator of {settings.discriminator} has other layers; use the width and images it was "
            f"trained with."
        )
    return state.replace(discriminator=state.discriminator.replace(params=given.params, batch_stats=given.batch_stats))
