"""Time and memory against batch and width: gan_jax beside PyTorch's eager forms."""

import dataclasses
import itertools
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from jax_forms import scan_form
from tables import STEPS as TITLES
from tables import memory_table, sweep_table
from timing import Timing, neighbours, race, random_data, thread_count
from torch_peer import Peer, set_threads

from gan_jax import GanConfig

BATCHES = (32, 64, 128, 256, 512)
WIDTHS = (16, 32, 64, 128)
SMALL = tuple(itertools.product((16, 32, 64), (16, 32, 64)))  # batch and width
FORMS = ("gan_jax", "PyTorch eager", "PyTorch eager, best form")
HERE = Path(__file__).parent


def measure(config: GanConfig, rounds: int, steps: int) -> dict[str, Any]:
    """Print the tables of memory, and of time against batch and width, from so many turns of so many steps."""
    time = partial(_race, rounds, steps)
    memory = {name: _memory(name, config) for name in FORMS}
    print(f"### Peak memory, and the first call\n\n{memory_table(memory)}", flush=True)
    set_threads(thread_count())
    print(f"\n### Joint step against batch, width {config.width}\n", flush=True)
    batch = {size: time(dataclasses.replace(config, batch_size=size)) for size in BATCHES}
    print(sweep_table("batch", _figures(batch)), flush=True)
    print(f"\n### Joint step against width, batch {config.batch_size}\n", flush=True)
    width = {size: time(dataclasses.replace(config, width=size)) for size in WIDTHS}
    print(sweep_table("width", _figures(width)), flush=True)
    small = {}
    for kind in TITLES:
        sizes = {
            f"{images} × {size}": dataclasses.replace(config, batch_size=images, width=size) for images, size in SMALL
        }
        small[kind] = {name: time(one, kind) for name, one in sizes.items()}
        print(
            f"\n### {TITLES[kind]} of few images\n\n{sweep_table('batch × width', _figures(small[kind]))}", flush=True
        )
    races = [race for table in (batch, width, *small.values()) for race in table.values()]
    print(f"\n{neighbours(races)}")
    figures = {kind: _figures(races) for kind, races in small.items()}
    return {"memory": memory, "batch": _figures(batch), "width": _figures(width), "small": figures}


def _race(rounds: int, steps: int, config: GanConfig, kind: str = "joint") -> dict[str, Timing]:
    images, order = random_data(config, steps)
    forms = (
        scan_form(config, kind, images, order),
        *(Peer(config, images, best=best).form(kind, order) for best in (False, True)),
    )
    return race(dict(zip(FORMS, forms, strict=True)), rounds)


def _figures(sweep: dict[Any, dict[str, Timing]]) -> dict[Any, dict[str, Any]]:
    return {size: {name: timing.as_dict() for name, timing in timings.items()} for size, timings in sweep.items()}


def _memory(name: str, config: GanConfig) -> dict[str, float]:
    environment = {key: value for key, value in os.environ.items() if key != "JAX_COMPILATION_CACHE_DIR"}
    command = [sys.executable, str(HERE / "peak_memory.py"), name, json.dumps(dataclasses.asdict(config))]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout)
