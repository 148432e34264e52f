"""Images as files that other programs read."""

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax.errors import InputError
from gan_jax.files import prepare_output, save_arrays
from gan_jax.pictures.grids import save_grid


def prepare_images_path(path: Path) -> None:
    """Check where images are to be written, and make the folder above, before the work that they are for.

    Raises:
      InputError: another ending, a folder that holds something, or a place that cannot be written.
    """
    if path.suffix not in ("", ".npz", ".png"):
        raise InputError(
            f"{path} ends in {path.suffix}; it must end in .npz or .png, or be a folder's name without a dot."
        )
    is_folder = path.suffix == ""
    if path.exists() and path.is_dir() and (not is_folder or any(path.iterdir())):
        raise InputError(f"{path} is a folder that holds something; give another name.")
    if path.exists() and is_folder and not path.is_dir():
        raise InputError(f"{path} is a file; give another name for the folder of images.")
    if not path.is_dir():
        prepare_output(path)


def save_images(path: Path, images: np.ndarray, title: str, columns: int | None = None) -> None:
    """Write images in the form that the path's ending asks for.

    ``.npz`` holds ``arr_0``, ``[N, height, width, 3]`` uint8; ``.png`` is a titled grid of all of them; a name without
    an ending is a new folder of PNGs, ``000000.png`` and on.

    Args:
      path: where to write; a file is replaced, a folder must be new or empty.
      images: ``[N, height, width, channels]`` uint8 with 1 or 3 channels.
      title: of the grid.
      columns: of the grid; by default as many as rows.

    Raises:
      InputError: another ending, or a folder that holds something.
    """
    prepare_images_path(path)
    if path.suffix == ".npz":
        save_arrays(path, {"arr_0": _in_colour(images)})
    elif path.suffix == ".png":
        columns = columns or int(np.ceil(np.sqrt(len(images))))
        save_grid(path, images, title, columns, rows=-(-len(images) // columns))
    else:
        _save_folder(path, images)


def load_images(path: Path) -> np.ndarray:
    """Read ``arr_0`` of an ``.npz``: ``[N, height, width, channels]`` uint8.

    Three equal channels come back as one, and grey images may be ``[N, height, width]``.

    Raises:
      InputError: the file cannot be read, or holds no such images.
    """
    try:
        with path.open("rb") as file, np.load(file) as archive:
            images = archive["arr_0"]
    except (OSError, EOFError, TypeError, ValueError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as samples ({error}); give an .npz with arr_0, NHWC uint8.") from None
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise InputError(f"{path}: arr_0 is {images.dtype} {list(images.shape)}; it must be uint8 [N, H, W, 1 or 3].")
    grey = images.shape[-1] == 3 and (images == images[..., :1]).all()
    return images[..., :1] if grey else images


def _save_folder(path: Path, images: np.ndarray) -> None:
    path.mkdir(exist_ok=True)
    for index, image in enumerate(_in_colour(images)):
        Image.fromarray(image).save(path / f"{index:06d}.png")


def _in_colour(images: np.ndarray) -> np.ndarray:
    return np.broadcast_to(images, (*images.shape[:3], 3))
