"""Time the joint step of recipes beside PyTorch's own form of it, eager and compiled, on the CPU.

python benchmarks/recipe_time.py --json docs/results/recipe_time.json

All forms of a recipe take turns in one process. torch.compile cannot differentiate twice, so that it has no form of a
recipe with a penalty. PyTorch must be installed: pip install -e ".[benchmark]".
"""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import jax
import tyro
from machine import describe_machine, write_figures
from step_time import GAN_JAX
from tables import recipes_table
from timing import Form, neighbours, race, random_data, thread_count

from gan_jax import RECIPES, GanConfig, recipe

EAGER, COMPILED = "PyTorch eager", "torch.compile"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    recipes: tuple[str, ...] = tuple(name for name in RECIPES if recipe(name).network != "r3gan")
    """Which recipes."""
    width: int | None = None
    """The networks' width; the recipe's own by default."""
    image_shape: tuple[int, int, int] | None = None
    """Height, width and channels; the recipe's own by default."""
    batch_size: int | None = None
    """Images in a batch; the recipe's own by default."""
    rounds: int = 11
    """Turns of each form."""
    steps: int = 5
    """Steps in a turn."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> int:
    if importlib.util.find_spec("torch") is None:
        print('error: this compares with PyTorch; install it with pip install -e ".[benchmark]"', file=sys.stderr)
        return 2
    if jax.default_backend() != "cpu":
        print("error: this compares on the CPU; set JAX_PLATFORMS=cpu", file=sys.stderr)
        return 2
    from torch_peer import set_threads

    set_threads(thread_count())
    print(f"{describe_machine()}\n")
    races = {}
    for name in settings.recipes:
        changes = {key: getattr(settings, key) for key in ("width", "image_shape", "batch_size")}
        config = dataclasses.replace(
            recipe(name), **{key: value for key, value in changes.items() if value is not None}
        )
        races[name] = race(forms(config, settings.steps), settings.rounds)
        print(
            f"{name}: {', '.join(f'{form} {timing.median:.0f} ms' for form, timing in races[name].items())}", flush=True
        )
    figures = {name: {form: timing.as_dict() for form, timing in one.items()} for name, one in races.items()}
    batches = {name: settings.batch_size or recipe(name).batch_size for name in races}
    print(f"\n{recipes_table(figures, batches)}\n\n{neighbours(races.values())}")
    write_figures(settings, recipes=figures)
    return 0


def forms(config: GanConfig, steps: int) -> dict[str, Form]:
    """gan_jax's step as training runs it, and PyTorch's as far as there is one."""
    from jax_forms import scan_form
    from torch_recipes import RecipePeer

    images, order = random_data(config, steps)
    found = {GAN_JAX: scan_form(config.at(0, 10_000), "joint", images, order)}
    found[EAGER] = RecipePeer(config, images).form(order)
    if not config.penalties:
        found[COMPILED] = RecipePeer(config, images, compiled=True).form(order)
    return found


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Settings, description=__doc__)))
