"""Games by name: what is trained, from the initial state to the generator that samples."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jax import Array

from gan_jax.config import GanConfig
from gan_jax.fields import explain_fields
from gan_jax.nn.network import Variables
from gan_jax.parts import find_part
from gan_jax.training.forward import sampling_generator
from gan_jax.training.state import init_state
from gan_jax.training.steps import Step, discriminator_step, gan_step, generator_step


@explain_fields
class Game(NamedTuple):
    """What is trained: three pure functions."""

    init: Callable[[GanConfig, Array], Any]
    """Takes ``(config, key)``; returns the state, a pytree of arrays with a ``step``, ``[]`` int32, that is 0."""
    step: Step
    """Takes ``(config, state, batch, key)``; returns the next state, and the metrics as a dict of ``[]`` floats."""
    sampler: Callable[[GanConfig, Any], Variables]
    """Takes ``(config, state)``; returns the variables with which ``generate`` makes images."""


GAMES: dict[str, Game] = {
    "joint": Game(init_state, gan_step, sampling_generator),
    "generator": Game(init_state, generator_step, sampling_generator),
    "discriminator": Game(init_state, discriminator_step, sampling_generator),
}
"""Both networks, G alone against a constant D, and D alone, by the names that ``RunConfig.game`` takes; entries may be
added under other names."""


def find_game(name: str) -> Game:
    """The game of a name.

    Raises:
      UnknownPartError: there is none.
    """
    return find_part("game", GAMES, name, Game)
