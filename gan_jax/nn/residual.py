"""Residual networks without normalization, after R3GAN (Huang et al. 2024), small enough for a CPU.

As there: blocks of three convolutions around an identity, the last of which starts at zero and the others scaled with
the number of blocks; biases at the activations alone; no tanh at the end. Departures: convolutions are dense rather
than grouped, blocks are not wider inside, images are resampled with a box rather than with [1, 2, 1], and the layer
between latents and the smallest image is dense.
"""

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.nn.conditioning import embed_class, project_class
from gan_jax.nn.layers import HE_VARIANCE, LEAKY_SLOPE, Conv, ConvTranspose, Layer, bias, scaled_normal

_POINTWISE, _SPATIAL = 1, 3  # kernel sizes


def stage_sizes(config: GanConfig) -> list[int]:
    """The image's size in each stage, from the image down to 7x7 or 4x4; the channels double each time.

    Examples:
      >>> stage_sizes(GanConfig()), stage_sizes(GanConfig(image_shape=(64, 64, 3)))
      ([28, 14, 7], [64, 32, 16, 8, 4])
    """
    sizes = [config.image_shape[0]]
    while sizes[-1] > 7:
        sizes.append(sizes[-1] // 2)
    return sizes


class ResidualGenerator(nn.Module):
    """Latents ``[batch, latent_dim]`` to images ``[batch, height, width, channels]``, near [-1, 1] once trained."""

    config: GanConfig

    @nn.compact
    def __call__(self, latents: Array, labels: Array | None, train: bool) -> Array:
        """Generate; there is nothing that ``train`` changes."""
        config, sizes = self.config, stage_sizes(self.config)
        hidden = embed_class(config, latents, labels)[:, None, None, :]
        for stage in reversed(range(len(sizes))):
            channels = config.channels(stage)
            if stage == len(sizes) - 1:
                basis = Layer(channels, sizes[stage])
                hidden = ConvTranspose(basis, config, kernel_init=scaled_normal(1, -1), name="basis")(hidden)
            else:
                hidden = _grow(_pointwise(config, channels, f"transition_{stage}")(hidden))
            hidden = _Block(config, channels, len(sizes), name=f"block_{stage}")(hidden)
        images = _pointwise(config, config.image_shape[2], "image")(hidden)
        return jnp.asarray(images, latents.dtype)


class ResidualDiscriminator(nn.Module):
    """Images ``[batch, height, width, channels]`` to logits ``[batch]``; above 0 means "real"."""

    config: GanConfig

    @nn.compact
    def __call__(self, images: Array, labels: Array | None, train: bool) -> Array:
        """Score; there is nothing that ``train`` changes."""
        config, sizes = self.config, stage_sizes(self.config)
        hidden = _pointwise(config, config.width, "image")(images)
        for stage in range(len(sizes)):
            channels = config.channels(stage)
            if stage > 0:
                hidden = _pointwise(config, channels, f"transition_{stage}")(_shrink(hidden))
            hidden = _Block(config, channels, len(sizes), name=f"block_{stage}")(hidden)
        basis = Layer(1, sizes[-1])
        logits = Conv(basis, config, kernel_init=scaled_normal(1, -2), name="basis")(hidden)
        logits = jnp.asarray(logits, images.dtype).reshape(-1)
        return project_class(config, logits, hidden, labels, train)


class _Block(nn.Module):
    config: GanConfig
    channels: int
    num_blocks: int

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        # Three layers per block: the first two scaled by num_blocks ** (-1 / 4), the last zero (Zhang et al. 2019).
        inner = scaled_normal(HE_VARIANCE * self.num_blocks**-0.5, -2)
        zero = nn.initializers.zeros_init()
        hidden = Conv(Layer(self.channels, _POINTWISE), self.config, kernel_init=inner, name="conv_0")(inputs)
        hidden = _BiasedActivation(name="activation_0")(hidden)
        spatial = Layer(self.channels, _SPATIAL, padding=1)
        hidden = Conv(spatial, self.config, kernel_init=inner, name="conv_1")(hidden)
        hidden = _BiasedActivation(name="activation_1")(hidden)
        return inputs + Conv(Layer(self.channels, _POINTWISE), self.config, kernel_init=zero, name="conv_2")(hidden)


class _BiasedActivation(nn.Module):
    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        return nn.leaky_relu(inputs + bias(self, inputs.shape[-1], inputs.dtype), LEAKY_SLOPE)


def _pointwise(config: GanConfig, channels: int, name: str) -> Conv:
    return Conv(Layer(channels, _POINTWISE), config, kernel_init=scaled_normal(1, -2), name=name)


def _grow(images: Array) -> Array:
    """Twice the size: every pixel four times."""
    return images.repeat(2, axis=1).repeat(2, axis=2)


def _shrink(images: Array) -> Array:
    """Half the size: the mean of every four pixels."""
    batch, height, width, channels = images.shape
    return images.reshape(batch, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
