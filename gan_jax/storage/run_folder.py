"""A run's folder: the names of its files, and who may write and delete there."""

import dataclasses
import shutil
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from gan_jax.errors import InputError
from gan_jax.files import RUN_DATA, is_partial
from gan_jax.storage.run_json import RunJson, has_run_json, read_run_json, write_run_json

CHECKPOINT_ARRAYS = "arrays.npz"  # in each part of a checkpoint
_UNFINISHED_CHECKPOINT = ".orbax-checkpoint-tmp"
_TRACKERS = ("tensorboard", "wandb")
_FILES = (  # what a run writes beside its folders, the record first
    *RUN_DATA,
    *("losses.png", "scores.png", "progress.gif", "real_vs_fake.png", "evaluation.png", "nearest.png"),
    "report.html",
)


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The names of a run's files, and which of the files in its folder are the run's."""

    path: Path

    metrics = property(lambda self: self.path / "metrics.jsonl", doc="One JSON line per window, warning and scoring.")
    history = property(lambda self: self.path / "history.npz", doc="Every step's metrics; see ``storage.history``.")
    weights = property(lambda self: self.path / "weights.npz", doc="Both networks; see ``storage.weights``.")
    outcome = property(lambda self: self.path / "outcome.json", doc="How one of many ended; see ``sweeps.report``.")
    checkpoints = property(lambda self: self.path / "checkpoints", doc="A folder; see ``storage.checkpoints``.")
    grids = property(lambda self: self.path / "grids", doc="A folder of pictures.")
    snapshots = property(lambda self: self.path / "snapshots", doc="A folder of weights; see ``storage.weights``.")
    trackers = property(lambda self: self.path / "trackers", doc="A folder; see ``runs.watchers.trackers``.")

    lock = property(lambda self: self.path / ".lock", doc="Held by the process that writes in the folder.")

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders in it; other files than the run's may be in them."""
        return self.grids, self.snapshots, self.trackers, self.checkpoints

    def tracker(self, name: str) -> Path:
        """The folder of a tracker's files."""
        return self.trackers / name

    def grid(self, step: int) -> Path:
        """The picture drawn after a step."""
        return self.grids / f"step_{step:07d}.png"

    def drawn_steps(self) -> list[int]:
        """After which steps there is a picture, in order; other files in ``grids`` are left out."""
        return _steps_of(self.grids.glob("step_*.png"))

    def snapshot(self, step: int) -> Path:
        """The weights after a step."""
        return self.snapshots / f"step_{step:07d}.npz"

    def snapshot_steps(self) -> list[int]:
        """After which steps there are weights, in order; other files in ``snapshots`` are left out."""
        return _steps_of(self.snapshots.glob("step_*.npz"))

    def partial_files(self) -> list[Path]:
        """What was being written when the run was killed."""
        found = [path for folder in (self.path, self.grids, self.snapshots) for path in folder.glob(".*")]
        return [path for path in found if is_partial(path)]

    def content(self) -> list[Path]:
        """What is in the folder beside the lock and the partial files of a run that was interrupted at its start."""
        if not self.path.exists():
            return []
        return [path for path in self.path.iterdir() if not self._is_trace(path)]

    def own(self) -> list[Path]:
        """The files and folders in it that a run of this package wrote, the record first.

        Of a folder that is a link, the link is the run's, and what it leads to is not.
        """
        named = [self.path / name for name in _FILES]
        within = {
            self.grids: [self.grid(step) for step in self.drawn_steps()],
            self.snapshots: [self.snapshot(step) for step in self.snapshot_steps()],
            self.trackers: [self.tracker(name) for name in _TRACKERS],
            self.checkpoints: [path for path in self.checkpoints.glob("*") if _is_checkpoint(path.name)],
        }
        parts = (path for folder, paths in within.items() for path in ([folder] if folder.is_symlink() else paths))
        return [path for path in (*named, *parts) if path.exists() or path.is_symlink()]

    def misplaced(self) -> list[Path]:
        """Files that have the name of one of the run's folders, and folders that have that of a file."""
        files = [self.lock, *(self.path / name for name in _FILES)]
        found = [path for path in self.folders if (path.exists() or path.is_symlink()) and not path.is_dir()]
        return [*(path for path in files if path.is_dir()), *found]

    def _is_trace(self, path: Path) -> bool:
        ours = path == self.lock or is_partial(path)
        is_folder = path in self.folders and path.is_dir()
        return ours or (is_folder and not any(path.iterdir()))


def _is_checkpoint(name: str) -> bool:
    return name.isdecimal() or _UNFINISHED_CHECKPOINT in name


def _steps_of(paths: Iterable[Path]) -> list[int]:
    numbers = (path.stem.removeprefix("step_") for path in paths)
    return sorted(int(number) for number in numbers if number.isdecimal())


def claim(folder: RunFolder, *, resume: bool = False, overwrite: bool = False) -> FileLock:
    """Lock the folder for this process until the lock is released or the process ends.

    Args:
      folder: new, empty, or a run's.
      resume: a run may be in it, which will go on.
      overwrite: a run may be in it, which ``replace_run`` will replace.

    Returns:
      The lock, held.

    Raises:
      InputError: another process holds the folder; it holds a run and neither flag is set; it holds what is not a run.
      OSError: it cannot be written.
    """
    require_claimable(folder, resume=resume, overwrite=overwrite)
    lock = hold(folder, "give another --output-dir")
    try:
        require_claimable(folder, resume=resume, overwrite=overwrite)
    except BaseException:
        lock.release()
        raise
    return lock


def hold(folder: RunFolder, otherwise: str) -> FileLock:
    """Lock a folder against trainings and other writers until the lock is released or the process ends.

    Args:
      folder: which is made where it is not there.
      otherwise: what a person can do where it cannot be held.

    Raises:
      InputError: another process, or another training of this one, holds it; or its file system has no locks.
      OSError: it cannot be written.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.lock)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(f"another process is at work in {folder.path}; wait for it or {otherwise}.") from None
    except NotImplementedError:  # some file systems of networks
        raise InputError(f"{folder.path} is on a file system that has no locks; {otherwise}.") from None
    return lock


def require_claimable(folder: RunFolder, *, resume: bool = False, overwrite: bool = False) -> None:
    """Check, before data are loaded, all that ``claim`` checks except the lock.

    Raises:
      InputError: as ``claim``.
    """
    path = folder.path
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise InputError(f"{path} is not UTF-8, as checkpoints need; give another --output-dir.") from None
    if (path.exists() or path.is_symlink()) and not path.is_dir():
        found = "a file" if path.exists() else "a link that leads nowhere"
        raise InputError(f"{path} is {found}; give another --output-dir.")
    if misplaced := folder.misplaced():
        raise InputError(f"{misplaced[0]} is in the place of a run's own file or folder; move it away.")
    if not folder.content():
        return
    if not has_run_json(path):
        raise InputError(f"{path} holds files but no run, so it is left alone; give another --output-dir.")
    if not resume and not overwrite:
        raise InputError(
            f"{path} is not empty; give another --output-dir, --resume to continue the run in it, or --overwrite to "
            f"replace that run."
        )
    read_run_json(path, replacing=True)


def replace_run(folder: RunFolder, record: RunJson) -> None:
    """Begin a run and delete the one that is in its folder.

    The old run is whole until the new one's record is there. That record is marked as long as files of the old run are,
    so that no reader takes them for the new run's; if the process is killed, doing this again ends it.

    Raises:
      OSError: the record cannot be written, or a file of the old run not be deleted.
    """
    write_run_json(folder.path, record, replacing=True)
    _delete(folder.own()[1:])
    write_run_json(folder.path, record)


def remove_run(folder: RunFolder) -> None:
    """Delete the run in a folder. Its record goes last and is marked before, so that no reader takes what is left.

    Raises:
      InputError: there is none, or another process is at work in it.
      OSError: a file cannot be deleted.
    """
    lock = claim(folder, overwrite=True)
    try:
        write_run_json(folder.path, read_run_json(folder.path, replacing=True), replacing=True)
        record, *others = folder.own()
        _delete([*others, record])
    finally:
        lock.release()


def _delete(paths: Iterable[Path]) -> None:
    """Delete files and folders; links are removed and not followed."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
