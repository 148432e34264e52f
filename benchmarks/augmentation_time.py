"""Time the augmentation pipe beside the joint step that it is a part of.

python benchmarks/augmentation_time.py --json docs/results/augmentation_time.json

The steps take turns in one process, as the plain step, and with each augmentation. ``share`` is the time that the
augmentation adds as a part of the plain step; ``cpu_share`` is the same of the processors' time, which other programs
disturb less.
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import tyro
from machine import describe_machine, write_figures
from timing import Form, Timing, neighbours, race, random_data

from gan_jax import Batch, GanConfig, gan_step, init_state, run_keys, scan_steps
from gan_jax import recipe as find_recipe
from gan_jax.training.compiled import compiler_options

AUGMENTATIONS = {"none": (), "diffaugment": ("translation", "cutout"), "pipe": ("pipe",)}
WIDTHS = {"dcgan": 64, "r3gan": 32}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    recipes: tuple[str, ...] = tuple(WIDTHS)
    """Recipes whose step is timed."""
    batches: tuple[int, ...] = (32, 128)
    """Images in a batch."""
    size: int = 32
    """Pixels along an image's side; it has three channels."""
    probability: float = 0.5
    """Of each change; the time does not depend on it."""
    rounds: int = 7
    """Turns of each form."""
    steps: int = 2
    """Steps in a turn."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    print(f"{describe_machine()}\n")
    races = {}
    for recipe in settings.recipes:
        for batch_size in settings.batches:
            races[f"{recipe}, {batch_size}"] = race(forms(settings, recipe, batch_size), settings.rounds)
    figures = {name: {kind: figure(one, kind) for kind in one} for name, one in races.items()}
    for name, kinds in figures.items():
        shown = (f"{kind} {one['median_ms']:.0f} ms ({one['share']:+.0%})" for kind, one in kinds.items())
        print(f"{name}: {', '.join(shown)}")
    print(neighbours(races.values()))
    write_figures(settings, steps=figures)


def figure(timings: dict[str, Timing], kind: str) -> dict[str, object]:
    """A form's figures, with what it takes longer than the plain step."""
    own, plain = timings[kind].as_dict(), timings["none"].as_dict()
    shares = {"share": "min_ms", "cpu_share": "cpu_median_ms"}
    return own | {name: own[part] / plain[part] - 1 for name, part in shares.items()}


def forms(settings: Settings, recipe: str, batch_size: int) -> dict[str, Form]:
    """The joint step of a recipe with each augmentation."""
    shape = (settings.size, settings.size, 3)
    sizes = {"width": WIDTHS[recipe], "batch_size": batch_size, "image_shape": shape}
    gan = dataclasses.replace(find_recipe(recipe), **sizes, schedules=())
    return {kind: form(settings, gan, names) for kind, names in AUGMENTATIONS.items()}


def form(settings: Settings, gan: GanConfig, names: tuple[str, ...]) -> Form:
    """A few joint steps, compiled."""
    config = dataclasses.replace(gan, augmentations=names, augmentation_probability=settings.probability)
    images, order = (jnp.asarray(array) for array in random_data(config, settings.steps))
    keys = run_keys(0)
    state, batches = init_state(config, keys.init), Batch(images[order])
    program = jax.jit(scan_steps, static_argnames="step", compiler_options=compiler_options(jax.default_backend()))
    compiled = program.lower(config, gan_step, state, batches, keys.step).compile()
    return Form(lambda: jax.block_until_ready(compiled(config, state, batches, keys.step)), settings.steps)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
