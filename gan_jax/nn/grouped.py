"""Grouped convolutions that keep the images' size: the 3x3 ones of residual blocks.

As in ``convolution``, one trilinear form and its three partial derivatives, F, T and W. XLA's gradients of a grouped
convolution are tens of times slower on a CPU than a convolution of each group, and there the groups are taken in turn.
Few channels keep a processor's vectors half empty, so that F and T make two neighbouring columns at once, as channels.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

_layout = ("NHWC", "HWIO", "NHWC")


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
    return lax.platform_dependent(x, w, cpu=partial(_in_turn, groups), default=partial(_native, groups))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _transpose(groups: int, size: int, y: Array, w: Array) -> Array:
    def native(y: Array, w: Array) -> Array:
        inputs = jax.ShapeDtypeStruct((*y.shape[:3], groups * w.shape[2]), y.dtype)
        return jax.linear_transpose(lambda x: _native(groups, x, w), inputs)(y)[0]

    def in_turn(y: Array, w: Array) -> Array:
        return _in_turn(groups, y, _adjoint(groups, w))

    return lax.platform_dependent(y, w, cpu=in_turn, default=native)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _kernel_gradient(groups: int, size: int, x: Array, y: Array) -> Array:
    def native(x: Array, y: Array) -> Array:
        kernel = jax.ShapeDtypeStruct((size, size, x.shape[3] // groups, y.shape[3]), y.dtype)
        return jax.linear_transpose(lambda w: _native(groups, x, w), kernel)(y)[0]

    return lax.platform_dependent(x, y, cpu=partial(_kernel_gradient_in_turn, groups, size), default=native)


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


def _native(groups: int, x: Array, w: Array) -> Array:
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=_layout, feature_group_count=groups)


def _adjoint(groups: int, w: Array) -> Array:
    """The kernel of the adjoint: turned half round, the channels of every group swapped."""
    *size, c, _ = w.shape
    turned = jnp.flip(w, (0, 1)).reshape(*size, c, groups, -1)
    return turned.transpose(0, 1, 4, 3, 2).reshape(*size, -1, groups * c)


def _in_turn(groups: int, x: Array, w: Array) -> Array:
    """The convolution, one group after another."""

    def body(group: Array, y: Array) -> Array:
        found = _columns_at_once(_part(x, group, groups), _part(w, group, groups))
        return lax.dynamic_update_slice_in_dim(y, found, group * found.shape[3], 3)

    return lax.fori_loop(0, groups, body, jnp.zeros((*x.shape[:3], w.shape[3]), x.dtype))


def _columns_at_once(x: Array, w: Array) -> Array:
    """A convolution that makes two neighbouring columns as channels, where their number is even."""
    edge = len(w) // 2
    count = 1 + (x.shape[2] % 2 == 0)
    both = [jnp.pad(w, ((0, 0), (at, count - 1 - at), (0, 0), (0, 0))) for at in range(count)]
    w = jnp.concatenate(both, 3)
    found = lax.conv_general_dilated(x, w, (1, count), [(edge, edge)] * 2, dimension_numbers=_layout)
    return found.reshape(*x.shape[:3], -1)


def _kernel_gradient_in_turn(groups: int, size: int, x: Array, y: Array) -> Array:
    """Of each group after another, the inputs convolved with the outputs, batch and channels trading places."""
    edge = size // 2
    turned = lax.optimization_barrier(x.transpose(3, 1, 2, 0))

    def one(group: Array) -> Array:
        images, kernel = _part(turned, group, groups, 0), _part(y, group, groups).transpose(1, 2, 0, 3)
        return lax.conv_general_dilated(images, kernel, (1, 1), [(edge, edge)] * 2, dimension_numbers=_layout)

    w = lax.map(one, jnp.arange(groups))
    return w.transpose(2, 3, 1, 0, 4).reshape(size, size, w.shape[1], -1)


def _part(array: Array, group: Array, groups: int, axis: int = 3) -> Array:
    """What a group has of an axis with group after group."""
    size = array.shape[axis] // groups
    return lax.dynamic_slice_in_dim(array, group * size, size, axis)
