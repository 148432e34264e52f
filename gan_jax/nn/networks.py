"""The generator and the discriminator (DCGAN, Radford et al. 2016), and how they are applied."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen.dtypes import promote_dtype
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.nn.convolution import convolve, convolve_transpose

LEAKY_SLOPE = 0.2

Variables = Mapping[str, Any]


class Layer(NamedTuple):
    """A convolution of the discriminator; the generator has its mirror image."""

    features: int
    kernel_size: int
    stride: int
    padding: int


def discriminator_layers(config: GanConfig) -> list[Layer]:
    """From image to logit. The third layer leaves 4x4 pixels: from 7x7 with a kernel of 3, from 8x8 with one of 4."""
    return [
        Layer(config.width, 4, 2, 1),
        Layer(2 * config.width, 4, 2, 1),
        Layer(4 * config.width, 3 if config.image_shape[0] == 28 else 4, 2, 1),
        Layer(1, 4, 1, 0),
    ]


def _generator_layers(config: GanConfig) -> list[Layer]:
    """The discriminator's layers backwards: each puts out what its counterpart takes in."""
    layers = discriminator_layers(config)
    features = [config.image_shape[2], *(layer.features for layer in layers[:-1])]
    return [layer._replace(features=count) for layer, count in zip(layers, features, strict=True)][::-1]


def _kernel_init(config: GanConfig, in_axis: int) -> Callable[..., Array]:
    if config.initializer == "dcgan":
        return nn.initializers.normal(0.02)
    variance = 2 / (1 + LEAKY_SLOPE**2) if config.initializer == "he" else 1
    return nn.initializers.variance_scaling(variance, "fan_in", "normal", in_axis=in_axis, out_axis=-3 - in_axis)


def _scale_init(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    return 1 + 0.02 * jax.random.normal(key, shape, dtype)


class _Conv(nn.Module):
    layer: Layer
    config: GanConfig

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        features, size, stride, padding = self.layer
        kernel = self.param("kernel", _kernel_init(self.config, -2), (size, size, inputs.shape[-1], features))
        inputs, kernel = promote_dtype(inputs, kernel, dtype=_layer_dtype(self.config))
        return convolve(inputs, kernel, stride, padding)


class _ConvTranspose(nn.Module):
    layer: Layer
    config: GanConfig

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        features, size, stride, padding = self.layer
        kernel = self.param("kernel", _kernel_init(self.config, -1), (size, size, features, inputs.shape[-1]))
        inputs, kernel = promote_dtype(inputs, kernel, dtype=_layer_dtype(self.config))
        return convolve_transpose(inputs, kernel, stride, padding)


def _layer_dtype(config: GanConfig) -> Any:
    """None leaves a layer in its inputs' type."""
    return jnp.bfloat16 if config.precision == "bfloat16" else None


def _batch_norm(config: GanConfig, train: bool, name: str) -> nn.BatchNorm:
    return nn.BatchNorm(
        use_running_average=not train,
        momentum=0.9,
        epsilon=1e-5,
        scale_init=_scale_init,
        dtype=_layer_dtype(config),
        name=name,
    )


class Generator(nn.Module):
    """Latents ``[batch, latent_dim]`` to images ``[batch, height, width, channels]`` in (-1, 1)."""

    config: GanConfig

    @nn.compact
    def __call__(self, latents: Array, train: bool) -> Array:
        """Generate; ``apply_discriminator`` says what ``train`` means."""
        hidden = latents[:, None, None, :]
        *inner, last = _generator_layers(self.config)
        for index, layer in enumerate(inner):
            hidden = _ConvTranspose(layer, self.config, name=f"conv_{index}")(hidden)
            hidden = nn.relu(_batch_norm(self.config, train, f"norm_{index}")(hidden))
        images = _ConvTranspose(last, self.config, name=f"conv_{len(inner)}")(hidden)
        return jnp.tanh(jnp.asarray(images, latents.dtype))


class Discriminator(nn.Module):
    """Images ``[batch, height, width, channels]`` in [-1, 1] to logits ``[batch]``; above 0 means "real"."""

    config: GanConfig

    @nn.compact
    def __call__(self, images: Array, train: bool) -> Array:
        """Score; ``apply_discriminator`` says what ``train`` means."""
        hidden = images
        *inner, last = discriminator_layers(self.config)
        for index, layer in enumerate(inner):
            hidden = _Conv(layer, self.config, name=f"conv_{index}")(hidden)
            if index > 0:
                hidden = _batch_norm(self.config, train, f"norm_{index}")(hidden)
            hidden = nn.leaky_relu(hidden, LEAKY_SLOPE)
        logits = _Conv(last, self.config, name=f"conv_{len(inner)}")(hidden)
        return jnp.asarray(logits, images.dtype).reshape(-1)


def init_networks(config: GanConfig, key: Array) -> tuple[Variables, Variables]:
    """Draw initial ``params`` and ``batch_stats`` of the generator and of the discriminator, float32."""
    generator_key, discriminator_key = jax.random.split(key)
    latents = jnp.zeros((1, config.latent_dim))
    images = jnp.zeros((1, *config.image_shape))
    return (
        Generator(config).init(generator_key, latents, train=False),
        Discriminator(config).init(discriminator_key, images, train=False),
    )


def apply_generator(
    config: GanConfig, params: Variables, batch_stats: Variables, latents: Array, *, train: bool
) -> tuple[Array, Variables]:
    """Return ``(images, batch_stats)``; see ``apply_discriminator`` for what ``train`` means."""
    return _apply(Generator(config), params, batch_stats, latents, train)


def apply_discriminator(
    config: GanConfig, params: Variables, batch_stats: Variables, images: Array, *, train: bool
) -> tuple[Array, Variables]:
    """Return ``(logits, batch_stats)``.

    In train mode batch normalization uses the batch's own mean and variance and moves the running statistics a tenth
    of the way to them; in eval mode it uses the running statistics, which come back as they were.
    """
    return _apply(Discriminator(config), params, batch_stats, images, train)


def _apply(
    network: nn.Module, params: Variables, batch_stats: Variables, inputs: Array, train: bool
) -> tuple[Array, Variables]:
    variables = {"params": params, "batch_stats": batch_stats}
    if not train:
        return cast(Array, network.apply(variables, inputs, train=False)), batch_stats
    outputs, updated = network.apply(variables, inputs, train=True, mutable=["batch_stats"])
    return cast(Array, outputs), updated["batch_stats"]
