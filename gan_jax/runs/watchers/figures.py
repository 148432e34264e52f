"""A run in pictures: grids while it trains, curves of its scores, and the curves of its steps at the end."""

from collections.abc import Callable, Container, Mapping
from typing import Any, Literal

import numpy as np
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.data.pixels import quantize_images
from gan_jax.pictures import curves, grids
from gan_jax.pictures.scores import save_score_curves
from gan_jax.runs.watchers.json_lines import read_lines
from gan_jax.runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher
from gan_jax.training.batches import RunKeys
from gan_jax.training.loop import Progress

Draw = Callable[[GanConfig, Any, RunKeys], Array | None]
DrawAt = Literal["epoch_end", "window_end"] | Container[int]


def _taken_evenly(images: np.ndarray, count: int) -> np.ndarray:
    return images[np.linspace(0, len(images) - 1, count, dtype=int)]


class Figures(Watcher):
    """Draws the run's PNGs and its animation.

    Args:
      context: the run.
      draw: gives images to draw in rows of 8, ``[64, height, width, channels]`` float in [-1, 1], or None.
      draw_at: where to draw: before the first step, and at the end of each epoch, of each window, or after these steps.
    """

    def __init__(self, context: RunContext, draw: Draw, draw_at: DrawAt) -> None:
        self._context, self._draw, self._draw_at = context, draw, draw_at

    def resume(self, point: ResumePoint) -> None:
        """Delete the grids after the point, and one at the end of an earlier, shorter run."""
        folder = self._context.folder
        for step in folder.drawn_steps():
            if step > point.step or not self._is_due(step):
                folder.grid(step).unlink()

    def record(self, entry: Entry) -> None:
        """Draw the curves of the scores, if there is a new one."""
        if "frechet_distance" in entry.values:
            folder = self._context.folder
            scored = [line for line in read_lines(folder.metrics) if "frechet_distance" in line]
            save_score_curves(folder.path / "evaluation.png", scored)

    def draw(self, progress: Progress) -> None:
        """Write the grid and the comparison with real images, where they are due."""
        if not self._is_due(progress.step):
            return
        context = self._context
        drawn = self._draw(context.config, progress.state, context.keys)
        if drawn is None:
            return
        fakes = quantize_images(drawn)
        title = f"epoch {progress.step / context.steps_per_epoch:.2f}   step {progress.step}"
        grids.save_grid(context.folder.grid(progress.step), fakes, title, rows=-(-len(fakes) // 8))
        # Both are taken evenly: the files of some data sets, and fakes of named classes, are in groups of one kind.
        count = min(len(fakes), 64)
        reals, fakes = (_taken_evenly(images, count) for images in (context.dataset.train_images, fakes))
        grids.save_side_by_side(context.folder.path / "real_vs_fake.png", {"real": reals, "generated": fakes})

    def finish(self, state: Any, metrics: Mapping[str, np.ndarray]) -> None:
        """Write the animation of the grids and the curves of every step."""
        folder = self._context.folder
        if drawn := grids.readable_pictures([folder.grid(step) for step in folder.drawn_steps()]):
            grids.save_animation(folder.path / "progress.gif", drawn)
        if {"d_loss", "g_loss"} & metrics.keys():
            curves.save_losses(folder.path / "losses.png", metrics, self._context.steps_per_epoch)
        if {"d_x", "d_g_z1", "d_g_z2"} & metrics.keys():
            curves.save_scores(folder.path / "scores.png", metrics, self._context.steps_per_epoch)

    def _is_due(self, step: int) -> bool:
        if step == 0:
            return True
        if isinstance(self._draw_at, str):
            ends = {"epoch_end": self._context.ends_epoch, "window_end": self._context.ends_window}
            return ends[self._draw_at](step)
        return step in self._draw_at
