"""Random changes to what the discriminator sees, which gradients pass through (DiffAugment, Zhao et al. 2020).

Reals and fakes are changed alike, in D's updates and in G's, so that D cannot learn its few training images by heart
and G does not learn the changes.
"""

import inspect
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from gan_jax.objectives.augmentation_pipe import pipe
from gan_jax.parts import find_part

_TRANSLATION = 1 / 8  # of the image's size, at most, each way
_CUTOUT = 1 / 2  # of the image's size: the side of the square
_CHOICE = 2**16  # folded into an augmentation's key: which images it changes


def translation(key: Array, images: Array) -> Array:
    """Move each image by up to an eighth of its size, down or up and right or left; zeros come in at the edges.

    Args:
      key: ``[]`` typed PRNG key.
      images: ``[batch, height, width, channels]`` float.

    Returns:
      Images of the same shape.
    """
    batch, *size, _ = images.shape
    for axis, (axis_key, length) in enumerate(zip(jax.random.split(key), size, strict=True), start=1):
        reach = int(length * _TRANSLATION + 0.5)
        shifts = jax.random.randint(axis_key, (batch, 1), -reach, reach + 1)
        moves = jax.nn.one_hot(jnp.arange(length)[None, :] + shifts, length, dtype=images.dtype)
        images = jnp.einsum("nij,njwc->niwc" if axis == 1 else "nij,nhjc->nhic", moves, images)
    return images


def cutout(key: Array, images: Array) -> Array:
    """Set a square of half the image's size to zero, around a point anywhere in the image.

    Args:
      key: ``[]`` typed PRNG key.
      images: ``[batch, height, width, channels]`` float.

    Returns:
      Images of the same shape.
    """
    batch, *size, _ = images.shape
    inside = []
    for axis_key, length in zip(jax.random.split(key), size, strict=True):
        side = int(length * _CUTOUT + 0.5)
        start = jax.random.randint(axis_key, (batch, 1), 0, length + 1 - side % 2) - side // 2
        place = jnp.arange(length)[None, :]
        inside.append((place >= start) & (place < start + side))
    rows, columns = inside
    return jnp.where((rows[:, :, None] & columns[:, None, :])[..., None], 0, images)


Augmentation = Callable[..., Array]

AUGMENTATIONS: dict[str, Augmentation] = {"translation": translation, "cutout": cutout, "pipe": pipe}
"""Each takes ``(key, images)`` and returns images. One that takes ``probability`` too decides itself what happens with
it; the others change an image wholly or not at all. Entries may be added under other names."""


def find_augmentation(name: str) -> Augmentation:
    """The augmentation of a name.

    Raises:
      UnknownPartError: there is none.
    """
    return find_part("augmentation", AUGMENTATIONS, name)


def augment(names: Sequence[str], key: Array, images: Array, probability: ArrayLike | None = None) -> Array:
    """Apply some of ``AUGMENTATIONS`` in turn, each with a key of its own; without a name the images are as they were.

    Args:
      names: keys of ``AUGMENTATIONS``.
      key: ``[]`` typed PRNG key.
      images: ``[batch, height, width, channels]`` float.
      probability: of each augmentation to change an image, in [0, 1]; by default each changes all.

    Returns:
      Images of the same shape.
    """
    for index, name in enumerate(names):
        own = jax.random.fold_in(key, index)
        augmentation = find_augmentation(name)
        if "probability" in inspect.signature(augmentation).parameters:
            images = augmentation(own, images, probability=1.0 if probability is None else probability)
            continue
        changed = augmentation(own, images)
        if probability is not None:
            chosen = jax.random.uniform(jax.random.fold_in(own, _CHOICE), (len(images), 1, 1, 1)) < probability
            changed = jnp.where(chosen, changed, images)
        images = changed
    return images
