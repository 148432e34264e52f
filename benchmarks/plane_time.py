"""Time many trainings in the plane as one mapped program beside PyTorch, which takes them one after another.

python benchmarks/plane_time.py --json docs/results/plane_time.json

Ring of 8, batch 128, two hidden layers of 64. Of gan_jax's forms, the mapped one gives each core its share of the
trainings, and the other one uses a single core. All forms take turns in one process, and their rates are compared.
PyTorch must be installed: pip install -e ".[benchmark]".
"""

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import tyro
from machine import describe_machine, machine
from tables import rates_table
from torch_plane import product_rate, torch_form, torch_mapped

from gan_jax import recipe
from gan_jax.cores import usable_cores
from gan_jax.plane import for_points, load_target, train_many


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    seeds: int = 100
    """Trainings in the mapped program."""
    steps: int = 1000
    """Steps of the mapped programs in a turn, whole epochs of 1,000; the other forms take ten times as many."""
    rounds: int = 3
    """Turns of each form; the median counts."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    forms = {
        f"gan_jax, {settings.seeds} seeds mapped": (jax_form(settings.seeds), settings.steps, settings.seeds),
        "gan_jax, one seed": (jax_form(1), 10 * settings.steps, 1),
        "PyTorch eager": (torch_form(), 10 * settings.steps, 1),
        "torch.compile": (torch_form(compiled=True), 10 * settings.steps, 1),
        f"torch.func.vmap, {settings.seeds} seeds": (torch_mapped(settings.seeds), settings.steps, settings.seeds),
    }
    turns: dict[str, list[float]] = {name: [] for name in forms}
    for run, steps, _ in forms.values():
        run(steps)  # compiles
    for _ in range(settings.rounds):
        for name, (run, steps, seeds) in forms.items():
            started = time.perf_counter()
            run(steps)
            turns[name].append(steps * seeds / (time.perf_counter() - started))
    rates = {name: float(np.median(values)) for name, values in turns.items()}
    products = {
        "matrix products alone, one of 2,048 rows and columns": product_rate((2048, 2048), (2048, 2048)),
        "matrix products alone, of this size": product_rate((settings.seeds, 128, 64), (settings.seeds, 64, 64)),
    }
    floors = {name: rate / flops_per_step() for name, rate in products.items()}
    print(describe_machine())
    print(rates_table(rates | floors))
    if settings.json:
        content = {"machine": machine(), "settings": {"seeds": settings.seeds, "rounds": settings.rounds}}
        content |= {"steps_per_second": rates, "turns": turns, "floor_steps_per_second": floors}
        content |= {"operations_per_step": flops_per_step(), "operations_per_second": products}
        settings.json.write_text(json.dumps(content, indent=1) + "\n")


def flops_per_step(batch: int = 128, width: int = 64) -> float:
    """Of the matrix products: two per multiplication and addition."""
    generator, discriminator = 2 * width + width**2 + 2 * width, 2 * width + width**2 + width
    # G forward and back; D forward and back on reals and on fakes; D forward and back to its input for G.
    passes = 3 * generator + 6 * discriminator + 2 * discriminator
    return 2.0 * batch * passes


def jax_form(seeds: int) -> Callable[[int], None]:
    config, points = for_points(recipe("dcgan")), load_target("ring").points

    def run(count: int) -> None:
        jax.block_until_ready(train_many(config, points, range(seeds), count))

    return run


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", usable_cores())
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
