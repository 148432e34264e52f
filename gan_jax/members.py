"""Many runs from one set of flags: seeds, and values of what a compiled step takes as operands."""

import dataclasses
import itertools
from typing import NamedTuple

from gan_jax.config import TRACED, RunConfig
from gan_jax.errors import InputError


class Member(NamedTuple):
    """One of many runs."""

    name: str  # its folder in the output folder, such as learning_rate=0.0001/seed_3
    values: dict[str, float]  # what is swept, and its value here
    settings: RunConfig


def list_members(settings: RunConfig) -> list[Member]:
    """Every value of the sweep times every seed.

    Raises:
      InputError: seeds or values cannot be read, or a value is outside its range.
    """
    seeds = [settings.seed] if settings.seeds is None else parse_seeds(settings.seeds)
    swept = [parse_sweep(text) for text in settings.sweep]
    members = []
    for choice in itertools.product(*([(name, value) for value in values] for name, values in swept)):
        for seed in seeds:
            folders = [f"{name}={value:g}" for name, value in choice] + [f"seed_{seed}"]
            gan = dataclasses.replace(settings.gan, **dict(choice))
            place = settings.output_dir.joinpath(*folders)
            own = dataclasses.replace(settings, gan=gan, seed=seed, seeds=None, sweep=(), output_dir=place)
            members.append(Member("/".join(folders), dict(choice), own))
    return members


def parse_seeds(text: str) -> list[int]:
    """``0:8`` is 0 to 7; ``0,3,5`` are these.

    Raises:
      InputError: it is neither, or there is none.
    """
    try:
        if ":" in text:
            first, last = text.split(":")
            seeds = list(range(int(first or 0), int(last)))
        else:
            seeds = [int(seed) for seed in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds is {text!r}; it must be A:B with A below B, or different numbers such as 0,3,5.")
    return seeds


def parse_sweep(text: str) -> tuple[str, list[float]]:
    """``learning_rate=1e-4,2e-4`` is a name and its values.

    Raises:
      InputError: it is not, or the name is none of ``TRACED``.
    """
    name, _, values = text.partition("=")
    name = name.replace("-", "_")
    try:
        numbers = [float(value) for value in values.split(",")]
    except ValueError:
        numbers = []
    if name not in TRACED or not numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"sweep is {text!r}; it must be name=value,value with a name of {', '.join(TRACED)}.")
    return name, numbers
