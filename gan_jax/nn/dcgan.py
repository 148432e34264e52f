"""Networks that are one layer after the other: DCGAN (Radford et al. 2016) and the one of InfoGAN (Chen et al. 2016).

A network of this kind is a list of layers, the discriminator's; the generator has the same backwards.
"""

from collections.abc import Callable

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.nn.conditioning import embed_class, project_class
from gan_jax.nn.layers import LEAKY_SLOPE, Conv, ConvTranspose, Layer, batch_norm, interleave


def dcgan_layers(config: GanConfig) -> list[Layer]:
    """Halve the image down to 4x4 pixels, each time with twice the channels; from 7x7 with a kernel of 3, else of 4."""
    layers, size = [], config.image_shape[0]
    while size > 4:
        layers.append(Layer(config.channels(len(layers)), 3 if size == 7 else 4, stride=2, padding=1))
        size = -(-size // 2)
    return [*layers, Layer(1, 4)]


def infogan_layers(config: GanConfig) -> list[Layer]:
    """Two convolutions and two dense layers; at width 64 of the sizes in Lucic et al. 2018 (compare_gan)."""
    return [
        Layer(config.width, 4, stride=2, padding=1),
        Layer(2 * config.width, 4, stride=2, padding=1),
        Layer(16 * config.width, config.image_shape[0] // 4),
        Layer(1, 1),
    ]


Layers = Callable[[GanConfig], list[Layer]]


class Generator(nn.Module):
    """Latents ``[batch, latent_dim]`` to images ``[batch, height, width, channels]`` in (-1, 1)."""

    config: GanConfig
    layers: Layers
    activation: Callable[[Array], Array] = nn.relu

    @nn.compact
    def __call__(self, latents: Array, labels: Array | None, train: bool) -> Array:
        """Generate; ``networks.apply_discriminator`` says what ``train`` means."""
        config = self.config
        hidden = embed_class(config, latents, labels)[:, None, None, :]
        *inner, last = self._mirrored()
        for index, layer in enumerate(inner):
            hidden = ConvTranspose(layer, config, name=f"conv_{index}")(hidden)
            hidden = self.activation(batch_norm(config, train, f"norm_{index}")(hidden))
        images = ConvTranspose(last, config, name=f"conv_{len(inner)}")(hidden)
        return jnp.tanh(jnp.asarray(images, latents.dtype))

    def _mirrored(self) -> list[Layer]:
        """The discriminator's layers in reverse order, each with the channels of its counterpart's input as output."""
        layers = self.layers(self.config)
        features = [self.config.image_shape[2], *(layer.features for layer in layers[:-1])]
        return [layer._replace(features=count) for layer, count in zip(layers, features, strict=True)][::-1]


class Discriminator(nn.Module):
    """Images ``[batch, height, width, channels]`` in [-1, 1] to logits ``[batch]``; above 0 means "real"."""

    config: GanConfig
    layers: Layers
    batches: int = 1  # that the images interleave, each to be normalized by itself

    @nn.compact
    def __call__(self, images: Array, labels: Array | None, train: bool) -> Array:
        """Score; ``networks.apply_discriminator`` says what ``train`` means."""
        config, hidden = self.config, images
        *inner, last = self.layers(config)
        for index, layer in enumerate(inner):
            hidden = self._convolution(layer, index)(hidden, train)
            if config.normalization == "batch" and index > 0:
                hidden = self._normalized(batch_norm(config, train, f"norm_{index}"), hidden)
            hidden = nn.leaky_relu(hidden, LEAKY_SLOPE)
        logits = self._convolution(last, len(inner))(hidden, train)
        logits = jnp.asarray(logits, images.dtype).reshape(-1)
        return project_class(config, logits, hidden, labels, train)

    def _normalized(self, norm: nn.BatchNorm, hidden: Array) -> Array:
        if self.batches == 1:
            return norm(hidden)
        return interleave([norm(hidden[index :: self.batches]) for index in range(self.batches)])

    def _convolution(self, layer: Layer, index: int) -> Conv:
        """A convolution, with a bias unless batch normalization follows."""
        normalization = self.config.normalization
        biased, spectral = normalization != "batch", normalization == "spectral"
        return Conv(layer, self.config, use_bias=biased, spectral=spectral, name=f"conv_{index}")
