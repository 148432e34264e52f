"""The flags of a training: the settings by their parts, each of which is a group of ``--help``."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, get_type_hints

import tyro

from gan_jax.cli.parsing import parse
from gan_jax.setting_groups import (
    AugmentationConfig,
    DeviceConfig,
    EmaConfig,
    GanSettings,
    NetworkConfig,
    ObjectiveConfig,
    OptimizerConfig,
    RunSettings,
    SavingConfig,
    SweepConfig,
    TrainingConfig,
)


@dataclasses.dataclass(frozen=True)
class _NetworkFlags(NetworkConfig):
    """What the networks are, and what they make."""

    image_shape: Annotated[tuple[int, ...], tyro.conf.Suppress] = (28, 28, 1)  # the data set decides these three
    num_classes: Annotated[int, tyro.conf.Suppress] = 10
    class_counts: Annotated[tuple[int, ...], tyro.conf.Suppress] = ()


@dataclasses.dataclass(frozen=True)
class GanFlags:
    """``GanSettings`` as a command line gives it."""

    networks: _NetworkFlags = field(default_factory=_NetworkFlags)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    ema: EmaConfig = field(default_factory=EmaConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


@dataclasses.dataclass(frozen=True)
class _TrainingFlags(TrainingConfig):
    """What is trained, for how long, from which seed and images."""

    gan: Annotated[GanSettings, tyro.conf.Suppress] = field(default_factory=GanSettings)
    imports: Annotated[tuple[str, ...], tyro.conf.Suppress] = ()  # --import, which every command has
    recipe: str | None = None
    """Begin with a recipe's networks, objective and optimizer, which other flags change; see gan-jax recipes. With auto
    it is chosen by the images' size, as for a folder, zip or npz where none is named."""


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
    """``RunSettings`` as a command line gives it."""

    many_runs: SweepConfig = field(default_factory=SweepConfig)
    devices: DeviceConfig = field(default_factory=DeviceConfig)


def gan_flags(config: GanSettings) -> GanFlags:
    """A configuration as the defaults of a command line."""
    return _grouped(GanFlags, vars(config))


def run_flags(settings: RunSettings) -> RunFlags:
    """Settings as the defaults of a command line."""
    return _grouped(RunFlags, vars(settings) | vars(settings.gan))


def gan_settings(flags: GanFlags) -> GanSettings:
    """The configuration that a command line gives, whose values are not checked yet."""
    return _of(GanSettings, _flat(flags))


def read_flags(defaults: RunSettings, args: Sequence[str], **options: Any) -> RunSettings:
    """The settings that the words of a command line give; their values are checked when ``RunConfig`` is made of them.

    Args:
      defaults: what each flag is when it is not given.
      args: the words.
      options: passed on to tyro.

    Raises:
      InputError: a flag is unknown, or has a value of another type.
    """
    values = _flat(parse(RunFlags, args, default=run_flags(defaults), **options))
    return _of(RunSettings, values | {"gan": _of(GanSettings, values)})


def _grouped(group: type[Any], values: Mapping[str, Any]) -> Any:
    """A dataclass of dataclasses, whose innermost fields are those of ``values`` that it has."""
    types, given = get_type_hints(group), {}
    for name in (part.name for part in dataclasses.fields(group)):
        if dataclasses.is_dataclass(types[name]) and types[name] is not GanSettings:
            given[name] = _grouped(types[name], values)
        elif name in values:
            given[name] = values[name]
    return group(**given)


def _flat(group: Any) -> dict[str, Any]:
    """The innermost fields of a dataclass of dataclasses."""
    values: dict[str, Any] = {}
    for name, value in vars(group).items():
        is_group = dataclasses.is_dataclass(value) and not isinstance(value, GanSettings)
        values |= _flat(value) if is_group else {name: value}
    return values


def _of(target: type[Any], values: Mapping[str, Any]) -> Any:
    return target(**{part.name: values[part.name] for part in dataclasses.fields(target)})
