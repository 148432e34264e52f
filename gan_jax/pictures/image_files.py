"""Images as files that other programs read."""

from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax.array_files import read_arrays, save_arrays
from gan_jax.errors import InputError
from gan_jax.files import atomic_write, prepare_output, write_json
from gan_jax.pictures.grids import save_grid

_CHANNELS = (1, 3)
_SAMPLES = "uint8 [N, H, W], [N, H, W, 1 or 3] or [N, 1 or 3, H, W]"
_FROM_FLOATS = "; of floats in [0, 1] take (255 * x).round(), of [-1, 1] (127.5 * (x + 1)).round(), as uint8"


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


def save_images(
    path: Path, images: np.ndarray, title: str, columns: int | None = None, labels: np.ndarray | None = None
) -> None:
    """Write images in the form that the path's ending asks for.

    ``.npz`` holds ``arr_0``, ``[N, height, width, 3]`` uint8, and the labels as ``arr_1``, as guided-diffusion has
    them; ``.png`` is a titled grid of all of them; a name without an ending is a new folder of PNGs, ``000000.png`` and
    on, with the labels in StyleGAN's ``dataset.json``.

    Args:
      path: where to write; a file is replaced, a folder must be new or empty.
      images: ``[N, height, width, channels]`` uint8 with 1 or 3 channels.
      title: of the grid.
      columns: of the grid; by default as many as rows.
      labels: ``[N]`` int, the images' classes.

    Raises:
      InputError: another ending, or a folder that holds something.
    """
    prepare_images_path(path)
    if path.suffix == ".npz":
        save_arrays(path, {"arr_0": _in_colour(images)} | ({} if labels is None else {"arr_1": labels}))
    elif path.suffix == ".png":
        columns = columns or int(np.ceil(np.sqrt(len(images))))
        save_grid(path, images, title, columns, rows=-(-len(images) // columns))
    else:
        _save_folder(path, images, labels)


def load_images(path: Path) -> np.ndarray:
    """Read samples of any program: ``[N, height, width, channels]`` uint8.

    They are ``arr_0`` or ``images`` of an ``.npz``, its ``train_images`` and ``test_images``, or its only array, or a
    ``.npy``. Grey images may be ``[N, height, width]``, and channels may come before height and width, as PyTorch has
    them.

    Raises:
      InputError: the file cannot be read, or holds no such images.
    """
    arrays = read_arrays(path, "samples", f"give a .npy, or an .npz with arr_0, of {_SAMPLES}")
    sets = [arrays[name] for name in ("train_images", "test_images") if name in arrays]
    if sets and len({images.shape[1:] for images in sets if images.ndim}) == 1:
        arrays = {"images": np.concatenate(sets)} | arrays
    names = [*filter(arrays.__contains__, ("arr_0", "images")), *arrays]
    if len(names) == len(arrays) != 1:
        raise InputError(f"{path} holds {len(arrays)} arrays and no arr_0 or images; name those to be scored arr_0.")
    name = names[0]
    images = arrays[name]
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        advice = _FROM_FLOATS if images.dtype.kind == "f" else ""
        raise InputError(f"{path}: {name} is {images.dtype} {list(images.shape)}; it must be {_SAMPLES}{advice}.")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.shape[-1] not in _CHANNELS and images.shape[1] in _CHANNELS:
        images = np.moveaxis(images, 1, -1)
    if images.shape[-1] not in _CHANNELS:
        raise InputError(f"{path}: {name} is {images.dtype} {list(images.shape)}; it must be {_SAMPLES}.")
    return images


def in_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """``[N, height, width, channels]`` images to be compared with others that have so many channels.

    Grey is repeated for three channels, and of three that are equal everywhere one is taken; else nothing changes.
    """
    if images.shape[-1] == 1 and channels == 3:
        return images.repeat(3, axis=-1)
    is_grey = channels == 1 and images.shape[-1] == 3 and (images == images[..., :1]).all()
    return images[..., :1] if is_grey else images


def _save_folder(path: Path, images: np.ndarray, labels: np.ndarray | None) -> None:
    """Write all of them or, if that fails or is interrupted, none."""
    path.mkdir(exist_ok=True)
    files = [path / f"{index:06d}.png" for index in range(len(images))]
    try:
        for file, image in zip(files, _in_colour(images), strict=True):
            with atomic_write(file) as temporary:
                Image.fromarray(image).save(temporary)
        if labels is not None:
            named = [[file.name, label] for file, label in zip(files, labels.tolist(), strict=True)]
            write_json(path / "dataset.json", {"labels": named})
    except BaseException:
        for file in (*files, path / "dataset.json"):
            file.unlink(missing_ok=True)
        raise


def _in_colour(images: np.ndarray) -> np.ndarray:
    return np.broadcast_to(images, (*images.shape[:3], 3))
