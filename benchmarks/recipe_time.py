"""Time the joint step of recipes beside PyTorch's own form of it, eager and compiled, on the CPU.

python benchmarks/recipe_time.py --json docs/results/recipe_time.json

All forms of a recipe take turns in one process. torch.compile cannot differentiate twice, so that it has no form of a
recipe with a penalty. PyTorch must be installed: pip install -e ".[benchmark]".
"""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import jax
import tyro
from step_time import GAN_JAX, describe_machine, machine
from timing import Form, Timing, neighbours, race, random_data, table, thread_count

from gan_jax import RECIPES, GanConfig, recipe

EAGER, COMPILED = "PyTorch eager", "torch.compile"
COURSE = "dcgan"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    recipes: tuple[str, ...] = tuple(RECIPES)
    """Which recipes."""
    width: int | None = None
    """The networks' width; the recipe's own by default."""
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
    races, rows = {}, []
    for name in settings.recipes:
        config = dataclasses.replace(recipe(name), schedule_steps=10_000)
        config = config if settings.width is None else dataclasses.replace(config, width=settings.width)
        races[name] = race(forms(config, settings.steps), settings.rounds)
        print(
            f"{name}: {', '.join(f'{form} {timing.median:.0f} ms' for form, timing in races[name].items())}", flush=True
        )
    for name, timings in races.items():
        rows.append([name, *row(recipe(name), timings, races.get(COURSE))])
    heading = [
        "recipe",
        "batch",
        "gan_jax",
        EAGER,
        COMPILED,
        "ratio",
        "images per second",
        "time per image, dcgan 1",
    ]
    print(f"\n{table(heading, rows)}\n\n{neighbours(races.values())}")
    if settings.json:
        figures = {name: {form: timing.as_dict() for form, timing in one.items()} for name, one in races.items()}
        chosen = dataclasses.asdict(settings)
        record = {"machine": machine(), "settings": chosen, "recipes": figures, "table": table(heading, rows)}
        settings.json.write_text(json.dumps(record, indent=2, default=str) + "\n")
    return 0


def forms(config: GanConfig, steps: int) -> dict[str, Form]:
    """gan_jax's step as training runs it, and PyTorch's as far as there is one."""
    from jax_forms import scan_form
    from torch_recipes import RecipePeer

    images, order = random_data(config, steps)
    found = {GAN_JAX: scan_form(config, "joint", images, order)}
    found[EAGER] = RecipePeer(config, images).form(order)
    if not config.penalties:
        found[COMPILED] = RecipePeer(config, images, compiled=True).form(order)
    return found


def row(config: GanConfig, timings: dict[str, Timing], course: dict[str, Timing] | None) -> list[str]:
    """Medians in milliseconds per step, the ratio to the fastest peer, and what an image that G learns from costs."""
    own = timings[GAN_JAX].median
    peers = [timings[name].median for name in (EAGER, COMPILED) if name in timings]
    cells: list[Any] = [str(config.batch_size), f"{own:.0f}"]
    cells += [f"{timings[name].median:.0f}" if name in timings else "–" for name in (EAGER, COMPILED)]
    cells.append(f"{own / min(peers):.2f}")
    per_image = own / config.batch_size
    cells.append(f"{1000 / per_image:.0f}")
    if course is None:
        return [*cells, "–"]
    return [*cells, f"{per_image * recipe(COURSE).batch_size / course[GAN_JAX].median:.2f}"]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Settings, description=__doc__)))
