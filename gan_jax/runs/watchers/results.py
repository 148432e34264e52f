"""What a run leaves for other programs: ``run.json``, its epochs, its weights and its history."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_jax.array_files import save_arrays
from gan_jax.runs.watchers.watcher import ResumePoint, RunContext, Watcher
from gan_jax.storage.run_json import RunJson, append_epoch, epoch_digest, write_run_json
from gan_jax.storage.weights import save_weights
from gan_jax.training.loop import Progress


class Results(Watcher):
    """Writes ``run.json``, a digest of the state after every epoch, and at the end the weights and the history.

    Args:
      context: the run.
      run_json: what ``run.json`` is to hold, with the run's earlier epochs.
    """

    def __init__(self, context: RunContext, run_json: RunJson) -> None:
        self._context, self._run_json = context, run_json

    def resume(self, point: ResumePoint) -> None:
        """Drop the epochs after the point, and say until which step an earlier environment was used."""
        context, epochs = self._context, self._run_json["epochs"]
        self._run_json["epochs"] = [
            epoch
            for epoch in epochs
            if epoch["step"] <= point.step
            and epoch["step"] in (context.num_steps, epoch["epoch"] * context.steps_per_epoch)
        ]
        if earlier := self._run_json.get("earlier_environments"):
            for stretch in earlier:
                stretch["until"] = min(point.step, stretch.get("until", point.step))
            self._run_json["earlier_environments"] = [stretch for stretch in earlier if stretch["until"]]
        write_run_json(context.folder.path, self._run_json)

    def checkpoint(self, progress: Progress) -> None:
        """Add the epoch that ends here, or that the run has diverged."""
        folder = self._context.folder.path
        if progress.epoch_end:
            append_epoch(folder, self._run_json, epoch_digest(progress.epoch, progress.state))
        if progress.error:
            self._run_json["diverged"] = str(progress.error)
            write_run_json(folder, self._run_json)

    def finish(self, state: Any, metrics: Mapping[str, np.ndarray]) -> None:
        """Write ``weights.npz`` and ``history.npz``."""
        folder = self._context.folder
        save_weights(folder.weights, state, self._context.config)
        if metrics:
            save_arrays(folder.history, metrics)
