"""The flags of a training: the settings by their parts, each of which is a group of ``--help``."""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, get_type_hints

import tyro

from gan_jax.config import (
    AugmentationConfig,
    EmaConfig,
    GanConfig,
    NetworkConfig,
    ObjectiveConfig,
    OptimizerConfig,
)
from gan_jax.settings import DeviceConfig, RunConfig, SavingConfig, SweepConfig, TrainingConfig


@dataclasses.dataclass(frozen=True)
class _NetworkFlags(NetworkConfig):
    """What the networks are, and what they make."""

    image_shape: Annotated[tuple[int, ...], tyro.conf.Suppress] = (28, 28, 1)  # the data set decides these three
    num_classes: Annotated[int, tyro.conf.Suppress] = 10
    class_counts: Annotated[tuple[int, ...], tyro.conf.Suppress] = ()


@dataclasses.dataclass(frozen=True)
class GanFlags:
    """``GanConfig`` as a command line gives it; ``gan_config`` checks the values."""

    networks: _NetworkFlags = field(default_factory=_NetworkFlags)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    ema: EmaConfig = field(default_factory=EmaConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


@dataclasses.dataclass(frozen=True)
class _TrainingFlags(TrainingConfig):
    """What is trained, for how long, from which seed and images."""

    gan: Annotated[GanConfig, tyro.conf.Suppress] = field(default_factory=GanConfig)
    imports: Annotated[tuple[str, ...], tyro.conf.Suppress] = ()  # --import, which every command has
    recipe: str | None = None
    """Begin with a recipe's networks, objective and optimizer, which other flags change; see gan-jax recipes."""


@dataclasses.dataclass(frozen=True)
class _SavingFlags(SavingConfig):
    """When a run reports, is scored and is saved, and where its files go."""

    tracker: tyro.conf.UseAppendAction[tuple[str, ...]] = ()


@dataclasses.dataclass(frozen=True)
class _FirstFlags:
    training: _TrainingFlags = field(default_factory=_TrainingFlags)
    saving: _SavingFlags = field(default_factory=_SavingFlags)


@dataclasses.dataclass(frozen=True)
class RunFlags(GanFlags, _FirstFlags):
    """``RunConfig`` as a command line gives it."""

    many_runs: SweepConfig = field(default_factory=SweepConfig)
    devices: DeviceConfig = field(default_factory=DeviceConfig)


def gan_flags(config: GanConfig) -> GanFlags:
    """A configuration as the defaults of a command line."""
    return _grouped(GanFlags, vars(config))


def run_flags(settings: RunConfig) -> RunFlags:
    """Settings as the defaults of a command line."""
    return _grouped(RunFlags, vars(settings) | vars(settings.gan))


def gan_config(flags: GanFlags) -> GanConfig:
    """The configuration that a command line gives.

    Raises:
      InputError: a value is outside its range.
    """
    return _of(GanConfig, _flat(flags))


class _UncheckedGan(GanConfig):
    def __post_init__(self) -> None:
        pass


class UncheckedRun(RunConfig):
    """Settings whose values are checked once they are all read, so that a mistake gets one line."""

    def __post_init__(self) -> None:
        """Check nothing."""

    def checked(self) -> RunConfig:
        """The settings.

        Raises:
          InputError: a value is outside its range.
        """
        values: dict[str, Any] = vars(self) | {"gan": GanConfig(**vars(self.gan))}
        return RunConfig(**values)


def run_config(flags: RunFlags) -> UncheckedRun:
    """The settings that a command line gives, which are not checked yet."""
    values = _flat(flags)
    return _of(UncheckedRun, values | {"gan": _of(_UncheckedGan, values)})


def _grouped(group: type[Any], values: Mapping[str, Any]) -> Any:
    """A dataclass of dataclasses, whose innermost fields are those of ``values`` that it has."""
    types, given = get_type_hints(group), {}
    for name in (part.name for part in dataclasses.fields(group)):
        if dataclasses.is_dataclass(types[name]) and types[name] is not GanConfig:
            given[name] = _grouped(types[name], values)
        elif name in values:
            given[name] = values[name]
    return group(**given)


def _flat(group: Any) -> dict[str, Any]:
    """The innermost fields of a dataclass of dataclasses."""
    values: dict[str, Any] = {}
    for name, value in vars(group).items():
        is_group = dataclasses.is_dataclass(value) and not isinstance(value, GanConfig)
        values |= _flat(value) if is_group else {name: value}
    return values


def _of(target: type[Any], values: Mapping[str, Any]) -> Any:
    return target(**{part.name: values[part.name] for part in dataclasses.fields(target)})
