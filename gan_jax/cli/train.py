"""``gan-jax train`` and the two standalone trainings, and what the scripts in ``experiments/`` call."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.flags import read_flags
from gan_jax.cli.parsing import import_named
from gan_jax.cli.trainings import TRAININGS
from gan_jax.errors import InputError
from gan_jax.files import expand_home
from gan_jax.recipes import AUTO, find_recipe
from gan_jax.setting_groups import GanSettings, RunSettings

if TYPE_CHECKING:
    from gan_jax.data.datasets import Dataset
    from gan_jax.runs.experiment import Experiment
    from gan_jax.settings import RunConfig


def run_script(
    defaults: RunSettings, args: Sequence[str] | None = None, experiment: "Experiment | None" = None
) -> None:
    """Train with the command line's flags; ``exit_on_errors`` says how it ends.

    With ``--resume`` the flags that are not given are those that the run recorded.

    Args:
      experiment: what to show; by default what ``experiment_of`` the game says.
      defaults: what each flag is when it is not given.
      args: the command line without the program's name; by default the process's.
    """
    args = sys.argv[1:] if args is None else args
    with exit_on_errors():
        options = {"description": sys.modules["__main__"].__doc__}
        _train(defaults, args, [Path(sys.executable).name, sys.argv[0], *args], experiment, **options)


def train(name: str, args: Sequence[str], description: str) -> None:
    """Train one of ``TRAININGS``."""
    _train(TRAININGS[name], args, ["gan-jax", name, *args], prog=f"gan-jax {name}", description=description)


def _train(
    defaults: RunSettings,
    args: Sequence[str],
    typed: Sequence[str],
    experiment: "Experiment | None" = None,
    **options: Any,
) -> None:
    asked = _read(defaults, args, **options)  # --help and a wrong flag end here, before JAX is imported
    prepare_libraries()
    from gan_jax.cli.next_command import program, run_and_say_next

    settings, dataset = asked()
    run_and_say_next(settings, [program(typed[0]), *typed[1:]], experiment, dataset)


def parse_flags(defaults: RunSettings, args: Sequence[str] | None = None, **options: Any) -> "RunConfig":
    """The settings that a command line gives, the folder included.

    Args:
      defaults: what each flag is when it is not given.
      args: the command line without the program's name; by default the process's.
      options: passed on to tyro.

    Raises:
      InputError: a value is outside its range, two flags contradict each other, --sweep is given twice, or the run
        to resume has no readable record.
    """
    return _read(defaults, sys.argv[1:] if args is None else args, **options)()[0]


def _read(
    defaults: RunSettings, args: Sequence[str], **options: Any
) -> "Callable[[], tuple[RunConfig, Dataset | None]]":
    """Read the flags; what is returned checks and completes them, for which JAX is imported."""
    args = import_named(args)
    given = [argument.partition("=")[0] for argument in args]
    if given.count("--sweep") > 1:
        raise InputError("--sweep is given twice; give it once, as --sweep name=value,value name=value,value.")
    if "--steps" in given and "--epochs" in given:
        raise InputError("--steps and --epochs both say how long to train; give one of them.")
    if "--seed" in given and "--seeds" in given:
        raise InputError("--seed and --seeds both say which seeds to train with; give one of them.")
    name, start = value_of(args, "--recipe"), value_of(args, "--start-from")
    if name not in (None, AUTO):
        defaults = _with_gan(defaults, find_recipe(name).settings)
    elif start is not None:
        from gan_jax.storage.load import load_run

        try:
            defaults = _with_gan(defaults, load_run(expand_home(Path(start))).config)
        except InputError:
            if "--resume" not in given:  # a run that goes on needs no start, and a new one is refused when it begins
                raise
    flags = read_flags(defaults, args, **options)
    says_nothing = name is None and start is None and vars(defaults) == vars(RunSettings())

    def completed() -> "tuple[RunConfig, Dataset | None]":
        from gan_jax.cli.completion import complete
        from gan_jax.data.folders import is_path

        choose = name == AUTO or (says_nothing and flags.game == "joint" and is_path(flags.dataset))
        return complete(flags, name, args, choose=choose, **options)

    return completed


def _with_gan(settings: RunSettings, gan: GanSettings) -> RunSettings:
    values: dict[str, Any] = vars(settings) | {"gan": gan}
    return RunSettings(**values)


def value_of(args: Sequence[str], flag: str) -> str | None:
    """The value of a flag that decides what the others are by default."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(flag, dest="value")
    try:
        return parser.parse_known_args(args)[0].value
    except argparse.ArgumentError:
        return None  # without a name: tyro says so
