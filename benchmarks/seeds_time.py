"""Time a joint step of several seeds side by side beside that of one seed, at several widths.

python benchmarks/seeds_time.py --json docs/results/seeds_time.json
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro
from machine import describe_machine, write_figures
from tables import many_table
from timing import Form, race, random_data

from gan_jax import Batch, GanConfig, gan_step, init_state, run_keys
from gan_jax.training.compiled import scan_many
from gan_jax.training.loop import CHUNK_STEPS

COUNTS = (1, 2, 4, 8)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    widths: tuple[int, ...] = (16, 32, 64)
    """The networks' widths."""
    rounds: int = 3
    """Turns of each form."""
    steps: int = CHUNK_STEPS
    """Steps in a turn."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    print(describe_machine())
    found = {}
    for width in settings.widths:
        config = GanConfig(width=width)
        timings = race({f"{n} seeds": side_by_side(config, settings.steps, n) for n in COUNTS}, settings.rounds)
        found[width] = {name: timing.as_dict() for name, timing in timings.items()}
        print(f"\n{many_table(f'width {width}', found[width])}", flush=True)
    write_figures(settings, widths=found)


def side_by_side(config: GanConfig, steps: int, count: int, take: Callable[..., Any] = scan_many) -> Form:
    """One step of all seeds counts as one step; in turn they would take ``count`` times the time of one seed.

    ``take`` has the arguments of ``scan_many``.
    """
    images, order = random_data(config, steps)
    keys = [run_keys(seed) for seed in range(count)]
    states = [init_state(config, key.init) for key in keys]
    runs = (
        [config] * count,
        gan_step,
        states,
        [Batch(jnp.asarray(images[order]))] * count,
        [key.step for key in keys],
        [None] * count,
    )
    return Form(lambda: jax.block_until_ready(take(*runs)), steps)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
