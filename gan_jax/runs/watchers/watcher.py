"""What a run's watchers are told: the same events in the same order, on the main process alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax.config import GanConfig
from gan_jax.data.datasets import Dataset
from gan_jax.settings import RunConfig
from gan_jax.storage.run_folder import RunFolder
from gan_jax.training.batches import RunKeys
from gan_jax.training.loop import Progress


class RunContext(NamedTuple):
    """What stays the same while a run trains."""

    settings: RunConfig
    config: GanConfig
    dataset: Dataset
    keys: RunKeys
    folder: RunFolder
    steps_per_epoch: int
    num_steps: int  # of the complete run
    label: str = ""  # its name, where it is one of many

    def place(self, step: int) -> str:
        """Where a step is, such as ``epoch 1/5  batch 100/468``."""
        epoch, batch = divmod(step - 1, self.steps_per_epoch)
        epochs = -(-self.num_steps // self.steps_per_epoch)
        return f"epoch {epoch + 1}/{epochs}  batch {batch + 1}/{self.steps_per_epoch}"

    def ends_epoch(self, step: int) -> bool:
        """Whether an epoch, or the run within it, ends after a step."""
        return step % self.steps_per_epoch == 0 or step == self.num_steps

    def ends_window(self, step: int) -> bool:
        """Whether a logged line is due after a step."""
        return step % self.steps_per_epoch % self.settings.log_every == 0 or step == self.num_steps


class ResumePoint(NamedTuple):
    """Where training begins."""

    step: int  # of the checkpoint, or 0
    keep: Callable[[int], bool]  # whether what was written after a step stays, or will be written again
    complaints: Sequence[str]  # about newer checkpoints that cannot be used


class Entry(NamedTuple):
    """Values of the window or epoch that ends at a step."""

    step: int
    epoch: int
    values: Mapping[str, Any]  # numbers, texts and lists, ready for JSON
    text: str | None  # for the screen; None where it was said before


class Watcher:
    """Receives a run's events. Every method does nothing unless it is overridden.

    ``resume`` comes first. For each chunk of steps come ``record`` for each entry, ``draw`` and ``checkpoint``. At the
    end comes ``finish``, also if the run is stopped or fails.
    """

    def resume(self, point: ResumePoint) -> None:
        """Drop what was written after the point, since it will be written again."""

    def record(self, entry: Entry) -> None:
        """Take note of values."""

    def draw(self, progress: Progress) -> None:
        """Show what the networks do now; before the first step too."""

    def checkpoint(self, progress: Progress) -> None:
        """Write what must be on disk before the checkpoint of this step, if one is due."""

    def finish(self, state: Any, metrics: Mapping[str, np.ndarray]) -> None:
        """Write what is written once.

        Args:
          state: the last.
          metrics: of every step, each ``[steps]`` float32; empty if no step was taken.
        """
