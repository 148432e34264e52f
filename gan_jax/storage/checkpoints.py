"""A run's checkpoints: the complete state and every step's metrics, each with its digest."""

import dataclasses
import json
import logging
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
import tensorstore
from orbax.checkpoint.checkpoint_managers import AnyPreservationPolicy, BestN, LatestN

from gan_jax.errors import InputError
from gan_jax.files import first_line
from gan_jax.storage.digests import tree_digest
from gan_jax.training.state import GanState

_SCORE = "frechet_distance"
_SAVING = threading.Lock()  # Orbax has one current operation in a process, by whose number its threads find each other


class Checkpoint(NamedTuple):
    """What training resumes from."""

    state: GanState
    metrics: dict[str, np.ndarray]  # of every step so far: [steps] float32


def checkpoint_steps(folder: Path) -> list[int]:
    """After which steps there is a checkpoint in a folder, in order; none where there is no folder."""
    return sorted(int(path.name) for path in folder.glob("*") if path.name.isdecimal())


class Checkpoints:
    """The checkpoints in a folder, written in the background while training continues.

    The newest ``keep`` stay, and the one with the lowest Fréchet distance. Each holds a sha256 of its arrays, which is
    compared when it is read: Orbax notices a missing file, but not a changed byte.

    Args:
      folder: made when it is not there.
      keep: how many.
      run: what identifies the run, from ``record.identity``; a checkpoint of another run is not restored.
      read_only: leave the folder as it is, so that a training that writes there is not disturbed.
    """

    def __init__(
        self, folder: Path, keep: int = 2, *, run: Mapping[str, Any] | None = None, read_only: bool = False
    ) -> None:
        logging.getLogger("absl").setLevel(logging.CRITICAL)  # Orbax logs there what it then raises
        best = BestN(
            get_metric_fn=lambda scores: scores[_SCORE], reverse=True, n=1, keep_checkpoints_without_metrics=False
        )
        policy = AnyPreservationPolicy([LatestN(keep), best])
        options = ocp.CheckpointManagerOptions(
            preservation_policy=policy, cleanup_tmp_directories=not read_only, read_only=read_only
        )
        self._folder, self._run = folder.absolute(), json.loads(json.dumps(run or {}))
        self._manager = ocp.CheckpointManager(self._folder, options=options)

    def steps(self) -> list[int]:
        """After which steps there is a checkpoint."""
        return sorted(self._manager.all_steps())

    def save(self, checkpoint: Checkpoint, scores: Mapping[str, Any] | None = None) -> None:
        """Save, and return as soon as the arrays are copied. Nothing happens if that step is there already.

        Raises:
          OSError: this one or the previous one cannot be written.
        """
        step = int(checkpoint.state.step)
        if step in self.steps():
            return
        arguments = ocp.args.Composite(
            state=ocp.args.StandardSave(_parts(checkpoint.state)),
            history=ocp.args.StandardSave(checkpoint.metrics),
            record=ocp.args.JsonSave(
                {"sha256": tree_digest(checkpoint._asdict()), "metrics": list(checkpoint.metrics), "run": self._run}
            ),
        )
        try:
            with _SAVING:
                self._manager.save(step, args=arguments, metrics={_SCORE: scores[_SCORE]} if scores else None)
        except Exception as error:  # Orbax raises what its storage does, of any type
            raise _unwritten(error) from None

    def wait(self) -> None:
        """Wait until all is on disk.

        Raises:
          OSError: it cannot be written.
        """
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise _unwritten(error) from None

    def close(self) -> None:
        """Wait, and give the folder up."""
        self.wait()
        self._manager.close()

    def restore(self, step: int, template: GanState) -> Checkpoint:
        """Read the checkpoint after a step, every bit as it was saved.

        Args:
          step: one of ``steps()``.
          template: a state of the same shapes and, on several devices, the same placement; its values do not matter.

        Raises:
          InputError: a file of it is missing or damaged, or it belongs to another run.
        """
        arguments = ocp.args.Composite(
            state=ocp.args.StandardRestore(jax.tree.map(ocp.utils.to_shape_dtype_struct, _parts(template))),
            history=ocp.args.StandardRestore(),
        )
        record = self._read_record(step)  # first, since another run's arrays may be of other sizes
        try:
            _read_in_turn(self._folder / str(step) / "state")
            restored = self._manager.restore(step, args=arguments)
            history = restored["history"]
            metrics = {name: np.asarray(history[name]) for name in record["metrics"]}
            checkpoint = Checkpoint(GanState(**restored["state"]), metrics)
            intact = tree_digest(checkpoint._asdict()) == record["sha256"]
        except Exception as error:  # a truncated file raises a bare Exception
            raise InputError(f"{self._folder / str(step)} cannot be read ({first_line(error)}).") from None
        if not intact:
            raise InputError(f"{self._folder / str(step)} is not what was saved: its sha256 differs.")
        return checkpoint

    def _read_record(self, step: int) -> dict[str, Any]:
        """What a checkpoint tells of itself, which is of this run."""
        try:
            record = self._manager.restore(step, args=ocp.args.Composite(record=ocp.args.JsonRestore()))["record"]
            run = dict(record.get("run", {}))
        except Exception as error:
            raise InputError(f"{self._folder / str(step)} cannot be read ({first_line(error)}).") from None
        for name, value in run.items():
            if name in self._run and value != self._run[name]:
                raise InputError(f"{self._folder / str(step)} is of another run: its {name} is {value!r:.60}.")
        return record

    def restore_newest(self, template: GanState, until: int | None = None) -> tuple[Checkpoint | None, list[str]]:
        """Read the newest checkpoint that is complete and undamaged.

        Args:
          template: as for ``restore``.
          until: none after this step.

        Returns:
          The checkpoint, or None where there is none, and a complaint for each newer one that is damaged.
        """
        complaints = []
        for step in reversed([step for step in self.steps() if until is None or step <= until]):
            try:
                return self.restore(step, template), complaints
            except InputError as error:
                complaints.append(str(error))
        return None, complaints

    def drop_after(self, step: int) -> None:
        """Delete what is newer than ``step``: damaged, or of a future that is about to be trained again."""
        for newer in [other for other in self.steps() if other > step]:
            shutil.rmtree(self._folder / str(newer), ignore_errors=True)
        self._manager.reload()


def _read_in_turn(folder: Path) -> None:
    """Read every array once: Orbax reads all together, and what fails after the first goes to the screen."""
    store = {"driver": "ocdbt", "base": {"driver": "file", "path": f"{folder}/"}}
    names = {str(key, "utf-8").rpartition("/")[0] for key in tensorstore.KvStore.open(store).result().list().result()}
    if not names:
        raise ValueError("it holds no arrays")
    for name in names:
        tensorstore.open({"driver": "zarr", "kvstore": store | {"path": f"{name}/"}}).result().read().result()


def _parts(state: GanState) -> dict[str, Any]:
    """What of a state there is to save: without an average it is stored as before there were any."""
    parts = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    return {name: part for name, part in parts.items() if part is not None}


def _unwritten(error: Exception) -> OSError:
    return OSError(f"a checkpoint cannot be written ({first_line(error)}); make room, then continue with --resume.")
