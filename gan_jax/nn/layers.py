"""The layers that all networks are made of: convolutions, normalization, initial weights."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen.dtypes import promote_dtype
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.nn.convolution import convolve, convolve_transpose
from gan_jax.nn.grouped import convolve_grouped
from gan_jax.nn.spectral import divide_by_spectral_norm

LEAKY_SLOPE = 0.2
MOMENTUM = 0.9  # what batch normalization's running statistics keep at each pass
EPSILON = 1e-5  # beside the variance that batch normalization divides by
HE_VARIANCE = 2 / (1 + LEAKY_SLOPE**2)  # times 1 / fan-in, keeps the size of what passes a leaky rectifier


class Layer(NamedTuple):
    """A convolution's sizes; one in groups keeps the images' size."""

    features: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1


class Conv(nn.Module):
    """A convolution, ``[batch, height, width, in]`` to ``[batch, …, layer.features]``."""

    layer: Layer
    config: GanConfig
    use_bias: bool = False
    spectral: bool = False
    kernel_init: Callable[..., Array] | None = None

    @nn.compact
    def __call__(self, inputs: Array, train: bool = False) -> Array:
        """Convolve; the kernel is ``[size, size, in / groups, features]``, ``train`` for its spectral normalization."""
        features, size, stride, padding, groups = self.layer
        init = self.kernel_init or kernel_init(self.config, -2)
        kernel = self.param("kernel", init, (size, size, inputs.shape[-1] // groups, features))
        kernel = divide_by_spectral_norm(self, kernel, train) if self.spectral else kernel
        inputs, kernel = promote_dtype(inputs, kernel, dtype=layer_dtype(self.config))
        grouped = groups > 1
        outputs = convolve_grouped(inputs, kernel, groups) if grouped else convolve(inputs, kernel, stride, padding)
        return outputs + bias(self, features, outputs.dtype) if self.use_bias else outputs


class ConvTranspose(nn.Module):
    """A transposed convolution, ``[batch, height, width, in]`` to ``[batch, …, layer.features]``."""

    layer: Layer
    config: GanConfig
    kernel_init: Callable[..., Array] | None = None

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        """Convolve; the kernel is ``[size, size, features, in]``."""
        features, size, stride, padding, _ = self.layer
        init = self.kernel_init or kernel_init(self.config, -1)
        kernel = self.param("kernel", init, (size, size, features, inputs.shape[-1]))
        inputs, kernel = promote_dtype(inputs, kernel, dtype=layer_dtype(self.config))
        return convolve_transpose(inputs, kernel, stride, padding)


def interleave(batches: Sequence[Array]) -> Array:
    """Arrays ``[count, …]`` as one, their entries in turn; they stay on their devices.

    Examples:
      >>> interleave([jnp.array([1, 2]), jnp.array([-1, -2])]).tolist()
      [1, -1, 2, -2]
    """
    stacked = jnp.stack(batches, axis=1)
    return stacked.reshape(-1, *stacked.shape[2:])


def bias(module: nn.Module, features: int, dtype: Any) -> Array:
    """A module's bias ``[1, 1, 1, features]``, zero at first."""
    return jnp.asarray(module.param("bias", nn.initializers.zeros_init(), (features,)), dtype)[None, None, None, :]


def scaled_normal(variance: float, in_axis: int) -> Callable[..., Array]:
    """Kernels from N(0, variance / fan-in); ``in_axis`` is -2 for a convolution and -1 for a transposed one."""
    return nn.initializers.variance_scaling(variance, "fan_in", "normal", in_axis=in_axis, out_axis=-3 - in_axis)


def kernel_init(config: GanConfig, in_axis: int) -> Callable[..., Array]:
    """A kernel's initial weights, as the configuration says; ``in_axis`` as for ``scaled_normal``."""
    if config.initializer == "dcgan":
        return nn.initializers.normal(0.02)
    return scaled_normal(HE_VARIANCE if config.initializer == "he" else 1, in_axis)


def _scale_init(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    return 1 + 0.02 * jax.random.normal(key, shape, dtype)


def layer_dtype(config: GanConfig) -> Any:
    """What layers compute in; None leaves a layer in its inputs' type."""
    return jnp.bfloat16 if config.precision == "bfloat16" else None


def batch_norm(config: GanConfig, train: bool, name: str) -> nn.BatchNorm:
    """Batch normalization with DCGAN's momentum and initial scales, N(1, 0.02)."""
    return nn.BatchNorm(
        use_running_average=not train,
        momentum=MOMENTUM,
        epsilon=EPSILON,
        scale_init=_scale_init,
        dtype=layer_dtype(config),
        name=name,
    )
