# pyright: reportMissingImports=false
"""Measure R3GAN's joint step on a GPU: images a second beside PyTorch, eager and as one CUDA graph, and peak memory.

python benchmarks/r3gan_gpu.py --json FILE

The networks are those of ``r3gan-cifar10`` without classes, in bfloat16. PyTorch casts its passes automatically.
"""

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from jax_forms import scan_form
from machine import describe_machine, write_figures
from timing import Form, race

from gan_jax import recipe


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    batch: int = 512
    """Images of either update."""
    rounds: int = 5
    """Turns of each form."""
    steps: int = 10
    """Steps in a turn."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> int:
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # leaves memory to PyTorch
    if jax.default_backend() != "gpu":
        print(f"error: this needs a GPU, but JAX runs on {jax.default_backend()} here", file=sys.stderr)
        return 2
    base = dataclasses.replace(recipe("r3gan-cifar10"), conditional=False, mirror=False, schedules=())
    config = dataclasses.replace(base, batch_size=settings.batch, augmentation_probability=None)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (50_000, *config.image_shape), dtype=np.uint8)
    order = draw.integers(0, len(images), (settings.steps, config.images_per_step), dtype=np.int32)
    print(describe_machine())
    own = scan_form(config, "joint", images, order)
    own.run()
    stats = jax.local_devices()[0].memory_stats() or {}
    memory = {"gan_jax": stats.get("peak_bytes_in_use", 0) / 2**20}
    timings = race({"gan_jax": own, **peers(config, images, order, memory)}, settings.rounds)
    figures: dict[str, Any] = {
        name: timing.as_dict() | {"images_per_s": 1000 * settings.batch / timing.median, "memory_mib": memory.get(name)}
        for name, timing in timings.items()
    }
    for name, found in figures.items():
        print(f"{name}: {found['median_ms']:.1f} ms a step, {found['images_per_s']:.0f} images/s")
    others = [timing.median for name, timing in timings.items() if name != "gan_jax"]
    ratio = timings["gan_jax"].median / min(others) if others else None
    write_figures(settings, ratio=ratio, step=figures)
    return 0


def peers(config: Any, images: np.ndarray, order: np.ndarray, memory: dict[str, float]) -> dict[str, Form]:
    """PyTorch's forms; each one's peak memory goes to ``memory``."""
    import torch
    from torch_r3gan import R3ganPeer

    torch.backends.cudnn.benchmark = True
    forms = {}
    for name, channels_last in (("PyTorch eager", False), ("PyTorch channels-last", True)):
        peer = R3ganPeer(config, images, channels_last=channels_last, device="cuda", precision="bfloat16")
        forms[name] = peer.form(order)
        torch.cuda.reset_peak_memory_stats()
        forms[name].run()
        memory[name] = torch.cuda.max_memory_allocated() / 2**20
        forms[f"{name}, CUDA graph"] = graph(peer, order)
    return forms


def graph(peer: Any, order: np.ndarray) -> Form:
    """The step, recorded once and replayed; each replay reads its indices from one tensor."""
    import torch

    batches = torch.from_numpy(order.astype(np.int64)).cuda()
    rows, side, recorded = batches[0].clone(), torch.cuda.Stream(), torch.cuda.CUDAGraph()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # PyTorch asks for a few steps before a recording, on another stream
        for _ in range(3):
            peer.step(rows)
    torch.cuda.current_stream().wait_stream(side)
    with torch.cuda.graph(recorded):
        peer.step(rows)

    def run() -> None:
        for batch in batches:
            rows.copy_(batch)
            recorded.replay()
        torch.cuda.synchronize()

    return Form(run, len(order))


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,))))
