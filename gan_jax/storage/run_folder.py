"""A run's folder: the names of its files, and who may write and delete there."""

import dataclasses
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from gan_jax.errors import InputError
from gan_jax.files import RUN_DATA, is_partial
from gan_jax.storage.record import RECORD_NAMES, has_record, read_record

_LOCK = ".lock"
_REPLACED = ".replaced-"
_UNFINISHED_CHECKPOINT = ".orbax-checkpoint-tmp"
_TRACKERS = ("tensorboard", "wandb")
_FILES = (  # what a run writes beside its record and its folders
    *RUN_DATA[1:],
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
        """What is in the folder beside the lock and what an interrupted first moment may have left."""
        if not self.path.exists():
            return []
        return [path for path in self.path.iterdir() if not self._is_trace(path)]

    def own(self) -> list[Path]:
        """The files and folders in it that a run of this package wrote, the record first.

        Of a folder that is a link, the link is the run's, and what it leads to is not.
        """
        named = [self.path / name for name in (*RECORD_NAMES, *_FILES)]
        within = {
            self.grids: [self.grid(step) for step in self.drawn_steps()],
            self.snapshots: [self.snapshot(step) for step in self.snapshot_steps()],
            self.trackers: [self.tracker(name) for name in _TRACKERS],
            self.checkpoints: [path for path in self.checkpoints.glob("*") if _is_checkpoint(path.name)],
        }
        parts = (path for folder, paths in within.items() for path in ([folder] if folder.is_symlink() else paths))
        return [path for path in (*named, *parts) if path.exists() or path.is_symlink()]

    def misplaced(self) -> list[Path]:
        """What is in the place of one of the run's files or folders, and is of the other kind."""
        files = [self.path / name for name in (_LOCK, *RECORD_NAMES, *_FILES)]
        folders = (self.grids, self.snapshots, self.trackers, self.checkpoints)
        found = [path for path in folders if (path.exists() or path.is_symlink()) and not path.is_dir()]
        return [*(path for path in files if path.is_dir()), *found]

    def _is_trace(self, path: Path) -> bool:
        ours = path.name == _LOCK or path.name.startswith(_REPLACED) or is_partial(path)
        is_folder = path.name in ("grids", "checkpoints", "snapshots", "trackers") and path.is_dir()
        return ours or (is_folder and not any(path.iterdir()))


def _is_checkpoint(name: str) -> bool:
    return name.isdecimal() or _UNFINISHED_CHECKPOINT in name


def _steps_of(paths: Iterable[Path]) -> list[int]:
    numbers = (path.stem.removeprefix("step_") for path in paths)
    return sorted(int(number) for number in numbers if number.isdecimal())


def claim(folder: RunFolder, *, resume: bool = False, overwrite: bool = False) -> FileLock:
    """Make the folder this process's own until the lock is released or the process ends, however it ends.

    With ``overwrite`` the run in it is set aside; ``discard_replaced`` deletes it once the new run has a record, and a
    process killed in between leaves the old run to be found again.

    Args:
      folder: new, empty, or a run's.
      resume: keep the run that is in it.
      overwrite: set the run that is in it aside, and nothing else.

    Returns:
      The lock, held.

    Raises:
      InputError: another process holds the folder; it holds a run and neither flag is set; it holds what is not a run.
      OSError: it cannot be written.
    """
    require_claimable(folder, resume=resume, overwrite=overwrite)
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = hold(folder, "give another --output-dir")
    try:
        _recover(folder)
        _require_free_or_run(folder, resume=resume, overwrite=overwrite)
        if overwrite:
            _set_aside(folder)
        folder.grids.mkdir(exist_ok=True)
    except BaseException:
        lock.release()
        raise
    return lock


def hold(folder: RunFolder, otherwise: str) -> FileLock:
    """Keep trainings and other writers out of a folder until the lock is released or the process ends.

    Args:
      folder: one that is there.
      otherwise: what a person can do where it cannot be held.

    Raises:
      InputError: another process, or another training of this one, holds it; or its file system has no locks.
      OSError: it cannot be written.
    """
    lock = FileLock(folder.path / _LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(f"another process is at work in {folder.path}; wait for it or {otherwise}.") from None
    except NotImplementedError:  # some file systems of networks
        raise InputError(f"{folder.path} is on a file system that has no locks; {otherwise}.") from None
    return lock


def require_claimable(folder: RunFolder, *, resume: bool = False, overwrite: bool = False) -> None:
    """Check what ``claim`` will, but for another process, before data are loaded for it.

    Raises:
      InputError: as ``claim``.
    """
    try:
        str(folder.path.absolute()).encode()
    except UnicodeEncodeError:
        raise InputError(f"{folder.path} is not UTF-8, as checkpoints need; give another --output-dir.") from None
    if folder.path.exists() and not folder.path.is_dir():
        raise InputError(f"{folder.path} is a file; give another --output-dir.")
    if not _replaced(folder):
        _require_free_or_run(folder, resume=resume, overwrite=overwrite)


def discard_replaced(folder: RunFolder) -> None:
    """Delete the run that ``claim`` set aside; links are removed and not followed."""
    for aside in _replaced(folder):
        shutil.rmtree(aside)


def _replaced(folder: RunFolder) -> list[Path]:
    return list(folder.path.glob(f"{_REPLACED}*"))


def _require_free_or_run(folder: RunFolder, *, resume: bool, overwrite: bool) -> None:
    path = folder.path
    if misplaced := folder.misplaced():
        raise InputError(f"{misplaced[0]} is in the place of a run's own file or folder; move it away.")
    if not folder.content():
        return
    if not has_record(path):
        raise InputError(f"{path} holds files but no run, so it is left alone; give another --output-dir.")
    if not resume and not overwrite:
        raise InputError(
            f"{path} is not empty; give another --output-dir, --resume to continue the run in it, or --overwrite to "
            f"replace that run."
        )
    read_record(path)


def _set_aside(folder: RunFolder) -> None:
    """Move a run's own files, its record first: without a record, the folder's run is the one that was set aside."""
    own = folder.own()
    aside = folder.path / f"{_REPLACED}{secrets.token_hex(4)}"
    aside.mkdir()
    for path in own:
        _move(path, aside / path.relative_to(folder.path))


def _recover(folder: RunFolder) -> None:
    """Finish or undo a replacement in which a process was killed."""
    if not has_record(folder.path):
        for aside in _replaced(folder):
            for path in reversed(RunFolder(aside).own()):  # the record last
                _move(path, folder.path / path.relative_to(aside))
    discard_replaced(folder)


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    if path.is_symlink() and target.is_dir():  # a linked folder that comes back, and the new one in its place
        target.rmdir()
    path.rename(target)
