"""The generators and discriminators by name, and how they are applied."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.fields import explain_fields
from gan_jax.nn.dense import DenseDiscriminator, DenseGenerator
from gan_jax.nn.layers import LEAKY_SLOPE, interleave
from gan_jax.nn.residual import ResidualDiscriminator, ResidualGenerator
from gan_jax.nn.sequential import SequentialDiscriminator, SequentialGenerator, dcgan_layers, infogan_layers
from gan_jax.parts import find_part

Variables = Mapping[str, Any]


@explain_fields
class Network(NamedTuple):
    """A pair of Flax modules, each made from the configuration."""

    generator: Callable[[GanConfig], nn.Module]
    """Called with ``(latents, labels or None, train)``; gives images, ``[count, *image_shape]`` in about [-1, 1]."""
    discriminator: Callable[[GanConfig], nn.Module]
    """Called with ``(images, labels or None, train)``; gives logits, ``[count]``."""
    normalizations: tuple[str, ...] = ("batch", "spectral", "none")
    """What ``GanConfig.normalization`` may be."""
    makes_points: bool = False
    """Whether it is for points too, and not for images alone."""
    features_first: bool = False
    """Whether D's inner activations are ``[features, images]``, and not ``[images, height, width, features]``."""
    one_pass: bool = False
    """Whether D takes several batches in one pass, which goes over its weights once; its module has ``batches``."""


_infogan_activation = partial(nn.leaky_relu, negative_slope=LEAKY_SLOPE)

NETWORKS = {
    "dcgan": Network(
        partial(SequentialGenerator, layers=dcgan_layers), partial(SequentialDiscriminator, layers=dcgan_layers)
    ),
    "infogan": Network(
        partial(SequentialGenerator, layers=infogan_layers, activation=_infogan_activation),
        partial(SequentialDiscriminator, layers=infogan_layers),
        one_pass=True,
    ),
    "residual": Network(ResidualGenerator, ResidualDiscriminator, normalizations=("none",)),
    "dense": Network(DenseGenerator, DenseDiscriminator, ("none", "spectral"), makes_points=True, features_first=True),
}
"""By the names that ``GanConfig.network`` takes; entries may be added under other names."""


def _network(config: GanConfig) -> Network:
    network = find_part("network", NETWORKS, config.network, Network)
    if config.normalization not in network.normalizations:
        allowed = " or ".join(network.normalizations)
        raise InputError(f"normalization is {config.normalization!r}; network {config.network} has {allowed}.")
    if config.makes_points and not network.makes_points:
        raise InputError(f"network {config.network} is for images; points need another, such as dense.")
    return network


def init_networks(config: GanConfig, key: Array) -> tuple[Variables, Variables]:
    """Draw initial ``params`` and ``batch_stats`` of the generator and of the discriminator, float32.

    Raises:
      InputError: there is no network of the configured name, or none with the configured normalization.
    """
    generator_key, discriminator_key = jax.random.split(key)
    network, labels = _network(config), jnp.zeros((1,), jnp.int32)
    latents = jnp.zeros((1, config.latent_dim))
    images = _pack(config, jnp.zeros((config.packing, *config.image_shape)))
    return (
        network.generator(config).init(generator_key, latents, labels, train=False),
        network.discriminator(config.of_discriminator()).init(discriminator_key, images, labels, train=False),
    )


def apply_generator(
    config: GanConfig,
    params: Variables,
    batch_stats: Variables,
    latents: Array,
    labels: Array | None = None,
    *,
    train: bool,
) -> tuple[Array, Variables]:
    """Turn latents into images.

    In train mode batch normalization uses the batch's own mean and variance, and moves the running statistics a tenth
    of the way to them; in eval mode the running statistics are used, and come back as they were.

    Args:
      config: the networks' configuration.
      params: of the generator, such as ``state.generator.params``.
      batch_stats: of the generator, such as ``state.generator.batch_stats``.
      latents: ``[count, latent_dim]`` float32.
      labels: ``[count]`` int32, for a conditional generator; by default the classes in turn.
      train: the mode.

    Returns:
      Images, ``[count, height, width, channels]`` float32 in [-1, 1], and the next batch statistics.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(width=2, latent_dim=4)
      >>> network = init_state(config, jax.random.key(0)).generator
      >>> latents = jnp.ones((8, 4))
      >>> images, _ = apply_generator(config, network.params, network.batch_stats, latents, train=True)
      >>> images.shape
      (8, 28, 28, 1)
    """
    made = (latents.shape[0], *config.image_shape)
    return _apply(_network(config).generator(config), made, params, batch_stats, latents, labels, train)


def apply_discriminator(
    config: GanConfig,
    params: Variables,
    batch_stats: Variables,
    images: Array,
    labels: Array | None = None,
    *,
    train: bool,
) -> tuple[Array, Variables]:
    """Turn images into logits: one for each image, or for each ``config.packing`` images that follow one another.

    In train mode batch normalization works as in ``apply_generator``, and spectral normalization keeps the singular
    vectors that it found.

    Args:
      config: the networks' configuration.
      params: of the discriminator, such as ``state.discriminator.params``.
      batch_stats: of the discriminator, such as ``state.discriminator.batch_stats``.
      images: ``[count, height, width, channels]`` float32 in [-1, 1].
      labels: ``[count]`` int32, for a conditional discriminator.
      train: the mode.

    Returns:
      Logits, ``[count / packing]`` float32, and the next batch statistics.

    Raises:
      ValueError: the images do not fill packs.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(width=2, packing=2)
      >>> network = init_state(config, jax.random.key(0)).discriminator
      >>> images = jnp.zeros((8, 28, 28, 1))
      >>> logits, _ = apply_discriminator(config, network.params, network.batch_stats, images, train=False)
      >>> logits.shape
      (4,)
    """
    packs = _pack(config, images)
    module = _network(config).discriminator(config.of_discriminator())
    return _apply(module, packs.shape[:1], params, batch_stats, packs, labels, train)


def score_batches(
    config: GanConfig,
    params: Variables,
    batch_stats: Variables,
    batches: Sequence[Array],
    labels: Array | None = None,
) -> tuple[list[Array], Variables]:
    """Turn each batch into logits in train mode, as ``apply_discriminator`` does one after the other.

    Args:
      config: the networks' configuration.
      params: of the discriminator.
      batch_stats: of the discriminator.
      batches: images of equal shapes, each normalized by its own batch.
      labels: ``[count]`` int32, of every batch alike.

    Returns:
      The logits of each batch, and the batch statistics that the last one leaves.
    """
    network = _network(config)
    # Each pass moves spectral normalization's vectors on, and penalties share the passes over single batches.
    if not network.one_pass or config.normalization == "spectral" or config.penalties:
        logits = []
        for images in batches:
            scored, batch_stats = apply_discriminator(config, params, batch_stats, images, labels, train=True)
            logits.append(scored)
        return logits, batch_stats
    module = network.discriminator(config.of_discriminator()).clone(batches=len(batches))
    images = interleave([_pack(config, images) for images in batches])
    labels = None if labels is None else interleave([labels] * len(batches))
    scored, batch_stats = _apply(module, images.shape[:1], params, batch_stats, images, labels, train=True)
    return [scored[index :: len(batches)] for index in range(len(batches))], batch_stats


def discriminator_features(
    config: GanConfig, params: Variables, batch_stats: Variables, images: Array, labels: Array | None = None
) -> list[Array]:
    """What D's inner layers make of single images in eval mode: each ``[images, height, width, channels]``.

    A discriminator of packs sees every image beside copies of itself.
    """
    variables = {"params": params, "batch_stats": batch_stats}
    packs = _pack(config, jnp.repeat(images, config.packing, axis=0))
    network = _network(config)
    _, seen = network.discriminator(config.of_discriminator()).apply(
        variables, packs, labels, train=False, capture_intermediates=True, mutable=["intermediates"]
    )
    layers = jax.tree.leaves(seen["intermediates"])
    if network.features_first:
        layers = [layer.T[:, None, None, :] for layer in layers if layer.ndim == 2]
    return [layer for layer in layers if layer.ndim == 4 and layer[0].size > 1]


def _pack(config: GanConfig, images: Array) -> Array:
    """Join ``config.packing`` images at a time along their channels (Lin et al. 2018, section 3)."""
    if config.packing == 1:
        return images
    if len(images) % config.packing:
        raise ValueError(f"{len(images)} images do not fill packs of {config.packing}; give a multiple.")
    packs = jnp.moveaxis(images.reshape(-1, config.packing, *images.shape[1:]), 1, -2)
    return packs.reshape(*packs.shape[:-2], -1)


def _apply(
    network: nn.Module,
    shape: tuple[int, ...],
    params: Variables,
    batch_stats: Variables,
    inputs: Array,
    labels: Array | None,
    train: bool,
) -> tuple[Array, Variables]:
    """Outputs, which must have a shape, and the next batch statistics."""
    variables = {"params": params, "batch_stats": batch_stats}
    if train:
        outputs, updated = network.apply(variables, inputs, labels, train=True, mutable=["batch_stats"])
        batch_stats = cast(Variables, updated.get("batch_stats", {}))
    else:
        outputs = network.apply(variables, inputs, labels, train=False)
    outputs = cast(Array, outputs)
    if outputs.shape != shape:
        raise InputError(f"{type(network).__name__} returns the shape {outputs.shape}; it must return {shape}.")
    return outputs, batch_stats
