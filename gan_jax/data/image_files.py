"""Image files of any kind as pixels: grey or colour, cropped to a square, resized."""

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from gan_jax.errors import InputError
from gan_jax.files import first_line, require_regular

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))

# Pillow would run Ghostscript on what it takes for PostScript, whatever its name ends in.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N", "I")


class UnreadableImageError(InputError):
    """A file is damaged, or no image."""


def read_pixels(file: Path | BinaryIO, name: str, size: int | None = None, channels: int | None = None) -> np.ndarray:
    """Read an image: ``[height, width, channels]`` uint8, turned as its EXIF data say.

    Transparent places become white. Grey images of 16 bits keep their upper 8. An animation gives its first frame.

    Args:
      file: a path or an open file.
      name: what errors call it.
      size: crop the centre to a square and resize it to so many pixels with Lanczos' filter, antialiased.
      channels: 1 for grey, 3 for RGB; by default grey where the file is.

    Raises:
      UnreadableImageError: it is damaged, or no image that Pillow knows.
    """
    from PIL import Image, ImageOps

    try:
        if isinstance(file, Path):
            require_regular(file)
        with Image.open(file, formats=_FORMATS) as opened:
            image = ImageOps.exif_transpose(opened)
            grey = image.mode in _GREY if channels is None else channels == 1
            image = _eight_bits(image).convert("L" if grey else "RGB")
    except Exception as error:  # Pillow's readers raise whatever their format's parser meets
        kinds = f"no image of {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}"
        reason = kinds if isinstance(error, Image.UnidentifiedImageError) else first_line(error)
        raise UnreadableImageError(f"{name} cannot be read as an image ({reason}); replace or remove it.") from error
    if size is not None:
        image = _fitted(image, size)
    pixels = np.asarray(image)
    return pixels[..., np.newaxis] if grey else pixels


def _eight_bits(image: "Picture") -> "Picture":
    """The image with 8 bits a channel, opaque on white."""
    from PIL import Image

    if image.mode.startswith("I"):
        pixels = np.asarray(image)
        if pixels.min() < 0 or pixels.max() >= 2**16:
            raise ValueError("its pixels have more than 16 bits")
        return Image.fromarray((pixels >> 8).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("its pixels are floats")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def read_image(path: Path, image_shape: tuple[int, ...]) -> np.ndarray:
    """Read a file as an image of a shape: ``[height, width, channels]`` uint8.

    Raises:
      UnreadableImageError: it is missing, damaged, or no image that Pillow knows.
    """
    return read_pixels(path, str(path), size=image_shape[0], channels=image_shape[2])


def fit(images: np.ndarray, size: int) -> np.ndarray:
    """Crop and resize ``[N, height, width, 1 or 3]`` uint8 as ``read_pixels`` does: ``[N, size, size, channels]``."""
    from PIL import Image

    if images.shape[1:3] == (size, size):
        return images
    pictures = (Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image) for image in images)
    resized = np.stack([np.asarray(_fitted(picture, size)) for picture in pictures])
    return resized.reshape(len(images), size, size, images.shape[-1])


def _fitted(image: "Picture", size: int) -> "Picture":
    """The square at the centre; it is cut out first, so that the filter sees nothing beside it."""
    from PIL import Image

    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    square = image.crop((left, top, left + side, top + side))
    return square.resize((size, size), Image.Resampling.LANCZOS)
