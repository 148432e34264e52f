"""What ``colour.py`` compares on colour pictures, written down before the first run.

Every run may use the same seconds of processor time for its training steps, on the machine at hand; compilation and
scoring do not count. A run takes the steps that fit: a recipe's step is timed once, in processor time, so that other
work on the machine is of no consequence. CIFAR-10 is scored by its 10,000 test images, the emoji by the one in six that
is held out. Two networks score, and a ranking counts where both agree: EfficientNet-Lite0 of ImageNet
(``imagenet_features.py``), and the package's own evaluator of the data set.

The recipe ``r3gan`` is chosen first, on five in six of CIFAR-10's training images, scored by the others.

Two things were changed after thirteen trials of the search and one run of ``dcgan``, before any other run, and a third
after the search and two runs, which are made again:

- All recipes with DCGAN's layers have ``SIZE`` on CIFAR-10 too. At its own size ``dcgan`` took 378 steps in the time
  and had learned nothing (a Fréchet distance of 1,028 in ImageNet's features, a recall of 0; ``superseded.jsonl``).
- The search goes by the distance in ImageNet's features alone, from its second stage on again. In the evaluator's the
  trials that had learned least were the nearest, and as near as that ``dcgan``. ``search.jsonl`` has the former trials.
  Trials of one size take equal steps: their costs had been measured one by one, and differed by a third.
- A run keeps to one core, so that two go on at once, and the costs of a step are measured in turns on one core.
  Measured one after another, those of a recipe with classes had been 0.94 to 1.6 of those without, for almost the same
  work.
"""

import dataclasses
from typing import Any, NamedTuple

from gan_jax import GanConfig, recipe

SECONDS = {"search": 300, "cifar10": 300, "emoji": 300}  # of processor time for a run's training steps
SEARCH_SEED = 100
SEEDS = (0, 1, 2)
FAKES = 5_000
SIZE = {"width": 32, "batch_size": 32}  # of recipes with DCGAN's layers; their own is too large for so little time
RECIPES = ("dcgan", "best", "fast", "r1", "sn-hinge", "diffaugment", "r3gan")
BATCH_NORMALIZED = ("dcgan", "fast", "diffaugment")
EMOJI = (500, 1_000, 3_000)  # training images
FEW_CIFAR = 2_500

CLAIMS = {
    "r3gan": (
        "On CIFAR-10 at equal time r3gan has at most 0.7 of the Fréchet distance of every batch-normalized recipe.",
        "The mean over seeds of the logarithm of the ratio to one of them is above log 0.7 in either network.",
    ),
    "classes": (
        "With classes a recipe's Fréchet distance on CIFAR-10 is smaller than without.",
        "The mean over seeds and recipes of the logarithm of the ratio is above 0 in either network.",
    ),
    "gamma": (
        "The penalty weight 2e-4 · resolution² / batch is within 10 % of the best of five in Fréchet distance.",
        "On the search's images the distance with that weight is above 1.1 of the least in either network.",
    ),
    "few images": (
        "Below 3,000 images an augmentation lowers the Fréchet distance to the held-out images.",
        "No augmentation's mean over seeds is below that without, in either network.",
    ),
}
"""Each claim, and what would refute it."""


class Arm(NamedTuple):
    """A way to train on a set of images."""

    data: str
    """``cifar10``, ``emoji`` or ``search``, the part of CIFAR-10 on which r3gan is chosen."""
    config: GanConfig
    num_images: int | None = None
    """Training images; None: all."""
    like: str | None = None
    """The arm whose number of steps this one takes too; None: its own."""


SIZES: dict[str, dict[str, Any]] = {
    "16": {"width": 16, "batch_size": 32},
    "32": {"width": 32, "batch_size": 32},
    "16-128": {"width": 16, "max_channels": 128, "batch_size": 32},
    "16-b64": {"width": 16, "batch_size": 64},
}
RATES = (5e-4, 1e-3, 2e-3, 4e-3)
RULE = 2e-4 * 32**2 / 32
WEIGHTS = (RULE, 0.05, 0.3, 1.0, 5.0)
STAGES = ("size", "learning rate", "penalty weight")
AT_FIRST = {"learning_rate": RATES[0], "penalty_weight": 0.3}


def search_trials(stage: str, best: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By their names, the settings that a stage of the search compares.

    Args:
      stage: one of ``STAGES``.
      best: those of the best trial so far.
    """
    trials: list[dict[str, Any]]
    if stage == "size":
        trials = [AT_FIRST | size for size in SIZES.values()]
    elif stage == "learning rate":
        trials = [{**best, "learning_rate": rate} for rate in RATES]
    else:
        trials = [{**best, "penalty_weight": weight} for weight in WEIGHTS]
    return {name_of(trial): trial for trial in trials}


def name_of(trial: dict[str, Any]) -> str:
    """What a trial is called."""
    return " ".join(f"{name}={value:g}" for name, value in sorted(trial.items()))


def r3gan_with(changes: dict[str, Any]) -> GanConfig:
    """The recipe ``r3gan`` with what the search has chosen."""
    return dataclasses.replace(recipe("r3gan"), **changes)


def recipe_arms(chosen: dict[str, Any]) -> dict[str, Arm]:
    """Every recipe on both sets, with classes where there are any.

    Args:
      chosen: the settings of ``r3gan`` that the search has found.
    """
    configs = {name: dataclasses.replace(recipe(name), **SIZE) for name in RECIPES} | {"r3gan": r3gan_with(chosen)}
    with_classes = {f"{name} classes": dataclasses.replace(each, conditional=True) for name, each in configs.items()}
    return {
        **{f"cifar10 {name}": Arm("cifar10", config) for name, config in configs.items()},
        **{f"emoji {name}": Arm("emoji", config) for name, config in configs.items()},
        **{f"cifar10 {name}": Arm("cifar10", config) for name, config in with_classes.items()},
    }


AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "none": {"augmentations": (), "controllers": (), "augmentation_probability": None},
    "diffaugment": {"augmentations": ("translation", "cutout")},
    "pipe": {"augmentations": ("pipe",), "augmentation_probability": 0.3},
    "ada": {"augmentations": ("pipe",), "controllers": ("ada",), "augmentation_probability": 0.0},
}


def few_arms(base: GanConfig) -> dict[str, Arm]:
    """Few images with each augmentation.

    Args:
      base: of the recipe without an augmentation that has the least Fréchet distance on all emoji with the first seed.
    """
    sets = [*(("emoji", count) for count in EMOJI), ("cifar10", FEW_CIFAR)]
    return {
        f"{count} of {data} {name}": Arm(data, dataclasses.replace(base, **changes), count)
        for data, count in sets
        for name, changes in AUGMENTATIONS.items()
    }
