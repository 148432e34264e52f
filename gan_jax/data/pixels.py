"""Conversions between stored pixels and the networks' range."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike, DTypeLike


def require_pixels(images: ArrayLike) -> None:
    """Check that images are stored pixels rather than floats, which would be normalized twice.

    Raises:
      TypeError: they are not uint8.
    """
    dtype = jnp.result_type(images)
    if dtype != jnp.uint8:
        raise TypeError(f"images are {dtype}; pass uint8 pixels, 0 to 255, which training normalizes itself.")


def require_points(points: ArrayLike) -> None:
    """Check that points are float32, which training takes as they are.

    Raises:
      TypeError: they are not.
    """
    dtype = jnp.result_type(points)
    if dtype != jnp.float32:
        raise TypeError(f"points are {dtype}; pass float32.")


def normalize_images(images: ArrayLike, dtype: DTypeLike = jnp.float32) -> Array:
    """Map uint8 pixels 0…255 to [-1, 1], the range of the generator's tanh: ``x / 127.5 - 1``.

    Examples:
      >>> normalize_images([0, 255]).tolist()
      [-1.0, 1.0]
    """
    return jnp.asarray(images, dtype) / 127.5 - 1


def quantize_images(images: ArrayLike) -> np.ndarray:
    """Map images in [-1, 1] to the nearest uint8 pixels 0…255, on the host.

    Examples:
      >>> quantize_images([-1.0, 0.0, 1.0]).tolist()
      [0, 128, 255]
    """
    return np.clip(np.rint((np.asarray(images, np.float32) + 1) * 127.5), 0, 255).astype(np.uint8)
