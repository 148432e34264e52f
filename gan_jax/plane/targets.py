"""What points are to look like: mixtures with known modes, curves, a picture's dark pixels, a file of points."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_jax.array_files import read_arrays
from gan_jax.data.image_files import UnreadableImageError, read_pixels
from gan_jax.errors import InputError
from gan_jax.files import expand_home

NUM_POINTS = 128_000  # a thousand batches of 128
_PICTURE_SIDE = 256  # pixels, at most


class Modes(NamedTuple):
    """The normal distributions of a mixture of equal parts."""

    centres: np.ndarray  # [modes, 2] float64
    std: float  # of each coordinate


class Target(NamedTuple):
    """Points to train on, and what is known of their distribution."""

    points: np.ndarray  # [count, 2] float32
    half_width: float  # of the square around the origin that is looked at
    modes: Modes | None = None


def ring(count: int = NUM_POINTS) -> Target:
    """Eight normal distributions on a circle of radius 1, standard deviation 0.01 (PacGAN, Lin et al. 2018).

    Examples:
      >>> ring(16).points.shape
      (16, 2)
    """
    angles = 2 * np.pi * np.arange(8) / 8
    return _mixture(Modes(np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01), count, half_width=1.6)


def grid(count: int = NUM_POINTS) -> Target:
    """Twenty-five normal distributions on a 5 by 5 grid from -4 to 4, standard deviation 0.05 (PacGAN)."""
    ticks = np.arange(-4.0, 5.0, 2.0)
    centres = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    return _mixture(Modes(centres, 0.05), count, half_width=5.6)


def moons(count: int = NUM_POINTS) -> Target:
    """Two half circles that reach into each other, with noise of standard deviation 0.05."""
    random = np.random.default_rng(0)
    angles, upper = random.uniform(0, np.pi, count), random.random(count) < 0.5
    points = np.where(
        upper[:, None],
        np.stack([np.cos(angles) - 0.5, np.sin(angles) - 0.25], axis=1),
        np.stack([0.5 - np.cos(angles), 0.25 - np.sin(angles)], axis=1),
    )
    return _target(points + 0.05 * random.normal(size=points.shape), half_width=2.0)


def spiral(count: int = NUM_POINTS) -> Target:
    """One and a half turns outwards to radius 1, evenly along the curve, with noise of standard deviation 0.02."""
    random = np.random.default_rng(0)
    radius = np.sqrt(random.uniform(0.01, 1, count))
    angles = 3 * np.pi * radius
    points = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    return _target(points + 0.02 * random.normal(size=points.shape), half_width=1.5)


TARGETS: dict[str, Callable[[int], Target]] = {"ring": ring, "grid": grid, "moons": moons, "spiral": spiral}
"""Each takes a number of points; always the same ones. Entries may be added under other names."""


def load_target(name: str, count: int = NUM_POINTS) -> Target:
    """A target by name, or from a file.

    Args:
      name: of ``TARGETS``; or a file's: a picture, whose dark pixels are drawn, the darker the more often, or a
        ``.csv`` or ``.npy`` of ``[count, 2]`` points, which are moved and scaled into [-1, 1].
      count: of points, where they are drawn.

    Raises:
      InputError: there is no such target, or the file holds no points.

    Examples:
      >>> load_target("grid").modes.centres.shape
      (25, 2)
    """
    if name in TARGETS:
        return TARGETS[name](count)
    path = expand_home(Path(name))
    if not path.is_file():
        names = ", ".join(TARGETS)
        raise InputError(f"target is {name!r}; it must be one of {names}, or a file: a picture, .csv or .npy.")
    read = {".csv": _read_csv, ".npy": _read_npy}.get(path.suffix.lower())
    points = _draw_dark_pixels(path, count) if read is None else _require_points(path, read(path))
    low, high = points.min(axis=0), points.max(axis=0)
    quarter_range = (high / 4 - low / 4).max()  # of the largest floats the whole range would be infinite
    if quarter_range == 0:
        raise InputError(f"{path} holds one point again and again; give points that differ.")
    return _target((points / 2 - (low / 4 + high / 4)) / quarter_range, half_width=1.5)


def _mixture(modes: Modes, count: int, half_width: float) -> Target:
    random = np.random.default_rng(0)
    centres = modes.centres[random.integers(len(modes.centres), size=count)]
    return _target(centres + modes.std * random.normal(size=centres.shape), half_width, modes)


def _target(points: np.ndarray, half_width: float, modes: Modes | None = None) -> Target:
    return Target(points.astype(np.float32), half_width, modes)


def _draw_dark_pixels(path: Path, count: int) -> np.ndarray:
    try:
        seen = Image.fromarray(read_pixels(path, str(path), channels=1)[..., 0])
    except UnreadableImageError:
        raise InputError(
            f"{path} cannot be read as a picture, a .csv or a .npy of points; give one of these."
        ) from None
    seen.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE))
    grey = np.asarray(seen, np.float64) / 255
    darkness = np.maximum(0.5 - grey, 0)
    if not darkness.any():
        raise InputError(f"{path} has no pixel that is darker than middle grey; give a picture with dark parts.")
    random = np.random.default_rng(0)
    chosen = random.choice(darkness.size, size=count, p=(darkness / darkness.sum()).ravel())
    rows, columns = np.divmod(chosen, darkness.shape[1])
    return np.stack([columns, -rows], axis=1) + random.uniform(-0.5, 0.5, (count, 2))


def _read_csv(path: Path) -> np.ndarray:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        header = bool(lines) and not all(_is_number(entry) for entry in lines[0].split(","))
        if not any(line.partition("#")[0].strip() for line in lines[header:]):
            raise ValueError("it is empty")
        return np.loadtxt(lines[header:], delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as points ({error}); give two numbers a line, as x,y.") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_npy(path: Path) -> np.ndarray:
    arrays = read_arrays(path, "points", "give an array [count, 2] of numbers")
    if list(arrays) != ["arr_0"]:
        raise InputError(f"{path} is an archive; give a .npy of an array [count, 2] of numbers.")
    return arrays["arr_0"]


def _require_points(path: Path, points: np.ndarray) -> np.ndarray:
    if points.dtype.kind not in "fiu" or points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        shape = f"{points.dtype} {list(points.shape)}"
        raise InputError(f"{path} holds {shape}; it must be two or more points, [count, 2] of numbers.")
    if not np.isfinite(points).all():
        raise InputError(f"{path} holds a number that is not finite; leave such points out.")
    return points.astype(np.float64)
