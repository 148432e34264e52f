"""A run's folder: claimed by one process at a time, and never taken from what is no run."""

import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from gan_jax.errors import InputError
from gan_jax.records import has_record

_LOCK = ".lock"


def claim(folder: Path, *, resume: bool = False, overwrite: bool = False) -> FileLock:
    """Make the folder this process's own until the lock is released or the process ends, however it ends.

    Args:
      folder: new, empty, or a run's.
      resume: keep the run that is in it.
      overwrite: delete the run that is in it.

    Returns:
      The lock, held.

    Raises:
      InputError: another process holds the folder; it holds a run and neither flag is set; it holds what is no run.
      OSError: it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give another --output-dir.")
    if _content(folder) and not has_record(folder):
        raise InputError(f"{folder} holds files but no run, so it is left alone; give another --output-dir.")
    if _content(folder) and not resume and not overwrite:
        raise InputError(
            f"{folder} is not empty; give another --output-dir, --resume to go on with that run, or --overwrite to "
            f"replace it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(f"another process is at work in {folder}; wait for it or give another --output-dir.") from None
    if overwrite:
        for path in _content(folder):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "grids").mkdir(exist_ok=True)
    return lock


def _content(folder: Path) -> list[Path]:
    """What is in a folder beside the lock and what an interrupted first moment may have left."""
    if not folder.exists():
        return []
    return [path for path in folder.iterdir() if path.name != _LOCK and not _is_trace(path)]


def _is_trace(path: Path) -> bool:
    return path.name.startswith(".run-") or (path.is_dir() and not any(path.iterdir()))
