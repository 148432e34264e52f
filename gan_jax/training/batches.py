"""What is random in a run, and where its batches of real images come from."""

import math
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.sharding import Mesh
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.data.image_set import require_labels
from gan_jax.data.pixels import require_pixels, require_points
from gan_jax.errors import InputError
from gan_jax.training.sharding import split_batches


class RunKeys(NamedTuple):
    """A run's keys, each ``[]`` typed: what is random at step t depends on the seed and t alone."""

    init: Array  # initial weights
    order: Array  # the images' order, folded with the epoch
    step: Array  # latents, folded with the step
    display: Array  # the preview latents, whose images are drawn again and again


def run_keys(seed: int) -> RunKeys:
    """Derive a run's keys from its seed, 0 … 2**32 - 1.

    Examples:
      >>> run_keys(0)._fields
      ('init', 'order', 'step', 'display')
    """
    return _run_keys(np.uint32(seed) if isinstance(seed, int) else seed)


@jax.jit
def _run_keys(seed: ArrayLike) -> RunKeys:
    return RunKeys(*jax.random.split(jax.random.key(seed), len(RunKeys._fields)))


def steps_per_epoch(config: GanConfig, num_images: int) -> int:
    """Complete batches in the data set; an epoch's last, partial batch is dropped.

    Raises:
      InputError: there are fewer images than one batch.

    Examples:
      >>> steps_per_epoch(GanConfig(batch_size=128), 60_000)
      468
    """
    if num_images < config.images_per_step:
        steps = f" times critic_steps {config.critic_steps}" if config.critic_steps > 1 else ""
        steps += " and a batch of G's own" if config.generator_batch == "own" else ""
        raise InputError(
            f"batch_size is {config.batch_size}{steps}, but there are {num_images} training images; lower it."
        )
    return num_images // config.images_per_step


@partial(jax.jit, static_argnames="num_images")
def epoch_order(config: GanConfig, order_key: Array, epoch: ArrayLike, num_images: int) -> Array:
    """Order an epoch, as a function of the key and the epoch alone.

    Images are shuffled. Points are drawn with replacement, independently of one another, as from their distribution.

    Args:
      config: how many images a step takes, and whether they are points.
      order_key: ``run_keys(seed).order``.
      epoch: which one, from 0.
      num_images: how many there are.

    Returns:
      ``[steps_per_epoch, config.images_per_step]`` int32, the images of each step.

    Raises:
      InputError: there are fewer images than one step takes.

    Examples:
      >>> epoch_order(GanConfig(batch_size=2), run_keys(0).order, epoch=0, num_images=5).shape
      (2, 2)
    """
    key = jax.random.fold_in(order_key, epoch)
    shape = steps_per_epoch(config, num_images), config.images_per_step
    if config.makes_points:
        return jax.random.randint(key, shape, 0, num_images)
    return jax.random.permutation(key, num_images)[: math.prod(shape)].reshape(shape)


class Batch(NamedTuple):
    """Images, and their classes where there are any: one batch, several, or a whole training set."""

    images: Any  # [..., height, width, channels], uint8 from a source, float in [-1, 1] in a step
    labels: Any = None  # [...] int32; conditional networks need them


class IndexedBatches(NamedTuple):
    """Batches of images that lie on the device; the scan gathers one at a time."""

    data: Batch  # [count, height, width, channels] uint8, shared by all runs that train on them
    rows: ArrayLike  # [steps, batch] int32, the images of each batch


class ImageSource(Protocol):
    """Where a training's real images come from: an array on the device, or a stream from disk or network.

    ``batches`` is a function of its arguments alone: a source that keeps to that can be resumed and replayed.
    """

    steps_per_epoch: int

    def batches(self, epoch: int, start: int, stop: int) -> Batch:
        """Batches ``start`` to ``stop`` of an epoch, from 0: ``[stop - start, batch, H, W, C]`` uint8, and labels."""
        ...


class ShuffledImages:
    """Images that come in a new order each epoch."""

    def __init__(self, config: GanConfig, num_images: int, keys: RunKeys) -> None:
        self._config, self._num_images, self._keys = config, num_images, keys
        self._order: tuple[int, np.ndarray] | None = None
        self.steps_per_epoch = steps_per_epoch(config, num_images)

    def order(self, epoch: int) -> np.ndarray:
        """Which images an epoch's batches hold: ``[steps_per_epoch, batch]`` int32."""
        if self._order is None or self._order[0] != epoch:
            rows = epoch_order(self._config, self._keys.order, epoch, self._num_images)
            self._order = epoch, np.asarray(rows)
        return self._order[1]


class ResidentImages(ShuffledImages):
    """All images on the device, in a new order each epoch.

    Args:
      config: the networks' configuration.
      data: ``[count, height, width, channels]`` uint8, with ``[count]`` labels for conditional networks; arrays that
        are on the device already are shared, not copied.
      keys: from ``run_keys``.

    Raises:
      InputError: there are fewer images than one step takes.
      TypeError: the images are not uint8.
    """

    def __init__(self, config: GanConfig, data: Batch, keys: RunKeys) -> None:
        require_stored(config, data)
        self._data: Batch = jax.tree.map(jnp.asarray, data)
        super().__init__(config, len(self._data.images), keys)

    def batches(self, epoch: int, start: int, stop: int) -> Batch:
        """Gather batches ``start`` to ``stop`` of an epoch: ``[stop - start, batch, H, W, C]`` uint8."""
        rows = self.order(epoch)[start:stop]
        return jax.tree.map(lambda array: array[rows], self._data)

    def indexed_batches(self, epoch: int, start: int, stop: int) -> IndexedBatches:
        """The same batches, not yet gathered."""
        return IndexedBatches(self._data, self.order(epoch)[start:stop])


class ShardedImages(ShuffledImages):
    """All images in the host's memory; of each batch, a process puts its own devices' share on them.

    The same batches as those of ``ResidentImages``.

    Args:
      config: the networks' configuration.
      data: as for ``ResidentImages``, but NumPy arrays.
      keys: from ``run_keys``.
      mesh: from ``batch_mesh``.

    Raises:
      InputError: there are fewer images than one step takes.
      TypeError: the images are not uint8.
    """

    def __init__(self, config: GanConfig, data: Batch, keys: RunKeys, mesh: Mesh) -> None:
        require_stored(config, data)
        self._data, self._mesh = data, mesh
        super().__init__(config, len(data.images), keys)

    def batches(self, epoch: int, start: int, stop: int) -> Batch:
        """Batches ``start`` to ``stop`` of an epoch: ``[stop - start, batch, H, W, C]`` uint8, the batch axis split."""
        rows = self.order(epoch)[start:stop]

        def split(array: np.ndarray) -> Array:
            shape = (*rows.shape, *array.shape[1:])
            return split_batches(shape, self._mesh, lambda index: array[rows[index[:2]]])

        return jax.tree.map(split, self._data)


def require_stored(config: GanConfig, data: Batch) -> None:
    """Check that what to train on is stored as it should be: images as uint8, points as float32, each with its class.

    Raises:
      InputError: a label is not a class, or there are not as many as images.
      TypeError: images or points are of another type.
    """
    if not isinstance(data, Batch):
        raise TypeError(f"the images are of type {type(data).__name__}; pass Batch(images) or Batch(images, labels).")
    require = require_points if config.makes_points else require_pixels
    require(data.images)
    known_labels(config, data.labels, data.images.shape[: -len(config.image_shape)])


def known_labels(config: GanConfig, labels: Any, shape: tuple[int, ...]) -> Any:
    """Labels as a compiled function takes them; those of conditional networks are checked unless they are traced.

    Raises:
      InputError: one is not a class, or they have another shape.
    """
    if labels is None or not config.conditional or isinstance(labels, Tracer):
        return labels
    checked = require_labels(labels, shape, config.num_classes)
    return labels if isinstance(labels, jax.Array) else checked


def read_batches(source: ImageSource, epoch: int, start: int, stop: int) -> Batch | IndexedBatches:
    """What ``scan_steps`` takes: the batches themselves, or their rows where the images are on the device.

    Raises:
      InputError: the source gave another number of batches, or no ``Batch`` of arrays.
    """
    if isinstance(source, ResidentImages):
        return source.indexed_batches(epoch, start, stop)
    batches = source.batches(epoch, start, stop)
    shape = getattr(batches.images, "shape", None) if isinstance(batches, Batch) else None
    if shape is None or shape[:1] != (stop - start,):
        given = type(batches).__name__ if shape is None else list(shape)
        raise InputError(
            f"the source gave {given} as batches {start} to {stop} of epoch {epoch}; it must give a Batch of arrays of "
            f"{stop - start} batches."
        )
    return batches
