"""The folder of many runs: which runs it holds, so that they are begun, continued and replaced together."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from gan_jax.errors import InputError
from gan_jax.files import SWEEP_DATA, first_line, parse_json, require_regular, write_json
from gan_jax.storage.run_folder import RunFolder, claim, hold, remove_run, require_claimable
from gan_jax.storage.run_json import RunJson, has_run_json, read_run_json
from gan_jax.storage.run_json_schema import has_type

_RUNS, SUMMARY = SWEEP_DATA
_SUMMARIES = (SUMMARY, "summary.md", "bands.png", "sweep.png", "report.html")
_FORM: dict[str, Any] = {"run": dict[str, Any], "runs": list[str], "replaced": list[str]}


def read_sweep(folder: Path) -> dict[str, Any] | None:
    """What is recorded of the many runs in a folder; None where there is no such record.

    Returns:
      ``run``, the settings of the first of them; ``runs``, their names; and ``replaced``, those of former runs of which
      files may be left.

    Raises:
      InputError: it is damaged.
    """
    path = folder / _RUNS
    if not path.exists():
        return None
    try:
        require_regular(path)
        found = parse_json(path.read_text(encoding="utf-8"))
        for name, declared in _FORM.items():
            if not has_type(found[name], declared):
                raise ValueError(f"{name} is of another type")
        for name in (*found["runs"], *found["replaced"]):
            require_within(folder, name)
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise InputError(f"{path} is no list of runs ({reason}); restore it from a copy.") from None
    return found


def recorded(folder: Path) -> RunJson | None:
    """What is recorded of the run in a folder, or of the first of many there; None where there is none."""
    return read_run_json(folder, replacing=True) if has_run_json(folder) else read_sweep(folder)


def require_within(folder: Path, name: str) -> None:
    """Check that a run that a file names lies in the folder.

    Raises:
      ValueError: it does not.
    """
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{name!r} is outside the folder")


class SweepFolder:
    """The folder of many runs, which this process holds locked while it trains them.

    Args:
      path: the folder.
      names: of the runs, each a folder in it.
      resume: runs of these may be in it, which will go on.
      overwrite: any runs may be in it, which these replace.
    """

    def __init__(self, path: Path, names: Sequence[str], *, resume: bool, overwrite: bool) -> None:
        self.path, self._names = path, list(names)
        self._flags = {"resume": resume, "overwrite": overwrite}
        self._lock: FileLock | None = None

    def require_claimable(self) -> None:
        """Check that the runs may be trained in this folder.

        Raises:
          InputError: there are runs and neither flag is set, or others than those that go on, or what is no run.
        """
        found = read_sweep(self.path)
        if found and not any(self._flags.values()):
            raise InputError(
                f"{self.path} holds many runs; give another --output-dir, --resume to continue them, or --overwrite to "
                f"replace them all."
            )
        left_out = [name for name in found["runs"] if name not in self._names] if found else []
        if left_out and self._flags["resume"]:
            raise InputError(
                f"{self.path} also holds {left_out[0]}, which its summary would lose; give the values of all runs in "
                f"--seeds and --sweep, or another --output-dir."
            )
        for name in dict.fromkeys([*self._names, *(left_out if self._flags["overwrite"] else ())]):
            require_claimable(RunFolder(self.path / name), **self._flags)

    def begin(self, record: RunJson) -> None:
        """Record the runs in the folder, and delete all runs that they replace, which were complete until then.

        Args:
          record: of the first run to begin. Nothing happens at the others.

        Raises:
          InputError: as ``require_claimable``, or another process is at work in the folder, or in a run to be replaced.
          OSError: something cannot be written or deleted.
        """
        if self._lock:
            return
        self._lock = hold(RunFolder(self.path), "give another --output-dir")
        self.require_claimable()
        found = read_sweep(self.path) or {"runs": [], "replaced": []}
        replaced = found["replaced"]
        if self._flags["overwrite"]:
            every = dict.fromkeys([*replaced, *found["runs"], *self._names])
            replaced = [name for name in every if has_run_json(self.path / name)]
            for name in replaced:
                claim(RunFolder(self.path / name), overwrite=True).release()
        entry = {"run": record["run"], "runs": self._names}
        write_json(self.path / _RUNS, entry | {"replaced": replaced})
        if replaced:
            self._remove(replaced)
            write_json(self.path / _RUNS, entry | {"replaced": []})

    def close(self) -> None:
        """Release the folder."""
        if self._lock:
            self._lock.release()

    def _remove(self, names: Sequence[str]) -> None:
        for name in _SUMMARIES:
            (self.path / name).unlink(missing_ok=True)
        for folder in [RunFolder(self.path / name) for name in names]:
            if has_run_json(folder.path):
                remove_run(folder)
            with contextlib.suppress(OSError):  # a folder in which something is left
                folder.lock.unlink()
                for path in (*folder.folders, folder.path, *folder.path.parents):
                    if path == self.path:
                        break
                    if path.is_dir():
                        path.rmdir()
