"""Named arrays as an ``.npz`` in an Orbax checkpoint.

Orbax's own handlers save arrays with TensorStore, which never frees the JSON that it returns (0.1.65 to 0.1.86), so
that the memory of a training would grow with every checkpoint.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint.future import CommitFutureAwaitingContractedSignals

from gan_jax.array_files import save_arrays, unpack_arrays
from gan_jax.storage.run_folder import CHECKPOINT_ARRAYS


class ArrayHandler(ocp.AsyncCheckpointHandler):
    """Writes ``arrays.npz`` in the background; of several processes, which all have the same arrays, process 0 does."""

    async def async_save(self, directory: Any, args: "ArraySave") -> list[Any]:
        """Copy the arrays, and give what waits until they are on disk."""
        copies = ArraySave({name: np.array(array) for name, array in args.arrays.items()})

        async def write() -> None:
            self.save(directory, copies)

        return [CommitFutureAwaitingContractedSignals(write(), name="save_arrays")]

    def save(self, directory: Any, args: "ArraySave") -> None:
        """Write the arrays at once."""
        if jax.process_index() == 0:
            save_arrays(Path(directory) / CHECKPOINT_ARRAYS, args.arrays)

    def restore(self, directory: Any, args: Any = None) -> dict[str, np.ndarray]:
        """Read the arrays."""
        return unpack_arrays(Path(directory) / CHECKPOINT_ARRAYS)


@ocp.args.register_with_handler(ArrayHandler, for_save=True, for_restore=True)
@dataclasses.dataclass
class ArraySave(ocp.args.CheckpointArgs):
    """What ``ArrayHandler`` saves: arrays by their names; none to restore."""

    arrays: Mapping[str, Any] = dataclasses.field(default_factory=dict)
