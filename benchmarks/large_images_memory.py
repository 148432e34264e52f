"""Measure the memory of R3GAN's training at 256 pixels, in micro-batches, beside PyTorch's.

Each form runs its steps in a process of its own. A form's memory is its process's peak beyond that of the same form on
images of 8 pixels, which loads and compiles as much. The narrow networks have the same width in every stage, as the
form in PyTorch has. ``ratio`` is gan_jax's memory over the lesser of PyTorch's: below 1, gan_jax needs less.

python benchmarks/large_images_memory.py --json ../docs/results/large_images_memory.json
"""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from timing import Form, thread_count

PEERS = {"PyTorch eager": False, "PyTorch channels-last": True}
OWN = {"gan_jax": 4, "gan_jax, whole batch": None}  # the narrow networks, and their micro-batch
RECIPE = {"recipe r3gan at width 32, micro-batch 4": 4, "recipe r3gan at width 32, whole batch": None}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to measure."""

    size: int = 256
    """Pixels along a side."""
    batch: int = 16
    """Images of either update."""
    only: str | None = None
    """Instead run this form alone and print its peak; how the program calls itself."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    if settings.only:
        from peak_memory import peak_mib

        form_of(settings.only, settings.size, settings.batch).run()
        print(json.dumps(peak_mib()))
        return
    from machine import write_figures

    memory = {}
    for name in (*OWN, *PEERS, *RECIPE):
        memory[name] = peak_of(name, settings.size, settings.batch) - peak_of(name, 8, settings.batch)
        print(f"{name}: {memory[name]:.0f} MiB", flush=True)
    ratio = memory["gan_jax"] / min(memory[name] for name in PEERS)
    print(f"ratio {ratio:.2f}")
    write_figures(settings, ratio=ratio, memory_mib=memory)


def peak_of(name: str, size: int, batch: int) -> float:
    """The peak of a process that runs a form, in MiB."""
    command = [sys.executable, __file__, "--only", name, "--size", str(size), "--batch", str(batch)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ).stdout
    return json.loads(printed.splitlines()[-1])


def config_of(name: str, size: int, batch: int) -> Any:
    """The recipe's networks, or narrow ones of one width."""
    from gan_jax import recipe

    config = dataclasses.replace(recipe("r3gan"), image_shape=(size, size, 3), batch_size=batch, schedules=())
    if name in RECIPE:
        return dataclasses.replace(config, width=32, micro_batch=RECIPE[name])
    narrow = {"stage_widths": (32,), "stage_cardinalities": (4,), "stage_blocks": (1,), "expansion": 2}
    return dataclasses.replace(config, **narrow, micro_batch=OWN.get(name))


def form_of(name: str, size: int, batch: int) -> Form:
    """One step, ready to run."""
    config = config_of(name, size, batch)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (2 * batch, *config.image_shape), dtype=np.uint8)
    order = np.arange(2 * batch, dtype=np.int32)[None]
    if name not in PEERS:
        from jax_forms import scan_form

        return scan_form(config, "joint", images, order)
    from torch_peer import set_threads
    from torch_r3gan import R3ganPeer

    set_threads(thread_count())
    return R3ganPeer(config, images, channels_last=PEERS[name], micro_batches=batch // 4).form(order)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
