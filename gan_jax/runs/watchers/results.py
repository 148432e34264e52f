"""What a run leaves for other programs: its record, its weights and its history."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.files import save_arrays
from gan_jax.runs.watchers.watcher import ResumePoint, RunContext, Watcher
from gan_jax.storage.record import Record, append_epoch, epoch_digest, write_record
from gan_jax.storage.weights import save_weights
from gan_jax.training.loop import Progress


class Recorder(Watcher):
    """Keeps the record: a digest of the state after every epoch, and how a run that diverged ended."""

    def __init__(self, context: RunContext, record: Record) -> None:
        self._context, self._record = context, record

    def resume(self, point: ResumePoint) -> None:
        """Drop the epochs after the point, and the end of a shorter run within an epoch, and end what was before it."""
        context, epochs = self._context, self._record["epochs"]
        self._record["epochs"] = [
            epoch
            for epoch in epochs
            if epoch["step"] <= point.step
            and epoch["step"] in (context.num_steps, epoch["epoch"] * context.steps_per_epoch)
        ]
        if earlier := self._record.get("earlier_environments"):
            for stretch in earlier:
                stretch["until"] = min(point.step, stretch.get("until", point.step))
            self._record["earlier_environments"] = [stretch for stretch in earlier if stretch["until"]]
        write_record(context.folder.path, self._record)

    def checkpoint(self, progress: Progress) -> None:
        """Add the epoch that ends here."""
        folder = self._context.folder.path
        if progress.epoch_end:
            append_epoch(folder, self._record, epoch_digest(progress.epoch, progress.state))
        if progress.error:
            self._record["diverged"] = str(progress.error)
            write_record(folder, self._record)


class Results(Watcher):
    """Writes ``weights.npz`` and ``history.npz``."""

    def __init__(self, context: RunContext) -> None:
        self._folder, self._config = context.folder, context.config

    def finish(self, state: Any, metrics: Mapping[str, np.ndarray]) -> None:
        """Write both files."""
        save_weights(self._folder.weights, state, self._config)
        if metrics:
            save_arrays(self._folder.history, metrics)
