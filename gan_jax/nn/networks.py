"""The generators and discriminators by name, and how they are applied."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.fields import explain_fields
from gan_jax.nn.dcgan import Discriminator, Generator, dcgan_layers, infogan_layers
from gan_jax.nn.dense import DenseDiscriminator, DenseGenerator, as_images
from gan_jax.nn.layers import LEAKY_SLOPE, interleave
from gan_jax.nn.network import (
    Network,
    Variables,
    apply_linen,
    from_linen,
    images_like,
    latents_like,
    require_shape,
)
from gan_jax.nn.r3gan import R3ganDiscriminator, R3ganGenerator, stages_of
from gan_jax.parts import find_part


@explain_fields
class Networks(NamedTuple):
    """A generator and a discriminator that are trained together."""

    generator: Network
    """Turns latents ``[count, latent_dim]`` into images ``[count, *image_shape]`` in about [-1, 1]."""
    discriminator: Network
    """Turns images, or packs of them, into logits ``[count]``; above 0 means "real"."""
    require: Callable[[GanConfig], None] = lambda config: None
    """Raises an ``InputError`` where the networks are not made for a configuration."""


def _require(
    config: GanConfig,
    *,
    normalizations: Sequence[str] = ("batch", "spectral", "none"),
    smallest: Sequence[int] = (),
    points: bool = False,
) -> None:
    """Check what a pair of networks is made for.

    Args:
      config: the configuration.
      normalizations: of the discriminator.
      smallest: the image sizes that halving may end at; any size where there are none.
      points: whether it is for points too.
    """
    if config.normalization not in normalizations:
        allowed = " or ".join(normalizations)
        raise InputError(f"normalization is {config.normalization!r}; network {config.network} has {allowed}.")
    if config.makes_points:
        if not points:
            raise InputError(f"network {config.network} is for images; points need another, such as dense.")
        return
    size = config.image_shape[0]
    if smallest and not any(size == least * 2**halvings for least in smallest for halvings in range(1, 10)):
        allowed = " or ".join(map(str, smallest))
        raise InputError(
            f"image_shape is {config.image_shape}; network {config.network} needs {allowed} times a power of two "
            f"pixels, such as 28, 32, 64 or 128: resize the images."
        )


def _score_interleaved(
    config: GanConfig, variables: Variables, batches: Sequence[Array], labels: Array | None, *, key: Array | None
) -> tuple[list[Array], Variables]:
    count = len(batches)
    module = Discriminator(config, infogan_layers, batches=count)
    labels = None if labels is None else interleave([labels] * count)
    logits, variables = apply_linen(module, variables, interleave(batches), labels, train=True, key=key)
    return [logits[index::count] for index in range(count)], variables


def _require_r3gan(config: GanConfig) -> None:
    _require(config, normalizations=("none",), smallest=(4, 5, 6, 7))
    for own in (config, config.of_discriminator()):
        stages_of(own)


_infogan_activation = partial(nn.leaky_relu, negative_slope=LEAKY_SLOPE)

NETWORKS = {
    "dcgan": Networks(
        from_linen(partial(Generator, layers=dcgan_layers), latents_like),
        from_linen(partial(Discriminator, layers=dcgan_layers), images_like, single_image_logits=True),
        partial(_require, smallest=(4, 7)),
    ),
    "infogan": Networks(
        from_linen(partial(Generator, layers=infogan_layers, activation=_infogan_activation), latents_like),
        from_linen(
            partial(Discriminator, layers=infogan_layers),
            images_like,
            apply_batches=_score_interleaved,
            single_image_logits=True,
        ),
        partial(_require, smallest=(4, 7)),
    ),
    "r3gan": Networks(
        from_linen(R3ganGenerator, latents_like, single_latent_images=True),
        from_linen(R3ganDiscriminator, images_like, single_image_logits=True),
        _require_r3gan,
    ),
    "dense": Networks(
        from_linen(DenseGenerator, latents_like, single_latent_images=True),
        from_linen(DenseDiscriminator, images_like, features=as_images, single_image_logits=True),
        partial(_require, normalizations=("none", "spectral"), points=True),
    ),
}
"""By the names that ``GanConfig.network`` takes; entries may be added under other names."""


def find_networks(config: GanConfig) -> Networks:
    """The configured networks.

    Raises:
      InputError: there are none of the name, or they are not made for the configuration.
    """
    networks = find_part("network", NETWORKS, config.network, Networks)
    networks.require(config)
    if config.micro_batch is not None:
        _require_single(config, networks)
    return networks


def _require_single(config: GanConfig, networks: Networks) -> None:
    """Refuse micro-batches where a network's output for one input depends on the others in the batch."""
    if config.normalization != "batch" and networks.discriminator.single_image_logits:
        if networks.generator.single_latent_images:
            return
        which = "G"
    else:
        which = "D"
    raise InputError(
        f"micro_batch is {config.micro_batch}, but {which} of network {config.network} normalizes over a whole batch, "
        f"or does not say that it does not; choose network r3gan or dense without batch normalization, or leave it out."
    )


def init_networks(config: GanConfig, key: Array) -> tuple[Variables, Variables]:
    """Draw the initial variables of the generator and of the discriminator, float32.

    Raises:
      InputError: as ``find_networks``.
    """
    generator_key, discriminator_key = jax.random.split(key)
    networks = find_networks(config)
    return (
        networks.generator.init(config, generator_key),
        networks.discriminator.init(config.of_discriminator(), discriminator_key),
    )


def apply_generator(
    config: GanConfig,
    variables: Variables,
    latents: Array,
    labels: Array | None = None,
    *,
    train: bool,
    key: Array | None = None,
) -> tuple[Array, Variables]:
    """Turn latents into images.

    In train mode batch normalization uses the batch's own mean and variance, and moves the running statistics a tenth
    of the way to them; in eval mode the running statistics are used, and come back as they were.

    Args:
      config: the networks' configuration.
      variables: of the generator, such as ``state.generator.variables``.
      latents: ``[count, latent_dim]`` float32.
      labels: ``[count]`` int32, for a conditional generator; by default the classes in turn.
      train: the mode.
      key: ``[]`` typed PRNG key of what is random in the network, if anything is to be.

    Returns:
      Images, ``[count, height, width, channels]`` float32 in [-1, 1], and the next variables.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4)
      >>> generator = init_state(config, jax.random.key(0)).generator
      >>> images, _ = apply_generator(config, generator.variables, jnp.ones((8, 4)), train=True)
      >>> images.shape
      (8, 8, 8, 1)
    """
    network = find_networks(config).generator
    images, variables = network.apply(config, variables, latents, labels, train=train, key=key)
    return require_shape("generator", images, (*latents.shape[:1], *config.image_shape)), variables


def apply_discriminator(
    config: GanConfig,
    variables: Variables,
    images: Array,
    labels: Array | None = None,
    *,
    train: bool,
    key: Array | None = None,
) -> tuple[Array, Variables]:
    """Turn images into logits: one for each image, or for each ``config.packing`` images that follow one another.

    In train mode batch normalization works as in ``apply_generator``, and spectral normalization keeps the singular
    vectors that it found.

    Args:
      config: the networks' configuration.
      variables: of the discriminator, such as ``state.discriminator.variables``.
      images: ``[count, height, width, channels]`` float32 in [-1, 1].
      labels: ``[count]`` int32, for a conditional discriminator.
      train: the mode.
      key: as for ``apply_generator``.

    Returns:
      Logits, ``[count / packing]`` float32, and the next variables.

    Raises:
      ValueError: the images do not fill packs.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, packing=2)
      >>> discriminator = init_state(config, jax.random.key(0)).discriminator
      >>> logits, _ = apply_discriminator(config, discriminator.variables, jnp.zeros((8, 8, 8, 1)), train=False)
      >>> logits.shape
      (4,)
    """
    packs, network = _pack(config, images), find_networks(config).discriminator
    logits, variables = network.apply(config.of_discriminator(), variables, packs, labels, train=train, key=key)
    return require_shape("discriminator", logits, packs.shape[:1]), variables


def score_batches(
    config: GanConfig,
    variables: Variables,
    batches: Sequence[Array],
    labels: Array | None = None,
    *,
    key: Array | None = None,
) -> tuple[list[Array], Variables]:
    """Turn each batch into logits in train mode, as ``apply_discriminator`` does one after the other.

    Args:
      config: the networks' configuration.
      variables: of the discriminator.
      batches: images of equal shapes, each normalized by its own batch.
      labels: ``[count]`` int32, of every batch alike.
      key: as for ``apply_discriminator``; every batch sees the same random numbers.

    Returns:
      The logits of each batch, and the variables that the last one leaves.
    """
    apply_batches = find_networks(config).discriminator.apply_batches
    # Each pass moves spectral normalization's vectors on, and penalties share the passes over single batches.
    if apply_batches is None or config.normalization == "spectral" or config.penalties:
        logits = []
        for images in batches:
            scored, variables = apply_discriminator(config, variables, images, labels, train=True, key=key)
            logits.append(scored)
        return logits, variables
    packs = [_pack(config, images) for images in batches]
    logits, variables = apply_batches(config.of_discriminator(), variables, packs, labels, key=key)
    return [require_shape("discriminator", scored, packs[0].shape[:1]) for scored in logits], variables


def discriminator_features(
    config: GanConfig, variables: Variables, images: Array, labels: Array | None = None
) -> list[Array]:
    """What D's inner layers make of single images in eval mode: each ``[images, height, width, channels]``.

    A discriminator of packs sees every image beside copies of itself.

    Raises:
      InputError: the network does not tell them.
    """
    see = find_networks(config).discriminator.features
    if see is None:
        raise InputError(f"network {config.network} does not tell its features; give its discriminator some.")
    packs = _pack(config, jnp.repeat(images, config.packing, axis=0))
    return see(config.of_discriminator(), variables, packs, labels)


def _pack(config: GanConfig, images: Array) -> Array:
    """Join ``config.packing`` images at a time along their channels (Lin et al. 2018, section 3)."""
    if config.packing == 1:
        return images
    if len(images) % config.packing:
        raise ValueError(f"{len(images)} images do not fill packs of {config.packing}; give a multiple.")
    packs = jnp.moveaxis(images.reshape(-1, config.packing, *images.shape[1:]), 1, -2)
    return packs.reshape(*packs.shape[:-2], -1)
