"""Image sets of one's own: a folder of image files, a zip of one, or an ``.npz``."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.array_files import read_arrays
from gan_jax.data.array_names import NAMES, images_and_labels
from gan_jax.data.image_files import Brightness, UnreadableImageError, converted, endings, read_picture
from gan_jax.data.image_set import AS_IT_IS, ONE_IN_SIX, ImageSet, Reading, StoredImages, are_for_tests, named_classes
from gan_jax.data.layout import Placed, read_layout
from gan_jax.data.listing import list_files
from gan_jax.data.published import PUBLISHED
from gan_jax.errors import InputError
from gan_jax.files import first_line, warn

_RESIZE = "give --image-size 28, 32 or 64, which crops the centre and resizes"
_DARK = 0.25  # of the range of its pixels, the brightest of a set


class _Seen(NamedTuple):
    """What one reading of a file found."""

    placed: Placed
    shape: tuple[int, ...]
    digest: bytes
    brightest: Brightness
    is_grey: bool  # all of its pixels
    pixels: np.ndarray | None  # kept in memory, or not


def is_path(name: str) -> bool:
    """Whether a data set's name is that of a folder or file."""
    if name in PUBLISHED:
        return False
    return name.lower().endswith((".zip", ".npz")) or "/" in name or "\\" in name or Path(name).is_dir()


def read_image_set(path: Path, reading: Reading = AS_IT_IS) -> ImageSet:
    """Read a folder of images, a zip of one, or an ``.npz``.

    - Of files ``layout.read_layout`` says which are for tests, and of which class. The set is grey if all its files
      are, by their modes and not by their pixels, otherwise RGB.
    - An ``.npz`` has ``images`` ``[N, H, W]`` or ``[N, H, W, 1 or 3]`` uint8, and perhaps ``labels`` ``[N]`` integers,
      or the same under other names, as in ``array_names.images_and_labels``.
    - Where nothing else says so, ``are_for_tests`` decides which images are for tests.

    Args:
      path: the folder or file.
      reading: with ``stream``, training images stay on disk; they are read once at the start, and again whenever they
        are used.

    Raises:
      InputError: there is no such path, there are no images, one cannot be read, or they are not squares of one size
        and there is no ``image_size``.
    """
    if path.suffix.lower() == ".npz" and path.is_file():
        if reading.stream:
            raise InputError(
                f"{path} is read as a whole; train on it without --stream, or give a folder or zip of image files."
            )
        return _read_npz(path, reading)
    layout = read_layout(path, list_files(path), endings())
    if layout.left_out:
        warn(f"images in {path} are left out: {', '.join(layout.left_out)}")
    seen, broken = _look_at(path, layout.placed, reading)
    channels = max(image.shape[2] for image in seen)
    labels, class_names = named_classes([image.placed.label for image in seen])
    if layout.held_out:
        is_test = np.array([image.placed.is_test for image in seen])
    else:
        is_test = are_for_tests([image.digest for image in seen])

    def read(place: int) -> np.ndarray:
        image = seen[place]
        pixels = _read(image.placed, reading)[0] if image.pixels is None else image.pixels
        return np.broadcast_to(pixels, (*pixels.shape[:2], max(channels, pixels.shape[2])))

    def chosen(places: np.ndarray) -> StoredImages:
        shape = (*seen[0].shape[:2], channels)
        return StoredImages(
            lambda place: read(places[place]), len(places), shape, lambda place: seen[places[place]].placed.file.name
        )

    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    _require_both(path, len(train), len(test))
    left_out = [*layout.left_out, *([f"{broken:,} that cannot be read"] if broken else [])]
    notes = [f"held out: {layout.held_out}" if layout.held_out else ONE_IN_SIX, *layout.notes]
    notes += [f"images left out: {', '.join(left_out)}"] if left_out else []
    if channels == 3 and reading.channels is None and all(image.is_grey for image in seen):
        notes.append("RGB by the files' modes, though every pixel is grey: --channels 1 makes them grey")
    train_images = chosen(train) if reading.stream else chosen(train)[:]
    return ImageSet(train_images, labels[train], chosen(test)[:], labels[test], class_names, tuple(notes))


def _read(placed: Placed, reading: Reading) -> tuple[np.ndarray, Brightness]:
    return read_picture(placed.file.open(), placed.file.name, **reading.of_pixels)


def _look_at(path: Path, places: Sequence[Placed], reading: Reading) -> tuple[list[_Seen], int]:
    """Read every file once: all that can be read, which are squares of one size, and how many cannot."""

    def look(placed: Placed) -> _Seen | InputError:
        try:
            pixels, brightest = _read(placed, reading)
        except UnreadableImageError as error:
            return error
        except Exception as error:  # zipfile raises whatever its decompressors meet
            return InputError(f"{placed.file.name} cannot be read ({first_line(error)}); replace or remove it.")
        digest = hashlib.sha256(np.ascontiguousarray(pixels).data).digest()
        is_grey = bool((pixels == pixels[..., :1]).all())
        return _Seen(placed, pixels.shape, digest, brightest, is_grey, None if reading.stream else pixels)

    with ThreadPoolExecutor() as threads:
        results = list(threads.map(look, places))
    seen = [image for image in results if isinstance(image, _Seen)]
    broken = [image for image in results if isinstance(image, InputError)]
    if broken and not (reading.skip_broken and seen):
        instead = f"--skip-broken leaves such files out, {len(broken)} here." if seen else "No file can be read."
        raise InputError(f"{broken[0]} {instead}")
    if broken:
        warn(f"{len(broken)} of {len(places)} files in {path} are left out; the first: {broken[0]}")
    other = next((image for image in seen if image.shape[:2] != seen[0].shape[:2]), None)
    if other:
        sizes = [f"{image.placed.file.name} is {_size(image.shape)}" for image in (seen[0], other)]
        raise InputError(f"{' and '.join(sizes)}; {_RESIZE}.")
    _require_squares(path, seen[0].shape)
    _warn_of_darkness(
        path, reading, max((image.brightest for image in seen), key=lambda found: found.value / found.full)
    )
    return seen, len(broken)


def _warn_of_darkness(path: Path, reading: Reading, brightest: Brightness) -> None:
    """Say so where images seem to use fewer bits than their files have."""
    value, full = brightest
    if 0 < value < _DARK * full:
        bits = value.bit_length()
        advice = f"if they have {bits} bits, give --pixel-range 0 {2**bits - 1}"
        if reading.pixel_range is not None:
            advice = "give --pixel-range a smaller value of white; colours have 8 bits, of files of 16 the upper ones"
        warn(f"the brightest pixel in {path} is {value:,} of {full:,}, so that the images are nearly black; {advice}")


def _read_npz(path: Path, reading: Reading) -> ImageSet:
    stored = read_arrays(path, "an .npz", "give a good copy", NAMES.__contains__)
    images, labels, num_train, held_out, left_out = images_and_labels(path, stored)
    images = images[..., np.newaxis] if images.ndim == 3 else images
    is_scaled = reading.pixel_range is not None and images.dtype.kind in "buif"
    is_read = (images.dtype == np.uint8 or is_scaled) and images.size
    if not is_read or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise InputError(
            f"{path}: images are {images.dtype} {list(images.shape)}; they must be uint8 [N, height, width] or "
            f"[N, height, width, 1 or 3], or other numbers with --pixel-range LOW HIGH."
        )
    labels = np.zeros(len(images), np.int32) if labels is None else labels
    if labels.size != len(images) or labels.ndim not in (1, 2) or labels.dtype.kind not in "iuU":
        raise InputError(
            f"{path}: labels are {labels.dtype} {list(labels.shape)}; they must be [{len(images)}] integers or names."
        )
    if reading.image_size is None:
        _require_squares(path, images.shape[1:])
    images = converted(images, **reading.of_pixels)
    _warn_of_darkness(path, reading, Brightness(int(images.max()), 255))
    labels, class_names = named_classes(labels.ravel().tolist())
    notes = [f"held out: {held_out}" if held_out else ONE_IN_SIX]
    if left_out:
        warn(f"images in {path} are left out: {left_out}")
        notes.append(f"images left out: {left_out}")
    if num_train is None:
        is_test = are_for_tests([hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in images])
    else:
        is_test = np.arange(len(images)) >= num_train
    _require_both(path, int(np.sum(~is_test)), int(np.sum(is_test)))
    return ImageSet(images[~is_test], labels[~is_test], images[is_test], labels[is_test], class_names, tuple(notes))


def _require_squares(path: Path, shape: tuple[int, ...]) -> None:
    if shape[0] != shape[1]:
        raise InputError(f"the images in {path} are {_size(shape)}; {_RESIZE}.")


def _require_both(path: Path, num_train: int, num_test: int) -> None:
    for purpose, count in (("training", num_train), ("test", num_test)):
        if not count:
            raise InputError(
                f"of the {num_train + num_test} images in {path} none is a {purpose} image; give more images."
            )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]}"
