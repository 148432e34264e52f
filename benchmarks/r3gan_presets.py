"""Count what R3GAN's presets hold in memory before the first activation: parameters and training state.

python benchmarks/r3gan_presets.py --json docs/results/r3gan_presets.json

Nothing is trained or allocated; the numbers follow from the arrays' shapes.
"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import jax
import tyro
from machine import write_figures

from gan_jax import RECIPES, GanConfig, init_state, recipe

SHAPES = {  # of the images that a preset is for, and their classes
    "r3gan": ((28, 28, 1), 10),
    "r3gan-cifar10": ((32, 32, 3), 10),
    "r3gan-ffhq64": ((64, 64, 3), 1),
    "r3gan-ffhq256": ((256, 256, 3), 1),
    "r3gan-imagenet32": ((32, 32, 3), 1000),
    "r3gan-imagenet64": ((64, 64, 3), 1000),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where the figures go."""

    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    assert {name for name in RECIPES if recipe(name).network == "r3gan"} == set(SHAPES)
    found = {name: figures_of(config_of(name)) for name in SHAPES}
    for name, figures in found.items():
        print(name, figures)
    write_figures(settings, presets=found)


def config_of(name: str) -> GanConfig:
    shape, classes = SHAPES[name]
    return dataclasses.replace(recipe(name), image_shape=shape, num_classes=classes)


def figures_of(config: GanConfig) -> dict[str, Any]:
    state = jax.eval_shape(lambda: init_state(config, jax.random.key(0)))
    return {
        "generator_millions": count(state.generator.params) / 1e6,
        "discriminator_millions": count(state.discriminator.params) / 1e6,
        "state_megabytes": 4 * count(state) / 1e6,
        "batch_size": config.batch_size,
        "real_images_per_step": config.images_per_step,
    }


def count(tree: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
