"""Checks of the arrays that the scores take, with one line for what is wrong."""

import numpy as np

from gan_jax.errors import InputError


def require_features(features: np.ndarray, name: str, least: int = 2) -> np.ndarray:
    """Check ``[N, D]`` finite floats, N at least ``least``; returned as float64.

    Raises:
      InputError: they are not.
    """
    if not isinstance(features, np.ndarray) or not np.issubdtype(features.dtype, np.floating):
        raise InputError(f"{name} must be a NumPy array of floats, not {_described(features)}")
    if features.ndim != 2 or len(features) < least or features.shape[1] < 1:
        raise InputError(f"{name} must have the shape [N, D] with N at least {least}, not {list(features.shape)}")
    if not np.isfinite(features).all():
        raise InputError(f"{name} hold {np.sum(~np.isfinite(features))} values that are NaN or infinite")
    return features.astype(np.float64)


def require_feature_pair(
    first: np.ndarray, second: np.ndarray, names: tuple[str, str], least: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Check two sets of features of the same width, as ``require_features`` does.

    Raises:
      InputError: they are not.
    """
    first, second = require_features(first, names[0], least), require_features(second, names[1], least)
    if first.shape[1] != second.shape[1]:
        raise InputError(f"{names[0]} have {first.shape[1]} columns and {names[1]} {second.shape[1]}; they must agree")
    return first, second


def require_images(images: np.ndarray, name: str, least: int = 1) -> None:
    """Check ``[N, height, width, channels]`` uint8, N at least ``least``.

    Raises:
      InputError: they are not.
    """
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        raise InputError(f"{name} must be a NumPy array of uint8 (0 to 255), not {_described(images)}")
    if images.ndim != 4 or len(images) < least or not images.size:
        raise InputError(
            f"{name} must have the shape [N, height, width, channels] with N at least {least}, not {list(images.shape)}"
        )


def require_image_pair(first: np.ndarray, second: np.ndarray, names: tuple[str, str], least: int = 1) -> None:
    """Check two sets of images of the same height, width and channels, as ``require_images`` does.

    Raises:
      InputError: they are not.
    """
    require_images(first, names[0], least)
    require_images(second, names[1], least)
    if first.shape[1:] != second.shape[1:]:
        raise InputError(f"{names[0]} are {first.shape[1:]} and {names[1]} {second.shape[1:]}; they must agree")


def _described(value: object) -> str:
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
