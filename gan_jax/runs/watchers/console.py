"""A run on the screen: a line per window, warnings, scores."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from gan_jax.config import GanConfig
from gan_jax.files import discard_output, warn
from gan_jax.runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher
from gan_jax.training.batches import RunKeys
from gan_jax.training.loop import Progress


class Console(Watcher):
    """Prints to standard output, above the progress bar.

    Args:
      context: the run.
      describe_start: gives a line to print before the first batch.
    """

    def __init__(
        self, context: RunContext, describe_start: Callable[[GanConfig, Any, RunKeys], str] | None = None
    ) -> None:
        self._context, self._describe_start = context, describe_start

    def resume(self, point: ResumePoint) -> None:
        """Say where training begins, if not at the start."""
        for complaint in point.complaints:
            warn(f"{complaint} Using the one before it.")
        if point.step == self._context.num_steps:
            self._say(f"This run was finished already, after step {point.step}; nothing is trained")
        elif point.step:
            self._say(f"Resuming from step {point.step} of {self._context.num_steps}")

    def record(self, entry: Entry) -> None:
        """Print the entry's line."""
        if entry.text:
            self._say(f"{self._context.place(entry.step)}  {entry.text}")

    def draw(self, progress: Progress) -> None:
        """Print the line before the first batch."""
        if progress.step == 0 and self._describe_start:
            self._say(self._describe_start(self._context.config, progress.state, self._context.keys))

    def finish(self, state: Any, metrics: Mapping[str, np.ndarray]) -> None:
        """Say where the files are, and at which step the training ended if it did so early."""
        step, last, path = int(state.step), self._context.num_steps, self._context.folder.path
        until = "" if step == last else f" until step {step} of {last}, where the training ended,"
        self._say(f"Pictures, numbers and weights{until} are in {path}")

    def _say(self, text: str) -> None:
        if not self._context.settings.quiet:
            say(f"{self._context.label}  {text}" if self._context.label else text)


def say(text: str) -> None:
    """Print a line above the progress bar.

    A reader that has gone away, such as ``head``, a terminal that was closed and a full disk do not end the training.
    """
    try:
        tqdm.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output(sys.stdout)
    except OSError as error:
        discard_output(sys.stdout)
        warn(f"standard output cannot be written ({error.strerror}); the training goes on without it")
