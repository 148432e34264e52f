"""An experiment: what a run shows of the game that it trains."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.fields import explain_fields
from gan_jax.objectives.losses import mean_score
from gan_jax.runs.watchers.figures import Draw, DrawAt
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
from gan_jax.training.state import GanState, Variables

_MOST_ROWS = 16  # of classes


@explain_fields
class Experiment(NamedTuple):
    """What to show of a run."""

    draw: Draw | None = None
    """Takes ``(config, state, keys)``; returns the images to draw in rows of 8, such as ``[64, height, width,
    channels]`` float in [-1, 1], or None for no picture. By default ``draw_preview``'s, of the game's sampler."""
    draw_at: DrawAt = "epoch_end"
    """Draw at the start, and at each ``"epoch_end"`` or ``"window_end"`` (a logged line), or after these steps."""
    describe_start: Callable[[GanConfig, Any, RunKeys], str] | None = None
    """A line to print before the first batch."""
    watchers: tuple[Callable[[RunContext], Watcher], ...] = ()
    """Makes more watchers for each run."""


def draw_preview(
    config: GanConfig, state: Any, keys: RunKeys, sampler: Callable[[GanConfig, Any], Variables] = sampling_generator
) -> Array:
    """The images of the run's preview latents, the same at every step: ``[64, height, width, channels]`` float.

    A conditional generator makes a row of 8 for each class, of the first 16. An averaged generator is drawn where there
    is one.

    Examples:
      >>> experiment = Experiment(draw_preview, draw_at="epoch_end")
    """
    labels = jnp.repeat(config.trained_classes[:_MOST_ROWS], 8) if config.conditional else None
    latents = sample_latents(config, keys.display, 64 if labels is None else len(labels))
    return generate(config, sampler(config, state), latents, labels)


def fakes_of_last_batch(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The images that the generator makes now of the last batch's latents, or at the start of the first's.

    ``[batch, height, width, channels]`` float32 in [-1, 1], in train mode.
    """
    last = max(int(state.step) - 1, 0)
    return batch_fakes(config, state, jax.random.fold_in(keys.step, last))


def draw_current_batch(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    """The first 64 of ``fakes_of_last_batch``.

    Examples:
      >>> experiment = Experiment(draw_current_batch, draw_at="window_end")
    """
    return fakes_of_last_batch(config, state, keys)[:64]


def describe_score(config: GanConfig, state: GanState, keys: RunKeys) -> str:
    """D's mean score of the fakes, as a line.

    Examples:
      >>> experiment = Experiment(draw_preview, draw_at="epoch_end", describe_start=describe_score)
    """
    fakes = fakes_of_last_batch(config, state, keys)
    logits = discriminate(config, state.discriminator.variables, fakes, default_labels(config, len(fakes)))
    return f"before the first batch  d_g_z2 {mean_score(logits):.3f}"


_SHOWN = {
    "generator": Experiment(draw_current_batch, "window_end", describe_score),
    "discriminator": Experiment(draw_current_batch, "window_end"),
}


def experiment_of(game: str) -> Experiment:
    """What the commands draw for a game: its sampler's images; for G or D alone, those of the last batch's latents.

    Examples:
      >>> experiment_of("joint").draw_at, experiment_of("generator").draw_at
      ('epoch_end', 'window_end')
    """
    return _SHOWN.get(game, Experiment())
