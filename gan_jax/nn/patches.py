"""A convolution of few channels as one matrix product over patches, for the CPU.

As for ``toom_cook``, ``stride`` neighbouring inputs along each axis are a cell, and as many kernel rows a tap. The
cells under an output's taps, one after the other, are its patch ``[taps * taps * stride * stride * in]``, and the
kernel is a matrix from patches to output channels. Where a convolution has few inputs, patches cost little to make.
"""

import math
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from gan_jax.nn.toom_cook import Geometry, kernel_taps

_LONGEST = 64  # entries of a patch
_USUAL = 128  # images
_MOST = 2**21  # entries of all patches; more do not stay in the cache between their making and the product


def is_faster(geometry: tuple[Geometry, Geometry], images: Any, in_channels: int) -> bool:
    """Whether patches are short and few; a symbolic number of images in an exported program counts as a usual one."""
    length = math.prod(axis.taps * axis.stride for axis in geometry) * in_channels
    places = math.prod(axis.outputs for axis in geometry)
    count = images if isinstance(images, int) else _USUAL
    strided = all(axis.stride > 1 for axis in geometry)
    return strided and length <= _LONGEST and count * places * length <= _MOST


def convolve(geometry: tuple[Geometry, Geometry], x: Array, w: Array) -> Array:
    """The convolution, ``[N, H, W, C]`` and ``[k, k, C, O]`` to ``[N, h, w, O]``."""
    return (_patches(geometry, x) @ _matrix(geometry, w)).reshape(x.shape[0], *_places(geometry), w.shape[3])


def transpose(geometry: tuple[Geometry, Geometry], y: Array, w: Array) -> Array:
    """Its adjoint, ``[N, h, w, O]`` and ``[k, k, C, O]`` to ``[N, H, W, C]``: every cell is a sum over patches."""
    rows, columns = geometry
    patches = (y.reshape(-1, y.shape[3]) @ _matrix(geometry, w).T).reshape(
        y.shape[0], *_places(geometry), rows.taps, columns.taps, rows.stride * columns.stride * w.shape[2]
    )
    edges = [(at, axis.taps - 1 - at) for axis in geometry for at in range(axis.taps)]
    cells: Any = sum(
        jnp.pad(patches[:, :, :, row, column], ((0, 0), edges[row], edges[rows.taps + column], (0, 0)))
        for row in range(rows.taps)
        for column in range(columns.taps)
    )
    return _inputs(geometry, cells)


def kernel_gradient(geometry: tuple[Geometry, Geometry], x: Array, y: Array) -> Array:
    """Its gradient with respect to the kernel, ``[N, H, W, C]`` and ``[N, h, w, O]`` to ``[k, k, C, O]``."""
    rows, columns = geometry
    matrix = _patches(geometry, x).T @ y.reshape(-1, y.shape[3])
    taps = matrix.reshape(rows.taps, columns.taps, rows.stride, columns.stride, x.shape[3], y.shape[3])
    kernel = taps.transpose(0, 2, 1, 3, 4, 5).reshape(
        rows.taps * rows.stride, columns.taps * columns.stride, *taps.shape[4:]
    )
    return kernel[: rows.kernel, : columns.kernel]


def _places(geometry: tuple[Geometry, Geometry]) -> tuple[int, int]:
    rows, columns = geometry
    return rows.outputs, columns.outputs


def _patches(geometry: tuple[Geometry, Geometry], x: Array) -> Array:
    """``[N * h * w, taps * taps * stride * stride * C]``."""
    cells = _cells(geometry, x)
    rows, columns = geometry
    parts = [
        cells[:, row : row + rows.outputs, column : column + columns.outputs]
        for row in range(rows.taps)
        for column in range(columns.taps)
    ]
    patches = jnp.concatenate(parts, axis=3)
    return patches.reshape(-1, patches.shape[3])


def _cells(geometry: tuple[Geometry, Geometry], x: Array) -> Array:
    """``[N, cells, cells, stride * stride * C]``."""
    (rows, columns), (height, width) = geometry, _counts(geometry)
    padded = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *_edges(geometry), (0, 0, 0)])
    grouped = padded.reshape(x.shape[0], height, rows.stride, width, columns.stride, x.shape[3])
    flat = rows.stride * columns.stride * x.shape[3]
    return grouped.transpose(0, 1, 3, 2, 4, 5).reshape(x.shape[0], height, width, flat)


def _inputs(geometry: tuple[Geometry, Geometry], cells: Array) -> Array:
    """The adjoint of ``_cells``."""
    (rows, columns), (height, width) = geometry, _counts(geometry)
    grouped = cells.reshape(cells.shape[0], height, width, rows.stride, columns.stride, -1).transpose(0, 1, 3, 2, 4, 5)
    padded = grouped.reshape(cells.shape[0], height * rows.stride, width * columns.stride, grouped.shape[5])
    kept = [(-low, -high, 0) for low, high, _ in _edges(geometry)]
    return lax.pad(padded, jnp.zeros((), cells.dtype), [(0, 0, 0), *kept, (0, 0, 0)])


def _counts(geometry: tuple[Geometry, Geometry]) -> list[int]:
    """Of cells along each axis."""
    return [axis.outputs + axis.taps - 1 for axis in geometry]


def _edges(geometry: tuple[Geometry, Geometry]) -> list[tuple[int, int, int]]:
    """Padding that makes whole cells of the inputs, or drops what no output reads."""
    sizes = [count * axis.stride for count, axis in zip(_counts(geometry), geometry, strict=True)]
    return [(axis.padding, size - axis.inputs - axis.padding, 0) for axis, size in zip(geometry, sizes, strict=True)]


def _matrix(geometry: tuple[Geometry, Geometry], w: Array) -> Array:
    """``[taps * taps * stride * stride * C, O]``."""
    return kernel_taps(geometry, w).transpose(0, 2, 1, 3, 4, 5).reshape(-1, w.shape[3])
