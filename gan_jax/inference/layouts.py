"""The names and axes that other programs give to the weights of networks that are here too.

Each program is one list of rules, which is read in both directions: R3GAN's authors' for network ``r3gan``, and a
``nn.Sequential`` of PyTorch for ``dcgan``.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.nn.dcgan import dcgan_layers
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import init_networks
from gan_jax.nn.r3gan import LOWPASS, stages_of
from gan_jax.recipes import recipe

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


_NORM = {"weight": "params/{}/scale", "bias": "params/{}/bias"}
_NORM |= {"running_mean": "batch_stats/{}/mean", "running_var": "batch_stats/{}/var"}


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


class _Shapes:
    """The shapes of a network's arrays in a file, by their names there."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays

    def of(self, name: str, axes: int) -> tuple[int, ...]:
        """An array's shape, which has so many axes, none of them 0."""
        if name not in self._arrays:
            raise ValueError(f"{name} is missing")
        shape = self._arrays[name].shape
        if len(shape) != axes or 0 in shape:
            raise ValueError(f"{name} is {shape} and must have {axes} axes")
        return shape

    def count(self, pattern: str) -> int:
        """How many different texts the group of a pattern matches at the names' beginnings."""
        return len({found[1] for name in self._arrays if (found := re.match(pattern, name))})


def _r3gan_config(generator: _Shapes, discriminator: _Shapes) -> GanConfig:
    count = min(generator.count(r"MainLayers\.(\d+)\."), 12)  # images of more than 12 stages are refused anyway
    layers = [f"MainLayers.{index}.Layers" for index in range(count)]
    inner = [generator.of(f"{layer}.1.LinearLayer1.Layer.weight", 4)[:2] for layer in layers]
    in_group = [generator.of(f"{layer}.1.LinearLayer2.Layer.weight", 4)[1] for layer in layers]
    smallest = generator.of("MainLayers.0.Layers.0.Basis", 3)[1]
    latents = generator.of("MainLayers.0.Layers.0.LinearLayer.weight", 2)[1]
    classes = generator.of("EmbeddingLayer.weight", 2) if generator.count("(EmbeddingLayer)") else None
    size = smallest * 2 ** (count - 1)
    return dataclasses.replace(
        recipe("r3gan"),
        **{"schedules": (), "ema_half_life": None, "max_channels": None},
        image_shape=(size, size, generator.of("AggregationLayer.Layer.weight", 4)[0]),
        latent_dim=latents - classes[0] if classes else latents,
        **({"conditional": True, "num_classes": classes[1]} if classes else {}),
        stage_widths=tuple(width for _, width in inner),
        stage_cardinalities=tuple(max(1, all_of // part) for (all_of, _), part in zip(inner, in_group, strict=True)),
        stage_blocks=tuple(generator.count(rf"{re.escape(layer)}\.(\d+)\.LinearLayer1") for layer in layers),
        expansion=max(1, inner[0][0] // inner[0][1]),
    )


def _sequential_config(generator: _Shapes, discriminator: _Shapes) -> GanConfig:
    normalized = discriminator.count(r"\d+\.(running_mean)") > 0
    count = 1 + (generator.count(r"(\d+)\.running_mean"))
    kernels = [generator.of(f"{3 * index}.weight", 4) for index in range(count)]
    widths = [kernel[0] for kernel in kernels[:0:-1]]
    places = [max(0, 3 * index - 1) if normalized else 2 * index for index in range(count - 1)]
    others = [discriminator.of(f"{place}.weight", 4)[0] for place in places]
    if not widths:
        raise ValueError("3.weight is missing")
    size = 7 * 2 ** (count - 2) if kernels[1][2] == 3 else 4 * 2 ** (count - 1)
    doubled = all(own == each[0] * 2**at for each in (widths, others) for at, own in enumerate(each))
    return GanConfig(
        image_shape=(size, size, kernels[-1][1]),
        latent_dim=kernels[0][0],
        width=widths[0],
        discriminator_width=None if others[0] == widths[0] else others[0],
        max_channels=None if doubled else max(widths + others),
        normalization="batch" if normalized else "none",
    )


class Layout(NamedTuple):
    """One program's networks."""

    prefix: str
    """What the program itself has before each name."""
    rules: Callable[[GanConfig, Which], Iterator[Rule]]
    config: Callable[[_Shapes, _Shapes], GanConfig]


LAYOUTS = {
    "r3gan": Layout("", _r3gan_rules, _r3gan_config),
    "dcgan": Layout("main.", _sequential_rules, _sequential_config),
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
    return LAYOUTS[network].config(_Shapes(generator), _Shapes(discriminator))


def from_layout(config: GanConfig, which: Which, arrays: Arrays) -> Variables:
    """A network's variables from the arrays of another program.

    Args:
      config: from ``config_of``.
      which: the network.
      arrays: float, by the names there; what ``COUNT`` names is passed over.

    Raises:
      ValueError: a name, a shape or a constant is not the program's.
    """
    rules = {rule.theirs: rule for rule in _rules(config, which)}
    given = {name: array for name, array in arrays.items() if not name.endswith(f".{COUNT}")}
    shapes, wanted = _shapes_of(config, which), {}
    for name, rule in rules.items():
        wanted[name] = rule.to_theirs(np.broadcast_to(np.float32(), shapes[rule.ours])) if rule.ours else _FILTER
    for name in [*wanted, *given]:
        there, here = ((each[name].shape if name in each else "missing") for each in (given, wanted))
        is_left_out = there == "missing" and not rules[name].ours
        if there != here and not is_left_out:
            raise ValueError(f"{name} is {there} there and {here} in network {config.network}")
    if other := [name for name, rule in rules.items() if not rule.ours and (given.get(name, _FILTER) != _FILTER).any()]:
        raise ValueError(f"{other[0]} is not the filter {list(LOWPASS)} of network {config.network}")
    found = {rule.ours: _as_float32(name, given[name], rule) for name, rule in rules.items() if rule.ours}
    return unflatten_dict(found, sep="/")


def to_layout(config: GanConfig, which: Which, variables: Variables) -> dict[str, np.ndarray]:
    """The arrays of a network as the other program names and lays them out, in C's order.

    """
    found = flatten_dict(dict(jax.device_get(variables)), sep="/")
    rules = _rules(config, which)
    arrays = (rule.to_theirs(found[rule.ours]) if rule.ours else _FILTER for rule in rules)
    return {rule.theirs: np.ascontiguousarray(array) for rule, array in zip(rules, arrays, strict=True)}


def _rules(config: GanConfig, which: Which) -> list[Rule]:
    own = config.of_discriminator() if which == "discriminator" else config
    return list(LAYOUTS[config.network].rules(own, which))


def _shapes_of(config: GanConfig, which: Which) -> dict[str, Any]:
    networks = jax.eval_shape(lambda: init_networks(config, jax.random.key(0)))
    chosen = dict(networks[which == "discriminator"])
    return {name: leaf.shape for name, leaf in flatten_dict(chosen, sep="/").items()}


def _as_float32(name: str, array: np.ndarray, rule: Rule) -> np.ndarray:
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"{name} is of type {array.dtype}")
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(rule.to_ours(array), np.float32)
    if not np.isfinite(rounded).all():
        raise ValueError(f"{name} has numbers that are not finite in float32")
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
