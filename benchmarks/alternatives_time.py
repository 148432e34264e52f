"""Time other ways to take the joint step, and steps of several seeds, beside the ways that training takes.

python benchmarks/alternatives_time.py --json docs/results/alternatives_time.json

The alternatives of the step take turns in one process, and so do those of the seeds. *A core each* runs a process on
every core, each with trainings of its own, and so shows what cores do that share nothing but the memory; it needs
Linux.
"""

import contextlib
import dataclasses
import multiprocessing
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro
from machine import describe_machine, write_figures
from seeds_time import side_by_side
from tables import many_table
from timing import Form, Timing, race, random_data

from gan_jax import Batch, GanConfig, gan_step, init_state, run_keys, scan_steps
from gan_jax.nn import patches, toom_cook
from gan_jax.optimizers import OPTIMIZERS
from gan_jax.training import compiled

_OWN_OPTIONS = compiled.CPU_OPTIONS
_adam = OPTIMIZERS["adam"]
_LONGEST_WAIT_S = 600  # for the other processes' compilation


def both_axes_at_once(transform: Any, values: jax.Array) -> jax.Array:
    """``toom_cook``'s way to the points or back, by one product."""
    return jnp.asarray(np.kron(transform.rows, transform.columns), values.dtype) @ values


@contextlib.contextmanager
def native_convolutions() -> Generator[None]:
    with mock.patch.object(toom_cook, "_FEWEST_IMAGES", {}), mock.patch.object(patches, "_MOST", 0):
        yield


def flat_adam(*settings: Any) -> optax.GradientTransformation:
    """Adam on one vector of all weights."""
    return optax.flatten(_adam(*settings))


ALTERNATIVES: dict[str, tuple[Callable[[], contextlib.AbstractContextManager[Any]], dict[str, Any]]] = {
    "as it is": (contextlib.nullcontext, _OWN_OPTIONS),
    "native convolutions": (native_convolutions, _OWN_OPTIONS),
    "native convolutions at the images": (lambda: mock.patch.object(patches, "_MOST", 0), _OWN_OPTIONS),
    "both axes to the points at once": (
        lambda: mock.patch.object(toom_cook._Transform, "__matmul__", both_axes_at_once),
        _OWN_OPTIONS,
    ),
    "Adam on one vector": (lambda: mock.patch.dict(OPTIMIZERS, adam=flat_adam), _OWN_OPTIONS),
    "products by XLA's library": (contextlib.nullcontext, {}),
    "vectors of 512 bits": (contextlib.nullcontext, {**_OWN_OPTIONS, "xla_cpu_prefer_vector_width": 512}),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    width: int = 64
    """The networks' width for the alternatives of the step."""
    seed_widths: tuple[int, ...] = (16, 32, 64)
    """Widths for the alternatives of the seeds."""
    seeds: int = 8
    """Trainings side by side."""
    rounds: int = 5
    """Turns of each form."""
    steps: int = 6
    """Steps in a turn."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    print(describe_machine())
    config = GanConfig(width=settings.width)
    turns = race({name: step_form(config, name, settings.steps) for name in ALTERNATIVES}, settings.rounds)
    found = {name: timing.as_dict() for name, timing in turns.items()}
    print(f"\n{many_table('joint step', found)}", flush=True)
    widths = {}
    for width in settings.seed_widths:
        widths[width] = {name: one.as_dict() for name, one in seeds_race(GanConfig(width=width), settings).items()}
        print(f"\n{many_table(f'{settings.seeds} seeds of width {width}', widths[width])}", flush=True)
    write_figures(settings, step=found, seeds=widths)


def step_form(config: GanConfig, name: str, steps: int) -> Form:
    """A few joint steps, traced while an alternative takes the place of what training does."""
    patch, options = ALTERNATIVES[name]
    images, order = (jnp.asarray(array) for array in random_data(config, steps))
    keys, batches = run_keys(0), Batch(images[order])
    jax.clear_caches()  # JAX must not reuse what it traced with another form
    with patch():
        start = init_state(config, keys.init)
        program = jax.jit(scan_steps, static_argnames="step", compiler_options=options)
        ready = program.lower(config, gan_step, start, batches, keys.step).compile()
    jax.clear_caches()
    return Form(lambda: jax.block_until_ready(ready(config, start, batches, keys.step)), steps)


def seeds_race(config: GanConfig, settings: Settings) -> dict[str, Timing]:
    """One step of one seed, and of all seeds in each way."""
    program = jax.jit(compiled._scan_side_by_side, static_argnames="step", compiler_options=_OWN_OPTIONS)

    def mapped(configs: Any, step: Any, *others: Any) -> Any:
        return program(step, tuple(configs), *map(tuple, others))

    forms = {
        "one seed": side_by_side(config, settings.steps, 1),
        "side by side, a thread for each core": side_by_side(config, settings.steps, settings.seeds),
        "one mapped program": side_by_side(config, settings.steps, settings.seeds, take=mapped),
    }
    return race(forms, settings.rounds) | {"a core each": core_each(config, settings)}


def core_each(config: GanConfig, settings: Settings) -> Timing:
    """A step of all seeds, if a process on every core trains its share of them at the same time."""
    context = multiprocessing.get_context("spawn")
    cores = sorted(os.sched_getaffinity(0))
    together, results = context.Barrier(len(cores)), context.SimpleQueue()
    arguments = config.width, settings.steps, settings.rounds, together, results
    processes = [context.Process(target=train_on, args=(core, *arguments)) for core in cores]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("error: a process on a core of its own failed; its message is above.")
    timings: list[Timing] = [results.get() for _ in cores]
    share = settings.seeds / len(cores)
    wall = share * np.mean([timing.wall for timing in timings], axis=0)
    cpu = share * np.sum([timing.cpu for timing in timings], axis=0)
    return Timing(wall.tolist(), cpu.tolist(), [float("nan")] * settings.rounds)


def train_on(core: int, width: int, steps: int, rounds: int, together: Any, results: Any) -> None:
    """Take steps on one core, once the other processes are ready to do the same, and report the timing."""
    os.sched_setaffinity(0, {core})  # before JAX counts the cores
    form = step_form(GanConfig(width=width), "as it is", steps)
    together.wait(timeout=_LONGEST_WAIT_S)
    results.put(race({"": form}, rounds)[""])


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
