"""What ``compare_recipes.py`` compares, written down before the first run.

Every arm may use the same seconds of training: those that the course's recipe needs for ``FINAL_EPOCHS`` epochs of
Fashion-MNIST on the machine at hand, compilation and scoring excluded. Every arm has the same number of trials, of
which the first has its defaults. A trial trains on the training images without the last ``TUNING_IMAGES`` and is
scored by these; the test images are opened once, by the final runs.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax import GanConfig, recipe

FINAL_EPOCHS = 20  # of the course's recipe
FINAL_SEEDS = (0, 1, 2, 3, 4)
COLLAPSE_SEEDS = (5, 6, 7)  # of the winner alone, for the third claim
TUNING_EPOCHS = 2  # a trial's horizon
TUNING_IMAGES = 10_000  # the last training images, which score the trials
TUNING_FAKES = 5_000
TUNING_SEED = 100
TRIALS = 12
SECOND_SEED = 1  # of the second feature network, which has another architecture too
CURVE_POINTS = 12  # snapshots of a final run whose distances are drawn against the time

# Trained to the end: the course's recipe as it is and as the search left it, the control, and the best other arm.
COURSE, CONTROL = "course", "control"
PARTS = {"whole": 1, "third": 1 / 3}  # of the course's time; the course as it is takes the whole alone

CLAIMS = {
    "a third of the time": (
        "The last iterate of a run as long as a third of the course's has at most its Fréchet distance.",
        "The mean over seeds of the logarithm of the ratio is above 0 in the features of either network.",
    ),
    "the same time": (
        "In the course's time the Fréchet distance is at most a quarter of the course's, recall and coverage are "
        "higher, pixel W1 is lower, and fresh critics of two architectures tell fewer fakes.",
        "Any of these does not hold for the mean over seeds; for the Fréchet distance, in either network's features.",
    ),
    "every seed": (
        "No run of eight seeds collapses.",
        "A run diverges, or its Fréchet distance at the end is above that of the course's recipe with its seed.",
    ),
}
"""Each claim, and what would refute it."""


class LogUniform(NamedTuple):
    """Numbers whose logarithms are spread evenly."""

    low: float
    high: float

    def draw(self, generator: np.random.Generator) -> float:
        """One of them, to two digits."""
        return float(f"{np.exp(generator.uniform(np.log(self.low), np.log(self.high))):.2g}")


class OneOf(NamedTuple):
    """Values that are equally likely."""

    values: tuple[Any, ...]

    def draw(self, generator: np.random.Generator) -> Any:
        """One of them."""
        return self.values[generator.integers(len(self.values))]


class Arm(NamedTuple):
    """A way to train: a configuration, and what is searched around it."""

    config: GanConfig
    label: str
    space: Mapping[str, LogUniform | OneOf]
    averaged: bool = True
    """Whether the averaged generator counts; both are always scored."""


SIZES = ((128, 64), (64, 64), (128, 32))  # batch and width; the first is every arm's default
_SHARED = {
    "size": OneOf(SIZES),
    "learning_rate": LogUniform(1e-4, 4e-3),
    "beta1": OneOf((0.0, 0.5)),
    "ema_half_life": LogUniform(5e3, 1e5),
}
_CONTROL = recipe("fast")


def _on_control(name: str, **changes: Any) -> GanConfig:
    """Another recipe with the control's schedule and average."""
    kept = ("schedules", "ema_half_life")
    shared = {field: getattr(_CONTROL, field) for field in kept}
    return dataclasses.replace(recipe(name), **shared, **changes)


ARMS = {
    "course": Arm(
        dataclasses.replace(recipe("dcgan"), ema_half_life=_CONTROL.ema_half_life),
        "the course's recipe",
        _SHARED,
        averaged=False,
    ),
    "control": Arm(_CONTROL, "its learning rate raised and falling, averaged", _SHARED),
    "augmented": Arm(
        dataclasses.replace(_CONTROL, augmentations=("translation",)), "control, D sees shifted images", _SHARED
    ),
    "r1": Arm(
        _on_control("r1"), "R1 in place of batch normalization", _SHARED | {"penalty_weight": LogUniform(0.03, 3)}
    ),
    "r3gan": Arm(
        _on_control("r3gan-dcgan"), "relativistic with R1 and R2", _SHARED | {"penalty_weight": LogUniform(0.01, 1)}
    ),
    "infogan": Arm(_on_control("lucic", batch_size=128, learning_rate=1e-3), "control with InfoGAN's network", _SHARED),
}


def settings_of(arm: str, trial: int) -> dict[str, Any]:
    """What a trial of an arm changes; nothing for the first.

    Examples:
      >>> settings_of("control", 0)
      {}
      >>> settings_of("control", 1) == settings_of("control", 1)
      True
    """
    if trial == 0:
        return {}
    generator = np.random.default_rng([list(ARMS).index(arm), trial])
    return {name: space.draw(generator) for name, space in ARMS[arm].space.items()}


def configuration(arm: str, settings: Mapping[str, Any]) -> GanConfig:
    """An arm's configuration with the settings of a trial."""
    changes = dict(settings)
    batch_size, width = changes.pop("size", SIZES[0])
    return dataclasses.replace(ARMS[arm].config, batch_size=batch_size, width=width, **changes)


def counted(arm: str) -> str:
    """The generator of an arm that counts."""
    return "averaged" if ARMS[arm].averaged else "last"


def finalists(trials: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """The arms that are trained to the end, with the settings that the search chose.

    Args:
      trials: all of the search; a trial that diverged has None for a distance.

    Returns:
      By name, an arm and its settings.
    """

    def distance(trial: Mapping[str, Any]) -> float:
        found = trial[counted(trial["arm"])]
        return np.inf if found is None else found

    best = {arm: min((entry for entry in trials if entry["arm"] == arm), key=distance) for arm in ARMS}
    winner = min((arm for arm in ARMS if arm not in (COURSE, CONTROL)), key=lambda arm: distance(best[arm]))
    searched = {f"{arm}, searched": (arm, best[arm]["settings"]) for arm in (COURSE, CONTROL, winner)}
    return {COURSE: (COURSE, {}), **searched}


def cost_of(config: GanConfig) -> str:
    """A name for everything that decides what a step costs: configurations of one name cost the same."""
    parts = (config.network, config.objective, config.normalization, *config.penalties, *config.augmentations)
    return f"{'-'.join(parts)} batch {config.batch_size} width {config.width}"


def costs() -> dict[str, GanConfig]:
    """A configuration of every cost, the course's first."""
    every = (configuration(arm, {"size": size}) for size in SIZES for arm in ARMS)
    return {cost_of(config): config for config in every}
