"""Grouped convolutions that keep the images' size: the 3x3 ones of residual blocks.

As in ``convolution``, one trilinear form and its three partial derivatives, F, T and W. XLA's gradients of a grouped
convolution are tens of times slower on a CPU than a convolution of each group, and there the groups are taken in turn.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

from gan_jax.nn.convolution import convolve, convolve_transpose, kernel_gradient


def convolve_grouped(inputs: Array, kernel: Array, groups: int) -> Array:
    """Convolution in which each group of channels has a part of the kernel of its own, as PyTorch's ``groups``.

    Args:
      inputs: ``[batch, height, width, in]`` float.
      kernel: ``[size, size, in / groups, out]`` float, of an odd size; group after group along its last axis.
      groups: divides in and out.

    Returns:
      ``[batch, height, width, out]``.

    Examples:
      >>> convolve_grouped(jnp.ones((1, 8, 8, 6)), jnp.ones((3, 3, 2, 12)), groups=3).shape
      (1, 8, 8, 12)
    """
    return _convolve(groups, len(kernel), inputs, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _convolve(groups: int, size: int, x: Array, w: Array) -> Array:
    in_turn = _of_each(partial(convolve, stride=1, padding=size // 2), groups)
    return lax.platform_dependent(x, w, cpu=in_turn, default=partial(_native, groups))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _transpose(groups: int, size: int, y: Array, w: Array) -> Array:
    def native(y: Array, w: Array) -> Array:
        inputs = jax.ShapeDtypeStruct((*y.shape[:3], groups * w.shape[2]), y.dtype)
        return jax.linear_transpose(lambda x: _native(groups, x, w), inputs)(y)[0]

    in_turn = _of_each(partial(convolve_transpose, stride=1, padding=size // 2), groups)
    return lax.platform_dependent(y, w, cpu=in_turn, default=native)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _kernel_gradient(groups: int, size: int, x: Array, y: Array) -> Array:
    def native(x: Array, y: Array) -> Array:
        kernel = jax.ShapeDtypeStruct((size, size, x.shape[3] // groups, y.shape[3]), y.dtype)
        return jax.linear_transpose(lambda w: _native(groups, x, w), kernel)(y)[0]

    in_turn = _of_each(partial(kernel_gradient, size=size, stride=1, padding=size // 2), groups)
    return lax.platform_dependent(x, y, cpu=in_turn, default=native)


_convolve.defvjp(
    lambda groups, size, x, w: (_convolve(groups, size, x, w), (x, w)),
    lambda groups, size, xw, y: (_transpose(groups, size, y, xw[1]), _kernel_gradient(groups, size, xw[0], y)),
)
_transpose.defvjp(
    lambda groups, size, y, w: (_transpose(groups, size, y, w), (y, w)),
    lambda groups, size, yw, x: (_convolve(groups, size, x, yw[1]), _kernel_gradient(groups, size, x, yw[0])),
)
_kernel_gradient.defvjp(
    lambda groups, size, x, y: (_kernel_gradient(groups, size, x, y), (x, y)),
    lambda groups, size, xy, w: (_transpose(groups, size, xy[1], w), _convolve(groups, size, xy[0], w)),
)


def _of_each(function: Callable[[Array, Array], Array], groups: int) -> Callable[[Array, Array], Array]:
    """A function of the groups' parts of two arrays, whose last axes have group after group."""

    def call(*operands: Array) -> Array:
        parts = (operand.reshape(*operand.shape[:3], groups, -1) for operand in operands)
        found = jax.vmap(function, in_axes=3, out_axes=3)(*parts)
        return jnp.reshape(found, (*found.shape[:3], -1))

    return call


def _native(groups: int, x: Array, w: Array) -> Array:
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=layout, feature_group_count=groups)
