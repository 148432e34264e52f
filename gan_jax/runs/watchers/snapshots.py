"""The weights of chosen moments of a training."""

from collections.abc import Collection

from gan_jax.runs.watchers.watcher import ResumePoint, RunContext, Watcher
from gan_jax.storage.weights import save_weights
from gan_jax.training.loop import Progress


class Snapshots(Watcher):
    """Writes ``snapshots/step_NNNNNNN.npz``, which ``load_run`` reads like any weights.

    Args:
      context: the run.
      steps: after which to write; training must pause there.
    """

    def __init__(self, context: RunContext, steps: Collection[int]) -> None:
        self._folder, self._config, self._steps = context.folder, context.config, frozenset(steps)

    def resume(self, point: ResumePoint) -> None:
        """Drop the weights after the point."""
        for step in self._folder.snapshot_steps():
            if step > point.step:
                self._folder.snapshot(step).unlink()

    def draw(self, progress: Progress) -> None:
        """Write the weights, where they are due."""
        if progress.step in self._steps:
            self._folder.snapshots.mkdir(exist_ok=True)
            save_weights(self._folder.snapshot(progress.step), progress.state, self._config)
