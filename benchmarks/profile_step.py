"""Print how the time of a chunk of joint steps divides among layers and parts, by JAX's profiler.

The profiler gives the time of each operation of the compiled program on the thread that ran it; an operation that uses
all cores is counted once. The operation's name in the program tells which layer or part of the step it belongs to.
"""

import collections
import dataclasses
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import tyro
from machine import write_figures
from tables import parts_table
from timing import random_data

from gan_jax import Batch, GanConfig, gan_step, init_state, run_keys
from gan_jax.training.compiled import compiler_options, scan_steps


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to profile."""

    gan: GanConfig = dataclasses.field(default_factory=GanConfig)
    """Networks and batch."""
    steps: int = 20
    """Steps in the chunk."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    images, order = (jnp.asarray(array) for array in random_data(settings.gan, settings.steps))
    keys = run_keys(0)
    state = init_state(settings.gan, keys.init)
    jitted = jax.jit(scan_steps, static_argnames="step", compiler_options=compiler_options(jax.default_backend()))
    batches = Batch(images[order])
    chunk = jitted.lower(settings.gan, gan_step, state, batches, keys.step).compile()
    parts = {name: part_of(text) for name, text in operations(chunk.as_text() or "")}

    def run() -> None:
        jax.block_until_ready(chunk(settings.gan, state, batches, keys.step))

    times: dict[str, float] = collections.defaultdict(float)
    for operation, nanoseconds in trace(run):
        if operation in parts:
            times[parts[operation]] += nanoseconds
    parts_ms = {part: time / settings.steps / 1e6 for part, time in sorted(times.items(), key=lambda item: -item[1])}
    print(parts_table(parts_ms))
    write_figures(settings, parts_ms=parts_ms)


def operations(program: str) -> list[tuple[str, str]]:
    """Each operation's name and line, without loops and calls, since the operations inside them are listed too."""
    lines = re.findall(r"^\s*(?:ROOT )?%?([\w.-]+) = (.*)$", program, re.MULTILINE)
    return [(name, text) for name, text in lines if not re.search(r"\b(while|call|conditional)\(", text)]


def part_of(text: str) -> str:
    """The layer or part of the step that an operation is from."""
    found = re.search(r'op_name="([^"]*)"', text)
    name = found.group(1) if found else ""
    layer = re.search(r"(Generator|Discriminator)\S*/(conv|norm)_(\d)", name)
    if layer:
        return f"{layer[1]} {layer[2]}_{layer[3]}"
    network = re.search(r"Generator|Discriminator", name)
    return f"{network[0]} activations" if network else "Adam, losses, latents, batch"


def trace(run: Callable[[], None]) -> list[tuple[str, float]]:
    """Run once to warm up and once under the profiler: operations and nanoseconds."""
    run()
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            run()
        (file,) = Path(folder).rglob("*.xplane.pb")
        data = jax.profiler.ProfileData.from_file(str(file))
        events = [event for plane in data.planes for line in plane.lines for event in line.events]
        found = [(dict(event.stats).get("hlo_op"), event.duration_ns) for event in events]
    return [(str(operation), duration) for operation, duration in found if operation]


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
