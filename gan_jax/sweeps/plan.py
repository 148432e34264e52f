"""Many runs from one set of flags: seeds, and values of the numbers that decide a step."""

import dataclasses
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.config import COUNTS, STATIC, SWEEPABLE
from gan_jax.data.folders import is_path
from gan_jax.errors import InputError
from gan_jax.files import expand_home
from gan_jax.recipes import RECIPES
from gan_jax.setting_groups import MAX_SEED, GanSettings, RunSettings
from gan_jax.settings import RunConfig
from gan_jax.storage.run_json import has_run_json

_MOST = 10_000  # runs, and seeds


class Trial(NamedTuple):
    """One of many runs."""

    name: str  # its folder in the output folder, such as learning_rate=0.0001/seed_3
    values: dict[str, float]  # what is swept, and its value here
    settings: RunConfig


def in_turn(trials: Sequence[Trial]) -> Iterator[Trial]:
    """The trials one after another; where the next needs other compiled programs, those of the last are dropped.

    The programs of a training hold hundreds of mappings of memory on a CPU. Linux allows a process 65,530, and beyond
    them XLA crashes.
    """
    compiled_for = _static(trials[0])
    for trial in trials:
        if _static(trial) != compiled_for:
            jax.clear_caches()
        compiled_for = _static(trial)
        yield trial


def _static(trial: Trial) -> dict[str, float]:
    """What is swept and compiled into a program."""
    return {name: value for name, value in trial.values.items() if name in STATIC}


def default_folder(settings: RunSettings, *, recipe: str | None = None, dataset: str | None = None) -> Path:
    """The folder of a training that is given none: ``runs/DATASET-RECIPE-GAME-MANY``, without what does not apply.

    DATASET is the data set's name, or that of its folder or file. RECIPE is the one that was asked for by its name, or
    that the settings are equal to, if they are not the default ones. GAME is what is trained, unless it is the joint
    game. MANY is ``seeds``, or the names of the settings that are swept.

    Args:
      settings: what is trained on what; its numbers are not checked.
      recipe: the name that was asked for, if any.
      dataset: the name of the images, where they are not those that the settings name.

    Raises:
      InputError: a sweep cannot be read.

    Examples:
      >>> from gan_jax import recipe
      >>> default_folder(RunConfig(recipe("r3gan"), "generator", "digits", seeds="0:4")).as_posix()
      'runs/digits-r3gan-generator-seeds'
    """
    if dataset is None and is_path(settings.dataset):
        path = expand_home(Path(settings.dataset)).resolve()
        dataset = path.stem if path.suffix in (".zip", ".npz") else path.name
    equal = (name for name, one in RECIPES.items() if vars(one.settings) == vars(settings.gan) != vars(GanSettings()))
    swept = [parse_sweep(text)[0] for text in settings.sweep]
    many = swept or (["seeds"] if settings.has_many_runs else [])
    names = [
        dataset or settings.dataset,
        recipe or next(equal, ""),
        "" if settings.game == "joint" else settings.game,
        *many,
    ]
    return Path("runs", "-".join(re.sub(r"^\.+|[^\w.-]+", "_", name) for name in names if name))


def list_trials(settings: RunConfig) -> list[Trial]:
    """Every value of the sweep times every seed.

    Raises:
      InputError: seeds or values cannot be read, a value is outside its range, or the output folder is a run's own.
    """
    seeds = [settings.seed] if settings.seeds is None else parse_seeds(settings.seeds)
    if settings.seeds is not None and settings.seed != RunConfig.seed:
        raise InputError(f"seed is {settings.seed} and seeds is {settings.seeds!r}; give one of them.")
    if has_run_json(settings.folder):
        raise InputError(f"{settings.folder} holds a single run; give many runs another --output-dir.")
    swept = [parse_sweep(text) for text in settings.sweep]
    names = [name for name, _ in swept]
    if len(set(names)) < len(names):
        raise InputError(f"sweep names {', '.join(names)}; name each setting once, with all its values.")
    count = math.prod([len(seeds), *(len(values) for _, values in swept)])
    if count > _MOST:
        raise InputError(f"sweep and seeds ask for {count:,} runs; it must be {_MOST:,} at most: give fewer values.")
    trials = []
    for choice in itertools.product(*([(name, value) for value in values] for name, values in swept)):
        for seed in seeds:
            folders = [f"{name}={format_value(value)}" for name, value in choice] + [f"seed_{seed}"]
            gan = dataclasses.replace(settings.gan, **dict(choice))
            of_one = {"gan": gan, "seed": seed, "seeds": None, "sweep": ()}
            of_one |= {"output_dir": settings.folder.joinpath(*folders)}
            own = dataclasses.replace(settings, **of_one, resume=True, overwrite=False)  # as the folder of all allows
            trials.append(Trial("/".join(folders), dict(choice), own))
    return trials


def format_value(value: float) -> str:
    """A swept value as short as it can be without becoming another number.

    Examples:
      >>> format_value(2e-4), format_value(0.1 + 0.2)
      ('0.0002', '0.30000000000000004')
    """
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def parse_seeds(text: str) -> list[int]:
    """``0:8`` is 0 to 7; ``0,3,5`` are these.

    Raises:
      InputError: it is neither, there is none, or one is outside its range.

    Examples:
      >>> parse_seeds("0:3"), parse_seeds("0,3,5")
      ([0, 1, 2], [0, 3, 5])
    """
    try:
        if ":" in text:
            first, last = text.split(":")
            seeds = range(int(first or 0), int(last))
        else:
            seeds = [int(seed) for seed in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or seeds[_MOST:] or len(set(seeds)) < len(seeds):
        raise InputError(
            f"seeds is {text!r}; it must be A:B with A below B, or different numbers such as 0,3,5; {_MOST:,} at most."
        )
    if min(seeds) < 0 or max(seeds) > MAX_SEED:
        raise InputError(f"seeds is {text!r}; each seed must be from 0 to {MAX_SEED}.")
    return list(seeds)


def parse_sweep(text: str) -> tuple[str, list[int] | list[float]]:
    """``learning_rate=1e-4,2e-4`` is a name and its values.

    Raises:
      InputError: it is not, or the name is none of ``SWEEPABLE``.

    Examples:
      >>> parse_sweep("learning-rate=1e-4,2e-4")
      ('learning_rate', [0.0001, 0.0002])
    """
    name, _, values = text.partition("=")
    name = name.replace("-", "_")
    number_type = int if name in COUNTS else float
    try:
        numbers = [number_type(value) for value in values.split(",")]
    except ValueError:
        numbers = []
    if name not in SWEEPABLE or not numbers:
        raise InputError(f"sweep is {text!r}; it must be name=value,value with a name of {', '.join(SWEEPABLE)}.")
    with np.errstate(over="ignore"):
        computed = numbers if number_type is int else np.asarray(numbers, np.float32).tolist()
    if len(set(computed)) < len(numbers):
        raise InputError(f"sweep is {text!r}, of which two values are the same in float32; give each once.")
    return name, numbers
