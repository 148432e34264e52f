"""Named image sets as arrays on the host: downloaded and verified, read from IDX files, or embedded."""

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from gan_jax.data.downloads import downloaded_files
from gan_jax.errors import InputError

_DIGIT_NAMES = tuple("0123456789")
_CLASS_NAMES = {
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "mnist": _DIGIT_NAMES,
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "digits": _DIGIT_NAMES,
}
DATASET_NAMES = tuple(_CLASS_NAMES)

# In the order of Dataset's arrays.
_IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_IMAGE_SIZE = 28
_DIGITS_TEST_COUNT = 297


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled image set; its arrays are read-only.

    Attributes:
      name: one of ``DATASET_NAMES``.
      train_images: ``[N, H, W, C]`` uint8, 0 to 255.
      train_labels: ``[N]`` int32, an index into ``class_names``.
      test_images: ``[M, H, W, C]`` uint8, 0 to 255.
      test_labels: ``[M]`` int32, an index into ``class_names``.
      class_names: what each label means.
    """

    name: str
    train_images: np.ndarray = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    test_images: np.ndarray = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    class_names: tuple[str, ...]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        _, height, width, channels = self.train_images.shape
        return height, width, channels

    @cached_property
    def content_hash(self) -> str:
        """Sha256, in hexadecimal, over the shapes and bytes of the four arrays: equal exactly for equal data."""
        content = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            content.update(f"{array.shape}".encode())
            content.update(np.ascontiguousarray(array).data)
        return content.hexdigest()


def load_dataset(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Loads an image set by name.

    ``fashion_mnist`` (Xiao et al. 2017), ``mnist`` (LeCun et al. 1998) and ``kmnist`` (Clanuwat et al. 2018) hold
    60,000 and 10,000 images of 28×28×1 in the order of their published files. They are downloaded once into the cache
    of TensorFlow Datasets (``TFDS_DATA_DIR``, by default ``~/tensorflow_datasets``) and compared with its registered
    sha256 at every load. ``digits`` is scikit-learn's ``load_digits``: 1,797 real 8×8 images (Alpaydin and Kaynak 1998)
    resized to 28×28×1, the first 1,500 for training and the last 297 for testing.

    Args:
      name: one of ``DATASET_NAMES``.
      data_dir: a folder with the four IDX files, gzipped or not, to be used instead of a download. They may hold any
        number of 28×28 images and are not compared with a registered sha256.

    Returns:
      The data set.

    Raises:
      InputError: the name is unknown, a download fails, or a file is missing or damaged.
    """
    if name not in DATASET_NAMES:
        raise InputError(f"unknown data set {name!r}: choose one of {', '.join(DATASET_NAMES)}")
    if name == "digits":
        if data_dir is not None:
            raise InputError(f"digits is embedded and reads no files: leave out --data-dir {data_dir}")
        arrays = _digits()
    else:
        try:
            paths = downloaded_files(name, _IDX_FILES) if data_dir is None else _files_in(Path(data_dir).expanduser())
            arrays = (*_read_split(*paths[:2]), *_read_split(*paths[2:]))
        except OSError as error:
            raise InputError(f"{name}: {error}; --data-dir and TFDS_DATA_DIR choose another folder") from error
    for array in arrays:
        array.setflags(write=False)
    return Dataset(name, *arrays, class_names=_CLASS_NAMES[name])


def _digits() -> tuple[np.ndarray, ...]:
    """The four arrays of scikit-learn's digits, each image resized from 8×8 to 28×28."""
    from PIL import Image
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    # Rounded to bytes before the resize: Pillow filters bytes in integers, so every machine has the same images.
    small = np.rint(np.asarray(pixels).reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    size = (_IMAGE_SIZE, _IMAGE_SIZE)
    images = np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in small])
    images, labels = images[..., np.newaxis], np.asarray(labels, np.int32)
    split = len(images) - _DIGITS_TEST_COUNT
    return images[:split], labels[:split], images[split:], labels[split:]


def _files_in(folder: Path) -> list[Path]:
    """The four IDX files in a user's folder, in the order of ``_IDX_FILES``."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with {', '.join(_IDX_FILES)} (gzipped or not)")
    found = []
    for stem in _IDX_FILES:
        dotted = stem.replace("-idx", ".idx")
        spellings = [folder / spelling for spelling in (stem, f"{stem}.gz", dotted, f"{dotted}.gz")]
        found.append([path for path in spellings if path.is_file()])
    missing = [stem for stem, paths in zip(_IDX_FILES, found, strict=True) if not paths]
    if missing:
        raise InputError(f"{folder}: no {', '.join(missing)}; expected are {', '.join(_IDX_FILES)} (gzipped or not)")
    return [paths[0] for paths in found]


def _read_split(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images ``[N, 28, 28, 1]`` uint8 and labels ``[N]`` int32, checked against each other."""
    images = _read_idx(images_path, 3)
    if not images.size or images.shape[1:] != (_IMAGE_SIZE, _IMAGE_SIZE):
        shape = "×".join(map(str, images.shape))
        raise _damaged(images_path, f"holds an array of {shape}, not images of {_IMAGE_SIZE}×{_IMAGE_SIZE}")
    labels = _read_idx(labels_path, 1)
    if len(labels) != len(images):
        raise _damaged(labels_path, f"holds {len(labels)} labels for the {len(images)} images of {images_path.name}")
    if labels.max() > 9:
        raise _damaged(labels_path, f"holds the label {labels.max()}, outside 0 to 9")
    return images[..., np.newaxis], labels.astype(np.int32)


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """An IDX file of unsigned bytes (the format is described with MNIST, LeCun et al. 1998)."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise _damaged(path, "is a truncated or damaged gzip file") from error
    magic = bytes((0, 0, 8, dimensions))
    header = 4 + 4 * dimensions
    if content[:4] != magic:
        raise _damaged(path, f"starts with {content[:4].hex() or 'nothing'} instead of {magic.hex()}")
    if len(content) < header:
        raise _damaged(path, "ends inside its header")
    shape = [int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4)]
    if len(content) != header + math.prod(shape):
        raise _damaged(path, f"has {len(content)} bytes where its header says {header + math.prod(shape)}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _damaged(path: Path, problem: str) -> InputError:
    return InputError(f"{path} {problem}: replace it with a good copy")
