"""The names and axes that other programs give to the weights of networks that are here too.

Each program is one list of rules, which is read in both directions: R3GAN's authors' for network ``r3gan``, and a
``nn.Sequential`` of PyTorch for ``dcgan``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.inference.layout_shapes import Shapes, r3gan_config, sequential_config
from gan_jax.nn.dcgan import dcgan_layers
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import init_networks
from gan_jax.nn.r3gan import LOWPASS, stages_of

Which = Literal["generator", "discriminator"]
Arrays = Mapping[str, np.ndarray]
COUNT = "num_batches_tracked"  # PyTorch's batch normalization counts its batches, and uses the number nowhere
_FILTER = np.outer(LOWPASS, LOWPASS).astype(np.float32) / sum(LOWPASS) ** 2


class Rule(NamedTuple):
    """Where one array is there and here."""

    theirs: str
    ours: str | None
    """Its place in the network's variables; None for the constant that resamples images."""
    lacking: tuple[int, ...] = ()
    """Which of a kernel's axes, out, in, height and width, theirs does not have."""

    def to_theirs(self, array: np.ndarray) -> np.ndarray:
        """The array with their axes."""
        return array.T.swapaxes(-1, -2).squeeze(self.lacking) if array.ndim == 4 else array.T

    def to_ours(self, array: np.ndarray) -> np.ndarray:
        """The array with our axes, of which a kernel has height, width, in and out."""
        array = np.expand_dims(array, self.lacking)
        return array.swapaxes(-1, -2).T if array.ndim == 4 else array.T


def _r3gan_rules(config: GanConfig, which: Which) -> Iterator[Rule]:
    grows, stages = which == "generator", stages_of(config)
    yield Rule(f"{'AggregationLayer' if grows else 'ExtractionLayer'}.Layer.weight", "params/image/kernel")
    for at, index in enumerate(range(len(stages)) if grows else reversed(range(len(stages)))):
        stage, layers = stages[index], f"MainLayers.{at}.Layers"
        for block in range(stage.blocks):
            yield from _block_rules(f"{layers}.{block + grows}", f"params/block_{stage.size}_{block}")
        change = f"{layers}.{0 if grows else stage.blocks}"
        if index == 0:
            basis = Rule(f"{change}.Basis", "params/basis/kernel", (1,))
            yield basis if grows else Rule(f"{change}.Basis.weight", "params/basis/kernel")
            yield Rule(f"{change}.LinearLayer.weight", "params/mix/kernel", (2, 3))
            continue
        yield Rule(f"{change}.Resampler.Kernel", None)
        if stage.width != stages[index - 1].width:
            yield Rule(f"{change}.LinearLayer.Layer.weight", f"params/transition_{stage.size}/kernel")
    if config.conditional:
        yield Rule("EmbeddingLayer.weight", "params/embed/vectors")


def _block_rules(theirs: str, ours: str) -> Iterator[Rule]:
    for index in range(3):
        yield Rule(f"{theirs}.LinearLayer{index + 1}.Layer.weight", f"{ours}/conv_{index}/kernel")
        if index < 2:
            yield Rule(f"{theirs}.NonLinearity{index + 1}.Bias", f"{ours}/conv_{index}/bias")


_NORM = {
    "weight": "params/{}/scale",
    "bias": "params/{}/bias",
    "running_mean": "batch_stats/{}/mean",
    "running_var": "batch_stats/{}/var",
}


def _sequential_rules(config: GanConfig, which: Which) -> Iterator[Rule]:
    """A convolution, its normalization where it has one, and an activation, each with the next number."""
    is_generator, at, last = which == "generator", 0, len(dcgan_layers(config)) - 1
    for index in range(last + 1):
        yield Rule(f"{at}.weight", f"params/conv_{index}/kernel")
        if not is_generator and config.normalization == "none":
            yield Rule(f"{at}.bias", f"params/conv_{index}/bias")
        at += 1
        if index < last and (is_generator or (index > 0 and config.normalization == "batch")):
            yield from (Rule(f"{at}.{name}", place.format(f"norm_{index}")) for name, place in _NORM.items())
            at += 1
        at += 1


class Layout(NamedTuple):
    """One program's networks."""

    prefix: str
    """What the program itself has before each name."""
    rules: Callable[[GanConfig, Which], Iterator[Rule]]
    config: Callable[[Shapes, Shapes], GanConfig]


LAYOUTS = {
    "r3gan": Layout("", _r3gan_rules, r3gan_config),
    "dcgan": Layout("main.", _sequential_rules, sequential_config),
}
"""By the networks here."""

_START = re.compile(r"((?:[^.]+\.)*?)(MainLayers|\d+)\.")


def split_prefix(arrays: Arrays) -> tuple[str, str, dict[str, np.ndarray]]:
    """A network of another program: the key in ``LAYOUTS``, what all names begin with, and the arrays without it.

    Raises:
      ValueError: it is of no program that is known here.
    """
    start = next(filter(None, map(_START.match, arrays)), None)
    if start is None:
        raise ValueError(
            f"{next(iter(arrays), 'nothing')} is a name of neither R3GAN nor a DCGAN as nn.Sequential, which has "
            f"0.weight or main.0.weight"
        )
    known = "r3gan" if start[2] == "MainLayers" else "dcgan"
    return known, start[1], {name.removeprefix(start[1]): array for name, array in arrays.items()}


def config_of(network: str, generator: Arrays, discriminator: Arrays) -> GanConfig:
    """The configuration that the shapes of both networks tell.

    Raises:
      ValueError: an array is missing, or they are of no configuration.
    """
    return LAYOUTS[network].config(Shapes("generator", generator), Shapes("discriminator", discriminator))


def from_layout(config: GanConfig, which: Which, arrays: Arrays) -> Variables:
    """A network's variables from the arrays of another program.

    Args:
      config: from ``config_of``.
      which: the network.
      arrays: float, by the names there; what ``COUNT`` names is passed over.

    Raises:
      ValueError: a name, a shape or a constant is not the program's.
    """
    rules, shapes = _rules(config, which), _flat(_init(config)[which == "discriminator"])
    wanted, constants = {}, {rule.theirs for rule in rules if rule.ours is None}
    for rule in rules:
        if rule.ours:
            wanted[rule.theirs] = rule.to_theirs(np.broadcast_to(np.float32(), shapes[rule.ours].shape)).shape
    given = {name: array.shape for name, array in arrays.items() if not name.endswith(f".{COUNT}")}
    for name in [*wanted, *(given.keys() - constants)]:
        if name not in given:
            raise ValueError(f"the {which}'s {name} is missing")
        if given[name] != wanted.get(name):
            must = f"must be {wanted[name]}" if name in wanted else "is of no layer"
            raise ValueError(f"the {which}'s {name}, which is {given[name]}, {must}")
    for name in constants & given.keys():
        if not np.array_equal(arrays[name], _FILTER):
            raise ValueError(f"the {which}'s {name} is another filter than {LOWPASS} along both axes")
    found = {rule.ours: _as_float32(rule, arrays[rule.theirs]) for rule in rules if rule.ours}
    return unflatten_dict(found, sep="/")


def to_layout(config: GanConfig, which: Which, variables: Variables) -> dict[str, np.ndarray]:
    """The arrays of a network as the other program names and lays them out, each in C's order."""
    rules, found = _rules(config, which), _flat(jax.device_get(variables))
    arrays = (rule.to_theirs(found[rule.ours]) if rule.ours else _FILTER for rule in rules)
    return {rule.theirs: np.ascontiguousarray(array) for rule, array in zip(rules, arrays, strict=True)}


def _rules(config: GanConfig, which: Which) -> list[Rule]:
    own = config.of_discriminator() if which == "discriminator" else config
    return list(LAYOUTS[config.network].rules(own, which))


def _init(config: GanConfig) -> tuple[Variables, Variables]:
    """The shapes of both networks' variables."""
    return jax.eval_shape(lambda: init_networks(config, jax.random.key(0)))


def _flat(variables: Variables) -> dict[str, Any]:
    return dict(flatten_dict(dict(variables), sep="/"))


def _as_float32(rule: Rule, array: np.ndarray) -> np.ndarray:
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"{rule.theirs} is of type {array.dtype}")
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(rule.to_ours(array), np.float32)
    if not np.isfinite(rounded).all():
        raise ValueError(f"{rule.theirs} has numbers that are not finite in float32")
    return rounded


def require_layout(config: GanConfig) -> None:
    """Check that another program has the networks of a configuration.

    Raises:
      InputError: it has not.
    """
    lacks = [f"network {config.network}"] if config.network not in LAYOUTS else []
    lacks += ["classes"] if config.network == "dcgan" and config.conditional else []
    lacks += ["spectral normalization"] if config.normalization == "spectral" else []
    lacks += ["packs"] if config.packing > 1 else []
    if lacks:
        raise InputError(
            f"no other program's layout is known for {' and '.join(lacks)}; give --format stablehlo or onnx, or read "
            f"weights.npz with NumPy."
        )
