"""Sampling and interpolation with a trained generator: uint8 images on the host."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from gan_jax.config import GanConfig
from gan_jax.data.datasets import Dataset
from gan_jax.data.image_set import require_labels
from gan_jax.data.pixels import quantize_images
from gan_jax.data.shares import labels_in_shares
from gan_jax.errors import InputError
from gan_jax.nn.network import Variables
from gan_jax.training.forward import generate, sample_latents

_BATCH = 250
_PARALLEL = 1e-8  # sine of an angle that float32 does not tell from none


def sample_images(
    config: GanConfig,
    generator: Variables,
    count: int,
    seed: int = 0,
    labels: ArrayLike | None = None,
    truncation: float = 1.0,
) -> np.ndarray:
    r"""Draw images in eval mode.

    Truncation, the $\psi$ of StyleGAN (Karras et al. 2019, appendix B), pulls the latents towards their mean, here 0:
    $z' = \psi z$. Images become more typical and less varied.

    Args:
      config: the networks' configuration.
      generator: the generator's variables, such as ``sampling_generator`` gives.
      count: how many; the first of many are those of few.
      seed: decides the latents.
      labels: ``[count]`` int, the images' classes, for a conditional generator; by default the classes in turn.
      truncation: $\psi$, from 0 to 1.

    Returns:
      ``[count, height, width, channels]`` uint8.

    Raises:
      InputError: there are labels and the networks are not conditional, or one is not a class.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4)
      >>> images = sample_images(config, init_state(config, jax.random.key(0)).generator.variables, 3)
      >>> images.shape, images.dtype
      ((3, 8, 8, 1), dtype('uint8'))
    """
    classes = _classes(config, count, labels)
    batches = []
    for index, latents in enumerate(_latents(config, count, seed)):
        labels = None if classes is None else classes[index * _BATCH : (index + 1) * _BATCH]
        latents = latents if truncation == 1 else truncation * latents
        batches.append(quantize_images(generate(config, generator, latents, labels)))
    return np.concatenate(batches)[:count]


def sample_fakes(config: GanConfig, generator: Variables, dataset: Dataset, count: int, seed: int = 0) -> np.ndarray:
    """Draw images to be compared with the test images: the classes of conditional networks have the shares there.

    Classes that no training image has are left out, as the generator has learned nothing of them.

    Args:
      config: the networks' configuration.
      generator: the generator's variables, such as ``sampling_generator`` gives.
      dataset: its test images are what the fakes are compared with.
      count: how many.
      seed: decides the latents.

    Returns:
      ``[count, height, width, channels]`` uint8.

    Raises:
      InputError: the networks know another number of classes than the data set.
    """
    num_classes = len(dataset.class_names)
    if not config.conditional or not num_classes:
        return sample_images(config, generator, count, seed)
    if num_classes != config.num_classes:
        raise InputError(
            f"the run knows {config.num_classes} classes and {dataset.name} has {num_classes}; give the --dataset that "
            f"it was trained on."
        )
    trained, tested = (
        np.bincount(labels, minlength=num_classes) for labels in (dataset.train_labels, dataset.test_labels)
    )
    counts = np.where(trained > 0, tested, 0)
    return sample_images(config, generator, count, seed, labels_in_shares(counts if counts.any() else trained, count))


def _classes(config: GanConfig, count: int, labels: ArrayLike | None) -> np.ndarray | None:
    """The classes of whole batches of images; None for unconditional networks."""
    if labels is not None:
        labels = require_classes(config, labels, count)
    if not config.conditional:
        return None
    padded = -(-count // _BATCH) * _BATCH
    return np.resize(config.trained_classes if labels is None else labels, padded)


def require_classes(config: GanConfig, labels: ArrayLike, count: int) -> np.ndarray:
    """The classes that a person chose, ``[count]`` int32.

    Raises:
      InputError: the networks are not conditional, or one of them is not a class.
    """
    if not config.conditional:
        raise InputError("the networks are not conditional; leave out the labels.")
    return require_labels(labels, (count,), config.num_classes)


def interpolate_images(
    config: GanConfig, generator: Variables, rows: int, columns: int, seed: int = 0, label: int | None = None
) -> np.ndarray:
    """Walk from latent to latent and back to the first, along great circles, in eval mode.

    Row r goes from latent r to latent r + 1, both included, and the last row back to latent 0: row after row without
    its last image, the walk is a closed loop. The latents are those of the first images of ``sample_images``. Of a
    conditional generator, row r has class r, or all have one.

    Args:
      config: the networks' configuration.
      generator: the generator's state.
      rows: latents on the way, at least 2.
      columns: images from one latent to the next, at least 2.
      seed: decides the latents.
      label: the class of every row.

    Returns:
      ``[rows, columns, height, width, channels]`` uint8.

    Raises:
      InputError: there is a label and the networks are not conditional, or it is not a class.
      ValueError: too few rows or columns.
    """
    if label is not None:
        require_classes(config, [label], 1)
    if min(rows, columns) < 2:
        raise ValueError(f"rows and columns must be at least 2, not {rows} and {columns}")
    stops = np.concatenate(list(_latents(config, rows, seed)))[:rows]
    walks = (interpolate_latents(start, end, columns) for start, end in zip(stops, np.roll(stops, -1, 0), strict=True))
    images = []
    for row, walk in enumerate(walks):
        classes = config.trained_classes if label is None else [label]
        labels = np.full(columns, classes[row % len(classes)], np.int32) if config.conditional else None
        images.append(quantize_images(generate(config, generator, walk, labels)))
    return np.stack(images)


def interpolate_latents(start: ArrayLike, end: ArrayLike, count: int) -> NDArray[np.float32]:
    """Go from one latent to another at an even pace, along a great circle (Shoemake 1985).

    N(0, 1) in many dimensions is near a sphere; a straight line would cut through its inside, where the generator has
    learned nothing (White 2016). Here the direction turns steadily and the length changes steadily, so that for vectors
    of one length this is Shoemake's slerp. Between opposite vectors all great circles are equally short; it takes one.

    Args:
      start: ``[latent_dim]`` float, not zero.
      end: ``[latent_dim]`` float, not zero.
      count: latents on the way, both ends included.

    Returns:
      ``[count, latent_dim]`` float32.

    Raises:
      ValueError: the latents are not two vectors of one size, or one is zero or not finite.

    Examples:
      >>> print(interpolate_latents([1, 0], [0, 1], 3).round(2))
      [[1.   0.  ]
       [0.71 0.71]
       [0.   1.  ]]
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    if start.shape != end.shape or start.ndim != 1:
        raise ValueError(f"latents must be two vectors of one size, not {list(start.shape)} and {list(end.shape)}")
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    if not all(0 < length < np.inf for length in lengths):
        raise ValueError("latents must be finite and not zero: zero has no direction to turn from")
    here, there = start / lengths[0], end / lengths[1]
    cosine, across = there @ here, _orthogonal(there, here)
    sine = np.linalg.norm(across)
    if sine < _PARALLEL:
        across = _orthogonal(np.eye(len(here))[np.abs(here).argmin()], here)
    across /= np.linalg.norm(across) or 1  # 0 in one dimension: the way to the opposite is then through zero
    fractions = np.linspace(0, 1, count)[:, None]
    angles = fractions * np.arctan2(sine, cosine)
    directions = np.cos(angles) * here + np.sin(angles) * across
    return (((1 - fractions) * lengths[0] + fractions * lengths[1]) * directions).astype(np.float32)


def _latents(config: GanConfig, count: int, seed: int) -> Iterator[Array]:
    """At least ``count`` latents in whole batches, so that the first latents do not depend on how many are drawn."""
    for index in range(-(-count // _BATCH)):
        yield _latent_batch(config, np.uint32(seed % 2**32), np.uint32(index))


@jax.jit
def _latent_batch(config: GanConfig, seed: Any, index: Any) -> Array:
    return sample_latents(config, jax.random.fold_in(jax.random.key(seed), index), _BATCH)


def _orthogonal(vector: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """The part of a vector at right angles to a unit vector."""
    return vector - (vector @ direction) * direction
