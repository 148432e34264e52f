"""What a run left, for whoever uses it."""

from pathlib import Path
from typing import Any, NamedTuple

import jax

from gan_jax.checkpoints import Checkpoints
from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.records import read_record, read_settings
from gan_jax.state import GanState, NetworkState, init_state
from gan_jax.weights import load_weights


class TrainedRun(NamedTuple):
    """What a run left: its configuration, its last state, and its record, empty where there is only a weights file."""

    config: GanConfig
    state: GanState
    record: dict[str, Any]

    @property
    def generator(self) -> NetworkState:
        """The generator, for ``generate`` and ``sample_images``."""
        return self.state.generator


def load_run(path: str | Path) -> TrainedRun:
    """Read a run's folder, or a weights file alone.

    A run that was killed before it wrote its weights is read from its newest checkpoint that is whole.

    Raises:
      InputError: there is no such run, a file of it is damaged, or a later version of the package wrote it.
    """
    path = Path(path)
    if path.is_file():
        return TrainedRun(*load_weights(path), {})
    record = read_record(path)
    _, config = read_settings(record)
    if (path / "weights.npz").exists() or not (path / "checkpoints").is_dir():
        return TrainedRun(*load_weights(path / "weights.npz", config), record)
    checkpoints = Checkpoints(path / "checkpoints", read_only=True)
    found, complaints = checkpoints.restore_newest(init_state(config, jax.random.key(0)))
    checkpoints.close()
    if found is None:
        raise InputError(" ".join([f"{path} has neither weights nor a checkpoint yet.", *complaints]))
    return TrainedRun(config, found.state, record)
