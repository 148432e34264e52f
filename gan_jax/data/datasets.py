"""Image sets as arrays: published ones by name, and one's own from files."""

import dataclasses
import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.data.folders import is_path, read_image_set
from gan_jax.data.image_files import converted
from gan_jax.data.image_set import ImageSet, Reading, constant, listed, read_only, require_labels
from gan_jax.data.published import PUBLISHED, read_published
from gan_jax.data.records import read_records
from gan_jax.data.shares import sample_rows
from gan_jax.errors import InputError
from gan_jax.files import expand_home, warn

DATASET_NAMES = tuple(PUBLISHED)
MOST_RESIDENT = 60_000
_HASHED_ROWS = 1000


@dataclass(frozen=True, eq=False)
class Dataset:
    """An image set, which stays as it is made: its arrays are read-only, and copies of those that can be written.

    Attributes:
      name: what it is called; for files, their folder's or archive's name.
      train_images: ``[N, H, W, 1 or 3]`` uint8, 0 to 255; ``StoredImages`` if they stay on disk.
      train_labels: ``[N]`` int32, an index into ``class_names``; 0 where there are no classes.
      test_images: ``[M, H, W, 1 or 3]`` uint8, 0 to 255.
      test_labels: ``[M]`` int32, an index into ``class_names``.
      class_names: what each label means; empty where there are no classes.
      notes: what there is to say of how the set was read, such as which images are held out.

    Raises:
      InputError: an array is of another type or shape, or a label is not a class.
    """

    name: str
    train_images: Any = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    test_images: np.ndarray = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            images, name = getattr(self, f"{part}_images"), f"{part}_labels"
            shape, dtype = getattr(images, "shape", ()), getattr(images, "dtype", type(images).__name__)
            is_grey_or_rgb = len(shape) == 4 and shape[3] in (1, 3)
            if dtype != np.uint8 or not is_grey_or_rgb or shape[1:] != self.train_images.shape[1:]:
                raise InputError(
                    f"{part}_images are {dtype} {list(shape)}; they must be uint8 [count, height, width, 1 or 3], and "
                    f"those for training and for tests of one size."
                )
            labels = require_labels(getattr(self, name), shape[:1], len(self.class_names) or None, name)
            object.__setattr__(self, f"{part}_images", constant(images))
            object.__setattr__(self, name, constant(labels))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        _, height, width, channels = self.train_images.shape
        return height, width, channels

    @property
    def description(self) -> str:
        """A line that says what there is: images, their size and channels, classes, and how the set was read."""
        height, width, channels = self.image_shape
        counts = np.bincount(self.train_labels, minlength=len(self.class_names))
        named = [f"{name} ({count:,})" for name, count in zip(self.class_names, counts, strict=False)]
        classes = f"{len(named):,} classes: {listed(named)}" if named else "no classes"
        images = f"{len(self.train_images):,} training images and {len(self.test_images):,} for tests"
        told = [f"{images}, {width}×{height}, {'grey' if channels == 1 else 'RGB'}", classes, *self.notes]
        return " ".join(f"{self.name}: {'; '.join(told)}".split())

    @cached_property
    def content_hash(self) -> str:
        """Sha256, in hexadecimal, over the shapes and bytes of the four arrays: equal exactly for equal data."""
        content = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            content.update(f"{array.shape}".encode())
            for start in range(0, len(array), _HASHED_ROWS):
                content.update(np.ascontiguousarray(array[start : start + _HASHED_ROWS]).data)
        return content.hexdigest()

    @cached_property
    def resident(self) -> "Dataset":
        """The same with at most ``MOST_RESIDENT`` training images, at random of each class its share, in memory."""
        if isinstance(self.train_images, np.ndarray):
            return self
        chosen = np.sort(sample_rows(self.train_labels, MOST_RESIDENT, seed=0))
        images = read_only(self.train_images[chosen])
        return dataclasses.replace(self, train_images=images, train_labels=self.train_labels[chosen])


def load_dataset(
    name: str,
    data_dir: str | Path | None = None,
    *,
    image_size: int | None = None,
    channels: int | None = None,
    pixel_range: tuple[float, float] | None = None,
    skip_broken: bool = False,
    stream: bool = False,
) -> Dataset:
    """Load an image set: a published one by name, any of TensorFlow Datasets, or one's own from files.

    ``fashion_mnist`` (Xiao et al. 2017), ``mnist`` (LeCun et al. 1998) and ``kmnist`` (Clanuwat et al. 2018) hold
    60,000 and 10,000 images of 28×28×1 in the order of their published files, ``cifar10`` (Krizhevsky 2009) 50,000 and
    10,000 of 32×32×3, ``svhn_cropped`` (Netzer et al. 2011) 73,257 and 26,032 of 32×32×3. They are downloaded once into
    the cache of TensorFlow Datasets (``TFDS_DATA_DIR``, by default ``~/tensorflow_datasets``) and compared with its
    registered sha256 at every load. ``digits`` is part of the package: 1,797 real 8×8 images, those of scikit-learn's
    ``load_digits`` (Alpaydin and Kaynak 1998, UCI Machine Learning Repository, CC BY 4.0), resized to 28×28×1, the
    first 1,500 for training and the last 297 for testing. A path is read by ``folders.read_image_set``, and any other
    name by ``records.read_records``.

    Args:
      name: one of ``DATASET_NAMES``, a folder, ``.zip`` or ``.npz`` of images, or a name in TFDS.
      data_dir: for a published set a folder with its files, as published or unpacked, to be used instead of a download.
        They may hold any number of images and are not compared with a registered sha256. For another name in TFDS, the
        folder of prepared sets.
      image_size: crop the centres to squares and resize to so many pixels, antialiased.
      channels: 1 for grey images, 3 for RGB; by default as they are, of image files by their modes.
      pixel_range: the values in the files that become 0 and 255, such as ``(0, 4095)`` of 12-bit data; by default 0 and
        the greatest that a file could have.
      skip_broken: leave image files that cannot be read out, with a warning that counts them.
      stream: keep the training images of a folder, a zip or TFDS on disk, and read them when they are used.

    Returns:
      The data set.

    Raises:
      InputError: the name is unknown, a download fails, a file is missing or damaged, or the range is none.

    Examples:
      >>> digits = load_dataset("digits")
      >>> digits.train_images.shape, digits.train_images.dtype
      ((1500, 28, 28, 1), dtype('uint8'))
    """
    data_dir = None if data_dir is None else Path(data_dir)
    reading = Reading(image_size, channels, pixel_range, skip_broken, stream)
    if pixel_range is not None and not -math.inf < pixel_range[0] < pixel_range[1] < math.inf:
        raise InputError(f"pixel_range is {pixel_range}; give the value of black, and a higher one of white.")
    if is_path(name):
        if data_dir is not None:
            raise InputError(f"the data set {name} is a path already; leave out --data-dir {data_dir}")
        path = expand_home(Path(name)).resolve()
        found, name = read_image_set(path, reading), path.stem
    elif name in PUBLISHED:
        if data_dir is None and Path(name).is_dir():
            warn(f"{name} is taken as the data set of that name, not as the folder here; give ./{name} for the folder")
        if stream:
            raise InputError(f"{name} is read as a whole; train on it without --stream")
        train, train_labels, test, test_labels = read_published(name, data_dir)
        train, test = (converted(images, **reading.of_pixels) for images in (train, test))
        notes = ("held out: the published test images",)
        found = ImageSet(train, train_labels, test, test_labels, PUBLISHED[name], notes)
    else:
        found = read_records(name, data_dir, reading)
    return Dataset(name, *map(read_only, found))
