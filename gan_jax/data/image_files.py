"""Image files of any kind as pixels: grey or colour, cropped to a square, resized."""

import functools
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from gan_jax.errors import InputError
from gan_jax.files import first_line, require_regular

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

# What Pillow reads and is left alone: programs that it would run or that handlers must be installed for, films, and
# files of one picture in several sizes.
_NOT_READ = ("BUFR", "CUR", "EPS", "GRIB", "HDF5", "ICNS", "ICO", "IPTC", "MPEG", "WMF")
_GREY = ("1", "L", "LA", "La", "F", "I;16", "I;16L", "I;16B", "I;16N", "I")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")  # chunks of a PNG that say nothing of its pixels


class UnreadableImageError(InputError):
    """A file is damaged, or no image."""


class Brightness(NamedTuple):
    """The greatest value of a file's pixels, and the greatest that they could have."""

    value: int
    full: int


@functools.cache
def endings() -> frozenset[str]:
    """What the names of image files end in, such as ``.png``, in lower case: all that Pillow reads here."""
    from PIL import Image

    formats = (*_formats(), "MPO")  # the reader of JPEG opens those of several pictures
    return frozenset(ending for ending, kind in Image.registered_extensions().items() if kind in formats)


@functools.cache
def _formats() -> tuple[str, ...]:
    """Those of the formats with an ending of their own that are opened, whatever the file's name."""
    from PIL import Image

    known = set(Image.registered_extensions().values())  # this loads Pillow's readers
    return tuple(kind for kind in Image.ID if kind in known and kind in Image.OPEN and kind not in _NOT_READ)


def read_pixels(
    file: Path | BinaryIO,
    name: str,
    size: int | None = None,
    channels: int | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Read an image: ``[height, width, channels]`` uint8, turned as its EXIF data say.

    Transparent places become white. Grey images of 16 bits keep their upper 8. An animation gives its first frame.

    Args:
      file: a path or an open file.
      name: what errors call it.
      size: crop the centre to a square and resize it to so many pixels with Lanczos' filter, antialiased.
      channels: 1 for grey, 3 for RGB; by default grey where the file's mode is, whatever its pixels are.
      pixel_range: the values of the file's pixels that become 0 and 255; files of floats and of 32 bits need it.

    Raises:
      UnreadableImageError: it is damaged, or no image that Pillow knows.
    """
    return read_picture(file, name, size, channels, pixel_range)[0]


def read_picture(
    file: Path | BinaryIO,
    name: str,
    size: int | None = None,
    channels: int | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> tuple[np.ndarray, Brightness]:
    """Do the same, and say how bright the file's brightest pixel is."""
    from PIL import Image

    try:
        if isinstance(file, Path):
            require_regular(file)
        try:
            image, brightest = _decoded(file, channels, pixel_range)
        except ValueError as error:
            if "MAX_TEXT" not in str(error):  # Pillow's limits on what is written beside the pixels of a PNG
                raise
            image, brightest = _decoded(_without_texts(file), channels, pixel_range)
    except Exception as error:  # Pillow's readers raise whatever their format's parser meets
        unknown = isinstance(error, Image.UnidentifiedImageError)
        reason = "no image of a kind that is read here" if unknown else first_line(error)
        raise UnreadableImageError(f"{name} cannot be read as an image ({reason}); replace or remove it.") from error
    pixels = np.asarray(image if size is None else _fitted(image, size))
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels, brightest


def _decoded(
    file: Path | BinaryIO, channels: int | None, pixel_range: tuple[float, float] | None
) -> tuple["Picture", Brightness]:
    """The image in mode L or RGB."""
    from PIL import Image, ImageOps

    with Image.open(file, formats=_formats()) as opened:
        image = ImageOps.exif_transpose(opened)
        mode = "L" if (image.mode in _GREY if channels is None else channels == 1) else "RGB"
        is_deep = image.mode.startswith(("I", "F"))  # of more than 8 bits
        image = image if is_deep else _opaque(image).convert(mode)
        pixels = np.asarray(image)
        if pixel_range is not None:
            pixels = _ranged(pixels, pixel_range)
            return Image.fromarray(pixels).convert(mode), Brightness(int(pixels.max()), 255)
        if is_deep:
            return Image.fromarray(_upper_bits(pixels)).convert(mode), Brightness(int(pixels.max()), 2**16 - 1)
        return image, Brightness(int(pixels.max()), 255)


def _without_texts(file: Path | BinaryIO) -> BinaryIO:
    """A PNG without what is written beside its pixels, which a decoder unpacks and may find too long."""
    if isinstance(file, Path):
        content = file.read_bytes()
    else:
        file.seek(0)
        content = file.read()
    kept, at = [content[:8]], 8
    while at < len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] not in _TEXTS:
            kept.append(content[at:end])
        at = end
    return BytesIO(b"".join(kept))


def _upper_bits(pixels: np.ndarray) -> np.ndarray:
    """The upper 8 of 16 bits."""
    if pixels.dtype.kind == "f":
        raise ValueError("its pixels are floats")
    if pixels.min() < 0 or pixels.max() >= 2**16:
        raise ValueError("its pixels have more than 16 bits")
    return (pixels >> 8).astype(np.uint8)


def _ranged(pixels: np.ndarray, pixel_range: tuple[float, float]) -> np.ndarray:
    """Map values linearly, those of the range to 0 and 255, and those outside to the nearer end."""
    low, high = pixel_range
    scaled = (pixels.astype(np.float64) - low) * (255 / (high - low))
    return np.nan_to_num(scaled).clip(0, 255).round().astype(np.uint8)


def _opaque(image: "Picture") -> "Picture":
    """The image on white."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def read_image(path: Path, image_shape: tuple[int, ...], pixel_range: tuple[float, float] | None = None) -> np.ndarray:
    """Read a file as an image of a shape: ``[height, width, channels]`` uint8.

    Raises:
      UnreadableImageError: it is missing, damaged, or no image that Pillow knows.
    """
    return read_pixels(path, str(path), image_shape[0], image_shape[2], pixel_range)


def converted(
    images: np.ndarray,
    size: int | None = None,
    channels: int | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Do with ``[N, height, width, 1 or 3]`` what ``read_pixels`` does: ``[N, size, size, channels]`` uint8.

    Without a ``pixel_range`` the images are uint8.
    """
    from PIL import Image

    if pixel_range is not None:
        images = _ranged(images, pixel_range)
    channels = channels or images.shape[-1]
    if channels == images.shape[-1] and (size is None or images.shape[1:3] == (size, size)):
        return images
    mode = "L" if channels == 1 else "RGB"
    pictures = (Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert(mode) for image in images)
    resized = np.stack([np.asarray(picture if size is None else _fitted(picture, size)) for picture in pictures])
    return resized.reshape(*resized.shape[:3], -1)


def _fitted(image: "Picture", size: int) -> "Picture":
    """The square at the centre; it is cut out first, so that the filter sees nothing beside it."""
    from PIL import Image

    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    square = image.crop((left, top, left + side, top + side))
    return square.resize((size, size), Image.Resampling.LANCZOS)
