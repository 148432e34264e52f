"""Controllers: settings that adapt to what a training sees."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from gan_jax.fields import explain_fields
from gan_jax.parts import find_part

_TARGET = 0.6  # of the mean sign of D's logits of the training images
_IMAGES = 500_000  # in which the probability can go from 0 to 1


@explain_fields
class Controller(NamedTuple):
    """Moves settings after every step."""

    init: Callable[[Any], Any]
    """Takes the configuration; returns the controller's state, a tree of arrays."""
    update: Callable[[Any, Any, Mapping[str, Array]], Any]
    """Takes ``(config, state, metrics)``, the step's metrics as ``[]`` floats; returns the next state."""
    settings: Callable[[Any, Any], Mapping[str, Array]]
    """Takes ``(config, state)``; returns traced settings of the configuration and their values."""


def _ada_init(config: Any) -> Array:
    given = config.augmentation_probability
    return jnp.asarray(0.0 if given is None else given, jnp.float32)


def _ada_update(config: Any, probability: Array, metrics: Mapping[str, Array]) -> Array:
    moved = probability + jnp.sign(metrics["d_sign"] - _TARGET) * config.batch_size / _IMAGES
    return jnp.clip(moved, 0, 1)


ada = Controller(
    init=_ada_init,
    update=_ada_update,
    settings=lambda config, probability: {"augmentation_probability": probability},
)
"""Adaptive discriminator augmentation (Karras et al. 2020, section 3): the probability rises while the mean sign of D's
logits of the reals, ``d_sign``, is above 0.6, and falls while it is below, by 1 in 500,000 images."""

CONTROLLERS: dict[str, Controller] = {"ada": ada}
"""By the names that ``GanConfig.controllers`` takes; entries may be added under other names."""


def find_controller(name: str) -> Controller:
    """The controller of a name.

    Raises:
      UnknownPartError: there is none.
    """
    return find_part("controller", CONTROLLERS, name, Controller)
