"""The names under which programs keep an image set's arrays in an ``.npz``."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan_jax.errors import InputError

_PARTS = (("train_images", "train_labels"), ("test_images", "test_labels"))
_WHOLE = (("images", "labels"), ("arr_0", "arr_1"))
NAMES = frozenset(name for names in (*_WHOLE, *_PARTS) for name in names)


def images_and_labels(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], int | None]:
    """The arrays as ``images`` and perhaps ``labels``, and how many of the first are for training, if the names tell.

    Known are ``images`` and ``labels``; ``train_images`` and ``test_images`` with ``train_labels`` and ``test_labels``;
    and ``arr_0`` and ``arr_1``, as ``gan-jax sample`` and guided-diffusion have them.

    Args:
      path: of the file, for errors.
      arrays: those of ``NAMES`` that it has.

    Raises:
      InputError: there are no images, or the two parts do not fit together.
    """
    for images, labels in _WHOLE:
        if images in arrays:
            found = {"images": arrays[images]}
            return found | ({"labels": arrays[labels]} if labels in arrays else {}), None
    if all(images in arrays for images, _ in _PARTS):
        found = {}
        for name, parts in zip(("images", "labels"), zip(*_PARTS, strict=True), strict=True):
            train, test = (arrays.get(part) for part in parts)
            if train is None and test is None:
                continue
            if train is None or test is None or not train.ndim or train.shape[1:] != test.shape[1:]:
                raise InputError(f"{path}: {' and '.join(parts)} must both be there, with entries of one shape.")
            found[name] = np.concatenate([train, test])
        return found, len(arrays["train_images"])
    raise InputError(
        f"{path} has no array named images, nor train_images and test_images; save one, [N, height, width, channels] "
        f"uint8."
    )
