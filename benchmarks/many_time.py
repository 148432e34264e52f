"""Time many devices, the metrics of the health checks, and the pauses in which the host takes over.

On a CPU the devices are eight virtual ones that share its cores. They show what sharing a batch costs and not what it
gains.
"""

import dataclasses
import os
from pathlib import Path

import tyro
from machine import write_figures
from tables import many_table
from timing import Form, race, random_data

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax import Batch, GanConfig, ResidentImages, gan_step, init_state, run_keys, train, train_run
from gan_jax.training.batches import ShardedImages
from gan_jax.training.compiled import scan_steps
from gan_jax.training.sharding import batch_mesh, replicate
from gan_jax.training.state import GanState

COUNTS = (1, 2, 4, 8)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to time."""

    gan: GanConfig = dataclasses.field(default_factory=GanConfig)
    """Networks and batch."""
    rounds: int = 5
    """Turns of each form."""
    steps: int = 4
    """Steps in a turn."""
    most: int = 8
    """The largest number of devices."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    counts = [count for count in COUNTS if count <= settings.most]
    sections = {
        "Devices": {f"{count} devices": on_devices(settings, count) for count in counts},
        "Metrics of the health checks": {"with": on_devices(settings, 0), "without": without_health(settings)},
        "Complete run": {"train": host_driven(settings), "train_run": one_program(settings)},
    }
    found = {}
    for title, forms in sections.items():
        found[title] = {name: timing.as_dict() for name, timing in race(forms, settings.rounds).items()}
        print(f"\n{many_table(title, found[title])}", flush=True)
    write_figures(settings, sections=found)


def batches_of(settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Images and ``[steps, batch, H, W, C]`` of them."""
    images, order = random_data(settings.gan, settings.steps)
    return images, images[order]


def on_devices(settings: Settings, count: int) -> Form:
    """One run whose batch is shared among ``count`` devices; 0 is a run without a mesh."""
    images, batches = batches_of(settings)
    keys = run_keys(0)
    state = init_state(settings.gan, run_keys(0).init)
    shared = Batch(jnp.asarray(batches))
    if count:
        mesh = batch_mesh(settings.gan, count)
        keys, state = replicate(keys, mesh), replicate(state, mesh)
        shared = ShardedImages(settings.gan, Batch(images), run_keys(0), mesh).batches(0, 0, settings.steps)
    return Form(
        lambda: jax.block_until_ready(scan_steps(settings.gan, gan_step, state, shared, keys.step)), settings.steps
    )


def without_health(settings: Settings) -> Form:
    """A step without gradient norms and the fakes' std; the compiler drops their computation."""

    def step(config: GanConfig, state: GanState, batch: Batch, key: Array) -> tuple[GanState, dict[str, Array]]:
        state, metrics = gan_step(config, state, batch, key)
        zero = jnp.zeros(())
        return state, metrics | dict.fromkeys(("d_gradient_norm", "g_gradient_norm", "fake_std"), zero)

    batches, keys = Batch(jnp.asarray(batches_of(settings)[1])), run_keys(0)
    state = init_state(settings.gan, run_keys(0).init)
    return Form(
        lambda: jax.block_until_ready(scan_steps(settings.gan, step, state, batches, keys.step)), settings.steps
    )


def host_driven(settings: Settings) -> Form:
    """Two epochs by ``train``, which returns to the host after each chunk."""
    images, keys = batches_of(settings)[0][: settings.steps * settings.gan.batch_size], run_keys(0)
    state, source = init_state(settings.gan, run_keys(0).init), ResidentImages(settings.gan, Batch(images), keys)

    def run() -> None:
        for progress in train(settings.gan, gan_step, state, source, keys, num_steps=2 * source.steps_per_epoch):
            jax.block_until_ready(progress.state)

    return Form(run, 2 * source.steps_per_epoch)


def one_program(settings: Settings) -> Form:
    """The same epochs by ``train_run``, which also generates the preview images."""
    images = jnp.asarray(batches_of(settings)[0][: settings.steps * settings.gan.batch_size])
    state, keys = init_state(settings.gan, run_keys(0).init), run_keys(0)
    epochs = 2
    steps = epochs * (len(images) // settings.gan.batch_size)
    return Form(
        lambda: jax.block_until_ready(train_run(settings.gan, gan_step, state, Batch(images), keys, epochs)), steps
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
