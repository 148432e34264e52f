"""A run's checkpoints: the complete state and every step's metrics, each with its digest."""

import json
import logging
import os
import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.array_files import unpack_arrays
from gan_jax.errors import InputError
from gan_jax.files import first_line, parse_json
from gan_jax.storage.digests import named_leaves, tree_digest
from gan_jax.storage.run_folder import CHECKPOINT_ARRAYS

if TYPE_CHECKING:
    import orbax.checkpoint as ocp

_SCORE = "frechet_distance"
_SAVING = threading.Lock()  # Orbax has one current operation in a process, by whose number its threads find each other
_ATTEMPTS = 100  # to read a folder in which a training replaces one checkpoint by the next
_SYSTEM_ERROR = re.compile(r"os_error_code='(\d+)'")


class Checkpoint(NamedTuple):
    """What training resumes from."""

    state: Any  # a pytree of arrays with a step
    metrics: dict[str, np.ndarray]  # of every step so far: [steps] float32


def checkpoint_steps(folder: Path) -> list[int]:
    """After which steps there is a checkpoint in a folder, in order; none where there is no folder."""
    return sorted(int(path.name) for path in folder.glob("*") if path.name.isdecimal())


class SavedCheckpoints:
    """The checkpoints in a folder, to be read; another process may be writing there.

    Each holds a sha256 of its arrays, which is compared when it is read.

    Args:
      folder: of the checkpoints.
      run: what identifies the run, from ``record.identity``; a checkpoint of another run is not restored.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any] | None = None) -> None:
        self._folder, self._run = folder.absolute(), json.loads(json.dumps(run or {}))

    def steps(self) -> list[int]:
        """After which steps there is a checkpoint."""
        return checkpoint_steps(self._folder)

    def restore(self, step: int, template: Any) -> Checkpoint:
        """Read the checkpoint after a step, every bit as it was saved.

        Args:
          step: one of ``steps()``.
          template: a state of the same shapes and, on several devices, the same placement; its values do not matter.

        Raises:
          InputError: a file of it is missing or damaged, or it belongs to another run.
        """
        folder = self._folder / str(step)
        try:
            record = parse_json((folder / "record" / "metadata").read_text(encoding="utf-8"))
            self._require_own(folder, record.get("run", {}))  # first: another run's arrays may be of other sizes
            history = _read_arrays(folder / "history")
            state = _placed(_read_arrays(folder / "state"), template)
            checkpoint = Checkpoint(state, {name: history[name] for name in record["metrics"]})
            intact = tree_digest(checkpoint._asdict()) == record["sha256"]
        except InputError:
            raise
        except Exception as error:  # TensorStore raises what its decoders meet
            raise InputError(f"{folder} cannot be read ({_reason(error)}).") from None
        if not intact:
            raise InputError(f"{folder} is not what was saved: its sha256 differs.")
        return checkpoint

    def _require_own(self, folder: Path, run: Mapping[str, Any]) -> None:
        for name, value in run.items():
            if name in self._run and value != self._run[name]:
                raise InputError(f"{folder} is of another run: its {name} is {value!r:.60}.")

    def restore_newest(self, template: Any, until: int | None = None) -> tuple[Checkpoint | None, list[str]]:
        """Read the newest checkpoint that is complete and undamaged.

        Args:
          template: as for ``restore``.
          until: none after this step.

        Returns:
          The checkpoint, or None where there is none, and a complaint for each newer one that is damaged.

        Raises:
          InputError: they are replaced faster than they can be read.
        """
        for _ in range(_ATTEMPTS):
            listed, complaints = self.steps(), []
            for step in reversed([step for step in listed if until is None or step <= until]):
                try:
                    return self.restore(step, template), complaints
                except InputError as error:
                    if self.steps() != listed:  # it may be gone because a newer one is there
                        break
                    complaints.append(str(error))
            else:
                return None, complaints
        raise InputError(f"{self._folder} changes faster than it can be read; try again when the training has ended.")


class Checkpoints(SavedCheckpoints):
    """The checkpoints of a run, written in the background while training continues.

    The newest ``keep`` stay, and the one with the lowest Fréchet distance.

    Args:
      folder: made when it is not there.
      keep: how many.
      run: as for ``SavedCheckpoints``.
    """

    def __init__(self, folder: Path, keep: int = 2, *, run: Mapping[str, Any] | None = None) -> None:
        super().__init__(folder, run)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._keep = keep
        self._manager: ocp.CheckpointManager | None = None

    def _open(self) -> "ocp.CheckpointManager":
        import orbax.checkpoint as ocp  # with the first checkpoint, so that a training starts sooner
        from orbax.checkpoint.checkpoint_managers import AnyPreservationPolicy, BestN, LatestN

        logging.getLogger("absl").setLevel(logging.CRITICAL)  # Orbax logs there what it then raises
        best = BestN(
            get_metric_fn=lambda scores: scores[_SCORE], reverse=True, n=1, keep_checkpoints_without_metrics=False
        )
        policy = AnyPreservationPolicy([LatestN(self._keep), best])
        options = ocp.CheckpointManagerOptions(preservation_policy=policy, cleanup_tmp_directories=True)
        return ocp.CheckpointManager(self._folder, options=options)

    def save(self, checkpoint: Checkpoint, scores: Mapping[str, Any] | None = None) -> None:
        """Save, and return as soon as the arrays are copied. Nothing happens if that step is there already.

        Raises:
          OSError: this one or the previous one cannot be written.
        """
        import orbax.checkpoint as ocp

        from gan_jax.storage.array_handler import ArraySave

        step = int(checkpoint.state.step)
        manager = self._manager = self._manager or self._open()
        if step in manager.all_steps():
            return
        arguments = ocp.args.Composite(
            state=ArraySave(dict(named_leaves(checkpoint.state, "."))),
            history=ArraySave(checkpoint.metrics),
            record=ocp.args.JsonSave(
                {"sha256": tree_digest(checkpoint._asdict()), "metrics": list(checkpoint.metrics), "run": self._run}
            ),
        )
        try:
            with _SAVING:
                manager.save(step, args=arguments, metrics={_SCORE: scores[_SCORE]} if scores else None)
        except Exception as error:  # Orbax raises what its storage does, of any type
            raise _unwritten(error) from None

    def wait(self) -> None:
        """Wait until all is on disk.

        Raises:
          OSError: it cannot be written.
        """
        try:
            if self._manager:
                self._manager.wait_until_finished()
        except Exception as error:
            raise _unwritten(error) from None

    def close(self) -> None:
        """Wait, and give the folder up."""
        self.wait()
        if self._manager:
            self._manager.close()

    def drop_after(self, step: int) -> None:
        """Delete the checkpoints that are newer than ``step``, which are damaged or will be written again."""
        for newer in [other for other in self.steps() if other > step]:
            shutil.rmtree(self._folder / str(newer), ignore_errors=True)
        if self._manager:
            self._manager.reload()


def _read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a part of a checkpoint, by their places in the tree, such as ``generator.params``."""
    path = folder / CHECKPOINT_ARRAYS
    return unpack_arrays(path) if path.exists() else _read_tensorstore(folder)


def _read_tensorstore(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of an older run, which Orbax's own handler has written."""
    import tensorstore

    context = tensorstore.Context()
    files: Any = tensorstore.KvStore.open({"driver": "memory"}, context=context).result()
    for path in folder.rglob("*"):
        if path.is_file():
            files.write(path.relative_to(folder).as_posix(), path.read_bytes()).result()
    store = {"driver": "ocdbt", "base": {"driver": "memory"}}
    listed = tensorstore.KvStore.open(store, context=context).result().list().result()
    names = {str(key, "utf-8").rpartition("/")[0] for key in listed}
    if not names:
        raise ValueError("it holds no arrays")
    specs = {name: {"driver": "zarr", "kvstore": store | {"path": f"{name}/"}} for name in names}
    return {name: tensorstore.open(spec, context=context).result().read().result() for name, spec in specs.items()}


def _placed(arrays: Mapping[str, np.ndarray], template: Any) -> Any:
    """Arrays as a state, each of the shape and type, and on the devices, of the template's."""

    def place(name: str, leaf: Any) -> jax.Array:
        array = arrays[name]
        if array.dtype.kind == "V":  # NumPy writes bfloat16 without its name
            array = array.view(leaf.dtype)
        if (array.shape, array.dtype) != (leaf.shape, leaf.dtype):
            raise ValueError(f"{name} is {array.dtype} {list(array.shape)}")
        if leaf.sharding is None:
            return jnp.asarray(array)
        return jax.make_array_from_callback(array.shape, leaf.sharding, lambda index: array[index])

    placed = [place(name, leaf) for name, leaf in named_leaves(template, ".")]
    return jax.tree.unflatten(jax.tree.structure(template), placed)


def _unwritten(error: Exception) -> OSError:
    return OSError(f"a checkpoint cannot be written ({_reason(error)}); make room, then continue with --resume.")


def _reason(error: Exception) -> str:
    """An error's message; of an operating system's error that TensorStore passes on, the system's message."""
    number = _SYSTEM_ERROR.search(str(error))
    return os.strerror(int(number[1])) if number else first_line(error)
