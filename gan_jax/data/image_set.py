"""What the readers of image sets return, in memory or read from disk when it is asked for."""

import hashlib
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import InputError
from gan_jax.files import first_line

_TEST_SHARE = 6  # one image in six
_DIGEST_BYTES = 16  # of a sha256


class StoredImages:
    """Images that are read when they are asked for: ``[N, height, width, channels]`` uint8, like an array.

    A digest of each image is kept from its first reading, so that later readings give the same pixels.

    Args:
      read: gives an image, ``[height, width, channels]`` uint8, by its place; called by several threads.
      count: how many there are.
      image_shape: height, width, channels.
      name: what errors call the image at a place.

    Raises:
      InputError: when images are asked for, if one cannot be read, or is not the one that was read first.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        read: Callable[[int], np.ndarray],
        count: int,
        image_shape: tuple[int, ...],
        name: Callable[[int], str] = "image {}".format,
    ) -> None:
        self._read, self._name, self.shape = read, name, (count, *image_shape)
        self._places = np.arange(count)
        self._digests = np.zeros((count, _DIGEST_BYTES), np.uint8)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """The images at places: one, a slice, or an integer array of any shape."""
        places = self._places[index]
        images = [self._checked(int(place)) for place in np.ravel(places)]
        return np.array(images, np.uint8).reshape(*np.shape(places), *self.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def _checked(self, place: int) -> np.ndarray:
        try:
            image = np.ascontiguousarray(self._read(place))
        except InputError:
            raise
        except Exception as error:  # archives and records raise whatever their parsers meet
            raise InputError(f"{self._name(place)} cannot be read ({first_line(error)}); give a good copy.") from error
        digest = np.frombuffer(hashlib.sha256(image.data).digest()[:_DIGEST_BYTES], np.uint8)
        with self._lock:
            known = self._digests[place]
            if not known.any():
                known[:] = digest
        if image.shape != self.shape[1:] or (known != digest).any():
            raise InputError(
                f"{self._name(place)} is another image than at the start; restore it, then continue with --resume."
            )
        return image


Pixels = np.ndarray | StoredImages


class ImageSet(NamedTuple):
    """Images for training and for tests. Without classes, labels are 0 and there are no names."""

    train_images: Pixels  # [N, H, W, C] uint8
    train_labels: np.ndarray  # [N] int32
    test_images: np.ndarray  # [M, H, W, C] uint8
    test_labels: np.ndarray  # [M] int32
    class_names: tuple[str, ...]


def is_for_tests(digest: bytes) -> bool:
    """Whether an image is for tests, by a digest of its pixels, where nothing else says so.

    One image in six is. Copies of an image are on one side, and images that are added later move none.
    """
    return int.from_bytes(digest[:8], "big") % _TEST_SHARE == 0


def named_classes(kinds: list[Any]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels ``[N]`` int32 in the order of the kinds, and the kinds' names; no names for a single kind.

    Examples:
      >>> labels, names = named_classes(["dog", "cat", "dog"])
      >>> labels.tolist(), names
      ([1, 0, 1], ('cat', 'dog'))
    """
    ordered = {kind: place for place, kind in enumerate(sorted(set(kinds)))}
    if len(ordered) < 2:
        return np.zeros(len(kinds), np.int32), ()
    return np.array([ordered[kind] for kind in kinds], np.int32), tuple(map(str, ordered))
