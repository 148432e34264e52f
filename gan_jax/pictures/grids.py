"""Pictures of images: grids, comparisons, an animation. Arrays in, files out."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from gan_jax.errors import InputError
from gan_jax.files import atomic_write, warn

MOST_IN_PICTURE = 10_000  # images; a PNG of more takes gigabytes while it is made
_WHITE = 255
_INK = 51
_GAP = 3
_MARGIN = 14
_HEADER = 48
_FONT_SIZE = 20
_TILE_SIDE = 96
_STRIP_SIDE = 56
_MAX_FRAMES = 24
_LEVEL_BITS = 5  # noise compresses badly: with 8 bits of grey an animation takes twice the space


def require_picture(count: int) -> None:
    """Check how many images a picture is asked for, before they are made.

    Raises:
      InputError: they are too many.
    """
    if count > MOST_IN_PICTURE:
        raise InputError(f"the picture would have {count:,} images; the most is {MOST_IN_PICTURE:,}: ask for fewer.")


def tile_images(images: ArrayLike, columns: int, padding: int = 0) -> NDArray[np.uint8]:
    """Lays images out row by row in one picture.

    Args:
      images: ``[n, H, W, C]`` uint8, n at least 1, C 1 (grey) or 3 (RGB).
      columns: images a row, at least 1; the last row may be incomplete.
      padding: white pixels between neighbours.

    Returns:
      ``[rows * (H + padding) - padding, columns * (W + padding) - padding, C]`` uint8, white where there is no image.

    Raises:
      ValueError: the images have another shape or dtype, or there is no column.

    Examples:
      >>> tile_images(np.zeros((5, 28, 28, 1), np.uint8), columns=3, padding=2).shape
      (58, 88, 1)
    """
    images = _check_images(images)
    if columns < 1 or padding < 0:
        raise ValueError(f"columns must be at least 1 and padding at least 0, not {columns} and {padding}")
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + padding, width + padding, channels), _WHITE, np.uint8)
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, height + padding, width + padding, channels)
    picture = cells.swapaxes(1, 2).reshape(rows * (height + padding), columns * (width + padding), channels)
    return picture[: picture.shape[0] - padding, : picture.shape[1] - padding]


def save_grid(path: str | Path, images: ArrayLike, title: str, columns: int = 8, rows: int | None = None) -> None:
    """Writes the first ``columns * rows`` images as a PNG, enlarged without smoothing, under a title.

    Args:
      path: the PNG to write or replace; its folder exists.
      images: ``[n, H, W, C]`` uint8, n at least 1, C 1 (grey) or 3 (RGB).
      title: one line, such as ``"epoch 3, step 1404"``.
      columns: images a row, at least 1.
      rows: at most so many; by default as many as columns.

    Raises:
      ValueError: the images have another shape or dtype, or there is no column.
    """
    _save_picture(path, _draw_grid(images, title, columns, rows))


def save_side_by_side(path: str | Path, grids: Mapping[str, ArrayLike], columns: int = 8) -> None:
    """Writes grids of images side by side as a PNG, as many images of each, ``columns * columns`` at most.

    Args:
      path: the PNG to write or replace; its folder exists.
      grids: by title, ``[n, H, W, C]`` uint8, n at least 1, C 1 (grey) or 3 (RGB); n may differ.
      columns: images a row, at least 1.

    Raises:
      ValueError: images of another shape or dtype, or of two sizes, or there is no column.
    """
    checked = {title: _check_images(images) for title, images in grids.items()}
    sizes = {title: images.shape[1:] for title, images in checked.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"images side by side must have one size, not {sizes}")
    count = min(map(len, checked.values()))
    drawn = [_draw_grid(images[:count], title, columns) for title, images in checked.items()]
    _save_picture(path, np.concatenate(drawn, axis=1))


def save_pairs(path: str | Path, upper: ArrayLike, lower: ArrayLike, title: str, columns: int = 16) -> None:
    """Writes pairs of images as a PNG, the one of a pair right above the other, under a title.

    Args:
      path: the PNG to write or replace; its folder exists.
      upper: ``[n, H, W, C]`` uint8, n at least 1, C 1 (grey) or 3 (RGB).
      lower: as many of the same shape.
      title: one line, which says what is above what.
      columns: pairs a row, at least 1.

    Raises:
      ValueError: the images have another shape or dtype, are not paired, or there is no column.
    """
    checked = [_enlarge(_check_images(images), _TILE_SIDE) for images in (upper, lower)]
    if checked[0].shape != checked[1].shape:
        raise ValueError(f"pairs must be of one number and size, not {[list(images.shape) for images in checked]}")
    space = [(0, 0), (0, _MARGIN), (0, 0), (0, 0)]
    pairs = np.pad(np.concatenate(checked, axis=1), space, constant_values=_WHITE)
    _save_picture(path, _draw_grid(pairs, title, columns, rows=-(-len(pairs) // columns)))


def save_strips(path: str | Path, strips: Mapping[str, ArrayLike]) -> None:
    """Writes rows of images with their names before them as a PNG, enlarged without smoothing.

    Args:
      path: the PNG to write or replace; its folder exists.
      strips: by name, ``[n, H, W, C]`` uint8, n at least 1 and equal in all rows, C 1 (grey) or 3 (RGB).

    Raises:
      ValueError: images of another shape or dtype.
    """
    font = _font(_STRIP_SIDE // 3)
    label_width = max(int(font.getlength(name)) for name in strips) + 2 * _MARGIN
    rows = []
    for name, images in strips.items():
        images = _enlarge(_check_images(images), _STRIP_SIDE)
        row = tile_images(images, len(images), padding=_GAP)
        label = Image.new("L", (label_width, len(row) + _GAP), _WHITE)
        ImageDraw.Draw(label).text((_MARGIN, len(row) // 2), name, fill=_INK, font=font, anchor="lm")
        picture = np.full((len(row) + _GAP, label_width + row.shape[1], row.shape[2]), _WHITE, np.uint8)
        picture[:, :label_width] = np.asarray(label)[..., None]
        picture[: len(row), label_width:] = row
        rows.append(picture)
    _save_picture(path, np.concatenate(rows))


def readable_pictures(paths: Sequence[Path]) -> list[Path]:
    """The pictures that can be read and have the size of the last of them; a warning names each other."""
    sizes: dict[Path, tuple[int, int]] = {}
    for path in paths:
        try:
            with Image.open(path) as picture:
                picture.verify()
                sizes[path] = picture.size
        except (OSError, SyntaxError, ValueError):  # what Pillow's parsers raise
            continue
    size = next(reversed(sizes.values()), None)
    for path in paths:
        if sizes.get(path) != size or size is None:
            warn(f"{path} is left out: it cannot be read, or has another size")
    return [path for path in sizes if sizes[path] == size]


def save_animation(path: str | Path, grid_paths: Sequence[str | Path]) -> None:
    """Writes pictures as a GIF that loops for ever and rests on the last one.

    A loop takes about eight seconds and the rest. Of more than 24 pictures, 24 evenly spaced ones are taken, the first
    and the last among them, in 32 levels of grey or of each colour: a few megabytes.

    Args:
      path: the GIF to write or replace; its folder exists.
      grid_paths: the pictures in order, all of one size.

    Raises:
      ValueError: no picture, or pictures of two sizes.
    """
    if not grid_paths:
        raise ValueError("an animation needs at least one picture")
    chosen = np.linspace(0, len(grid_paths) - 1, min(len(grid_paths), _MAX_FRAMES)).round().astype(int)
    save_frames(path, [_read_frame(grid_paths[i]) for i in chosen], rest=2000)


def save_loop(path: str | Path, images: ArrayLike) -> None:
    """Writes images as a GIF that plays them at an even pace, enlarged without smoothing, for ever.

    A loop takes about eight seconds, within 80 to 500 ms a frame.

    Args:
      path: the GIF to write or replace; its folder exists.
      images: ``[n, H, W, C]`` uint8 in order, n at least 1, C 1 (grey) or 3 (RGB); after the last comes the first.

    Raises:
      ValueError: the images have another shape or dtype.
    """
    images = _enlarge(_check_images(images), 2 * _TILE_SIDE)
    save_frames(path, [_as_frame(_as_picture(image)) for image in images])


def _check_images(images: ArrayLike) -> NDArray[np.uint8]:
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 in 0 to 255, not {images.dtype}")
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
        raise ValueError(f"images must be [n, H, W, 1 or 3] with n at least 1, not {list(images.shape)}")
    return images


def _enlarge(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Repeat pixels a whole number of times, until the images are about ``side`` wide."""
    scale = max(1, side // max(images.shape[1:3]))
    return images.repeat(scale, axis=1).repeat(scale, axis=2)


def _font(size: int) -> ImageFont.FreeTypeFont:
    package = find_spec("matplotlib")  # it is not imported for its font, which takes a quarter of a second
    assert package
    assert package.origin
    return ImageFont.truetype(Path(package.origin).with_name("mpl-data") / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _draw_grid(images: ArrayLike, title: str, columns: int, rows: int | None = None) -> NDArray[np.uint8]:
    images = _check_images(images)[: columns * (rows or columns)]
    tiles = tile_images(_enlarge(images, _TILE_SIDE), columns, padding=_GAP)
    font = _font(_FONT_SIZE)
    title = " ".join(title.splitlines())  # the font knows no lines
    height, width, channels = tiles.shape
    width = max(width, int(font.getlength(title)) + 1)
    page = Image.new("L", (width + 2 * _MARGIN, height + _HEADER + _MARGIN), _WHITE)
    ImageDraw.Draw(page).text((_MARGIN, _HEADER // 2), title, fill=_INK, font=font, anchor="lm")
    picture = np.repeat(np.asarray(page)[..., None], channels, axis=-1)
    picture[_HEADER : _HEADER + height, _MARGIN : _MARGIN + tiles.shape[1]] = tiles
    return picture


def _read_frame(path: str | Path) -> Image.Image:
    with Image.open(path) as picture:
        return _as_frame(ImageOps.posterize(picture.convert("L" if picture.mode == "L" else "RGB"), _LEVEL_BITS))


def _as_frame(picture: Image.Image) -> Image.Image:
    # A GIF has 256 colours a frame: enough for every grey; colours are fitted to the frame, without speckle.
    return picture.copy() if picture.mode == "L" else picture.convert("RGB").quantize(dither=Image.Dither.NONE)


def save_frames(path: str | Path, frames: Sequence[Image.Image], rest: int | None = None) -> None:
    """Write a GIF that loops for ever; ``rest`` is how long the last frame stays, in milliseconds."""
    first, *others = frames
    if sizes := {frame.size for frame in others} - {first.size}:
        raise ValueError(f"an animation needs pictures of one size; these are {sorted({first.size, *sizes})}")
    # Browsers count in hundredths of a second and slow down what is faster than two of them.
    frame_time = 10 * int(np.clip(800 / len(frames), 8, 50))
    options: dict[str, Any] = {
        "duration": [frame_time] * len(others) + [rest or frame_time],
        "loop": 0,
        "append_images": others,
    }
    with atomic_write(Path(path)) as temporary:
        first.save(temporary, save_all=True, **options)


def _as_picture(picture: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def _save_picture(path: str | Path, picture: NDArray[np.uint8]) -> None:
    with atomic_write(Path(path)) as temporary:
        _as_picture(picture).save(temporary)
