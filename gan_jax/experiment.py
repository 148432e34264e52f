"""From an experiment's few functions and a run's settings to a finished run."""

import dataclasses
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
from jax import Array

from gan_jax.config import GanConfig, RunConfig
from gan_jax.datasets import load_dataset
from gan_jax.loop import RunKeys
from gan_jax.run import Run
from gan_jax.state import GanState
from gan_jax.steps import Step, batch_fakes


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
    """Train as the settings say.

    Raises:
      InputError: a setting, the data or the output folder is wrong.
      Stopped: a signal ended it.
    """
    dataset = load_dataset(settings.dataset, settings.data_dir)
    config = dataclasses.replace(settings.gan, image_shape=dataset.image_shape)
    with Run(settings, config, dataset, experiment.step) as run:
        for progress in run.train():
            if progress.step == 0 and experiment.describe_start:
                print(experiment.describe_start(config, progress.state, run.keys))
            if getattr(progress, experiment.draw_at):
                run.draw(progress.step, experiment.draw(config, progress.state, run.keys))


def fakes_of_last_batch(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The latents of the last batch, or of the first before it, as the generator turns them into images now.

    ``[batch, height, width, channels]`` float in [-1, 1], in train mode.
    """
    last = max(int(state.step) - 1, 0)
    return batch_fakes(config, state, jax.random.fold_in(keys.step, last))


def draw_current_batch(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The first 64 of ``fakes_of_last_batch``."""
    return fakes_of_last_batch(config, state, keys)[:64]
