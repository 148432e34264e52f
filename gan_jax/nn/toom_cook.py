r"""Convolutions with fewer multiplications, for the CPU (Winograd 1980; Lavin & Gray 2016).

Along one axis, group ``stride`` neighbouring inputs into a cell and as many neighbouring kernel rows into a tap; what
remains is a correlation of stride 1, $y_i = \sum_d w_d x_{i+d}$: some coefficients of a product of polynomials.
Polynomials can be multiplied at points: three constant matrices, A for outputs, B for inputs and G for kernels, each
``[points, …]``, turn the trilinear form $\sum_i y_i w_d x_{i+d}$ into $\sum_p (Ay)_p (Gw)_p (Bx)_p$. Its
partial derivatives are then the convolution, its adjoint and the kernel's gradient alike:

.. math:: y = A^T (Gw \cdot Bx), \quad x = B^T (Gw \cdot Ay), \quad w = G^T (Bx \cdot Ay)

In two dimensions each matrix is a Kronecker product, applied along one axis after the other, and each dot stands for
one matrix product a point, over channels or over the batch. In float32 the results are accurate to about 1e-6 with four
points an axis, to 1e-5 with eight.
"""

import dataclasses
import math
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

# The points are these and their negatives; among simple fractions these lose the least to rounding.
_MAGNITUDES = {4: (3 / 4, 5 / 2), 6: (1 / 3, 1.0, 3.0), 8: (1 / 4, 3 / 4, 4 / 3, 4.0)}
_WORTHWHILE = 0.8  # of the direct form's multiplications along an axis; above that, the transforms cost what is saved
# Images in a batch, by channels; with fewer images, a point's product is so small that it runs on one core.
_FEWEST_IMAGES = {16: 128, 32: 64}


@dataclasses.dataclass(frozen=True)
class Geometry:
    """A convolution's sizes along one axis."""

    inputs: int
    kernel: int
    outputs: int
    stride: int
    padding: int  # zeros before the first input

    @property
    def taps(self) -> int:
        """Groups of ``stride`` kernel rows."""
        return -(-self.kernel // self.stride)


@dataclasses.dataclass(frozen=True, eq=False)
class _Axis:
    """The three matrices for one axis, each with the points along its rows."""

    geometry: Geometry
    outputs: np.ndarray  # A, [points, outputs]
    inputs: np.ndarray  # B, [points, cells]
    kernel: np.ndarray  # G, [points, taps]

    @property
    def kernel_rows(self) -> np.ndarray:
        """G for every row of the kernel rather than every tap, ``[points, stride, kernel]``."""
        rows, stride = self.geometry.kernel, self.geometry.stride
        matrix = np.zeros((len(self.kernel), stride, rows))
        for row in range(rows):
            matrix[:, row % stride, row] = self.kernel[:, row // stride]
        return matrix


def is_faster(geometry: tuple[Geometry, Geometry], images: Any, in_channels: int, out_channels: int) -> bool:
    """Whether the form exists for both axes and saves more than its transforms cost.

    Whether there are few images; a symbolic number of images in an exported program counts as many.
    """
    fewest = [images for channels, images in _FEWEST_IMAGES.items() if channels <= min(in_channels, out_channels)]
    few = not fewest or (isinstance(images, int) and images < min(fewest))
    return not few and all(_axis(axis) is not None for axis in geometry)


def convolve(geometry: tuple[Geometry, Geometry], x: Array, w: Array) -> Array:
    """The convolution, ``[N, H, W, C]`` and ``[k, k, C, O]`` to ``[N, h, w, O]``."""
    form = _form(geometry)
    return form.outputs_from_points(_products(form.inputs_at_points(x), form.kernel_at_points(w), over=2))


def transpose(geometry: tuple[Geometry, Geometry], y: Array, w: Array) -> Array:
    """Its adjoint, ``[N, h, w, O]`` and ``[k, k, C, O]`` to ``[N, H, W, C]``."""
    form = _form(geometry)
    # The small kernel is transposed before its transform: cheaper than a matrix product with a transposed operand.
    return form.inputs_from_points(_products(form.outputs_at_points(y), form.transposed_kernel_at_points(w), over=2))


def kernel_gradient(geometry: tuple[Geometry, Geometry], x: Array, y: Array) -> Array:
    """Its gradient with respect to the kernel, ``[N, H, W, C]`` and ``[N, h, w, O]`` to ``[k, k, C, O]``."""
    form = _form(geometry)
    # XLA multiplies faster with the narrower operand, the outputs, transposed.
    return form.kernel_from_points(_products(form.outputs_at_points(y), form.inputs_at_points(x), over=1))


def kernel_taps(geometry: tuple[Geometry, Geometry], w: Array) -> Array:
    """The kernel's rows and columns in groups of the stride, ``[taps, stride, taps, stride, C, O]``."""
    missing = [(0, axis.taps * axis.stride - axis.kernel) for axis in geometry]
    rows, columns = geometry
    grouped = (rows.taps, rows.stride, columns.taps, columns.stride)
    return jnp.pad(w, (*missing, (0, 0), (0, 0))).reshape(*grouped, *w.shape[2:])


@lru_cache
def _axis(geometry: Geometry) -> _Axis | None:
    """The form with the fewest points, or None if none of those with good points saves enough.

    As many points as outputs do where the padding makes the product's other coefficients vanish; the matrices are
    checked. One more for each tap after the first always does (the transposed, or Winograd's, form).
    """
    for count in (geometry.outputs, geometry.outputs + geometry.taps - 1):
        count += count % 2
        direct = geometry.outputs * geometry.kernel
        if count in _MAGNITUDES and count * geometry.stride <= _WORTHWHILE * direct:
            points = np.array([[sign * size] for size in _MAGNITUDES[count] for sign in (1, -1)])
            powers = points ** np.arange(count)
            interpolation = np.linalg.inv(powers).T
            interpolated_outputs = interpolation, powers, points ** -np.arange(geometry.taps)
            interpolated_inputs = powers, interpolation, points ** np.arange(geometry.taps)
            for outputs, inputs, kernel in (interpolated_outputs, interpolated_inputs):
                axis = _Axis(geometry, *_balanced(outputs[:, : geometry.outputs], inputs, kernel))
                if _is_right(axis):
                    return axis
    return None


def _balanced(*matrices: np.ndarray) -> list[np.ndarray]:
    """Scale each point's three rows to one size: their product is the same, and rounds less."""
    sizes = [np.abs(matrix).sum(1, keepdims=True) for matrix in matrices]
    common = np.cbrt(np.prod(sizes, axis=0))
    return [matrix * common / size for matrix, size in zip(matrices, sizes, strict=True)]


def _is_right(axis: _Axis) -> bool:
    """Whether the matrices give each output the inputs and kernel rows that the convolution does."""
    g = axis.geometry
    cells = axis.inputs.shape[1]
    reached = min(g.inputs, g.stride * (g.outputs - 1) + g.kernel - g.padding)
    if g.stride * cells - g.padding < reached:
        return False
    output, cell, tap, phase = np.ogrid[: g.outputs, :cells, : g.taps, : g.stride]
    row = g.stride * cell + phase - g.padding
    exists = (row >= 0) & (row < g.inputs) & (g.stride * tap + phase < g.kernel)
    wanted = (cell == output + tap) & exists
    given = np.einsum("pi,pj,pd->ijd", axis.outputs, axis.inputs, axis.kernel)[..., None] * exists
    return np.allclose(given, wanted, atol=1e-9)


@lru_cache
def _form(geometry: tuple[Geometry, Geometry]) -> "_Form":
    rows, columns = (_axis(axis) for axis in geometry)
    assert rows is not None
    assert columns is not None
    return _Form(rows, columns)


@dataclasses.dataclass(frozen=True, eq=False)
class _Transform:
    """A matrix for each axis, which carry ``[rows * columns, …]`` to the points or back, one axis after the other."""

    rows: np.ndarray
    columns: np.ndarray

    @property
    def points(self) -> int:
        return len(self.rows) * len(self.columns)

    @property
    def transposed(self) -> "_Transform":
        return _Transform(self.rows.T, self.columns.T)

    def __matmul__(self, values: Array) -> Array:
        along_rows = _apply(self.rows, values.reshape(self.rows.shape[1], -1))
        columns = np.broadcast_to(self.columns, (len(self.rows), *self.columns.shape))
        parts = along_rows.reshape(len(self.rows), self.columns.shape[1], -1)
        return _products(jnp.asarray(columns, values.dtype), parts, over=2).reshape(-1, values.shape[1])


class _Form:
    """Both axes' matrices, and each of the three operands carried to the points and, by the adjoint, back.

    At the points the inputs are ``[points, N, cell C]``, the kernel ``[points, cell C, O]`` and the outputs
    ``[points, N, O]``, where ``cell`` is stride x stride and there are points x points of them.
    """

    def __init__(self, rows: _Axis, columns: _Axis) -> None:
        self.stride = rows.geometry.stride
        self.axes = (rows.geometry, columns.geometry)
        self.cells = (rows.inputs.shape[1], columns.inputs.shape[1])
        self.outputs = _Transform(rows.outputs, columns.outputs)
        self.inputs = _Transform(rows.inputs, columns.inputs)
        self.kernel = _Transform(rows.kernel, columns.kernel)
        self.kernel_rows = np.einsum("psk,qtl->pqstkl", rows.kernel_rows, columns.kernel_rows)

    def inputs_at_points(self, x: Array) -> Array:
        n, *_, c = x.shape
        s, (rows, columns) = self.stride, self.cells
        cells = lax.pad(x, jnp.zeros((), x.dtype), self._edges()).reshape(n, rows, s, columns, s * c)
        # One transpose a row of the cell copies whole runs of channels; a single one took three times as long.
        cells = jnp.stack([cells[:, :, row].transpose(1, 2, 0, 3) for row in range(s)], axis=3)
        return (self.inputs @ cells.reshape(rows * columns, -1)).reshape(-1, n, s * s * c)

    def inputs_from_points(self, values: Array) -> Array:
        points, n, _ = values.shape
        s, (rows, columns) = self.stride, self.cells
        cells = (self.inputs.transposed @ values.reshape(points, -1)).reshape(rows, columns, n, s, s, -1)
        x = cells.transpose(2, 0, 3, 1, 4, 5).reshape(n, rows * s, columns * s, -1)
        return lax.pad(x, jnp.zeros((), x.dtype), [(-low, -high, 0) for low, high, _ in self._edges()])

    def outputs_at_points(self, y: Array) -> Array:
        n, *_, o = y.shape
        # One transpose a row, here too: XLA fills a stack in plain loops, and any other flat array with divisions.
        pixels = jnp.stack([row.transpose(1, 0, 2) for row in jnp.unstack(y, axis=1)])
        return (self.outputs @ pixels.reshape(-1, n * o)).reshape(-1, n, o)

    def outputs_from_points(self, values: Array) -> Array:
        points, n, o = values.shape
        rows, columns = (axis.outputs for axis in self.axes)
        y = (self.outputs.transposed @ values.reshape(points, -1)).reshape(rows, columns, n, o)
        return y.transpose(2, 0, 1, 3)

    def kernel_at_points(self, w: Array) -> Array:
        *size, c, o = w.shape
        # Zeros in a larger matrix cost less than a copy of the kernel whose rows are in groups of the stride.
        matrix = self.kernel_rows.reshape(-1, math.prod(size))
        return _apply(matrix, w.reshape(-1, c * o)).reshape(self.kernel.points, -1, o)

    def transposed_kernel_at_points(self, w: Array) -> Array:
        taps = kernel_taps(self.axes, w).transpose(0, 2, 5, 1, 3, 4)
        rows, columns, o = taps.shape[:3]
        return (self.kernel @ taps.reshape(rows * columns, -1)).reshape(self.kernel.points, o, -1)

    def kernel_from_points(self, values: Array) -> Array:
        """From ``[points, O, cell C]``."""
        points, o, _ = values.shape
        s, (rows, columns) = self.stride, (axis.taps for axis in self.axes)
        taps = (self.kernel.transposed @ values.reshape(points, -1)).reshape(rows, columns, o, s, s, -1)
        w = taps.transpose(0, 3, 1, 4, 5, 2).reshape(rows * s, columns * s, -1, o)
        return w[: self.axes[0].kernel, : self.axes[1].kernel]

    def _edges(self) -> list[tuple[int, int, int]]:
        """Padding that makes whole cells of the inputs, or drops what no output reaches."""
        after = [
            self.stride * cells - axis.inputs - axis.padding for axis, cells in zip(self.axes, self.cells, strict=True)
        ]
        rows, columns = zip((axis.padding for axis in self.axes), after, (0, 0), strict=True)
        return [(0, 0, 0), rows, columns, (0, 0, 0)]


def _apply(matrix: np.ndarray, values: Array) -> Array:
    return jnp.asarray(matrix, values.dtype) @ values


def _products(left: Array, right: Array, over: int) -> Array:
    """One matrix product a point, contracting ``left``'s axis ``over`` with ``right``'s axis 1."""
    return lax.dot_general(left, right, (((over,), (1,)), ((0,), (0,))))
