r"""A convolution is one trilinear form; this file is its three partial derivatives.

With images x, kernel w and outputs y, the number $\langle F(x, w), y \rangle$ is linear in each of the three, so

- ``F(x, w)`` is the convolution,
- ``T(y, w)`` its adjoint, the transposed convolution,
- ``W(x, y)`` the gradient with respect to the kernel,

and the derivatives of each are the other two, to any order of reverse mode.

Where the kernel meets the images in one place only, each is a matrix product, and so is W of a pointwise kernel.
Elsewhere each is one native convolution, ``lax.conv_general_dilated`` with operands in NHWC and HWIO: XLA's CPU
compiler has a fast kernel for that layout alone, and inside a loop it does not transpose others into it, so that the
gradients which autodiff would emit are tens of times slower there. On the CPU, layers with enough images and channels
take ``toom_cook``'s form instead, those at the images the one of ``patches``, and T of other narrow ones is a
convolution without the zeros between outputs.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from gan_jax.nn import patches, toom_cook

_LARGE_KERNEL = 2**20  # entries
_CHANNEL_PAIRS_PER_IMAGE = 64  # with more of them, to lay the kernel out for T costs more than the zeros


class _Geometry(NamedTuple):
    stride: int
    padding: int
    input_size: tuple[int, ...]  # height and width of x
    kernel_size: tuple[int, ...]  # of w

    @property
    def axes(self) -> tuple[toom_cook.Geometry, toom_cook.Geometry]:
        rows, columns = (
            toom_cook.Geometry(
                inputs=size,
                kernel=kernel,
                outputs=(size + 2 * self.padding - kernel) // self.stride + 1,
                stride=self.stride,
                padding=self.padding,
            )
            for size, kernel in zip(self.input_size, self.kernel_size, strict=True)
        )
        return rows, columns

    @property
    def in_one_place(self) -> bool:
        return self.padding == 0 and self.input_size == self.kernel_size

    @property
    def pointwise(self) -> bool:
        return self.padding == 0 and self.stride == 1 and self.kernel_size == (1, 1)


def convolve(inputs: Array, kernel: Array, stride: int, padding: int) -> Array:
    """Convolution (cross-correlation), as PyTorch's ``conv2d``.

    Args:
      inputs: ``[batch, height, width, in]`` float.
      kernel: ``[kernel height, kernel width, in, out]`` float.
      stride: step between windows, the same both ways.
      padding: zeros added on each of the four sides.

    Returns:
      ``[batch, (height + 2 padding - kernel height) // stride + 1, …, out]``.

    Examples:
      >>> convolve(jnp.ones((1, 28, 28, 1)), jnp.ones((4, 4, 1, 8)), stride=2, padding=1).shape
      (1, 14, 14, 8)
    """
    return _convolve(_Geometry(stride, padding, inputs.shape[1:3], kernel.shape[:2]), inputs, kernel)


def convolve_transpose(inputs: Array, kernel: Array, stride: int, padding: int) -> Array:
    """Transposed convolution, as PyTorch's ``conv_transpose2d``: the adjoint of ``convolve`` with the same kernel.

    Args:
      inputs: ``[batch, height, width, in]`` float.
      kernel: ``[kernel height, kernel width, out, in]`` float: the kernel of the convolution that it is the adjoint of.
      stride: that convolution's stride.
      padding: that convolution's padding.

    Returns:
      ``[batch, (height - 1) stride - 2 padding + kernel height, …, out]``.

    Examples:
      >>> convolve_transpose(jnp.ones((1, 14, 14, 8)), jnp.ones((4, 4, 1, 8)), stride=2, padding=1).shape
      (1, 28, 28, 1)
    """
    size = tuple(
        (outputs - 1) * stride - 2 * padding + kernel_size
        for outputs, kernel_size in zip(inputs.shape[1:3], kernel.shape[:2], strict=True)
    )
    return _transpose(_Geometry(stride, padding, size, kernel.shape[:2]), inputs, kernel)


def kernel_gradient(inputs: Array, outputs: Array, size: int, stride: int, padding: int) -> Array:
    """The gradient of ``convolve`` with respect to a kernel of ``[size, size, in, out]``.

    Args:
      inputs: ``[batch, height, width, in]`` float.
      outputs: ``[batch, …, out]`` float, the gradient with respect to what ``convolve`` returns.
      size: of the kernel, both ways.
      stride: as for ``convolve``.
      padding: as for ``convolve``.
    """
    return _kernel_gradient(_Geometry(stride, padding, inputs.shape[1:3], (size, size)), inputs, outputs)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolve(geometry: _Geometry, x: Array, w: Array) -> Array:
    if geometry.in_one_place:
        return _dense(x, w)[:, None, None, :]
    return _by_platform(geometry, "convolve", _native_convolve, _native_convolve, w.shape, x, w)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _transpose(geometry: _Geometry, y: Array, w: Array) -> Array:
    if geometry.in_one_place:
        return _dense_transpose(y[:, 0, 0], w)
    narrow = _is_narrow(y.shape[0], *w.shape[2:])
    on_cpu = _sub_pixel_transpose if narrow and geometry.stride > 1 else _native_transpose
    return _by_platform(geometry, "transpose", on_cpu, _native_transpose, w.shape, y, w)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _kernel_gradient(geometry: _Geometry, x: Array, y: Array) -> Array:
    if geometry.in_one_place:
        return _dense_kernel_gradient(x, y[:, 0, 0])
    if geometry.pointwise:
        return _pointwise_kernel_gradient(x, y)
    shape = (*geometry.kernel_size, x.shape[3], y.shape[3])
    return _by_platform(geometry, "kernel_gradient", _native_kernel_gradient, _native_kernel_gradient, shape, x, y)


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


def _by_platform(
    geometry: _Geometry,
    operation: str,
    on_cpu: Callable[..., Array],
    native: Callable[..., Array],
    kernel_shape: tuple[int, ...],
    *operands: Array,
) -> Array:
    images, (in_channels, out_channels) = operands[0].shape[0], kernel_shape[2:]
    on_cpu = partial(on_cpu, geometry)
    if operands[0].dtype in (jnp.float32, jnp.float64):  # the points' sums need the digits
        if patches.is_faster(geometry.axes, images, in_channels):
            on_cpu = partial(getattr(patches, operation), geometry.axes)
        elif toom_cook.is_faster(geometry.axes, images, in_channels, out_channels):
            on_cpu = partial(getattr(toom_cook, operation), geometry.axes)
    return lax.platform_dependent(*operands, cpu=_mapped_in_turn(on_cpu), default=partial(native, geometry))


def _mapped_in_turn(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """The function, which under ``vmap`` runs once for each entry: XLA's grouped convolutions are slow on a CPU."""
    mapped = jax.custom_batching.custom_vmap(function)

    @mapped.def_vmap
    def in_turn(size: int, batched: list[bool], *operands: Array) -> tuple[Array, bool]:
        own = tuple(operand for operand, is_batched in zip(operands, batched, strict=True) if is_batched)

        def call(own: tuple[Array, ...]) -> Array:
            next_own = iter(own)
            left, right = (next(next_own) if one else shared for shared, one in zip(operands, batched, strict=True))
            return mapped(left, right)

        found = jax.eval_shape(call, tuple(each[0] for each in own))
        alike = [each for each in own if (each.shape[1:], each.dtype) == (found.shape, found.dtype)]
        if not alike:
            return lax.map(call, own), True

        def store(at: Array, results: Array) -> Array:
            return results.at[at].set(call(tuple(each[at] for each in own)))

        # XLA makes the zeros in which lax.map's results begin long before they are used, and keeps them.
        return lax.fori_loop(0, size, store, alike[0]), True

    return mapped


# Where the kernel meets the images in one place. XLA moves einsum's operands into another order, and multiplies with a
# transposed kernel on one core. A large kernel stays where it is: it is one matrix, or one per row of pixels.
def _dense(x: Array, w: Array) -> Array:
    if w.size >= _LARGE_KERNEL:
        return x.reshape(len(x), -1) @ w.reshape(-1, w.shape[3])
    return jnp.einsum("nhwc,hwco->no", x, w)


def _dense_transpose(y: Array, w: Array) -> Array:
    product = partial(jnp.einsum, "no,hwco->nhwc")
    if w.size >= _LARGE_KERNEL:
        return lax.platform_dependent(y, w, cpu=_large_dense_transpose, default=product)
    return product(y, w)


def _large_dense_transpose(y: Array, w: Array) -> Array:
    # XLA fills a stack of transposes once; a transpose alone it makes again in everything that reads the pixels.
    rows = (w.reshape(-1, w.shape[3]) @ y.T).reshape(len(w), -1, len(y))
    return jnp.stack([row.T for row in rows], axis=1).reshape(len(y), *w.shape[:3])


def _dense_kernel_gradient(x: Array, y: Array) -> Array:
    shape = (*x.shape[1:], y.shape[1])
    if math.prod(shape) >= _LARGE_KERNEL:
        rows = x.reshape(*x.shape[:2], -1).swapaxes(0, 1)
        return jnp.einsum("hna,hno->hao", rows, jnp.broadcast_to(y, (len(rows), *y.shape))).reshape(shape)
    return jnp.einsum("nhwc,no->hwco", x, y)


def _pointwise_kernel_gradient(x: Array, y: Array) -> Array:
    # Without the barrier, what makes the pixels writes them channel by channel, which takes longer than to move them.
    x, y = lax.optimization_barrier((x, y))
    return (x.reshape(-1, x.shape[3]).T @ y.reshape(-1, y.shape[3]))[None, None]


_native = partial(lax.conv_general_dilated, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _native_convolve(geometry: _Geometry, x: Array, w: Array) -> Array:
    edge = (geometry.padding, geometry.padding)
    return _native(x, w, (geometry.stride,) * 2, [edge, edge])


def _native_transpose(geometry: _Geometry, y: Array, w: Array) -> Array:
    """The outputs with zeros between them, convolved with the flipped kernel, its channels swapped."""
    edges = []
    for axis in geometry.axes:
        after = axis.inputs + axis.padding - axis.stride * (axis.outputs - 1) - 1
        edges.append((axis.kernel - 1 - axis.padding, after))
    turned = jnp.flip(w, (0, 1)).swapaxes(2, 3)
    return _native(y, turned, (1, 1), edges, lhs_dilation=(geometry.stride,) * 2)


def _is_narrow(images: Any, in_channels: int, out_channels: int) -> bool:
    """Whether there are few images; a symbolic number of images in an exported program counts as many."""
    few = isinstance(images, int) and in_channels * out_channels > _CHANNEL_PAIRS_PER_IMAGE * images
    return in_channels > 1 and not few


def _sub_pixel_transpose(geometry: _Geometry, y: Array, w: Array) -> Array:
    """One convolution makes the ``stride * stride`` neighbouring inputs as channels (Shi et al. 2016)."""
    s, (rows, columns) = geometry.stride, geometry.axes
    *_, c, o = w.shape
    taps = toom_cook.kernel_taps(geometry.axes, w)
    turned = jnp.flip(taps, (0, 2)).transpose(0, 2, 5, 1, 3, 4).reshape(rows.taps, columns.taps, o, s * s * c)
    cells = [-(-(axis.inputs + axis.padding) // s) for axis in (rows, columns)]
    edges = [(axis.taps - 1, count - axis.outputs) for axis, count in zip((rows, columns), cells, strict=True)]
    x = _native(y, turned, (1, 1), edges).reshape(y.shape[0], *cells, s, s, c)
    x = x.transpose(0, 1, 3, 2, 4, 5).reshape(y.shape[0], cells[0] * s, cells[1] * s, c)
    kept_rows, kept_columns = (slice(axis.padding, axis.padding + axis.inputs) for axis in (rows, columns))
    return x[:, kept_rows, kept_columns]


def _native_kernel_gradient(geometry: _Geometry, x: Array, y: Array) -> Array:
    """The inputs convolved with the outputs with zeros between them; batch and channels change places."""
    edges = []
    for axis in geometry.axes:
        after = axis.stride * (axis.outputs - 1) + axis.kernel - axis.inputs - axis.padding
        edges.append((axis.padding, after))
    x, y = x.transpose(3, 1, 2, 0), y.transpose(1, 2, 0, 3)
    return _native(x, y, (1, 1), edges, rhs_dilation=(geometry.stride,) * 2).transpose(1, 2, 0, 3)
