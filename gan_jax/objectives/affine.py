"""Images under affine maps, without aliasing (Karras et al. 2020, arXiv:2006.06676, appendix B).

An image is reflected at its borders, made twice as large with a 12-tap wavelet, sampled bilinearly, and made smaller
again with the wavelet's mirror image: products with constant matrices, and gathers.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

_DIRECT = 64  # pixels: larger images are sampled a few at a time, which takes less memory
_AT_A_TIME = 8
_SYM6 = """
0.015404109327027373 0.0034907120842174702 -0.11799011114819057 -0.048311742585633 0.4910559419267466 0.787641141030194
0.3379294217276218 -0.07263752278646252 -0.021060292512300564 0.04472490177066578 0.0017677118642428036
-0.007800708325034148
"""  # the symlet of 12 taps (Daubechies 1992), a low-pass filter that is orthogonal to itself moved by two
_LOWPASS = np.array(_SYM6.split(), float) / np.array(_SYM6.split(), float).sum()


def resample(images: Array, affine: Array) -> Array:
    """Move each image by an affine map.

    Args:
      images: ``[batch, size, size, channels]`` float32 or float64, reflected once at each border and 0 beyond.
      affine: ``[batch, 3, 2]``: how far one goes in the image, in (x, y), for a step of one pixel right in the result,
        and for one down; and where in the image the result's centre is, in pixels from the image's centre.

    Returns:
      Images of the same shape.

    Examples:
      >>> image = jnp.arange(64.0).reshape(1, 8, 8, 1)
      >>> moved = jax.jit(resample)(image, jnp.array([[[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]]]))  # two pixels up
      >>> bool(jnp.allclose(moved[:, :6], image[:, 2:], atol=1e-3))
      True
    """
    if images.shape[1] <= _DIRECT:
        return _resample(images, affine)
    one = jax.checkpoint(lambda each: _resample(each[0][None], each[1][None])[0])
    return lax.map(one, (images, affine), batch_size=_AT_A_TIME)


def _resample(images: Array, affine: Array) -> Array:
    """Enlarge, sample and reduce; the products leave the larger images as they lie."""
    count, size, _, channels = images.shape
    enlarge, stored, reduce = _filters(size)
    enlarge, reduce = enlarge.astype(images.dtype), reduce.astype(images.dtype)
    columns = jnp.moveaxis(_times(jnp.moveaxis(images, 3, 1), enlarge.T), 1, 3)
    large = _times(_every(enlarge, count), columns.reshape(count, size, -1)).reshape(count, -1, channels)
    (wx, x), (wy, y) = (_neighbours(place, stored, size) for place in _sources(affine, size))
    corners = [(i, j) for i in range(2) for j in range(2)]
    places = [(y[i] * len(enlarge) + x[j]).reshape(count, -1) for i, j in corners]
    sampled = _sample(large, places, [(wy[i] * wx[j]).reshape(count, -1) for i, j in corners])
    rows = _times(_every(reduce, count), sampled.reshape(count, reduce.shape[1], -1))
    return jnp.moveaxis(_times(jnp.moveaxis(rows.reshape(count, size, -1, channels), 3, 1), reduce.T), 1, 3)


_times = functools.partial(jnp.matmul, precision="highest")


def _every(matrix: np.ndarray, count: int) -> Array:
    """The same matrix for each image."""
    return jnp.broadcast_to(matrix, (count, *matrix.shape))


@jax.custom_vjp
def _sample(images: Array, places: list[Array], weights: list[Array]) -> Array:
    """Weighted sums of pixels of ``[batch, pixels, channels]``; places and weights are ``[batch, samples]`` each."""
    return jax.vmap(_sample_one)(images, places, weights)


def _sample_one(image: Array, places: list[Array], weights: list[Array]) -> Array:
    taken = (image.at[place].get(mode="promise_in_bounds") for place in places)
    return sum((weight[:, None] * pixels for weight, pixels in zip(weights, taken, strict=True)), jnp.zeros(()))


def _sample_forward(images: Array, places: list[Array], weights: list[Array]) -> tuple[Array, Any]:
    return _sample(images, places, weights), (images.shape[1:], places, weights)


def _sample_back(residuals: Any, gradient: Array) -> tuple[Array, None, None]:
    """A CPU adds to one image after the other, whose sums then stay in its cache."""
    shape, places, weights = residuals

    def one(operands: tuple[Array, list[Array], list[Array]]) -> Array:
        gradient, places, weights = operands
        zeros = jnp.zeros(shape, gradient.dtype)
        return jax.linear_transpose(lambda image: _sample_one(image, places, weights), zeros)(gradient)[0]

    def all_at_once(*operands: Any) -> Array:
        return jax.vmap(lambda *each: one(each))(*operands)

    def in_turn(*operands: Any) -> Array:
        return lax.map(one, operands)

    return lax.platform_dependent(gradient, places, weights, cpu=in_turn, default=all_at_once), None, None


_sample.defvjp(_sample_forward, _sample_back)


def _neighbours(at: Array, stored: np.ndarray, size: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The weights of the two samples beside each place along one axis, and where the samples are stored."""
    below = jnp.floor(at)
    after = at - below
    index = jnp.clip(below.astype(jnp.int32) + 2 * size, 0, len(stored) - 2)
    places = jnp.asarray(stored)
    return (1 - after, after), (places[index], places[index + 1])


def _sources(affine: Array, size: int) -> tuple[Array, Array]:
    """Where in the enlarged image each sample is taken, x and y as ``[batch, 2 size + 10, 2 size + 10]``."""
    along = (jnp.arange(2 * size + 10, dtype=affine.dtype) - size - 4) / 2
    x, y = (
        by_x * along[None, None, :] + by_y * along[None, :, None] + start
        for by_x, by_y, start in jnp.moveaxis(affine, 0, 2).transpose(1, 0, 2)[..., None, None]
    )
    return 2 * x + size - 1, 2 * y + size - 1


@functools.cache
def _filters(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What reflects and enlarges a row, where each of its samples is stored, and what reduces a row.

    The image is reflected once at each border and there are zeros beyond. The enlarged row repeats itself but near its
    ends, and each different sample is stored once.

    Returns:
      ``[stored, size]``; ``[6 size]`` indices into it, of the samples from -2 size on, in half pixels of the image;
      and ``[size, 2 size + 10]``.
    """
    reach, taps = size - 1, len(_LOWPASS)
    pixels = np.arange(size + 2 * reach)
    reflect = np.eye(size)[abs(pixels % (2 * reach) - reach)]  # the border itself is there once
    rows = np.zeros((6 * size, size))  # the outer two are zero on either side, and stand for all that is farther
    for tap in range(taps):
        at = 2 * pixels + tap - taps // 2 + 1
        inside = (at >= 0) & (at < len(rows) - 4)
        rows[at[inside] + 2] += 2 * _LOWPASS[tap] * reflect[inside]
    _, firsts, stored = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    in_order = np.argsort(firsts)
    reduce = np.zeros((size, 2 * size + 10))
    for tap in range(taps):
        reduce[np.arange(size), 2 * np.arange(size) + tap] = _LOWPASS[tap]
    return rows[firsts[in_order]], np.argsort(in_order)[stored.reshape(-1)].astype(np.int32), reduce
