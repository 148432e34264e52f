"""The augmentation pipe of StyleGAN2-ADA (Karras et al. 2020, arXiv:2006.06676, appendix B).

Each image is mirrored, turned, moved, scaled, rotated and recoloured, and a square of it is set to zero, each with a
probability. All changes of geometry are one affine map, and all changes of colour are one linear map.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from gan_jax.fields import explain_fields
from gan_jax.objectives.affine import resample

_SHIFT, _CUTOUT = 1 / 8, 1 / 2  # of the image's size: the longest whole shift, the side of the square
_SCALE_STD, _FRACTION_STD, _BRIGHTNESS_STD, _CONTRAST_STD, _SATURATION_STD = 0.2, 1 / 8, 0.2, 0.5, 1.0
_COLOUR = 0.5  # times the probability: of each change of colour


@explain_fields
class PipeChoices(NamedTuple):
    """What happens to each image of a batch; each field is ``[batch]`` or ``[batch, 2]``, the latter (x, y)."""

    mirrored: Array
    """1: left and right are exchanged; else 0."""
    turns: Array
    """Quarter turns to the left, 0 to 3."""
    shift: Array
    """Move right and down, in parts of the image's size; it is rounded to whole pixels."""
    scale: Array
    """Enlarge by this factor."""
    rotation_before: Array
    """Radians to the left; the image is rotated by it before it is stretched."""
    stretch: Array
    """Enlarge in x by this factor and shrink in y."""
    rotation_after: Array
    """Radians to the left; after it is stretched."""
    fraction: Array
    """Move right and down, in parts of the image's size."""
    brightness: Array
    """Added to each pixel."""
    contrast: Array
    """Factor of each pixel."""
    luma_flipped: Array
    """1: light and dark are exchanged, hues are kept; else 0."""
    hue: Array
    """Radians about the grey axis; for images of three channels."""
    saturation: Array
    """Factor of the distance from grey; for images of three channels."""
    cutout: Array
    """Side of the square that is set to zero, in parts of the image's size."""
    cutout_centre: Array
    """Its centre, in parts of the image's size."""


def draw_choices(key: Array, count: int, probability: ArrayLike) -> PipeChoices:
    """Draw what happens to each image, from a key of its own: neither the other images nor their number matter.

    Args:
      key: ``[]`` typed PRNG key.
      count: images.
      probability: ``[]`` of each change, in [0, 1]; of changes of colour it is half.

    Returns:
      The choices, of ``count`` images.
    """
    own = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))
    return jax.vmap(_draw, (0, None))(own, jnp.asarray(probability))


def _draw(key: Array, probability: Array) -> PipeChoices:
    """The choices of one image."""
    of_chance, of_uniform, of_normal = (jax.random.fold_in(key, tag) for tag in range(3))
    happens, uniform = jax.random.uniform(of_chance, (14,)), jax.random.uniform(of_uniform, (10,))
    normal = jax.random.normal(of_normal, (7,))
    geometry, colour = happens < probability, happens < probability * _COLOUR
    rotated = happens < 1 - jnp.sqrt(1 - probability)  # twice, so that one of both happens with the probability
    angles = (2 * uniform - 1) * np.pi
    return PipeChoices(
        mirrored=jnp.where(geometry[0], jnp.floor(2 * uniform[0]), 0),
        turns=jnp.where(geometry[1], jnp.floor(4 * uniform[1]), 0),
        shift=jnp.where(geometry[2], (2 * uniform[2:4] - 1) * _SHIFT, 0),
        scale=jnp.where(geometry[3], 2 ** (normal[0] * _SCALE_STD), 1),
        rotation_before=jnp.where(rotated[4], angles[4], 0),
        stretch=jnp.where(geometry[5], 2 ** (normal[1] * _SCALE_STD), 1),
        rotation_after=jnp.where(rotated[6], angles[5], 0),
        fraction=jnp.where(geometry[7], normal[2:4] * _FRACTION_STD, 0),
        brightness=jnp.where(colour[8], normal[4] * _BRIGHTNESS_STD, 0),
        contrast=jnp.where(colour[9], 2 ** (normal[5] * _CONTRAST_STD), 1),
        luma_flipped=jnp.where(colour[10], jnp.floor(2 * uniform[6]), 0),
        hue=jnp.where(colour[11], angles[7], 0),
        saturation=jnp.where(colour[12], 2 ** (normal[6] * _SATURATION_STD), 1),
        cutout=jnp.where(geometry[13], _CUTOUT, 0),
        cutout_centre=uniform[8:10],
    )


def apply_choices(choices: PipeChoices, images: Array) -> Array:
    """Change each image as its choices say; where they say nothing, each bit stays.

    Args:
      choices: of as many images.
      images: ``[batch, size, size, channels]`` float; three channels are red, green and blue.

    Returns:
      Images of the same shape and dtype; they are computed in float32 at least.
    """
    exact = images.astype(jnp.promote_types(images.dtype, jnp.float32))
    warped = _where(_differs(choices, _GEOMETRY), _warp(choices, exact), exact)
    coloured = _where(_differs(choices, _COLOURS), _recolour(choices, warped), warped)
    return _where(choices.cutout > 0, _cut(choices, coloured), coloured).astype(images.dtype)


def pipe(key: Array, images: Array, probability: ArrayLike = 1.0) -> Array:
    """The whole pipe: each change of ``PipeChoices`` happens to each image with the probability, of colour with half.

    Args:
      key: ``[]`` typed PRNG key.
      images: ``[batch, size, size, channels]`` float; three channels are red, green and blue.
      probability: ``[]`` in [0, 1]; at 0 each bit stays.

    Returns:
      Images of the same shape and dtype.

    Examples:
      >>> images = jnp.linspace(-1, 1, 2 * 4 * 4).reshape(2, 4, 4, 1)
      >>> bool((jax.jit(pipe)(jax.random.key(0), images, 0.0) == images).all())
      True
    """
    return apply_choices(draw_choices(key, len(images), probability), images)


_MOVES = {"mirrored": 0, "turns": 0, "shift": 0, "fraction": 0}
_GEOMETRY = {**_MOVES, "scale": 1, "rotation_before": 0, "stretch": 1, "rotation_after": 0}
_COLOURS = {"brightness": 0, "contrast": 1, "luma_flipped": 0, "hue": 0, "saturation": 1}


def _differs(choices: PipeChoices, neutral: dict[str, int]) -> Array:
    """``[batch]``: whether any of some choices changes an image."""
    fields = (getattr(choices, name) != value for name, value in neutral.items())
    return functools.reduce(jnp.logical_or, (field.reshape(len(field), -1).any(1) for field in fields))


def _where(changed: Array, images: Array, others: Array) -> Array:
    return jnp.where(_each(changed), images, others)


def _each(values: Array) -> Array:
    """Numbers of each image beside its pixels."""
    return values[:, None, None, None]


def _recolour(choices: PipeChoices, images: Array) -> Array:
    """Every change of colour is about the grey axis: scale what is along it, turn and scale what is across."""
    grey = images.mean(-1, keepdims=True)
    across = images - grey
    if images.shape[-1] == 3:
        turned = (jnp.roll(images, -2, -1) - jnp.roll(images, -1, -1)) / math.sqrt(3)
        across = _each(jnp.cos(choices.hue)) * across + _each(jnp.sin(choices.hue)) * turned
    along = _each(1 - 2 * choices.luma_flipped) * (grey + _each(choices.brightness))
    return _each(choices.contrast) * (along + _each(choices.saturation) * across)


def _cut(choices: PipeChoices, images: Array) -> Array:
    """Zeros in a square."""
    place = (jnp.arange(images.shape[1], dtype=images.dtype)[None, :] + 0.5) / images.shape[1]
    x, y = (jnp.abs(place - centre[:, None]) < choices.cutout[:, None] / 2 for centre in choices.cutout_centre.T)
    return jnp.where((y[:, :, None] & x[:, None, :])[..., None], 0, images)


def _warp(choices: PipeChoices, images: Array) -> Array:
    """Every change of geometry at once."""
    size, ones = images.shape[1], jnp.ones(len(images), images.dtype)
    right, down = _go_back(choices, ones, 0 * ones, 0), _go_back(choices, 0 * ones, ones, 0)
    centre = _go_back(choices, 0 * ones, 0 * ones, size)
    return resample(images, jnp.moveaxis(jnp.asarray((right, down, centre)), 2, 0))


def _go_back(choices: PipeChoices, x: Array, y: Array, size: int) -> tuple[Array, Array]:
    """Where a point of the changed image was before, from the image's centre; at size 0 as if nothing were moved."""
    x, y = x - size * choices.fraction[:, 0], y - size * choices.fraction[:, 1]
    x, y = _rotate(choices.rotation_after, x, y)
    x, y = _rotate(choices.rotation_before, x / choices.stretch, y * choices.stretch)
    shift = jnp.round(size * choices.shift)
    x, y = x / choices.scale - shift[:, 0], y / choices.scale - shift[:, 1]
    x, y = _rotate(choices.turns * (np.pi / 2), x, y)
    return (1 - 2 * choices.mirrored) * x, y


def _rotate(angle: Array, x: Array, y: Array) -> tuple[Array, Array]:
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    return cosine * x - sine * y, sine * x + cosine * y
