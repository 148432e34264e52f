"""``gan-jax train`` and the two standalone trainings, and what the scripts in ``experiments/`` call."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.flags import RunFlags, UncheckedRun, run_config, run_flags
from gan_jax.cli.next_command import program, run_and_say_next
from gan_jax.cli.parsing import import_named, parse
from gan_jax.cli.trainings import ENABLING, TRAININGS
from gan_jax.data.image_set import listed
from gan_jax.errors import InputError
from gan_jax.files import expand_home, warn
from gan_jax.parts import imported_names
from gan_jax.recipes import recipe
from gan_jax.runs.experiment import Experiment
from gan_jax.settings import RunConfig
from gan_jax.storage.load import load_run
from gan_jax.storage.run_json import RunJson, has_run_json, read_settings, runs_in
from gan_jax.sweeps.folder import recorded
from gan_jax.sweeps.plan import default_folder, parse_sweep


def run_script(defaults: RunConfig, args: Sequence[str] | None = None, experiment: Experiment | None = None) -> None:
    """Train with the command line's flags; ``exit_on_errors`` says how it ends.

    With ``--resume`` the flags that are not given are those that the run recorded.

    Args:
      experiment: what to show; by default what ``experiment_of`` the game says.
      defaults: what each flag is when it is not given.
      args: the command line without the program's name; by default the process's.
    """
    prepare_libraries()
    args = sys.argv[1:] if args is None else args
    with exit_on_errors():
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
        try:
            defaults = dataclasses.replace(defaults, gan=load_run(expand_home(Path(start))).config)
        except InputError:
            if "--resume" not in given:  # a run that goes on needs no start, and a new one is refused when it begins
                raise
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
    settings = dataclasses.replace(flags, imports=imported_names()).checked()
    _require_effect(given, settings)
    return settings


def _require_effect(given: Sequence[str], settings: RunConfig) -> None:
    """Refuse what would be ignored, among the flags that are given and the settings that are swept."""
    if "--parallel" in given and not settings.has_many_runs:
        raise InputError("--parallel is about many runs; give --seeds or --sweep too.")
    if "--sweep" in given and not settings.sweep:
        raise InputError("--sweep is empty; give --sweep name=value,value, or leave it out.")
    swept = [text.partition("=")[0].replace("-", "_") for text in settings.sweep]
    chosen = {*swept, *(name.removeprefix("--").replace("-", "_") for name in given)}
    for setting, (is_enabled, dependent) in ENABLING.items():
        ignored = next((name for name in dependent if name in chosen), None)
        if ignored and setting not in swept and not is_enabled(settings.gan):
            raise InputError(f"{ignored} has no effect here; give --{setting.replace('_', '-')} too, or leave it out.")


def _recorded_run(flags: RunConfig) -> RunJson | None:
    """What was recorded of the run to resume, or of the first of many."""
    found = recorded(flags.folder)
    if found and not (has_run_json(flags.folder) or flags.has_many_runs):
        raise InputError(f"{flags.folder} holds many runs; give their --seeds or --sweep too.")
    return found


def _warn_of_no_run(folder: Path) -> None:
    """Say where a run was looked for, and which are there; the folder that was meant may be that of other flags."""
    others = f", such as {listed(there)}" if (there := runs_in(folder.parent)) else ""
    warn(f"{folder} holds no run to resume, so that a new one begins there; --output-dir names another{others}")


def _of_every_trial(flags: RunConfig, settings: RunConfig) -> RunConfig:
    """One trial's recorded settings as the defaults of all; schedules end differently where epochs differ in steps."""
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


def _read_flags(defaults: RunConfig, args: Sequence[str] | None, **options: Any) -> UncheckedRun:
    return run_config(parse(RunFlags, args, default=run_flags(defaults), **options))


def train(name: str, args: Sequence[str], description: str) -> None:
    """Train one of ``TRAININGS``."""
    settings = parse_flags(TRAININGS[name], args, prog=f"gan-jax {name}", description=description)
    run_and_say_next(settings, [program("gan-jax"), name, *args])
