"""A run whose folder is moved, deleted or replaced while it trains."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.runs.watchers.watcher import Entry, RunContext, Watcher
from gan_jax.training.loop import Progress


class InPlace(Watcher):
    """Ends a training whose folder was moved, deleted or replaced; it comes before all watchers that write there.

    Args:
      context: the run.
      lock: the run's lock file. It is open as long as the run lasts, so that no other file gets its inode.

    Raises:
      FileNotFoundError: from every event, once the folder was moved, deleted or replaced.
    """

    def __init__(self, context: RunContext, lock: Path) -> None:
        self._context, self._lock = context, lock
        self._inode = _inode(lock)

    def record(self, entry: Entry) -> None:
        """Check it."""
        self._check()

    def draw(self, progress: Progress) -> None:
        """Check it."""
        self._check()

    def checkpoint(self, progress: Progress) -> None:
        """Check it."""
        self._check()

    def finish(self, state: Any, metrics: Mapping[str, np.ndarray]) -> None:
        """Check it."""
        self._check()

    def _check(self) -> None:
        if _inode(self._lock) != self._inode:
            raise FileNotFoundError(
                f"{self._context.folder.path} was moved, deleted or replaced while the run in it was trained; it is "
                f"left as it is: continue with --resume and the folder's present place as --output-dir."
            )


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
