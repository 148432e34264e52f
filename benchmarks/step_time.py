"""Time gan_jax's training steps beside PyTorch's and beside JAX's own convolutions.

Without --sweep or --gpu it times the three steps on the CPU and compares them with the machine's fastest product of
matrices. All forms take turns in one process. PyTorch must be installed: pip install -e ".[benchmark]".
"""

import dataclasses
import importlib.util
import sys
from pathlib import Path
from typing import Any

import jax
import tyro
from machine import describe_machine, write_figures
from operations import best_matmul, jax_matmul, step_flops, torch_matmul
from tables import STEPS, floor_table, step_table
from timing import Form, Timing, neighbours, race, random_data, thread_count

from gan_jax import GanConfig

GAN_JAX = "gan_jax"
# best form? compiled?
PEERS = {
    "PyTorch eager": (False, False),
    "PyTorch eager, best form": (True, False),
    "torch.compile": (False, True),
    "torch.compile, best form": (True, True),
}
PLAIN_JAX = "JAX, one jitted lax.conv step"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    gan: GanConfig = dataclasses.field(default_factory=GanConfig)
    """Networks and batch."""
    rounds: int = 15
    """Turns of each form."""
    steps: int = 5
    """Steps in a turn."""
    sweep: bool = False
    """Instead measure time against batch and width, peak memory and compilation; takes many minutes."""
    gpu: bool = False
    """Instead measure the joint step and an epoch on a GPU; 50 steps or more in a turn keep the host's share small."""
    recipes: tuple[str, ...] = ()
    """With --gpu, also the joint steps of these recipes."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> int:
    if importlib.util.find_spec("torch") is None and not settings.gpu:
        print('error: this compares with PyTorch; install it with pip install -e ".[benchmark]"', file=sys.stderr)
        return 2
    if settings.gpu:
        import gpu

        figures = gpu.measure(settings.gan, settings.rounds, settings.steps, settings.recipes)
        if figures is None:
            print(f"error: --gpu needs a GPU, but JAX runs on {jax.default_backend()} here", file=sys.stderr)
            return 2
    elif jax.default_backend() != "cpu":
        print("error: this compares on the CPU; set JAX_PLATFORMS=cpu, or give --gpu", file=sys.stderr)
        return 2
    elif settings.sweep:
        import sweep

        figures = sweep.measure(settings.gan, settings.rounds, settings.steps)
    else:
        figures = compare(settings)
    write_figures(settings, **figures)
    return 0


def compare(settings: Settings) -> dict[str, Any]:
    """Time all forms of the three steps; print a table for each step, and the floor of direct convolutions."""
    from torch_peer import set_threads

    config = settings.gan
    set_threads(thread_count())
    print(f"{describe_machine()}\n\n{describe_work(settings)}")
    sides = {"XLA": jax_matmul, "PyTorch": torch_matmul}
    matmuls = [best_matmul(sides, 0.3, config.precision)]
    races, steps = {}, {}
    for kind, title in STEPS.items():
        timings = races[kind] = race(forms(config, kind, settings.steps), settings.rounds)
        steps[kind] = {name: timing.as_dict() | ratios(timings, name) for name, timing in timings.items()}
        print(f"\n### {title}\n\n{step_table(steps[kind])}", flush=True)
    matmuls.append(best_matmul(sides, 0.3, config.precision))  # again: the machine's speed drifts
    matmul = max(matmuls, key=lambda result: result["gflops_per_s"])
    floors = {kind: floor(config, kind, races[kind][GAN_JAX], matmul["gflops_per_s"]) for kind in STEPS}
    best = f"{matmul['gflops_per_s']:.0f} GFLOP/s ({matmul['where']})"
    print(f"\n### Share of the floor of direct convolutions at {best}\n\n{floor_table(floors)}")
    print(f"\n{neighbours(races.values())}")
    return {"matmul": matmul, "steps": steps, "floors": floors}


def forms(config: GanConfig, kind: str, steps: int) -> dict[str, Form]:
    """Every form of the step, ready to run; the plain JAX form is slow and takes one step per turn."""
    from jax_forms import plain_form, scan_form
    from torch_peer import Peer

    images, order = random_data(config, steps)
    plain = plain_form(config, kind, images, order[:1])
    peers = {
        name: Peer(config, images, best=best, compiled=compiled).form(kind, order)
        for name, (best, compiled) in PEERS.items()
    }
    return {GAN_JAX: scan_form(config, kind, images, order), **peers, PLAIN_JAX: plain}


def ratios(timings: dict[str, Timing], name: str) -> dict[str, float]:
    """gan_jax's time over this form's: below 1, gan_jax is faster."""
    own, other = timings[GAN_JAX], timings[name]
    return {"ratio_of_medians": own.median / other.median, "ratio_of_minima": own.least / other.least}


def floor(config: GanConfig, kind: str, own: Timing, gflops_per_s: float) -> dict[str, float]:
    gflop = step_flops(config)[kind] / 1e9
    floor_ms = 1000 * gflop / gflops_per_s
    return {
        "gflop": gflop,
        "floor_ms": floor_ms,
        "share_of_median": floor_ms / own.median,
        "share_of_min": floor_ms / own.least,
    }


def describe_work(settings: Settings) -> str:
    config = settings.gan
    return (
        f"Batch {config.batch_size}, width {config.width}, latent {config.latent_dim}, {config.precision}. "
        f"{settings.rounds} turns of {settings.steps} steps\n(1 step for the last form), in milliseconds per step. "
        "CPU is the time of all threads together. Ratios: gan_jax's time over the form's."
    )


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,))))
