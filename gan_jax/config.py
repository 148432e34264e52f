"""What decides a training step: ``GanConfig``."""

import dataclasses
import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike

from gan_jax.controllers import find_controller
from gan_jax.errors import InputError
from gan_jax.field_types import convert_fields
from gan_jax.fields import explain_fields
from gan_jax.objectives.augmentations import find_augmentation
from gan_jax.objectives.losses import find_objective
from gan_jax.objectives.penalties import find_generator_penalty, find_penalty
from gan_jax.optimizers import find_optimizer
from gan_jax.schedules import parse_schedule
from gan_jax.setting_groups import GanSettings

MAX_IMAGE = 2**12  # pixels along a side
MAX_SIZE = 2**16  # of a latent vector or a batch; larger ones only abort in XLA
MAX_WIDTH = 2**12  # an inner kernel then has 4 GiB
_SMALLEST = np.finfo(np.float32).smallest_normal  # above 0; XLA takes smaller ones for 0
_ARRAYS = (jax.Array, np.ndarray)


@explain_fields
@dataclasses.dataclass(frozen=True)
class GanConfig(GanSettings):
    """Networks, initial weights, objective and optimizer: everything that decides a training step.

    A pytree, made of small parts. A step is compiled for the fields in ``STATIC`` and takes those in ``TRACED`` as
    operands, so that one compilation serves all their values, several at a time under ``jax.vmap``. The defaults are
    DCGAN's (Radford et al. 2016), as the course uses them; ``recipes.RECIPES`` has others.

    Raises:
      InputError: a value is of another type or outside its range; the message names the value and what is allowed.
        Arrays in the place of numbers that are traced, which only a program puts there, are not checked.
    """

    @property
    def images_per_step(self) -> int:
        """Real images that a joint step takes."""
        return self.batch_size * self.batches_per_step

    @property
    def batches_per_step(self) -> int:
        """Batches of D's updates and, where it has its own, the one of G's."""
        return self.critic_steps + (self.generator_batch == "own")

    @property
    def trained_classes(self) -> np.ndarray:
        """The labels of the classes that have training images, ascending: int32."""
        return np.flatnonzero(self.class_counts or [1] * self.num_classes).astype(np.int32)

    @property
    def makes_points(self) -> bool:
        """Whether what is generated are points rather than images."""
        return len(self.image_shape) == 1

    @property
    def has_ema(self) -> bool:
        """Whether training averages the generator's weights."""
        return self.ema_half_life is not None

    @property
    def needs_end(self) -> bool:
        """Whether a schedule ends where the run does."""
        return any(parse_schedule(text).images is None for text in self.schedules)

    def at(self, step: ArrayLike, schedule_steps: ArrayLike | None = None) -> "GanConfig":
        """The configuration of one step, in which every schedule's setting is a number.

        Args:
          step: ``[]`` integer, the steps taken before.
          schedule_steps: the step at which schedules end that have no end of their own.

        Raises:
          InputError: such a schedule is there, and ``schedule_steps`` is not given.

        Examples:
          >>> config = GanConfig(learning_rate=1.0, schedules=("learning_rate=linear:x0.5",))
          >>> float(config.at(5, schedule_steps=10).learning_rate)
          0.75
        """
        config = self
        for schedule in map(parse_schedule, self.schedules):
            own = getattr(config, schedule.setting)
            value = schedule.value(own, step, self.batch_size, schedule_steps)
            config = config.with_traced({schedule.setting: value})
        return config if config is self else dataclasses.replace(config, schedules=())

    def with_traced(self, values: Mapping[str, ArrayLike]) -> "GanConfig":
        """The same with other values of traced settings, which are not checked."""
        traced = {name: getattr(self, name) for name in TRACED} | dict(values)
        return _unflatten(tuple(getattr(self, name) for name in STATIC), traced.values())

    def of_discriminator(self) -> "GanConfig":
        """The same with D's width, as the layers of D take it."""
        own = self.discriminator_width
        return self if own is None else dataclasses.replace(self, width=own, discriminator_width=None)

    def __post_init__(self) -> None:
        convert_fields(self, GanConfig, leave=[name for name in TRACED if isinstance(getattr(self, name), _ARRAYS)])
        require(
            _is_allowed(self.image_shape),
            "image_shape",
            self.image_shape,
            f"(S, S, C) with S from 4 to {MAX_IMAGE}, or (D,) for points; resize the images",
        )
        for name in ("latent_dim", "batch_size", "num_classes", "critic_steps", "packing", "expansion", *_EVERY):
            require_count(self, name, most=MAX_SIZE)
        for name in ("width", "discriminator_width", "max_channels"):
            if getattr(self, name) is not None:
                require_count(self, name, most=MAX_WIDTH)
        require(self.batch_size >= 2, "batch_size", self.batch_size, "at least 2: batch normalization needs two images")
        for name, (holds, allowed) in _RANGES.items():
            _require_number(self, name, holds, allowed)
        find_objective(self.objective)
        find_optimizer(self.optimizer)
        for name, find in _PARTS.items():
            chosen = getattr(self, name)
            require(len(set(chosen)) == len(chosen), name, chosen, "different ones")
            for item in chosen:
                find(item)
        self._require_schedules()
        if "ada" in self.controllers and not self.augmentations:
            raise InputError(
                "controllers are 'ada', which has no effect without augmentations; give some, or leave it out."
            )
        if self.makes_points and self.augmentations:
            raise InputError(f"augmentations are {self.augmentations}, which are of images; for points give none.")
        if self.makes_points and self.mirror:
            raise InputError("mirror is of images; for points leave it out.")
        counts = self.class_counts
        fitting = not counts or (len(counts) == self.num_classes and min(counts) >= 0 < max(counts))
        require(fitting, "class_counts", counts, f"{self.num_classes} counts of at least 0, not all 0, or none")
        self._require_stages()
        self._require_packs()
        self._require_parts()
        self._require_compatible()

    def _require_schedules(self) -> None:
        for schedule in map(parse_schedule, self.schedules):
            name = schedule.setting
            require(name in TRACED, "the setting of a schedule", name, f"one of {', '.join(TRACED)}")
            own, end = getattr(self, name), schedule.other
            if own is None:
                raise InputError(f"schedules move {name}, which is not set; give it too.")
            if schedule.is_factor:
                end = end * own if isinstance(own, numbers.Real) else 0
            holds, allowed = _RANGES[name]
            fits = end == 0 or holds(end)  # a warm-up may begin at 0
            require(fits, f"{name} in schedules", end, f"0, or {allowed}")

    def _require_stages(self) -> None:
        for name in _STAGES:
            values = getattr(self, name)
            require(all(1 <= value <= MAX_WIDTH for value in values), name, values, f"numbers from 1 to {MAX_WIDTH}")
        require(self.stage_blocks != (), "stage_blocks", self.stage_blocks, "at least one number")
        require(self.bfloat16_stages >= 0, "bfloat16_stages", self.bfloat16_stages, "a whole number of at least 0")
        if self.stage_widths and self.discriminator_width is not None:
            raise InputError("discriminator_width has no effect beside stage_widths; leave one of them out.")

    def _require_parts(self) -> None:
        """Check that the gradient of a batch is the mean of its micro-batches' gradients."""
        if self.micro_batch is None:
            return
        allowed = f"a divisor of batch_size, {self.batch_size}"
        require(
            self.micro_batch >= 1 and self.batch_size % self.micro_batch == 0, "micro_batch", self.micro_batch, allowed
        )
        for name, value, whole in (
            ("packing", self.packing, 1),
            ("penalty_share", self.penalty_share, 1),
            ("generator_penalties", self.generator_penalties, ()),
        ):
            if value != whole:
                raise InputError(
                    f"micro_batch is {self.micro_batch}, but {name} is {value}, which needs whole batches."
                )

    def _require_packs(self) -> None:
        if self.packing == 1:
            return
        whole = self.batch_size % self.packing == 0
        require(whole, "packing", self.packing, f"a divisor of batch_size, {self.batch_size}")
        if self.penalties or self.conditional:
            reason = "a penalty is on single images" if self.penalties else "each image has its own class"
            raise InputError(f"packing is {self.packing}, but {reason}; leave packing at 1.")

    def _require_compatible(self) -> None:
        """Refuse what is known not to train."""
        paired = find_objective(self.objective).sees_reals
        if self.normalization == "batch" and (self.penalties or paired):
            reason = (
                f"{self.objective} compares single images" if paired else "a penalty is on each image's own gradient"
            )
            raise InputError(
                f"normalization is 'batch', which makes D's logit of an image depend on the others in its batch, but "
                f"{reason} (R3GAN, section 3); choose normalization 'none' or 'spectral'."
            )
        weights = [weight for weight in (self.real_weight, self.fake_weight) if isinstance(weight, numbers.Real)]
        if paired and any(weight != 1 for weight in weights):
            raise InputError(f"{self.objective} has one term per pair; leave real_weight and fake_weight at 1.")


_FIELDS = dataclasses.fields(GanConfig)
TRACED = tuple(item.name for item in _FIELDS if item.metadata.get("traced"))
STATIC = tuple(item.name for item in _FIELDS if not item.metadata.get("traced"))
COUNTS = ("critic_steps", "packing", "batch_size", "width", "discriminator_width", "latent_dim")
SWEEPABLE = (*TRACED, "penalty_share", *COUNTS)


def _flatten(config: GanConfig) -> tuple[tuple[tuple[Any, Any], ...], tuple[Any, ...]]:
    traced = tuple((jax.tree_util.GetAttrKey(name), getattr(config, name)) for name in TRACED)
    return traced, tuple(getattr(config, name) for name in STATIC)


def _unflatten(static: tuple[Any, ...], traced: Iterable[Any]) -> GanConfig:
    """Rebuild a configuration around whatever a transformation puts in its place; nothing is checked here."""
    config = object.__new__(GanConfig)
    config.__dict__.update(zip(STATIC, static, strict=True), **dict(zip(TRACED, traced, strict=True)))
    return config


jax.tree_util.register_pytree_with_keys(GanConfig, _flatten, _unflatten)

_POSITIVE = (lambda value: 0 < value < float("inf")), "a number above 0"
_AT_LEAST_0 = (lambda value: 0 <= value < float("inf")), "a number of at least 0"
_DECAY = (lambda value: 0 <= value < 1), "at least 0 and below 1"
_SHARE = (lambda value: 0 < value <= 1), "above 0 and at most 1"
_RANGES = {
    **dict.fromkeys(("learning_rate", "discriminator_learning_rate"), _POSITIVE),
    "ema_ramp": _POSITIVE,
    "ema_half_life": _AT_LEAST_0,
    **dict.fromkeys(("real_weight", "fake_weight", "penalty_weight", "generator_penalty_weight"), _AT_LEAST_0),
    **dict.fromkeys(("beta1", "beta2"), _DECAY),
    "penalty_share": _SHARE,
    "augmentation_probability": ((lambda value: 0 <= value <= 1), "from 0 to 1"),
}
_STAGES = ("stage_widths", "stage_cardinalities", "stage_blocks")
_EVERY = ("penalty_every", "generator_penalty_every")
_PARTS: dict[str, Callable[[str], Any]] = {
    "penalties": find_penalty,
    "generator_penalties": find_generator_penalty,
    "augmentations": find_augmentation,
    "controllers": find_controller,
}


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Check a value that a person chose.

    Raises:
      InputError: the condition does not hold; the message names the value and what is allowed.
    """
    if not condition:
        raise InputError(f"{name} is {value!r}; it must be {allowed}.")


def _is_allowed(shape: tuple[int, ...]) -> bool:
    """Whether there are networks for images, or points, of a shape."""
    if len(shape) == 1:
        return shape[0] >= 1
    return len(shape) == 3 and shape[0] == shape[1] and 4 <= shape[0] <= MAX_IMAGE and shape[2] >= 1


def require_count(config: object, name: str, most: int = 2**31 - 1) -> None:
    """Raise an ``InputError`` unless a field is a whole number from 1 to ``most``."""
    value = getattr(config, name)
    whole = isinstance(value, int) and 1 <= value <= most
    require(whole, name, value, f"a whole number of at least 1 and at most {most}")


def _require_number(config: object, name: str, holds: Any, allowed: str) -> None:
    value = getattr(config, name)
    if isinstance(value, numbers.Real):
        require(holds(value), name, value, allowed)
        with np.errstate(over="ignore"):
            rounded = np.float32(value)
        kept = bool(value == 0 or abs(rounded) >= _SMALLEST)
        require(holds(rounded) and kept, name, value, f"{allowed}, and so when it is rounded to float32")
