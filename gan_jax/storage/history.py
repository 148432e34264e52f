"""Every step's metrics, in memory while a run trains and in ``history.npz`` afterwards.

A metric has one name, the field of the step's metrics: ``d_loss``, ``g_loss``, ``d_x``, ``d_g_z1``, ``d_g_z2`` and so
on.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan_jax.array_files import read_arrays
from gan_jax.errors import InputError


class History:
    """The metrics of every step of a run so far."""

    def __init__(self) -> None:
        self._chunks: list[Mapping[str, np.ndarray]] = []

    def restore(self, metrics: Mapping[str, np.ndarray]) -> None:
        """Begin with the metrics of the steps before a checkpoint."""
        self._chunks = [metrics] if metrics else []

    def extend(self, metrics: Mapping[str, np.ndarray]) -> None:
        """Add the metrics of a chunk of steps, each ``[steps]`` float32."""
        if metrics:
            self._chunks.append(metrics)

    def arrays(self) -> dict[str, np.ndarray]:
        """Every step's metrics, each ``[steps]`` float32."""
        if len(self._chunks) > 1:
            self._chunks = [{name: np.concatenate([c[name] for c in self._chunks]) for name in self._chunks[0]}]
        return dict(self._chunks[0]) if self._chunks else {}


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Read metrics: each ``[steps]`` float32; none where there is no such file.

    Raises:
      InputError: the file is damaged.
    """
    if not path.exists():
        return {}
    arrays = read_arrays(path, "a run's history", "delete it to do without")
    if any(values.ndim != 1 or not np.issubdtype(values.dtype, np.floating) for values in arrays.values()):
        raise InputError(f"{path} is not a run's history; delete it to do without.")
    return arrays
