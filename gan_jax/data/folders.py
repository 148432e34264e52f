"""Image sets of one's own: a folder of image files, a zip of one, or an ``.npz``."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from gan_jax.data.image_files import SUFFIXES, UnreadableImageError, fit, read_pixels
from gan_jax.data.image_set import ImageSet, StoredImages, is_for_tests, named_classes
from gan_jax.data.published import PUBLISHED
from gan_jax.errors import InputError
from gan_jax.files import first_line, read_arrays, require_unpackable, warn

_TRAIN, _TEST = "train", "test"
_RESIZE = "give --image-size 28, 32 or 64, which crops the centre and resizes"


class _File(NamedTuple):
    """An image file."""

    parts: tuple[str, ...]  # of its path, below what all share
    name: str  # for errors
    open: Callable[[], Any]  # what read_pixels takes


class _Seen(NamedTuple):
    """What one reading of a file found."""

    file: _File
    shape: tuple[int, ...]
    digest: bytes
    pixels: np.ndarray | None  # kept in memory, or not


def is_path(name: str) -> bool:
    """Whether a data set's name is that of a folder or file."""
    if name in PUBLISHED:
        return False
    return name.endswith((".zip", ".npz")) or "/" in name or "\\" in name or Path(name).is_dir()


def read_image_set(
    path: Path, image_size: int | None = None, skip_broken: bool = False, stream: bool = False
) -> ImageSet:
    """Read a folder of images, a zip of one, or an ``.npz``.

    - Of files the first folder on the way to an image is its class: ``class/name.png``, and deeper. Images that lie in
      no folder, or all in one, have no classes. Where all lie in ``train`` or ``test``, and the classes below, these
      are the two sets. The set is grey if all its files are, otherwise RGB.
    - An ``.npz`` has ``images`` ``[N, H, W]`` or ``[N, H, W, 1 or 3]`` uint8, and perhaps ``labels`` ``[N]`` integers.
    - Where nothing else says so, ``is_for_tests`` decides which images are for tests.

    Args:
      path: the folder or file.
      image_size: crop centres and resize to so many pixels.
      skip_broken: leave files that cannot be read out, with a warning that counts them.
      stream: keep training images on disk; they are read once at the start, and again whenever they are used.

    Raises:
      InputError: there is no such path, there are no images, one cannot be read, or they are not squares of one size
        and there is no ``image_size``.
    """
    if path.suffix == ".npz" and path.is_file():
        if stream:
            raise InputError(f"{path} is read as a whole; leave out --stream, or give a folder or zip of image files.")
        return _read_npz(path, image_size)
    files = _without_common_folders(_image_files(path))
    if not files:
        raise InputError(
            f"{path} holds no image files ({', '.join(sorted(SUFFIXES))}); give a folder or zip with some."
        )
    seen = _look_at(path, files, image_size, skip_broken, keep=not stream)
    channels = max(one.shape[2] for one in seen)
    is_split = all(len(one.file.parts) > 1 and one.file.parts[0] in (_TRAIN, _TEST) for one in seen)
    folders = [one.file.parts[is_split:-1] for one in seen]
    labels, class_names = (
        named_classes([folder[0] for folder in folders]) if all(folders) else named_classes([0] * len(seen))
    )
    is_test = np.array([one.file.parts[0] == _TEST if is_split else is_for_tests(one.digest) for one in seen])

    def read(place: int) -> np.ndarray:
        one = seen[place]
        pixels = read_pixels(one.file.open(), one.file.name, image_size) if one.pixels is None else one.pixels
        return np.broadcast_to(pixels, (*pixels.shape[:2], max(channels, pixels.shape[2])))

    def chosen(places: np.ndarray) -> StoredImages:
        shape = (*seen[0].shape[:2], channels)
        return StoredImages(
            lambda place: read(places[place]), len(places), shape, lambda place: seen[places[place]].file.name
        )

    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    _require_both(path, len(train), len(test))
    train_images = chosen(train) if stream else chosen(train)[:]
    return ImageSet(train_images, labels[train], chosen(test)[:], labels[test], class_names)


def _image_files(path: Path) -> list[_File]:
    """The image files in a folder or zip, in the order of their names; hidden ones are left out."""
    try:
        if path.is_dir():
            paths = sorted(file for file in path.rglob("*") if file.is_file())
            found = [_File(file.relative_to(path).parts, str(file), lambda file=file: file) for file in paths]
        elif path.suffix == ".zip" and path.is_file():
            archive = zipfile.ZipFile(path)
            require_unpackable(path, sum(info.file_size for info in archive.infolist()))
            names = sorted({info.filename for info in archive.infolist() if not info.is_dir()})
            found = [
                _File(PurePosixPath(name).parts, f"{path}: {name}", lambda name=name: BytesIO(archive.read(name)))
                for name in names
            ]
        else:
            problem = "is no folder, .zip or .npz" if path.exists() else "is not there"
            raise InputError(f"{path} {problem}; give a folder of images, a zip of one, or an .npz.")
    except InputError:
        raise
    except Exception as error:  # zipfile raises whatever its parser meets
        raise InputError(f"{path} cannot be read ({first_line(error)}); give a good copy.") from error
    visible = (file for file in found if not any(part.startswith((".", "__MACOSX")) for part in file.parts))
    return [file for file in visible if PurePosixPath(file.parts[-1]).suffix.lower() in SUFFIXES]


def _without_common_folders(files: list[_File]) -> list[_File]:
    """The files without the folders that all of them lie in."""
    while files and all(len(file.parts) > 1 for file in files) and len({file.parts[0] for file in files}) == 1:
        files = [file._replace(parts=file.parts[1:]) for file in files]
    return files


def _look_at(path: Path, files: Sequence[_File], image_size: int | None, skip_broken: bool, keep: bool) -> list[_Seen]:
    """Read every file once; all that can be read, which are squares of one size."""

    def look(file: _File) -> _Seen | InputError:
        try:
            pixels = read_pixels(file.open(), file.name, image_size)
        except UnreadableImageError as error:
            return error
        except Exception as error:  # zipfile raises whatever its decompressors meet
            return InputError(f"{file.name} cannot be read ({first_line(error)}); replace or remove it.")
        digest = hashlib.sha256(np.ascontiguousarray(pixels).data).digest()
        return _Seen(file, pixels.shape, digest, pixels if keep else None)

    with ThreadPoolExecutor() as threads:
        results = list(threads.map(look, files))
    seen = [one for one in results if isinstance(one, _Seen)]
    broken = [one for one in results if isinstance(one, InputError)]
    if broken and not (skip_broken and seen):
        instead = f"--skip-broken leaves such files out, {len(broken)} here." if seen else "No file can be read."
        raise InputError(f"{broken[0]} {instead}")
    if broken:
        warn(f"{len(broken)} of {len(files)} files in {path} are left out; the first: {broken[0]}")
    other = next((one for one in seen if one.shape[:2] != seen[0].shape[:2]), None)
    if other:
        sizes = [f"{one.file.name} is {_size(one.shape)}" for one in (seen[0], other)]
        raise InputError(f"{' and '.join(sizes)}; {_RESIZE}.")
    _require_squares(path, seen[0].shape)
    return seen


def _read_npz(path: Path, image_size: int | None) -> ImageSet:
    arrays = read_arrays(path, "an .npz", "give a good copy", lambda name: name in ("images", "labels"))
    if "images" not in arrays:
        raise InputError(f"{path} has no array named images; save one, [N, height, width, channels] uint8.")
    images, labels = arrays["images"], arrays.get("labels")
    images = images[..., np.newaxis] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
        raise InputError(
            f"{path}: images are {images.dtype} {list(images.shape)}; they must be uint8 [N, height, width] or "
            f"[N, height, width, 1 or 3]."
        )
    labels = np.zeros(len(images), np.int32) if labels is None else labels
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"{path}: labels are {labels.dtype} {list(labels.shape)}; they must be [{len(images)}] integers."
        )
    if image_size is None:
        _require_squares(path, images.shape[1:])
    else:
        images = fit(images, image_size)
    labels, class_names = named_classes(labels.tolist())
    is_test = np.array([is_for_tests(hashlib.sha256(np.ascontiguousarray(image).data).digest()) for image in images])
    _require_both(path, np.sum(~is_test), np.sum(is_test))
    return ImageSet(images[~is_test], labels[~is_test], images[is_test], labels[is_test], class_names)


def _require_squares(path: Path, shape: tuple[int, ...]) -> None:
    if shape[0] != shape[1]:
        raise InputError(f"the images in {path} are {_size(shape)}; {_RESIZE}.")


def _require_both(path: Path, num_train: int, num_test: int) -> None:
    for kind, count in (("training", num_train), ("test", num_test)):
        if not count:
            raise InputError(
                f"of the {num_train + num_test} images in {path} none is a {kind} image; give more images."
            )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]}"
