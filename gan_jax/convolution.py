r"""A convolution is one trilinear form; this file is its three partial derivatives.

With images x, kernel w and outputs y, the number :math:`\langle F(x, w), y \rangle` is linear in each of the three, so

- ``F(x, w)`` is the convolution,
- ``T(y, w)`` its adjoint, the transposed convolution,
- ``W(x, y)`` the gradient with respect to the kernel,

and the derivatives of each are the other two, to any order of reverse mode.

Each is written as one ``lax.conv_general_dilated`` with operands in NHWC and HWIO. XLA's CPU compiler has a fast kernel
for that layout alone, and inside a loop it does not transpose others into it; the gradients that autodiff would emit
for a plain convolution are tens of times slower there.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax


class _Geometry(NamedTuple):
    stride: int
    padding: int
    input_size: tuple[int, int]
    kernel_size: tuple[int, int]


def convolve(inputs: Array, kernel: Array, stride: int, padding: int) -> Array:
    """Convolution (cross-correlation), as PyTorch's ``conv2d``.

    Args:
      inputs: ``[batch, height, width, in]`` float.
      kernel: ``[kernel height, kernel width, in, out]`` float.
      stride: step between windows, the same both ways.
      padding: zeros added on each of the four sides.

    Returns:
      ``[batch, (height + 2 padding - kernel height) // stride + 1, …, out]``.
    """
    geometry = _Geometry(stride, padding, inputs.shape[1:3], kernel.shape[:2])
    return _convolve(geometry, inputs, kernel)


def convolve_transpose(inputs: Array, kernel: Array, stride: int, padding: int) -> Array:
    """Transposed convolution, as PyTorch's ``conv_transpose2d``: the adjoint of ``convolve`` with the same kernel.

    Args:
      inputs: ``[batch, height, width, in]`` float.
      kernel: ``[kernel height, kernel width, out, in]`` float: the kernel of the convolution that it is the adjoint of.
      stride: that convolution's stride.
      padding: that convolution's padding.

    Returns:
      ``[batch, (height - 1) stride - 2 padding + kernel height, …, out]``.
    """
    height, width = (
        (size - 1) * stride - 2 * padding + kernel_size
        for size, kernel_size in zip(inputs.shape[1:3], kernel.shape[:2], strict=True)
    )
    geometry = _Geometry(stride, padding, (height, width), kernel.shape[:2])
    return _transpose(geometry, inputs, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolve(geometry: _Geometry, x: Array, w: Array) -> Array:
    return _conv(x, w, padding=[(geometry.padding, geometry.padding)] * 2, window_strides=(geometry.stride,) * 2)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _transpose(geometry: _Geometry, y: Array, w: Array) -> Array:
    flipped = jnp.flip(w, (0, 1)).swapaxes(2, 3)
    stride = geometry.stride
    padding = []
    for size, kernel_size, outputs in zip(geometry.input_size, geometry.kernel_size, y.shape[1:3], strict=True):
        low = kernel_size - 1 - geometry.padding
        padding.append((low, size - 1 - stride * (outputs - 1) + kernel_size - 1 - low))
    return _conv(y, flipped, padding=padding, lhs_dilation=(stride, stride))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _kernel_gradient(geometry: _Geometry, x: Array, y: Array) -> Array:
    stride = geometry.stride
    padding = []
    for size, kernel_size, outputs in zip(geometry.input_size, geometry.kernel_size, y.shape[1:3], strict=True):
        padding.append((geometry.padding, kernel_size - 1 + stride * (outputs - 1) + 1 - size - geometry.padding))
    w = _conv(x.transpose(3, 1, 2, 0), y.transpose(1, 2, 0, 3), padding=padding, rhs_dilation=(stride, stride))
    return w.transpose(1, 2, 0, 3)


def _conv(lhs: Array, rhs: Array, padding: list[tuple[int, int]], **arguments: tuple[int, int]) -> Array:
    strides = arguments.pop("window_strides", (1, 1))
    return lax.conv_general_dilated(lhs, rhs, strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"), **arguments)


_convolve.defvjp(
    lambda geometry, x, w: (_convolve(geometry, x, w), (x, w)),
    lambda geometry, xw, y: (_transpose(geometry, y, xw[1]), _kernel_gradient(geometry, xw[0], y)),
)
_transpose.defvjp(
    lambda geometry, y, w: (_transpose(geometry, y, w), (y, w)),
    lambda geometry, yw, x: (_convolve(geometry, x, yw[1]), _kernel_gradient(geometry, x, yw[0])),
)
_kernel_gradient.defvjp(
    lambda geometry, x, y: (_kernel_gradient(geometry, x, y), (x, y)),
    lambda geometry, xy, w: (_transpose(geometry, xy[1], w), _convolve(geometry, xy[0], w)),
)
