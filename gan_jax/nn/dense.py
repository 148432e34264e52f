"""Dense networks: for points, and for images as in the first paper (Goodfellow et al. 2014).

A dense layer is a convolution of a single pixel. There is no batch normalization, so that D's logit of a point is a
function of that point.
"""

import math

from flax import linen as nn
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.nn.conditioning import embed_class, project_class
from gan_jax.nn.layers import LEAKY_SLOPE, Conv, Layer

_HIDDEN_LAYERS = 2


class DenseGenerator(nn.Module):
    """Latents ``[batch, latent_dim]`` to points ``[batch, dimensions]``, or to images in (-1, 1)."""

    config: GanConfig

    @nn.compact
    def __call__(self, latents: Array, labels: Array | None, train: bool) -> Array:
        """Generate; there is nothing that ``train`` changes."""
        config, shape = self.config, self.config.image_shape
        hidden = embed_class(config, latents, labels)[:, None, None, :]
        for index in range(_HIDDEN_LAYERS):
            layer = Conv(Layer(config.width, 1), config, use_bias=True, name=f"dense_{index}")
            hidden = nn.leaky_relu(layer(hidden), LEAKY_SLOPE)
        last = Conv(Layer(math.prod(shape), 1), config, use_bias=True, name=f"dense_{_HIDDEN_LAYERS}")
        outputs = last(hidden).astype(latents.dtype).reshape(-1, *shape)
        return outputs if config.makes_points else nn.tanh(outputs)


class DenseDiscriminator(nn.Module):
    """Points ``[batch, dimensions]``, or images, to logits ``[batch]``; above 0 means "real"."""

    config: GanConfig

    @nn.compact
    def __call__(self, images: Array, labels: Array | None, train: bool) -> Array:
        """Score; ``train`` moves spectral normalization's vectors on."""
        config, hidden = self.config, images.reshape(len(images), 1, 1, -1)
        for index in range(_HIDDEN_LAYERS):
            hidden = nn.leaky_relu(self._layer(config.width, index)(hidden, train), LEAKY_SLOPE)
        logits = self._layer(1, _HIDDEN_LAYERS)(hidden, train).astype(images.dtype).reshape(-1)
        return project_class(config, logits, hidden, labels, train)

    def _layer(self, features: int, index: int) -> Conv:
        spectral = self.config.normalization == "spectral"
        return Conv(Layer(features, 1), self.config, use_bias=True, spectral=spectral, name=f"dense_{index}")
