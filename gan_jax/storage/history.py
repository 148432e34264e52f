"""Every step's metrics, in memory while a run trains and in ``history.npz`` afterwards.

A metric has one name, the field of the step's metrics: ``d_loss``, ``g_loss``, ``d_x``, ``d_g_z1``, ``d_g_z2`` and so
on. Files of earlier versions have other names for some, which are read as these and still written for scripts that
read them.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan_jax.errors import InputError
from gan_jax.files import read_arrays, save_arrays

_EARLIER = {"d_loss": "d_losses", "g_loss": "g_losses", "d_x": "real_scores"}


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


def save_history(path: Path, metrics: Mapping[str, np.ndarray]) -> None:
    """Write metrics under their names, and under those of earlier versions."""
    earlier = _earlier_names(metrics)
    save_arrays(path, {**metrics, **{earlier[name]: values for name, values in metrics.items()}})


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Read metrics, of this or an earlier version: each ``[steps]`` float32; none where there is no such file.

    Raises:
      InputError: the file is damaged.
    """
    if not path.exists():
        return {}
    arrays = read_arrays(path, "a run's history", "delete it to do without")
    if any(values.ndim != 1 or not np.issubdtype(values.dtype, np.floating) for values in arrays.values()):
        raise InputError(f"{path} is not a run's history; delete it to do without.")
    return _present_names(arrays)


def _present_names(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename what an earlier version wrote, and drop what this one writes a second time."""
    twice = {earlier for earlier in _earlier_names(arrays).values() if earlier in arrays}
    if twice:
        return {name: values for name, values in arrays.items() if name not in twice}
    present = {earlier: name for name, earlier in _EARLIER.items()}
    both_networks = "updated_fake_scores" in arrays or "d_losses" in arrays
    present |= {"updated_fake_scores": "d_g_z2", "fake_scores": "d_g_z1" if both_networks else "d_g_z2"}
    return {present.get(name, name.removesuffix("s")): values for name, values in arrays.items()}


def _earlier_names(metrics: Mapping[str, np.ndarray]) -> dict[str, str]:
    """The fakes' score had the name of the one before D's update, where there are two."""
    names = _EARLIER | {"d_g_z1": "fake_scores"}
    names["d_g_z2"] = "updated_fake_scores" if "d_g_z1" in metrics else "fake_scores"
    return {name: names.get(name, f"{name}s") for name in metrics}
