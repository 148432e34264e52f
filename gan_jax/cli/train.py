"""``gan-jax train`` and the two standalone trainings, and what the scripts in ``experiments/`` call."""

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from gan_jax.cli.next_command import program, run_and_say_next
from gan_jax.cli.parsing import import_named, parse
from gan_jax.cli.statuses import exit_statuses, prepare_libraries
from gan_jax.config import GanConfig
from gan_jax.data.image_set import listed
from gan_jax.errors import InputError
from gan_jax.files import expand_home, warn
from gan_jax.recipes import recipe
from gan_jax.runs.experiment import Experiment
from gan_jax.settings import RunConfig
from gan_jax.storage.load import load_run
from gan_jax.storage.record import Record, first_of_many, has_record, read_record, read_settings
from gan_jax.sweeps.folder import read_sweep
from gan_jax.sweeps.plan import default_folder, parse_sweep


@dataclasses.dataclass(frozen=True)
class GanFlags(GanConfig):
    """``GanConfig`` as a command line gives it."""

    image_shape: Annotated[tuple[int, ...], tyro.conf.Suppress] = (28, 28, 1)  # the data set decides these three
    num_classes: Annotated[int, tyro.conf.Suppress] = 10
    class_counts: Annotated[tuple[int, ...], tyro.conf.Suppress] = ()

    def __post_init__(self) -> None:
        """Values are checked once they are all read, so that a mistake gets one line."""


@dataclasses.dataclass(frozen=True)
class _RunFlags(RunConfig):
    gan: GanFlags = dataclasses.field(default_factory=GanFlags)
    tracker: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    recipe: str | None = None
    """Begin with a recipe's networks, objective and optimizer, which other flags change; see gan-jax recipes."""

    def __post_init__(self) -> None:
        """Values are checked once they are all read, as in ``GanFlags``."""


def run_script(defaults: RunConfig, args: Sequence[str] | None = None, experiment: Experiment | None = None) -> None:
    """Train with the command line's flags; ``exit_statuses`` says how it ends.

    With ``--resume`` the flags that are not given are those that the run recorded.

    Args:
      experiment: what to show; by default what ``experiment_of`` the game says.
      defaults: what each flag is when it is not given.
      args: the command line without the program's name; by default the process's.
    """
    prepare_libraries()
    args = sys.argv[1:] if args is None else args
    with exit_statuses():
        description = sys.modules["__main__"].__doc__
        settings = parse_flags(defaults, args, description=description)
        run_and_say_next(settings, [program(Path(sys.executable).name), sys.argv[0], *args], experiment)


def parse_flags(defaults: RunConfig, args: Sequence[str] | None = None, **options: Any) -> RunConfig:
    """The settings that a command line gives, the folder included.

    Args:
      defaults: what each flag is when it is not given.
      args: the command line without the program's name; by default the process's.
      options: passed on to tyro.

    Raises:
      InputError: a value is outside its range, two flags contradict each other, --sweep is given twice, or the run
        to resume has no readable record.
    """
    args = import_named(sys.argv[1:] if args is None else args)
    given = [argument.partition("=")[0] for argument in args]
    if given.count("--sweep") > 1:
        raise InputError("--sweep is given twice; give it once, as --sweep name=value,value name=value,value.")
    if "--steps" in given and "--epochs" in given:
        raise InputError("--steps and --epochs both say how long to train; give one of them.")
    if "--seed" in given and "--seeds" in given:
        raise InputError("--seed and --seeds both say which seeds to train with; give one of them.")
    name, start = value_of(args, "--recipe"), value_of(args, "--start-from")
    if name is not None:
        defaults = dataclasses.replace(defaults, gan=recipe(name))
    elif start is not None:
        defaults = dataclasses.replace(defaults, gan=load_run(expand_home(Path(start))).config)
    flags = _read_flags(defaults, args, **options)
    is_default = flags.output_dir is None
    folder = flags.output_dir or default_folder(flags, recipe=name)
    flags = dataclasses.replace(flags, output_dir=folder)
    if flags.resume and (found := _recorded_run(flags)):
        recorded, _ = read_settings(found)
        if name is not None:
            recorded = dataclasses.replace(recorded, gan=recipe(name))
        steps = None if "--epochs" in given else recorded.steps  # a length in epochs replaces one in steps
        recorded = dataclasses.replace(recorded, steps=steps, output_dir=folder)
        if flags.has_many_runs:
            recorded = dataclasses.replace(_of_every_trial(flags, recorded), seed=flags.seed)
        flags = _read_flags(recorded, args, **options)
    elif flags.resume and is_default:
        _warn_of_no_run(folder)
    settings: RunConfig = _convert(flags, RunConfig, gan=gan_config(flags.gan))
    _require_effect(given, settings)
    return settings


_ENABLING: dict[str, tuple[Callable[[GanConfig], Any], tuple[str, ...]]] = {  # settings, and what is ignored without
    "schedules": (lambda gan: gan.needs_end, ("schedule_steps",)),
    "penalties": (lambda gan: gan.penalties, ("penalty_weight", "penalty_share", "penalty_every")),
    "generator_penalties": (
        lambda gan: gan.generator_penalties,
        ("generator_penalty_weight", "generator_penalty_every"),
    ),
    "augmentations": (lambda gan: gan.augmentations, ("augmentation_probability",)),
    "network": (
        lambda gan: gan.network not in ("dcgan", "infogan", "dense"),
        ("stage_widths", "stage_cardinalities", "stage_blocks", "expansion", "bfloat16_stages"),
    ),
    "average_half_life": (lambda gan: gan.has_average, ("average_ramp", "average_statistics")),
}


def _require_effect(given: Sequence[str], settings: RunConfig) -> None:
    """Refuse what would be ignored, among the flags that are given and the settings that are swept."""
    if "--parallel" in given and not settings.has_many_runs:
        raise InputError("--parallel is about many runs; give --seeds or --sweep too.")
    if "--sweep" in given and not settings.sweep:
        raise InputError("--sweep is empty; give --sweep name=value,value, or leave it out.")
    swept = [text.partition("=")[0].replace("-", "_") for text in settings.sweep]
    chosen = {*swept, *(name.removeprefix("--").replace("-", "_") for name in given)}
    for setting, (is_enabled, dependent) in _ENABLING.items():
        ignored = next((name for name in dependent if name in chosen), None)
        if ignored and setting not in swept and not is_enabled(settings.gan):
            raise InputError(f"{ignored} has no effect here; give --{setting.replace('_', '-')} too, or leave it out.")


def _recorded_run(flags: _RunFlags) -> Record | None:
    """What was recorded of the run to resume, or of the first of many."""
    if has_record(flags.folder):
        return read_record(flags.folder, replacing=True)
    found = read_sweep(flags.folder)
    if found and not flags.has_many_runs:
        raise InputError(f"{flags.folder} holds many runs; give their --seeds or --sweep too.")
    return found


def _warn_of_no_run(folder: Path) -> None:
    """Say where a run was looked for, and which are there; the folder that was meant may be that of other flags."""
    there = [str(path) for path in sorted(folder.parent.glob("*")) if has_record(path) or first_of_many(path)]
    others = f", such as {listed(there)}" if there else ""
    warn(f"{folder} holds no run to resume, so that a new one begins there; --output-dir names another{others}")


def _of_every_trial(flags: _RunFlags, settings: RunConfig) -> RunConfig:
    """What one trial's settings say of all: not where schedules end, where epochs differ in their steps."""
    swept = {parse_sweep(text)[0] for text in flags.sweep}
    return dataclasses.replace(settings, schedule_steps=None) if swept & {"batch_size", "critic_steps"} else settings


def value_of(args: Sequence[str], flag: str) -> str | None:
    """The value of a flag that decides what the others are by default."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(flag, dest="value")
    try:
        return parser.parse_known_args(args)[0].value
    except argparse.ArgumentError:
        return None  # without a name: tyro says so


def _read_flags(defaults: RunConfig, args: Sequence[str] | None, **options: Any) -> _RunFlags:
    """The command line's values, which are not checked yet."""
    default = _convert(defaults, _RunFlags, gan=gan_flags(defaults.gan))
    return parse(_RunFlags, args, default=default, **options)


def gan_flags(config: GanConfig) -> GanFlags:
    """A configuration as the defaults of a command line."""
    return _convert(config, GanFlags)


def gan_config(flags: GanFlags) -> GanConfig:
    """The configuration that a command line gives.

    Raises:
      InputError: a value is outside its range.
    """
    return _convert(flags, GanConfig)


def _convert(config: Any, kind: type[Any], **replacements: Any) -> Any:
    """The fields that both have in a dataclass of another kind."""
    known = {field.name for field in dataclasses.fields(kind)}
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config) if field.name in known}
    return kind(**values | replacements)


TRAININGS = {
    "train": RunConfig(),
    "standalone-generator": RunConfig(GanConfig(initializer="he"), "generator", epochs=5),
    "standalone-discriminator": RunConfig(game="discriminator", epochs=5),
}


def train(name: str, args: Sequence[str], description: str) -> None:
    """Train one of ``TRAININGS``."""
    settings = parse_flags(TRAININGS[name], args, prog=f"gan-jax {name}", description=description)
    run_and_say_next(settings, [program("gan-jax"), name, *args])


_OF_THE_DATA = ("image_shape", "num_classes", "class_counts")


def command_of(record: Record) -> str:
    """The command line that trains a recorded run again.

    It has the flags that are not at their defaults.
    """
    settings, config = read_settings(record)
    named = {defaults.game: (name, defaults) for name, defaults in TRAININGS.items()}
    name, defaults = named.get(settings.game, ("train", TRAININGS["train"]))
    ignored = [name for enabled, dependent in _ENABLING.values() if not enabled(config) for name in dependent]
    flags = _changed(config, defaults.gan, leave_out=(*_OF_THE_DATA, *ignored))
    length = () if settings.steps is None else ("epochs",)
    flags += _changed(settings, defaults, leave_out=("gan", "sweep", "seeds", "parallel", *length, *ignored))
    imports = [f"--import {shlex.quote(part)}" for part in record["imports"]]
    return " ".join([f"gan-jax {name}", *imports, *flags])


def _changed(values: Any, defaults: Any, leave_out: Sequence[str]) -> list[str]:
    """Flags for the fields that differ from the defaults."""
    flags = []
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if field.name in leave_out or value == getattr(defaults, field.name):
            continue
        flag = field.name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        elif field.name == "tracker":
            flags += [f"--tracker {name}" for name in value]
        else:
            words = value if isinstance(value, tuple) else (value,)
            flags.append(" ".join([f"--{flag}", *(shlex.quote(str(word)) for word in words)]))
    return flags
