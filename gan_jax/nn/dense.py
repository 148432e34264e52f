"""Dense networks: for points, and for images as in the first paper (Goodfellow et al. 2014).

There is no batch normalization, so that D's logit of a point is a function of that point. Activations are
``[features, batch]``, and what has to be transposed is stored transposed: on a CPU the products of small matrices are
slower where they have to read one across its rows.
"""

import math

import jax
from flax import linen as nn
from flax.linen.dtypes import promote_dtype
from jax import Array, lax

from gan_jax.config import GanConfig
from gan_jax.nn.conditioning import embed_class, project_class
from gan_jax.nn.layers import LEAKY_SLOPE, bias, kernel_init, layer_dtype
from gan_jax.nn.spectral import divide_by_spectral_norm

_HIDDEN_LAYERS = 2


class Dense(nn.Module):
    """A dense layer with a bias, ``[in, batch]`` to ``[features, batch]``."""

    features: int
    config: GanConfig
    spectral: bool = False

    @nn.compact
    def __call__(self, inputs: Array, train: bool = False) -> Array:
        """Multiply; the kernel is that of a convolution of one pixel, ``[1, 1, in, features]``."""
        kernel = self.param("kernel", kernel_init(self.config, -2), (1, 1, len(inputs), self.features))
        kernel = divide_by_spectral_norm(self, kernel, train) if self.spectral else kernel
        inputs, kernel = promote_dtype(inputs, kernel, dtype=layer_dtype(self.config))
        return _multiply(kernel[0, 0], inputs) + bias(self, self.features, inputs.dtype).reshape(-1, 1)


class DenseGenerator(nn.Module):
    """Latents ``[batch, latent_dim]`` to points ``[batch, dimensions]``, or to images in (-1, 1)."""

    config: GanConfig

    @nn.compact
    def __call__(self, latents: Array, labels: Array | None, train: bool) -> Array:
        """Generate; ``train`` has no effect."""
        config, shape = self.config, self.config.image_shape
        hidden = _transposed(embed_class(config, latents, labels))
        for index in range(_HIDDEN_LAYERS):
            hidden = nn.leaky_relu(Dense(config.width, config, name=f"dense_{index}")(hidden), LEAKY_SLOPE)
        outputs = Dense(math.prod(shape), config, name=f"dense_{_HIDDEN_LAYERS}")(hidden)
        outputs = outputs.astype(latents.dtype).T.reshape(-1, *shape)
        return outputs if config.makes_points else nn.tanh(outputs)


class DenseDiscriminator(nn.Module):
    """Points ``[batch, dimensions]``, or images, to logits ``[batch]``; above 0 means "real"."""

    config: GanConfig

    @nn.compact
    def __call__(self, images: Array, labels: Array | None, train: bool) -> Array:
        """Score; ``train`` moves spectral normalization's vectors on."""
        config, hidden = self.config, _transposed(images.reshape(len(images), -1))
        for index in range(_HIDDEN_LAYERS):
            hidden = nn.leaky_relu(self._layer(config.width, index)(hidden, train), LEAKY_SLOPE)
        logits = self._layer(1, _HIDDEN_LAYERS)(hidden, train).astype(images.dtype)[0]
        return project_class(config, logits, hidden.T[:, None, None, :], labels, train)

    def _layer(self, features: int, index: int) -> Dense:
        spectral = self.config.normalization == "spectral"
        return Dense(features, self.config, spectral, name=f"dense_{index}")


def as_images(activations: list[Array]) -> list[Array]:
    """Activations ``[features, batch]`` as images of one pixel, ``[batch, 1, 1, features]``."""
    return [activation.T[:, None, None, :] for activation in activations if activation.ndim == 2]


@jax.custom_vjp
def _multiply(kernel: Array, inputs: Array) -> Array:
    """``[in, features]`` and ``[in, batch]`` to ``[features, batch]``."""
    return _transposed(kernel) @ inputs


def _pull_back(saved: tuple[Array, Array], outputs: Array) -> tuple[Array, Array]:
    """Gradients of the kernel and of the inputs; the kernel's product has the larger operand first."""
    kernel, inputs = saved
    if len(outputs) > len(inputs):
        return _transposed(outputs @ inputs.T), kernel @ outputs
    return inputs @ outputs.T, kernel @ outputs


_multiply.defvjp(lambda kernel, inputs: (_multiply(kernel, inputs), (kernel, inputs)), _pull_back)


def _transposed(matrix: Array) -> Array:
    """The transposed matrix as an array, which the compiler does not fuse into a product."""
    return lax.optimization_barrier(matrix.T)
