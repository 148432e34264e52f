"""The next command to type, which a training prints at its end."""

import math
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from gan_jax.data.datasets import Dataset
from gan_jax.errors import StoppedError
from gan_jax.inference.operations import TRANSLATED
from gan_jax.parts import import_flags
from gan_jax.runs.experiment import Experiment
from gan_jax.runs.processes import is_main
from gan_jax.runs.watchers.console import say
from gan_jax.settings import RunConfig
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import read_run_json, read_settings
from gan_jax.sweeps.run import run_experiment

_LARGEST_PAGE = 10e6  # bytes, as gan-jax playground has it where it is not told otherwise
_SHOWN_REALS = 1000


def run_and_say_next(
    settings: RunConfig, typed: Sequence[str], experiment: Experiment | None = None, dataset: Dataset | None = None
) -> None:
    """Train what the settings ask for, and print what to type next.

    Args:
      settings: the runs, whose folder is chosen.
      typed: the words of the command line, which a training that is stopped is continued with.
      experiment: as for ``run_experiment``.
      dataset: as for ``run_experiment``.

    Raises:
      InputError, DivergedError, StoppedError: as ``run_experiment``.
    """
    stopped = None
    try:
        run_experiment(settings, experiment, dataset=dataset)
    except StoppedError as error:
        stopped = error
    if is_main() and not settings.quiet:
        say(f"Next: {resume_command(typed) if stopped else next_command(settings)}")
    if stopped:
        raise stopped


def next_command(settings: RunConfig) -> str:
    """What shows the result of a training that has come to its end.

    That is a report on many runs, and on a run whose generator has learned nothing; else the page of a run that can be
    rewound, if it is no larger than such pages may be; else a picture of samples.
    """
    folder = settings.folder
    if settings.has_many_runs:
        words = ["report", str(folder)]
    elif settings.game == "discriminator":
        words = ["report", str(folder), "--no-scores"]
    elif _has_page(settings):
        words = ["playground", str(folder), "--output", "page.html"]
    else:
        words = ["sample", str(folder), "--output", "grid.png"]
    return shlex.join([program("gan-jax"), *words, *import_flags()])


def resume_command(typed: Sequence[str]) -> str:
    """The command line that continues what another began."""
    return shlex.join([*(word for word in typed if word not in ("--overwrite", "--resume")), "--resume"])


def program(name: str) -> str:
    """How one types a program of this environment: its name where the shell finds it, else its path from here."""
    own, found, here = Path(sys.executable).with_name(name), shutil.which(name), Path.cwd()
    if not own.exists() or (found and Path(found).parent.resolve() == own.parent.resolve()):
        return name
    return str(own.relative_to(here) if own.is_relative_to(here) else own)


def _has_page(settings: RunConfig) -> bool:
    """Whether there are snapshots of networks that the page can run, and of a size that it may have."""
    known = settings.game in ("joint", "generator") and settings.gan.network in TRANSLATED
    return known and bool(RunFolder(settings.folder).snapshot_steps()) and _page_size(settings.folder) < _LARGEST_PAGE


def _page_size(folder: Path) -> float:
    """The most bytes that a page without snapshots has: both networks, three bytes a number, and images, in base64."""
    numbers = RunFolder(folder).weights.stat().st_size / 4
    _, config = read_settings(read_run_json(folder))
    return 0.5e6 + (3 * numbers + _SHOWN_REALS * math.prod(config.image_shape)) * 4 / 3
