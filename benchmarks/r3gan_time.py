"""Time R3GAN's joint step and its grouped convolutions beside PyTorch's on the CPU, and compare peak memory.

All forms take turns in one process; each form's memory is that of a process of its own. ``ratio`` and ``memory_ratio``
are gan_jax's figures over those of the better form of PyTorch: below 1, gan_jax needs less. A layer's figure is the
time of F, T and W together: the convolution, its adjoint and its kernel's gradient, in a loop as the step runs them.

python benchmarks/r3gan_time.py --json ../docs/results/r3gan_time.json
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
from timing import Form, neighbours, race, thread_count

OWN = "gan_jax"
PEERS = {"PyTorch eager": False, "PyTorch channels-last": True}
LAYERS = ((192, 12, 32), (192, 12, 16), (96, 6, 32), (96, 6, 16))  # channels, groups, pixels along a side
STEPS = 2  # in a turn
MICRO_BATCHES = 2  # in which gan_jax takes its batch, with the gradient of the whole


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    rounds: int = 7
    """Turns of each form."""
    repeats: int = 4
    """Times that a turn runs a layer."""
    batch: int = 32
    """Images of either update."""
    only: str | None = None
    """Instead run this form alone and print its memory; how the program calls itself."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    if settings.only:
        print(json.dumps(own_memory(settings)))
        return
    from machine import describe_machine, write_figures

    print(describe_machine())
    memory = {name: memory_of(name, settings.batch) for name in (OWN, *PEERS)}
    forms = {name: step_form(name, settings.batch) for name in (OWN, *PEERS)}
    timings = race(forms, settings.rounds)
    step = {name: timing.as_dict() | {"memory_mib": memory[name]} for name, timing in timings.items()}
    figures: dict[str, Any] = {"ratio": ratio({name: timing.median for name, timing in timings.items()})}
    figures |= {"memory_ratio": ratio(memory), "step": step, "layers": []}
    show("joint step", figures["ratio"], step)
    print(
        f"memory: {', '.join(f'{name} {mib:.0f} MiB' for name, mib in memory.items())}: {figures['memory_ratio']:.2f}"
    )
    races = [timings]
    for layer in LAYERS:
        races.append(race(layer_forms(*layer, settings), settings.rounds))
        found = {name: timing.as_dict() for name, timing in races[-1].items()}
        quotient = ratio({name: timing.median for name, timing in races[-1].items()})
        figures["layers"].append(dict(zip(("channels", "groups", "size"), layer, strict=True), ratio=quotient, **found))
        show("{} channels in {} groups, {} pixels".format(*layer), quotient, found)
    print(neighbours(races))
    write_figures(settings, **figures)


def ratio(figures: dict[str, float]) -> float:
    """gan_jax's figure over the least of the others."""
    return figures[OWN] / min(figure for name, figure in figures.items() if name != OWN)


def show(title: str, quotient: float, forms: dict[str, Any]) -> None:
    times = ", ".join(f"{name} {form['median_ms']:.1f} ms" for name, form in forms.items())
    print(f"{title}: {times}: {quotient:.2f}", flush=True)


def settings_of_step(batch: int) -> Any:
    """The authors' CIFAR-10 networks, narrow and in float32."""
    from gan_jax import recipe

    return dataclasses.replace(
        recipe("r3gan-cifar10"),
        stage_widths=(96,),
        stage_cardinalities=(12,),
        bfloat16_stages=0,
        conditional=False,
        mirror=False,
        augmentation_probability=None,
        schedules=(),
        batch_size=batch,
        micro_batch=batch // MICRO_BATCHES,
    )


def step_form(name: str, batch: int) -> Form:
    """Either library's joint step, ready to run."""
    config = settings_of_step(batch)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (1024, *config.image_shape), dtype=np.uint8)
    order = draw.integers(0, len(images), (STEPS, 2 * batch), dtype=np.int32)
    if name == OWN:
        from jax_forms import scan_form

        return scan_form(config, "joint", images, order)
    from torch_peer import set_threads
    from torch_r3gan import R3ganPeer

    set_threads(thread_count())
    return R3ganPeer(config, images, channels_last=PEERS[name]).form(order)


def memory_of(name: str, batch: int) -> float:
    """What a process of its own needs for a form's steps, in MiB."""
    command = [sys.executable, __file__, "--only", name, "--batch", str(batch)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ).stdout
    return json.loads(printed.splitlines()[-1])


def own_memory(settings: Settings) -> float:
    """What this process needs beyond its libraries and what is compiled."""
    from peak_memory import peak_mib

    assert settings.only
    step_form(settings.only, 2).run()  # compiles as much
    before = peak_mib()
    step_form(settings.only, settings.batch).run()
    return peak_mib() - before


def layer_forms(channels: int, groups: int, size: int, settings: Settings) -> dict[str, Form]:
    """F, T and W of a grouped 3x3 layer."""
    draw = np.random.default_rng(0)
    x, y = (draw.standard_normal((settings.batch, size, size, channels), np.float32) for _ in range(2))
    w = draw.standard_normal((3, 3, channels // groups, channels), np.float32)
    peers = {name: _torch_layer(x, y, w, groups, last, settings.repeats) for name, last in PEERS.items()}
    return {OWN: _jax_layer(x, y, w, groups, settings.repeats), **peers}


def _jax_layer(x: np.ndarray, y: np.ndarray, w: np.ndarray, groups: int, repeats: int) -> Form:
    import jax
    import jax.numpy as jnp
    from jax import Array, lax

    from gan_jax.nn.grouped import convolve_grouped
    from gan_jax.training.compiled import compiler_options

    def scan(x: Array, y: Array, w: Array) -> Array:
        def body(carry: Array, _: None) -> tuple[Array, None]:
            outputs, pull_back = jax.vjp(lambda x, w: convolve_grouped(x, w, groups), x + carry, w)
            return sum(map(jnp.mean, (outputs, *pull_back(y + carry))), start=jnp.zeros(())) * 1e-9, None

        return lax.scan(body, jnp.zeros(()), length=repeats)[0]

    compiled = jax.jit(scan, compiler_options=compiler_options(jax.default_backend()))
    operands = [jnp.asarray(array) for array in (x, y, w)]
    return Form(lambda: compiled(*operands).block_until_ready(), repeats)


def _torch_layer(x: np.ndarray, y: np.ndarray, w: np.ndarray, groups: int, last: bool, repeats: int) -> Form:
    import torch  # pyright: ignore[reportMissingImports]
    from torch_peer import set_threads

    set_threads(thread_count())
    layout = torch.channels_last if last else torch.contiguous_format
    images, gradient = (
        torch.from_numpy(array).permute(0, 3, 1, 2).contiguous(memory_format=layout) for array in (x, y)
    )
    kernel = torch.from_numpy(w.transpose(3, 2, 0, 1).copy()).contiguous(memory_format=layout)
    images.requires_grad_(True)
    kernel.requires_grad_(True)

    def run() -> None:
        for _ in range(repeats):
            outputs = torch.nn.functional.conv2d(images, kernel, padding=1, groups=groups)
            torch.autograd.grad(outputs, (images, kernel), gradient)

    return Form(run, repeats)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
