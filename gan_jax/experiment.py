"""From an experiment's few functions and a run's settings to a finished run."""

import dataclasses
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
from jax import Array

from gan_jax.config import GanConfig, RunConfig
from gan_jax.datasets import load_dataset
from gan_jax.hosts import connect, is_main, leave_together
from gan_jax.loop import Progress
from gan_jax.run import Run
from gan_jax.sharding import batch_mesh, local_copy
from gan_jax.sources import RunKeys
from gan_jax.state import GanState
from gan_jax.steps import Step, batch_fakes
from gan_jax.stopping import StopRequest


class Experiment(NamedTuple):
    """What one experiment does that others do not."""

    step: Step
    """What is trained."""
    draw: Callable[[GanConfig, GanState, RunKeys], Array]
    """The 64 images to draw, ``[64, height, width, channels]`` float in [-1, 1]."""
    draw_at: Literal["epoch_end", "window_end"]
    """Whether to draw after each epoch or after each logged line; both draw before the first batch."""
    describe_start: Callable[[GanConfig, GanState, RunKeys], str] | None = None
    """A line to print before the first batch."""


def run_experiment(experiment: Experiment, settings: RunConfig) -> None:
    """Train one run as the settings say, on one device, on several, or as one of several processes.

    Raises:
      InputError: a setting, the data or the output folder is wrong.
      Stopped: a signal ended it.
    """
    connect(settings)
    dataset = load_dataset(settings.dataset, settings.data_dir)
    config = dataclasses.replace(settings.gan, image_shape=dataset.image_shape)
    mesh = batch_mesh(config, settings.devices) if settings.devices or jax.process_count() > 1 else None
    with (
        leave_together(),
        StopRequest() as stop,
        Run(settings, config, dataset, experiment.step, stop, mesh=mesh) as run,
    ):
        for progress in run.train():
            show(experiment, run, progress)
    stop.raise_if_heard()


def show(experiment: Experiment, run: Run, progress: Progress) -> None:
    """Print and draw what the experiment has to show where training stands; on the main process."""
    if not is_main() or not (progress.step == 0 or getattr(progress, experiment.draw_at)):
        return
    state, keys = local_copy((progress.state, run.keys))
    if progress.step == 0 and experiment.describe_start:
        print(experiment.describe_start(run.config, state, keys))
    run.draw(progress.step, experiment.draw(run.config, state, keys))


def fakes_of_last_batch(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The latents of the last batch, or of the first before it, as the generator turns them into images now.

    ``[batch, height, width, channels]`` float in [-1, 1], in train mode.
    """
    last = max(int(state.step) - 1, 0)
    return batch_fakes(config, state, jax.random.fold_in(keys.step, last))


def draw_current_batch(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The first 64 of ``fakes_of_last_batch``."""
    return fakes_of_last_batch(config, state, keys)[:64]
