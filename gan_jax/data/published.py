"""Published image sets: their files, downloaded and verified or one's own, and the embedded digits."""

import gzip
import math
import tarfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.data.downloads import downloaded_files
from gan_jax.errors import InputError
from gan_jax.files import expand_home, first_line, most_unpacked, require_unpackable

_IMAGE_SIZE = 28
_DIGITS = Path(__file__).parent / "digits.npz"
DIGITS_TEST_COUNT = 297
_DIGIT_NAMES = tuple("0123456789")
_CIFAR_ROW = 1 + 3 * 32 * 32  # a label and the bytes of an image, channel by channel
_CIFAR_BATCHES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")

_IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # images and labels for training, then for tests


class _Published(NamedTuple):
    """A set that comes as files of its own."""

    class_names: tuple[str, ...]
    files: tuple[str, ...]  # in the registry of TFDS
    find: Callable[[Path], list[Path]]  # the same in a user's folder, perhaps unpacked
    read: Callable[[Sequence[Path]], Arrays]


def read_published(name: str, data_dir: Path | None) -> Arrays:
    """Read a set of ``PUBLISHED``.

    Args:
      name: one of ``PUBLISHED``.
      data_dir: a folder with its files, to be used instead of a download; they are not compared with a checksum.

    Raises:
      InputError: a download fails, or a file is missing or damaged.
    """
    if name == "digits":
        if data_dir is not None:
            raise InputError(f"digits is embedded and reads no files: leave out --data-dir {data_dir}")
        return _digits()
    published = _FILES[name]
    try:
        paths = downloaded_files(name, published.files) if data_dir is None else published.find(expand_home(data_dir))
        return published.read(paths)
    except OSError as error:
        raise InputError(f"{name}: {error}; --data-dir and TFDS_DATA_DIR choose another folder") from error


def stored_digits() -> tuple[np.ndarray, np.ndarray]:
    """The digits as they are stored, ``[1797, 8, 8]`` uint8 from 0 to 16, and their labels; those for tests last."""
    with np.load(_DIGITS) as stored:
        return stored["pixels"], stored["labels"]


def _digits() -> Arrays:
    """The four arrays of the digits beside this file, each image resized from 8×8 to 28×28."""
    from PIL import Image

    pixels, labels = stored_digits()
    # Rounded to bytes before the resize: Pillow filters bytes in integers, so every machine has the same images.
    small = np.rint(pixels * (255 / 16)).astype(np.uint8)
    size = (_IMAGE_SIZE, _IMAGE_SIZE)
    images = np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in small])
    images, labels = images[..., np.newaxis], np.asarray(labels, np.int32)
    split = len(images) - DIGITS_TEST_COUNT
    return images[:split], labels[:split], images[split:], labels[split:]


def _find_idx(folder: Path) -> list[Path]:
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


def _read_idx_files(paths: Sequence[Path]) -> Arrays:
    return (*_read_split(*paths[:2]), *_read_split(*paths[2:]))


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
            with gzip.open(path) as file:
                content = file.read(most_unpacked(path))
                if file.read(1):
                    raise _damaged(path, f"unpacks to more than {len(content):,} bytes")
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


def _find(files: Sequence[str], unpacked: Sequence[str] = ()) -> Callable[[Path], list[Path]]:
    """A function that finds files in a user's folder, packed or unpacked and in any folder below."""

    def find(folder: Path) -> list[Path]:
        for names in (files, unpacked):
            found = [next(iter(sorted(folder.rglob(name))), None) for name in names]
            if names and None not in found:
                return [path for path in found if path]
        raise InputError(f"{folder}: expected a folder with {', '.join(files)}")

    return find


def _read_cifar(paths: Sequence[Path]) -> Arrays:
    """CIFAR-10's binary version (Krizhevsky 2009), as the archive or unpacked."""
    contents = [path.read_bytes() for path in paths] if len(paths) > 1 else _unpacked(paths[0])
    rows = []
    for content in contents:
        if len(content) % _CIFAR_ROW or not content:
            raise _damaged(paths[0], f"holds a batch of {len(content)} bytes, which is no multiple of {_CIFAR_ROW}")
        rows.append(np.frombuffer(content, np.uint8).reshape(-1, _CIFAR_ROW))
        if rows[-1][:, 0].max() > 9:
            raise _damaged(paths[0], f"holds the label {rows[-1][:, 0].max()}, outside 0 to 9")
    return (*_cifar_split(np.concatenate(rows[:-1])), *_cifar_split(rows[-1]))


def _unpacked(path: Path) -> list[bytes]:
    """The batches in the archive, in the order of ``_CIFAR_BATCHES``."""
    try:
        with tarfile.open(path) as archive:
            members = {}
            for member in archive:
                require_unpackable(path, member.offset_data + member.size)
                if member.isfile():
                    members[Path(member.name).name] = archive.extractfile(member)
            return [file.read() for name in _CIFAR_BATCHES if (file := members[name])]
    except Exception as error:  # tarfile raises whatever its decompressors meet
        raise _damaged(path, f"is no archive of CIFAR-10's binary version ({first_line(error)})") from error


def _cifar_split(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), rows[:, 0].astype(np.int32)


def _read_svhn(paths: Sequence[Path]) -> Arrays:
    """SVHN's cropped digits (Netzer et al. 2011): MATLAB files whose label 10 is the digit 0."""
    return (*_svhn_split(paths[0]), *_svhn_split(paths[1]))


def _svhn_split(path: Path) -> tuple[np.ndarray, np.ndarray]:
    from scipy.io import loadmat, whosmat

    try:
        arrays = {name: (shape, dtype) for name, shape, dtype in whosmat(path)}
        require_unpackable(path, sum(math.prod(arrays[name][0]) for name in ("X", "y")))
        if arrays["X"][1] != "uint8":
            raise TypeError(f"X is {arrays['X'][1]}")
        content = loadmat(path, variable_names=["X", "y"])
        images, labels = content["X"], content["y"].reshape(-1)
    except Exception as error:  # SciPy raises whatever its parser meets
        raise _damaged(path, f"is no MATLAB file with X and y ({first_line(error)})") from error
    if images.ndim != 4 or images.shape[3] != len(labels) or labels.dtype.kind not in "iuf":
        raise _damaged(path, f"holds {images.dtype} {list(images.shape)} for {len(labels)} labels")
    return np.ascontiguousarray(images.transpose(3, 0, 1, 2)), (labels % 10).astype(np.int32)


def _damaged(path: Path, problem: str) -> InputError:
    return InputError(f"{path} {problem}: replace it with a good copy")


def _idx(class_names: tuple[str, ...]) -> _Published:
    return _Published(class_names, tuple(f"{stem}.gz" for stem in _IDX_FILES), _find_idx, _read_idx_files)


_SVHN_FILES = ("train_32x32.mat", "test_32x32.mat")
_CIFAR_FILES = ("cifar-10-binary.tar.gz",)
_CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FILES = {
    "fashion_mnist": _idx(_CLOTHES),
    "mnist": _idx(_DIGIT_NAMES),
    "kmnist": _idx(("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    "cifar10": _Published(_THINGS, _CIFAR_FILES, _find(_CIFAR_FILES, _CIFAR_BATCHES), _read_cifar),
    "svhn_cropped": _Published(_DIGIT_NAMES, _SVHN_FILES, _find(_SVHN_FILES), _read_svhn),
}
PUBLISHED = {name: published.class_names for name, published in _FILES.items()} | {"digits": _DIGIT_NAMES}
"""The classes' names of each set, by the names that ``load_dataset`` takes."""
