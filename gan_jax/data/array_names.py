"""The names under which programs keep an image set's arrays in an ``.npz``."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.errors import InputError

_SETS = ("train", "test", "val")
_PARTS = {part: (f"{part}_images", f"{part}_labels") for part in _SETS}
_WHOLE = (("images", "labels"), ("arr_0", "arr_1"))
NAMES = frozenset(name for names in (*_WHOLE, *_PARTS.values()) for name in names)


class Named(NamedTuple):
    """The arrays of an image set."""

    images: np.ndarray
    labels: np.ndarray | None = None
    num_train: int | None = None  # so many of the first are for training; None where no name tells
    held_out: str = ""  # the name of those for tests
    left_out: str = ""  # images, how many and in which array


def images_and_labels(path: Path, arrays: Mapping[str, np.ndarray]) -> Named:
    """The arrays of an image set by their names.

    Known are ``images`` and ``labels``; ``train_images`` and ``test_images`` or ``val_images``, with ``train_labels``
    and so on; and ``arr_0`` and ``arr_1``, as ``gan-jax sample`` and guided-diffusion have them.

    Args:
      path: of the file, for errors.
      arrays: those of ``NAMES`` that it has.

    Raises:
      InputError: there are no images, or the two parts do not fit together.
    """
    for images, labels in _WHOLE:
        if images in arrays:
            return Named(arrays[images], arrays.get(labels))
    parts = [_PARTS[part] for part in _SETS if _PARTS[part][0] in arrays]
    if len(parts) < 2 or parts[0] != _PARTS["train"]:
        raise InputError(
            f"{path} has no array named images, nor train_images and test_images; save one, [N, height, width, "
            f"channels] uint8."
        )
    (train, test), (train_labels, test_labels) = zip(*parts[:2], strict=True)
    unused = [f"{len(arrays[images]):,} in {images}" for images, _ in parts[2:]]
    return Named(
        _joined(path, arrays, train, test),
        _joined(path, arrays, train_labels, test_labels) if {train_labels, test_labels} & arrays.keys() else None,
        len(arrays[train]),
        test,
        ", ".join(unused),
    )


def _joined(path: Path, arrays: Mapping[str, np.ndarray], *names: str) -> np.ndarray:
    train, test = (arrays.get(name) for name in names)
    if train is None or test is None or not train.ndim or train.shape[1:] != test.shape[1:]:
        raise InputError(f"{path}: {' and '.join(names)} must both be there, with entries of one shape.")
    return np.concatenate([train, test])
