"""Controllers: settings that adapt to what a training sees."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from gan_jax.fields import explain_fields
from gan_jax.parts import find_part

_TARGET = 0.6  # of the mean sign of D's logits of the training images
_IMAGES = 500_000  # in which the probability can go from 0 to 1
_STEPS = 4  # between two moves


@explain_fields
class Controller(NamedTuple):
    """Moves settings after every step."""

    init: Callable[[Any], Any]
    """Takes the configuration; returns the controller's state, a tree of arrays."""
    update: Callable[[Any, Any, Mapping[str, Array]], Any]
    """Takes ``(config, state, metrics)``, the step's metrics as ``[]`` floats; returns the next state."""
    settings: Callable[[Any, Any], Mapping[str, Array]]
    """Takes ``(config, state)``; returns traced settings of the configuration and their values."""


class AdaState(NamedTuple):
    """What ``ada`` keeps."""

    probability: Array
    """``[]`` float32 in [0, 1]."""
    signs: Array
    """``[]`` float32, the sum of ``d_sign`` since the last move."""
    steps: Array
    """``[]`` int32, the steps since the last move."""


def _ada_init(config: Any) -> AdaState:
    given = config.augmentation_probability
    return AdaState(jnp.float32(0 if given is None else given), jnp.float32(0), jnp.int32(0))


def _ada_update(config: Any, state: AdaState, metrics: Mapping[str, Array]) -> AdaState:
    signs, steps = state.signs + metrics["d_sign"].astype(jnp.float32), state.steps + 1
    moves = steps == _STEPS
    distance = jnp.sign(signs / _STEPS - _TARGET) * (_STEPS * config.batch_size / _IMAGES)
    moved = jnp.clip(state.probability + jnp.where(moves, distance, 0), 0, 1)
    return AdaState(moved, jnp.where(moves, 0, signs), jnp.where(moves, 0, steps))


ada = Controller(
    init=_ada_init,
    update=_ada_update,
    settings=lambda config, state: {"augmentation_probability": state.probability},
)
"""Adaptive discriminator augmentation (Karras et al. 2020, section 3): after every fourth step the probability rises if
the mean sign of D's logits of the reals, ``d_sign``, of the four is above 0.6, and falls if it is below; it can go from
0 to 1 in 500,000 images."""

CONTROLLERS: dict[str, Controller] = {"ada": ada}
"""By the names that ``GanConfig.controllers`` takes; entries may be added under other names."""


def find_controller(name: str) -> Controller:
    """The controller of a name.

    Raises:
      UnknownPartError: there is none.
    """
    return find_part("controller", CONTROLLERS, name, Controller)
