"""Images that do not fit into memory: read from disk ahead of the training, by Grain's threads."""

import threading
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.training.batches import Batch, RunKeys, ShuffledImages

THREADS = 8
_AHEAD = 128  # batches that are read before they are asked for
_FOREVER = 2**40  # batches; a stream ends with its last use


class StreamedImages(ShuffledImages):
    """Images on disk, of which batches are read ahead while the device computes.

    The same batches in the same order as those of ``ResidentImages``, and, like theirs, a function of the epoch alone,
    so that a run may be resumed and replayed. Batches that follow those asked for before are at hand; others open the
    stream anew.

    Args:
      config: the networks' configuration.
      data: ``StoredImages``, with ``[count]`` labels for conditional networks.
      keys: from ``run_keys``.

    Raises:
      InputError: there are fewer images than one step takes, or Grain is not installed.
    """

    def __init__(self, config: GanConfig, data: Batch, keys: RunKeys) -> None:
        super().__init__(config, len(data.images), keys)
        self._data, self._lock = data, threading.Lock()
        self._stream, self._next = _read_ahead(self._read, 0), 0

    def batches(self, epoch: int, start: int, stop: int) -> Batch:
        """Batches ``start`` to ``stop`` of an epoch: ``[stop - start, batch, H, W, C]`` uint8."""
        first = epoch * self.steps_per_epoch + start
        if first != self._next:
            self._stream = _read_ahead(self._read, first)
        self._next = first + stop - start
        pixels, rows = np.stack([next(self._stream) for _ in range(stop - start)]), self._rows(epoch)[start:stop]
        labels = self._data.labels
        return Batch(jnp.asarray(pixels), None if labels is None else jnp.asarray(labels[rows]))

    def _read(self, index: int) -> np.ndarray:
        epoch, batch = divmod(index, self.steps_per_epoch)
        return self._data.images[self._rows(epoch)[batch]]

    def _rows(self, epoch: int) -> np.ndarray:
        with self._lock:
            return self.order(epoch)


def _read_ahead(read: Any, first: int) -> Iterator[np.ndarray]:
    try:
        import grain
    except ImportError as error:
        raise InputError(f"--stream needs Grain ({error}); install gan_jax[stream].") from None
    batches = grain.MapDataset.range(first, _FOREVER).map(read)
    return iter(batches.to_iter_dataset(grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=_AHEAD)))
