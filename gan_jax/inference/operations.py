"""Trained networks as lists of plain operations, for programs other than JAX.

In eval mode batch normalization is a scale and a shift, spectral normalization divides a kernel, and a pack of copies
of one image is a sum over the kernel. What remains is convolutions, their adjoints, and functions of single numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.nn.dcgan import dcgan_layers, infogan_layers
from gan_jax.nn.layers import EPSILON, LEAKY_SLOPE, Layer
from gan_jax.nn.network import Variables
from gan_jax.nn.r3gan import LOWPASS, Stage, stages_of
from gan_jax.nn.spectral import divide_by_estimate

_SEQUENTIAL = {"dcgan": dcgan_layers, "infogan": infogan_layers}
TRANSLATED = (*_SEQUENTIAL, "r3gan", "dense")
"""The networks of which this module knows the operations."""
_POINTWISE = Layer(0, 1)


@dataclass(frozen=True, eq=False)
class Operation:
    """A function of ``[height, width, channels]``; latents and points have one pixel.

    - ``convolve`` and its adjoint ``convolve_transpose``: ``kernel`` ``[size, size, image side / groups, latent
      side]``, perhaps a ``bias`` of each channel that comes out, ``stride``, ``padding``, ``groups``
    - ``scale_shift``: ``scale`` and ``shift`` of each channel
    - ``leaky_relu``: ``slope``, 0 for a rectifier
    - ``tanh``
    - ``reshape``: ``shape``
    - ``residual``: adds what the ``inner`` operations make of its input
    - ``embed``: puts the class's row of ``vectors`` behind the channels
    - ``project``: what the ``inner`` operations make of its input, plus the inner product of the class's row of
      ``vectors`` and the channels' sums over the pixels
    - ``select``: the inner product of the class's row of ``vectors`` and the channels
    """

    name: str
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    inner: tuple["Operation", ...] = ()


def generator_operations(config: GanConfig, generator: Variables) -> list[Operation]:
    """What turns latents ``[1, 1, latent_dim]`` into an image near [-1, 1], or a point ``[1, 1, D]``, in eval mode.

    Raises:
      InputError: the network is not one of the package's.
    """
    weights = _weights_of(config, generator)
    embed = [Operation("embed", {"vectors": weights.array("embed", "vectors")})] if config.conditional else []
    if config.network == "r3gan":
        return embed + list(_r3gan_generator(config, weights))
    if config.network == "dense":
        return embed + list(_dense_generator(config, weights))
    return embed + list(_sequential_generator(config, weights))


def discriminator_operations(config: GanConfig, discriminator: Variables) -> list[Operation]:
    """What turns an image in [-1, 1], or a point ``[1, 1, D]``, into its logit ``[1, 1, 1]``, in eval mode.

    A discriminator of packs judges the image beside copies of itself.

    Raises:
      InputError: the network is not one of the package's.
    """
    config, weights = config.of_discriminator(), _weights_of(config, discriminator)
    if config.network == "r3gan":
        hidden = list(_r3gan_discriminator(config, weights))
        selected = Operation("select", {"vectors": weights.array("embed", "vectors")}) if config.conditional else None
        return _of_copies(config, hidden) + ([selected] if selected else [])
    if config.network == "dense":
        *hidden, last = _dense_discriminator(config, weights)
    else:
        *hidden, last = _sequential_discriminator(config, weights)
    if config.conditional:
        last = Operation("project", {"vectors": weights.array("embed", "vectors")}, inner=(last,))
    return [*_of_copies(config, hidden), last]


class _Weights:
    """A network's arrays, by layer."""

    def __init__(self, network: Variables) -> None:
        self._params, self._stats = network["params"], network.get("batch_stats", {})

    def array(self, layer: str, name: str) -> np.ndarray:
        """One of a layer's arrays, divided by its spectral norm where it has one."""
        array, right = jnp.asarray(self._params[layer][name]), self._stats.get(layer, {}).get("v")
        if right is None or name == "bias":
            return np.asarray(array)
        return np.asarray(divide_by_estimate(array, right)[0])

    def block(self, name: str) -> "_Weights":
        """Those of a block's layers."""
        return _Weights({"params": self._params[name], "batch_stats": self._stats.get(name, {})})

    def convolution(self, operation: str, name: str, layer: Layer = _POINTWISE) -> Operation:
        """A convolution with its bias, if it has one."""
        arrays = {"kernel": self.array(name, "kernel")}
        if "bias" in self._params[name]:
            arrays["bias"] = self.array(name, "bias")
        return _convolution(operation, arrays, layer)

    def has(self, name: str) -> bool:
        """Whether there is a layer of the name."""
        return name in self._params

    def normalization(self, name: str) -> Operation:
        """Batch normalization by its running statistics."""
        statistics = self._stats[name]
        scale = self.array(name, "scale") / np.sqrt(np.asarray(statistics["var"]) + np.float32(EPSILON))
        shift = self.array(name, "bias") - np.asarray(statistics["mean"]) * scale
        return Operation("scale_shift", {"scale": scale, "shift": shift})


def _convolution(operation: str, arrays: dict[str, np.ndarray], layer: Layer) -> Operation:
    return Operation(operation, arrays, {"stride": layer.stride, "padding": layer.padding, "groups": layer.groups})


def _weights_of(config: GanConfig, network: Variables) -> _Weights:
    if config.network not in TRANSLATED:
        raise InputError(f"network {config.network} is not one of the package's, so only JAX can run it.")
    return _Weights(network)


def _leaky_relu(slope: float = LEAKY_SLOPE) -> Operation:
    return Operation("leaky_relu", options={"slope": slope})


def _sequential_generator(config: GanConfig, weights: _Weights) -> Iterator[Operation]:
    layers = _SEQUENTIAL[config.network](config)[::-1]
    for index, layer in enumerate(layers):
        yield weights.convolution("convolve_transpose", f"conv_{index}", layer)
        if index < len(layers) - 1:
            yield weights.normalization(f"norm_{index}")
            yield _leaky_relu(LEAKY_SLOPE if config.network == "infogan" else 0.0)
    yield Operation("tanh")


def _sequential_discriminator(config: GanConfig, weights: _Weights) -> Iterator[Operation]:
    layers = _SEQUENTIAL[config.network](config)
    for index, layer in enumerate(layers):
        yield weights.convolution("convolve", f"conv_{index}", layer)
        if index < len(layers) - 1:
            if config.normalization == "batch" and index > 0:
                yield weights.normalization(f"norm_{index}")
            yield _leaky_relu()


def _dense_generator(config: GanConfig, weights: _Weights) -> Iterator[Operation]:
    yield from _dense(weights)
    if not config.makes_points:
        yield Operation("reshape", options={"shape": list(config.image_shape)})
        yield Operation("tanh")


def _dense_discriminator(config: GanConfig, weights: _Weights) -> Iterator[Operation]:
    yield Operation("reshape", options={"shape": [1, 1, int(np.prod(config.image_shape))]})
    yield from _dense(weights)


def _dense(weights: _Weights) -> Iterator[Operation]:
    for index in range(3):
        yield weights.convolution("convolve", f"dense_{index}")
        if index < 2:
            yield _leaky_relu()


def _r3gan_generator(config: GanConfig, weights: _Weights) -> Iterator[Operation]:
    stages = stages_of(config)
    yield weights.convolution("convolve", "mix")
    yield weights.convolution("convolve_transpose", "basis", Layer(0, stages[0].size, groups=stages[0].width))
    for index, stage in enumerate(stages):
        if index > 0:
            yield from _transition(weights, stage)
            yield _resample("convolve_transpose", stage.width, 4)
        yield from _blocks(weights, stage)
    yield weights.convolution("convolve", "image")


def _r3gan_discriminator(config: GanConfig, weights: _Weights) -> Iterator[Operation]:
    stages = stages_of(config)
    yield weights.convolution("convolve", "image")
    for stage in reversed(stages):
        yield from _blocks(weights, stage)
        if stage is not stages[0]:
            yield _resample("convolve", stage.width, 1)
            yield from _transition(weights, stage)
    yield weights.convolution("convolve", "basis", Layer(0, stages[0].size, groups=stages[0].width))
    yield weights.convolution("convolve", "mix")


def _transition(weights: _Weights, stage: Stage) -> Iterator[Operation]:
    if weights.has(name := f"transition_{stage.size}"):
        yield weights.convolution("convolve", name)


def _resample(operation: str, channels: int, area: int) -> Operation:
    """Halve or double the size; ``area`` is what the filter sums to."""
    filtered = np.outer(LOWPASS, LOWPASS) * np.float32(area / sum(LOWPASS) ** 2)
    kernel = np.repeat(filtered[:, :, None, None].astype(np.float32), channels, axis=3)
    return _convolution(operation, {"kernel": kernel}, Layer(channels, len(LOWPASS), 2, 1, channels))


def _blocks(weights: _Weights, stage: Stage) -> Iterator[Operation]:
    for index in range(stage.blocks):
        block = weights.block(f"block_{stage.size}_{index}")
        spatial = Layer(0, 3, padding=1, groups=stage.cardinality)
        pointwise, last = (block.convolution("convolve", name) for name in ("conv_0", "conv_2"))
        inner = pointwise, _leaky_relu(), block.convolution("convolve", "conv_1", spatial), _leaky_relu(), last
        yield Operation("residual", inner=inner)


def _of_copies(config: GanConfig, operations: list[Operation]) -> list[Operation]:
    """The operations of a discriminator of packs, on one image in the place of every one."""
    if config.packing == 1:
        return operations
    index = next(at for at, operation in enumerate(operations) if operation.name == "convolve")
    first = operations[index]
    kernel = first.arrays["kernel"]
    size, features, channels = len(kernel), kernel.shape[-1], config.image_shape[-1]
    summed = kernel.reshape(size, size, -1, config.packing, channels, features).sum(axis=3)
    arrays = {**first.arrays, "kernel": summed.reshape(size, size, -1, features)}
    return [*operations[:index], Operation("convolve", arrays, first.options), *operations[index + 1 :]]
