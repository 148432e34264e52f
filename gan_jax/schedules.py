"""Schedules: how a setting moves from its value towards another one while a training sees images."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from gan_jax.errors import InputError
from gan_jax.parts import find_part

Curve = Callable[[Array], Array]


def cosine(progress: Array) -> Array:
    """Half a cosine (Loshchilov & Hutter 2017, without restarts)."""
    return (1 + jnp.cos(jnp.pi * progress)) / 2


def linear(progress: Array) -> Array:
    """A straight line."""
    return 1 - progress


def warmup(progress: Array) -> Array:
    """A straight line the other way round: the setting begins at the other value and rises to its own."""
    return progress


CURVES: dict[str, Curve] = {"cosine": cosine, "linear": linear, "warmup": warmup}
"""Each takes how much of the schedule is done, ``[]`` float32 in [0, 1], and returns how much the setting's own value
counts beside the other, in [0, 1]; entries may be added under other names."""


class Schedule(NamedTuple):
    """How one setting moves."""

    setting: str
    """The setting's name, such as ``learning_rate``."""
    curve: str
    """A key of ``CURVES``."""
    other: float
    """Where it ends; where a warm-up begins."""
    is_factor: bool
    """Whether ``other`` is a part of the setting's value rather than a value."""
    images: float | None
    """Images seen until its end; None for the end of the run."""

    def value(self, own: ArrayLike, step: ArrayLike, batch_size: int, schedule_steps: ArrayLike | None) -> Array:
        """The setting after ``step`` steps.

        Args:
          own: the setting's own value.
          step: ``[]`` integer.
          batch_size: images in a step.
          schedule_steps: the step at which it ends, where it has no end of its own.

        Raises:
          InputError: it has no end.
        """
        done = jnp.asarray(step, float)
        if self.images is not None:
            progress = done * batch_size / self.images
        elif schedule_steps is not None:
            progress = done / schedule_steps
        else:
            raise InputError(f"the schedule of {self.setting} has no end; give schedule_steps, or images as its end.")
        own_share = find_part("curve", CURVES, self.curve)(jnp.minimum(progress, 1))
        other = jnp.asarray(self.other, float)
        if self.is_factor:
            return jnp.asarray(own * (other + (1 - other) * own_share))
        return other + (own - other) * own_share


def parse_schedule(text: str) -> Schedule:
    """Read ``SETTING=CURVE:OTHER`` or ``SETTING=CURVE:OTHER:IMAGES``.

    ``OTHER`` is a number, or a part of the setting's own value as ``x0.05``.

    Raises:
      InputError: it is of another form, or there is no such curve.

    Examples:
      >>> parse_schedule("learning_rate=cosine:x0.05")
      Schedule(setting='learning_rate', curve='cosine', other=0.05, is_factor=True, images=None)
      >>> parse_schedule("beta2=linear:0.99:1e6").images
      1000000.0
    """
    setting, _, rest = text.partition("=")
    curve, *numbers = rest.split(":")
    if 1 <= len(numbers) <= 2:
        other, *end = numbers
        try:
            is_factor, value = other.startswith("x"), float(other.removeprefix("x"))
            images = float(end[0]) if end else None
        except ValueError:
            pass
        else:
            if abs(value) < float("inf") and (images is None or 0 < images < float("inf")):
                find_part("curve", CURVES, curve)
                return Schedule(setting.replace("-", "_"), curve, value, is_factor, images)
    raise InputError(
        f"schedules has {text!r}; a schedule is SETTING=CURVE:END or SETTING=CURVE:END:IMAGES, such as "
        f"learning_rate=cosine:x0.05 or beta2=linear:0.99:1e6."
    )
