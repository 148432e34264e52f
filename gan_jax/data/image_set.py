"""What the readers of image sets return, in memory or read from disk when it is asked for."""

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import InputError
from gan_jax.files import first_line

_TEST_SHARE = 6  # one image in six
_MOST_LISTED = 20
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
                f"{self._name(place)} is another image than at the start; restore it, then continue the training "
                f"with --resume."
            )
        return image


def read_only(value: Any) -> Any:
    """The same, into which nothing more is written if it is an array."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    return value


def constant(value: Any) -> Any:
    """The same, or a read-only copy of an array that its owner may still write into."""
    is_open = isinstance(value, np.ndarray) and value.flags.writeable
    return read_only(np.array(value)) if is_open else value


Pixels = np.ndarray | StoredImages


class Reading(NamedTuple):
    """How a set is read; ``load_dataset`` says what each means."""

    image_size: int | None = None
    channels: int | None = None
    pixel_range: tuple[float, float] | None = None
    skip_broken: bool = False
    stream: bool = False

    @property
    def of_pixels(self) -> dict[str, Any]:
        """What ``read_pixels`` and ``converted`` need to know."""
        return {"size": self.image_size, "channels": self.channels, "pixel_range": self.pixel_range}


AS_IT_IS = Reading()


class ImageSet(NamedTuple):
    """Images for training and for tests. Without classes, labels are 0 and there are no names."""

    train_images: Pixels  # [N, H, W, C] uint8
    train_labels: np.ndarray  # [N] int32
    test_images: np.ndarray  # [M, H, W, C] uint8
    test_labels: np.ndarray  # [M] int32
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what there is to say of how the set was read


ONE_IN_SIX = "held out: one image in six, by a digest of its pixels"


def are_for_tests(digests: Sequence[bytes]) -> np.ndarray:
    """``is_for_tests`` of each image, ``[N]`` bool; where all are on one side, one image goes to the other."""
    chosen = np.array([is_for_tests(digest) for digest in digests])
    if len(chosen) > 1 and len(set(chosen.tolist())) == 1:
        chosen ^= np.array([digest == min(digests) for digest in digests])
    return chosen


def require_labels(labels: Any, shape: tuple[int, ...], num_classes: int | None, name: str = "labels") -> np.ndarray:
    """Labels as int32, if there is one for each image and each is a class.

    Args:
      labels: an array of integers, or a list.
      shape: that they must have.
      num_classes: how many classes there are; None where labels mean nothing.
      name: what they are called.

    Raises:
      InputError: they are not so.

    Examples:
      >>> require_labels([0, 2], (2,), num_classes=3).dtype
      dtype('int32')
    """
    found = np.asarray(labels)
    if found.shape != shape or (found.size and found.dtype.kind not in "iu"):
        raise InputError(
            f"{name} are {found.dtype} {list(found.shape)}; they must be whole numbers {list(shape)}, one for each "
            f"image."
        )
    if num_classes is not None and found.size and not 0 <= found.min() <= found.max() < num_classes:
        raise InputError(f"{name} are from {found.min()} to {found.max()}; they must be from 0 to {num_classes - 1}.")
    return found.astype(np.int32)


def is_for_tests(digest: bytes) -> bool:
    """Whether an image is for tests, by a digest of its pixels, where nothing else says so.

    One image in six is. Copies of an image are on one side, and images that are added later move none.
    """
    return int.from_bytes(digest[:8], "big") % _TEST_SHARE == 0


def named_classes(labels: list[Any]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels ``[N]`` int32 in the natural order of the labels, and the labels' names; no names for a single label.

    Examples:
      >>> labels, names = named_classes(["size 10", "size 9", "size 10"])
      >>> labels.tolist(), names
      ([1, 0, 1], ('size 9', 'size 10'))
    """
    ordered = {label: place for place, label in enumerate(sorted(set(labels), key=_natural))}
    if len(ordered) < 2:
        return np.zeros(len(labels), np.int32), ()
    return np.array([ordered[label] for label in labels], np.int32), tuple(map(str, ordered))


def listed(names: Sequence[str]) -> str:
    """Names of classes for a line: the first 20."""
    return ", ".join([*names[:_MOST_LISTED], *(["..."] if len(names) > _MOST_LISTED else [])])


def _natural(label: Any) -> Any:
    """Sorts numbers in names by their values: the odd parts of a name are its digits."""
    if not isinstance(label, str):
        return label
    parts = re.split(r"([0-9]+)", label)
    return [(len(part.lstrip("0")), part.lstrip("0")) if at % 2 else part for at, part in enumerate(parts)], label
