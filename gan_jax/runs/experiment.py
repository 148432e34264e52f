"""An experiment: what a run trains with, and what it shows. The course's three are here."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.fields import explain_fields
from gan_jax.objectives.losses import mean_score
from gan_jax.runs.watchers.figures import DrawAt
from gan_jax.runs.watchers.watcher import RunContext, Watcher
from gan_jax.training.batches import RunKeys
from gan_jax.training.forward import (
    batch_fakes,
    default_labels,
    discriminate,
    generate,
    sample_latents,
    sampling_generator,
)
from gan_jax.training.state import GanState
from gan_jax.training.steps import Step, discriminator_step, gan_step, generator_step

_MOST_ROWS = 16  # of classes


@explain_fields
class Experiment(NamedTuple):
    """A training step, and what to show of a run that trains with it."""

    step: Step
    """What is trained."""
    draw: Callable[[GanConfig, GanState, RunKeys], Array]
    """The images to draw in rows of 8, such as ``[64, height, width, channels]`` float in [-1, 1]."""
    draw_at: DrawAt
    """Draw at the start, and at each ``"epoch_end"`` or ``"window_end"`` (a logged line), or after these steps."""
    describe_start: Callable[[GanConfig, GanState, RunKeys], str] | None = None
    """A line to print before the first batch."""
    watchers: tuple[Callable[[RunContext], Watcher], ...] = ()
    """Makes more watchers for each run."""


def draw_preview(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The images of the run's preview latents, the same at every step: ``[64, height, width, channels]`` float.

    A conditional generator makes a row of 8 for each class, of the first 16. An averaged generator is drawn where there
    is one.

    Examples:
      >>> experiment = Experiment(gan_step, draw_preview, draw_at="epoch_end")
    """
    labels = jnp.repeat(jnp.arange(min(config.num_classes, _MOST_ROWS)), 8) if config.conditional else None
    latents = sample_latents(config, keys.display, 64 if labels is None else len(labels))
    return generate(config, sampling_generator(config, state), latents, labels)


def fakes_of_last_batch(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The latents of the last batch, or of the first before it, as the generator turns them into images now.

    ``[batch, height, width, channels]`` float32 in [-1, 1], in train mode.
    """
    last = max(int(state.step) - 1, 0)
    return batch_fakes(config, state, jax.random.fold_in(keys.step, last))


def draw_current_batch(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The first 64 of ``fakes_of_last_batch``.

    Examples:
      >>> experiment = Experiment(gan_step, draw_current_batch, draw_at="window_end")
    """
    return fakes_of_last_batch(config, state, keys)[:64]


def describe_score(config: GanConfig, state: GanState, keys: RunKeys) -> str:
    """D's mean score of the fakes, as a line.

    Examples:
      >>> experiment = Experiment(gan_step, draw_preview, draw_at="epoch_end", describe_start=describe_score)
    """
    fakes = fakes_of_last_batch(config, state, keys)
    logits = discriminate(config, state.discriminator, fakes, default_labels(config, len(fakes)))
    return f"before the first batch  d_g_z2 {mean_score(logits):.3f}"


JOINT = Experiment(gan_step, draw_preview, draw_at="epoch_end")
GENERATOR_ALONE = Experiment(generator_step, draw_current_batch, draw_at="window_end", describe_start=describe_score)
DISCRIMINATOR_ALONE = Experiment(discriminator_step, draw_current_batch, draw_at="window_end")
