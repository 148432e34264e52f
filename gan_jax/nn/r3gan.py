"""R3GAN's networks (Huang et al. 2024): residual blocks of grouped convolutions, without any normalization.

Each stage works on images of one size. Its blocks have three convolutions around an identity: pointwise to
``expansion`` times the channels, 3x3 in groups, pointwise back; the last starts at zero and the others scaled with the
number of blocks, and biases are at the activations alone. G begins with a learned basis, which the latents weight, and
ends without a tanh; D mirrors it.
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.nn.conditioning import embed_class, select_class
from gan_jax.nn.layers import HE_VARIANCE, LEAKY_SLOPE, Conv, Layer, scaled_normal

LOWPASS = (1, 3, 3, 1)  # images are resampled with it along both axes
_GROUP = 16  # channels of a group by default


class Stage(NamedTuple):
    """What works on images of one size."""

    size: int
    """Pixels along a side."""
    width: int
    """Channels between blocks."""
    cardinality: int
    """Groups of the 3x3 convolutions."""
    blocks: int
    config: GanConfig
    """With the precision of this stage."""

    @property
    def inner(self) -> int:
        """Channels within a block."""
        return self.width * self.config.expansion

    def cast(self, hidden: Array, like: Array) -> Array:
        """What comes into the stage, in the type in which it computes; ``like`` has that of the images."""
        return hidden.astype(jnp.bfloat16 if self.config.precision == "bfloat16" else like.dtype)


def stages_of(config: GanConfig) -> list[Stage]:
    """The stages of either network, from 4x4 or 7x7 up to the image.

    Raises:
      InputError: the settings of stages do not fit the images, or one another.

    Examples:
      >>> stages = stages_of(GanConfig(image_shape=(64, 64, 3), width=32, max_channels=256))
      >>> [(stage.size, stage.width, stage.cardinality) for stage in stages]
      [(4, 256, 32), (8, 256, 32), (16, 128, 16), (32, 64, 8), (64, 32, 4)]
    """
    sizes = [config.image_shape[0]]
    while sizes[0] > 7:
        sizes.insert(0, sizes[0] // 2)
    widths = _for_each(config, "stage_widths", sizes)
    widths = widths or [config.channels(halvings) for halvings in reversed(range(len(sizes)))]
    cardinalities = _for_each(config, "stage_cardinalities", sizes)
    cardinalities = cardinalities or [_default_cardinality(width * config.expansion) for width in widths]
    reduced = dataclasses.replace(config, precision="bfloat16")
    precisions = [config] * (len(sizes) - config.bfloat16_stages) + [reduced] * config.bfloat16_stages
    blocks = _for_each(config, "stage_blocks", sizes)
    stages = list(map(Stage, sizes, widths, cardinalities, blocks, precisions[-len(sizes) :]))
    for stage in stages:
        if stage.inner % stage.cardinality:
            raise InputError(
                f"stage_cardinalities has {stage.cardinality} at {stage.size} pixels; it must divide the "
                f"{stage.inner} channels there (width {stage.width} times expansion {config.expansion})."
            )
    return stages


def _for_each(config: GanConfig, name: str, sizes: list[int]) -> list[int]:
    values = getattr(config, name)
    if len(values) not in (0, 1, len(sizes)):
        raise InputError(
            f"{name} has {len(values)} entries; images of {sizes[-1]} pixels have {len(sizes)} stages, "
            f"{', '.join(map(str, sizes))}: give as many, one for all, or other images, as with --image-size."
        )
    return list(values) * (len(sizes) if len(values) == 1 else 1)


def _default_cardinality(inner: int) -> int:
    """As many groups of about 16 channels as divide them."""
    return next(count for count in range(max(1, inner // _GROUP), 0, -1) if inner % count == 0)


class R3ganGenerator(nn.Module):
    """Latents ``[batch, latent_dim]`` to images ``[batch, height, width, channels]``, near [-1, 1] once trained."""

    config: GanConfig

    @nn.compact
    def __call__(self, latents: Array, labels: Array | None, train: bool) -> Array:
        """Generate; ``train`` has no effect."""
        config, stages = self.config, stages_of(self.config)
        inputs = embed_class(config, latents, labels, config.latent_dim, config.num_classes**-0.5)[:, None, None, :]
        mixed = _pointwise(stages[0], stages[0].width, "mix")(stages[0].cast(inputs, latents))
        hidden = mixed * _Basis(stages[0], 1.0, name="basis")(mixed)
        for index, stage in enumerate(stages):
            if index > 0:
                hidden = grow(_transition(stage, stage.width, stage.cast(hidden, latents)))
            hidden = _blocks(stage, stages, hidden)
        images = _pointwise(stages[-1], config.image_shape[2], "image")(hidden)
        return jnp.asarray(images, latents.dtype)


class R3ganDiscriminator(nn.Module):
    """Images ``[batch, height, width, channels]`` to logits ``[batch]``; above 0 means "real"."""

    config: GanConfig

    @nn.compact
    def __call__(self, images: Array, labels: Array | None, train: bool) -> Array:
        """Score; there is nothing that ``train`` changes."""
        config, stages = self.config, stages_of(self.config)
        hidden = _pointwise(stages[-1], stages[-1].width, "image")(stages[-1].cast(images, images))
        for index in reversed(range(len(stages))):
            hidden = _blocks(stages[index], stages, stages[index].cast(hidden, images))
            if index > 0:
                hidden = _transition(stages[index], stages[index - 1].width, shrink(hidden))
        last = stages[0]
        hidden = stages[0].cast(hidden, images)
        summed = jnp.sum(hidden * _Basis(last, 1 / last.size, name="basis")(hidden), axis=(1, 2), keepdims=True)
        features = _pointwise(last, last.width if config.conditional else 1, "mix")(summed)
        features = jnp.asarray(features, images.dtype)[:, 0, 0]
        return select_class(config, features, labels, (config.num_classes * last.width) ** -0.5)


class _Basis(nn.Module):
    """A number for each pixel and channel of the smallest images, ``[1, size, size, channels]``."""

    stage: Stage
    deviation: float

    @nn.compact
    def __call__(self, like: Array) -> Array:
        size, width = self.stage.size, self.stage.width
        kernel = self.param("kernel", nn.initializers.normal(self.deviation), (size, size, 1, width))
        return kernel.transpose(2, 0, 1, 3).astype(like.dtype)


class _Block(nn.Module):
    stage: Stage
    num_blocks: int  # of all stages

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        config, inner = self.stage.config, self.stage.inner
        # Three layers per block: the first two scaled by num_blocks ** (-1 / 4), the last zero (Zhang et al. 2019).
        scaled = scaled_normal(HE_VARIANCE * self.num_blocks**-0.5, -2)
        layers = Layer(inner, 1), Layer(inner, 3, padding=1, groups=self.stage.cardinality)
        hidden = inputs
        for index, layer in enumerate(layers):
            hidden = Conv(layer, config, use_bias=True, kernel_init=scaled, name=f"conv_{index}")(hidden)
            hidden = nn.leaky_relu(hidden, LEAKY_SLOPE)
        zero = nn.initializers.zeros_init()
        return inputs + Conv(Layer(inputs.shape[-1], 1), config, kernel_init=zero, name="conv_2")(hidden)


def _blocks(stage: Stage, stages: list[Stage], hidden: Array) -> Array:
    total = sum(each.blocks for each in stages)
    for index in range(stage.blocks):
        hidden = _Block(stage, total, name=f"block_{stage.size}_{index}")(hidden)
    return hidden


def _transition(stage: Stage, width: int, hidden: Array) -> Array:
    """A pointwise layer where the width changes."""
    same = hidden.shape[-1] == width
    return hidden if same else _pointwise(stage, width, f"transition_{stage.size}")(hidden)


def _pointwise(stage: Stage, channels: int, name: str) -> Conv:
    return Conv(Layer(channels, 1), stage.config, kernel_init=scaled_normal(1, -2), name=name)


def grow(images: Array) -> Array:
    """Images ``[batch, height, width, channels]`` of twice the size, smoothed by ``LOWPASS`` along both axes.

    Examples:
      >>> grow(jnp.ones((1, 2, 2, 1)))[0, :, 1, 0].tolist()
      [0.75, 1.0, 1.0, 0.75]
    """
    for axis in (1, 2):
        first, last = _shifted(images, axis, 1) + 3 * images, 3 * images + _shifted(images, axis, -1)
        both = jnp.stack([first, last], axis + 1) / 4
        images = both.reshape(*images.shape[:axis], -1, *images.shape[axis + 1 :])
    return images


def shrink(images: Array) -> Array:
    """Images ``[batch, height, width, channels]`` of half the size, smoothed by ``LOWPASS`` along both axes.

    Examples:
      >>> shrink(jnp.ones((1, 4, 4, 1)))[0, :, 0, 0].tolist()
      [0.765625, 0.765625]
    """
    for axis in (1, 2):
        pairs = images.reshape(*images.shape[:axis], -1, 2, *images.shape[axis + 1 :])
        first, last = (half.squeeze(axis + 1) for half in lax.split(pairs, (1, 1), axis + 1))
        images = (_shifted(last, axis, 1) + 3 * (first + last) + _shifted(first, axis, -1)) / sum(LOWPASS)
    return images


def _shifted(images: Array, axis: int, by: int) -> Array:
    """Moved along an axis by one pixel, with zeros behind; one operation, and so is its gradient."""
    edges = [(by, -by, 0) if each == axis else (0, 0, 0) for each in range(images.ndim)]
    return lax.pad(images, jnp.zeros((), images.dtype), edges)
