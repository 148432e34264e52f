"""Trained networks as ONNX files, which runtimes of many languages and devices run."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.inference.operations import Operation, discriminator_operations, generator_operations
from gan_jax.nn.network import Variables
from gan_jax.version import __version__

_OPSET, _IR_VERSION = 17, 8  # of 2022, which runtimes since then read
_BATCH = "batch"
_FACTS = ("network", "width", "latent_dim", "image_shape", "conditional", "num_classes")  # as JSON in the metadata


def onnx_generator(config: GanConfig, generator: Variables, *, as_bytes: bool = False) -> bytes:
    """Write a generator in eval mode.

    Args:
      config: the networks' configuration.
      generator: the generator's state.
      as_bytes: write the images as torch-fidelity takes them: ``[batch, 3, height, width]`` uint8, grey ones repeated.

    Returns:
      The file's content: ``latents`` ``[batch, latent_dim]`` float32 and, for conditional networks, ``labels``
      ``[batch]`` int64 to ``images`` ``[batch, height, width, channels]`` float32 near [-1, 1], or to ``points``
      ``[batch, D]``. The batch may have any size. The same bytes for the same weights.

    Raises:
      InputError: the network is not one of the package's, or the package onnx is not installed.
    """
    graph = _Graph()
    hidden = graph.add("Reshape", ["latents", graph.integers([-1, config.latent_dim, 1, 1])])
    hidden = graph.follow(generator_operations(config, generator), hidden)
    if config.makes_points:
        last = graph.add("Reshape", [hidden, graph.integers([-1, *config.image_shape])], output="points")
    elif as_bytes:
        height, width, channels = config.image_shape
        last = graph.bytes_in_colour(hidden, channels)
        return graph.model(config, {"latents": [config.latent_dim]}, {last: [3, height, width]}, made="UINT8")
    else:
        last = graph.add("Transpose", [hidden], perm=[0, 2, 3, 1], output="images")
    return graph.model(config, {"latents": [config.latent_dim]}, {last: list(config.image_shape)})


def onnx_discriminator(config: GanConfig, discriminator: Variables) -> bytes:
    """Write a discriminator in eval mode; one of packs judges an image beside copies of itself.

    Args:
      config: the networks' configuration.
      discriminator: the discriminator's variables.

    Returns:
      The file's content: ``images`` ``[batch, height, width, channels]`` float32 in [-1, 1], or ``points``
      ``[batch, D]``, and, for conditional networks, ``labels`` ``[batch]`` int64 to ``logits`` ``[batch]`` float32.

    Raises:
      InputError: the network is not one of the package's, or the package onnx is not installed.
    """
    graph, name = _Graph(), "points" if config.makes_points else "images"
    if config.makes_points:
        hidden = graph.add("Reshape", [name, graph.integers([-1, *config.image_shape, 1, 1])])
    else:
        hidden = graph.add("Transpose", [name], perm=[0, 3, 1, 2])
    hidden = graph.follow(discriminator_operations(config, discriminator), hidden)
    last = graph.add("Reshape", [hidden, graph.integers([-1])], output="logits")
    return graph.model(config.of_discriminator(), {name: list(config.image_shape)}, {last: []})


class _Graph:
    """Nodes and constants, in the order in which they were added; images have their channels first."""

    def __init__(self) -> None:
        try:
            import onnx
        except ImportError as error:
            raise InputError(
                f"--format onnx needs a package that is not here ({error}); install gan_jax[onnx]."
            ) from None
        self._onnx: Any = onnx
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operator: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """A node; gives its output's name."""
        output = output or f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, array: np.ndarray) -> str:
        """An array that is part of the file."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def integers(self, values: Sequence[int]) -> str:
        """A shape, or axes."""
        return self.constant(np.array(values, np.int64))

    def follow(self, operations: Sequence[Operation], hidden: str) -> str:
        """The nodes of operations, one after another."""
        for operation in operations:
            hidden = _NODES[operation.name](self, operation, hidden)
        return hidden

    def bytes_in_colour(self, hidden: str, channels: int) -> str:
        """Bytes of values near [-1, 1], rounded as samples are; runtimes let tanh exceed 1."""
        one, half = self.constant(np.array(1, np.float32)), self.constant(np.array(127.5, np.float32))
        scaled = self.add("Mul", [self.add("Add", [hidden, one]), half])
        clipped = self.add(
            "Clip", [scaled, self.constant(np.array(0, np.float32)), self.constant(np.array(255, np.float32))]
        )
        coloured = self.add("Concat", [self.add("Round", [clipped])] * (3 // channels), axis=1)
        return self.add("Cast", [coloured], output="images", to=self._onnx.TensorProto.UINT8)

    def model(
        self, config: GanConfig, inputs: dict[str, list[int]], outputs: dict[str, list[int]], made: str = "FLOAT"
    ) -> bytes:
        """The file of these nodes, whose outputs are ``made`` of this type."""
        helper, types = self._onnx.helper, self._onnx.TensorProto

        def described(shapes: dict[str, list[int]], form: str = "FLOAT") -> list[Any]:
            form = getattr(types, form)
            return [helper.make_tensor_value_info(name, form, [_BATCH, *shape]) for name, shape in shapes.items()]

        taken = described(inputs)
        if config.conditional:
            taken.append(helper.make_tensor_value_info("labels", types.INT64, [_BATCH]))
        graph = helper.make_graph(self._nodes, "gan_jax", taken, described(outputs, made), self._constants)
        opsets = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        model.producer_name, model.producer_version = "gan_jax", __version__
        helper.set_model_props(model, {name: json.dumps(getattr(config, name)) for name in _FACTS})
        self._onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True)


def _channels(graph: _Graph, values: np.ndarray) -> str:
    return graph.constant(np.asarray(values, np.float32).reshape(1, -1, 1, 1))


def _convolution(operator: str) -> Callable[[_Graph, Operation, str], str]:
    """A convolution or its adjoint; ONNX keeps kernels as [latent side, image side / groups, height, width]."""

    def add(graph: _Graph, operation: Operation, hidden: str) -> str:
        inputs = [hidden, graph.constant(np.asarray(operation.arrays["kernel"]).transpose(3, 2, 0, 1))]
        if "bias" in operation.arrays:
            inputs.append(graph.constant(np.asarray(operation.arrays["bias"], np.float32).reshape(-1)))
        stride, padding = operation.options["stride"], operation.options["padding"]
        return graph.add(operator, inputs, strides=[stride] * 2, pads=[padding] * 4, group=operation.options["groups"])

    return add


def _scale_shift(graph: _Graph, operation: Operation, hidden: str) -> str:
    scaled = graph.add("Mul", [hidden, _channels(graph, operation.arrays["scale"])])
    return graph.add("Add", [scaled, _channels(graph, operation.arrays["shift"])])


def _leaky_relu(graph: _Graph, operation: Operation, hidden: str) -> str:
    slope = float(operation.options["slope"])
    return graph.add("LeakyRelu", [hidden], alpha=slope) if slope else graph.add("Relu", [hidden])


def _tanh(graph: _Graph, operation: Operation, hidden: str) -> str:
    return graph.add("Tanh", [hidden])


def _reshape(graph: _Graph, operation: Operation, hidden: str) -> str:
    last = graph.add("Transpose", [hidden], perm=[0, 2, 3, 1])
    shaped = graph.add("Reshape", [last, graph.integers([-1, *operation.options["shape"]])])
    return graph.add("Transpose", [shaped], perm=[0, 3, 1, 2])


def _residual(graph: _Graph, operation: Operation, hidden: str) -> str:
    return graph.add("Add", [hidden, graph.follow(operation.inner, hidden)])


def _embed(graph: _Graph, operation: Operation, hidden: str) -> str:
    vectors = graph.add("Gather", [graph.constant(operation.arrays["vectors"]), "labels"])
    size = operation.arrays["vectors"].shape[1]
    return graph.add("Concat", [hidden, graph.add("Reshape", [vectors, graph.integers([-1, size, 1, 1])])], axis=1)


def _project(graph: _Graph, operation: Operation, hidden: str) -> str:
    return graph.add("Add", [graph.follow(operation.inner, hidden), _select(graph, operation, hidden)])


def _select(graph: _Graph, operation: Operation, hidden: str) -> str:
    size = operation.arrays["vectors"].shape[1]
    vectors = graph.add("Gather", [graph.constant(operation.arrays["vectors"]), "labels"])
    products = graph.add("Mul", [hidden, graph.add("Reshape", [vectors, graph.integers([-1, size, 1, 1])])])
    return graph.add("ReduceSum", [products, graph.integers([1, 2, 3])], keepdims=1)


_NODES: dict[str, Callable[[_Graph, Operation, str], str]] = {
    "convolve": _convolution("Conv"),
    "convolve_transpose": _convolution("ConvTranspose"),
    "scale_shift": _scale_shift,
    "leaky_relu": _leaky_relu,
    "tanh": _tanh,
    "reshape": _reshape,
    "residual": _residual,
    "embed": _embed,
    "project": _project,
    "select": _select,
}
