"""What networks do without learning: latents to images, images to logits, and which generator samples."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.data.shares import labels_in_shares
from gan_jax.draws import NETWORKS, draw_latents, fold
from gan_jax.nn.conditioning import classes_in_turn
from gan_jax.nn.layers import MOMENTUM
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import apply_discriminator, apply_generator
from gan_jax.training.batches import known_labels
from gan_jax.training.state import GanState

_RECALIBRATION_BATCHES = 32


def sample_latents(config: GanConfig, key: Array, count: int | None = None) -> Array:
    """Draw latents z ~ N(0, 1): ``[count, latent_dim]`` float32; a batch of them by default.

    Examples:
      >>> sample_latents(GanConfig(latent_dim=4, batch_size=8), jax.random.key(0)).shape
      (8, 4)
    """
    return draw_latents(key, (config.batch_size if count is None else count, config.latent_dim))


def generate(
    config: GanConfig, generator: Variables, latents: ArrayLike, labels: ArrayLike | Sequence[int] | None = None
) -> Array:
    """Turn latents into images, in eval mode: an image does not depend on the others in its batch.

    Args:
      config: the networks' configuration.
      generator: the generator's variables, such as ``sampling_generator`` gives.
      latents: ``[count, latent_dim]`` float32.
      labels: ``[count]`` int32 from 0 to ``num_classes - 1``, for a conditional generator; by default the classes in
        turn.

    Returns:
      ``[count, height, width, channels]`` float32 in [-1, 1].

    Raises:
      InputError: a label is not a class, or there are not as many as latents; traced labels are not checked.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> generate(config, state.generator.variables, sample_latents(config, jax.random.key(1), 3)).shape
      (3, 8, 8, 1)
    """
    return _generate(config, generator, latents, known_labels(config, labels, jnp.shape(latents)[:1]))


@jax.jit
def _generate(config: GanConfig, generator: Variables, latents: Array, labels: Array | None) -> Array:
    return apply_generator(config, generator, latents, labels, train=False)[0]


def batch_fakes(
    config: GanConfig, state: GanState, key: Array, labels: ArrayLike | Sequence[int] | None = None
) -> Array:
    """Turn the latents of the step with this key into images, in train mode, as the step does.

    Args:
      config: the networks' configuration.
      state: its generator is used.
      key: ``[]`` typed PRNG key, as given to the step.
      labels: ``[batch]`` int32, for a conditional generator; by default the classes in turn.

    Returns:
      ``[batch, height, width, channels]`` float32 in [-1, 1].

    Raises:
      InputError: as ``generate``.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> batch_fakes(config, state, jax.random.key(1)).shape
      (8, 8, 8, 1)
    """
    return _batch_fakes(config, state, key, known_labels(config, labels, (config.batch_size,)))


@jax.jit
def _batch_fakes(config: GanConfig, state: GanState, key: Array, labels: Array | None) -> Array:
    latents, random = sample_latents(config, key), fold(key, NETWORKS)
    return apply_generator(config, state.generator.variables, latents, labels, train=True, key=random)[0]


def pixel_std(images: Array) -> Array:
    """How much images differ: the root of the pixels' mean variance over the batch, ``[]`` float; 0 if all are alike.

    Args:
      images: ``[batch, height, width, channels]`` float in [-1, 1].

    Examples:
      >>> float(pixel_std(jnp.zeros((4, 8, 8, 1))))
      0.0
    """
    return jnp.sqrt(jnp.mean(jnp.var(images, axis=0)))


def discriminate(
    config: GanConfig, discriminator: Variables, images: ArrayLike, labels: ArrayLike | Sequence[int] | None = None
) -> Array:
    """Score images, in eval mode.

    Args:
      config: the networks' configuration.
      discriminator: the discriminator's variables.
      images: ``[count, height, width, channels]`` float32 in [-1, 1].
      labels: ``[count]`` int32, for a conditional discriminator.

    Returns:
      ``[count / config.packing]`` float32 logits; their sigmoid is the probability of "real" under the objectives
        with a logistic loss.

    Raises:
      InputError: as ``generate``.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> discriminate(config, state.discriminator.variables, jnp.zeros((3, 8, 8, 1))).shape
      (3,)
    """
    return _discriminate(config, discriminator, images, known_labels(config, labels, jnp.shape(images)[:1]))


@jax.jit
def _discriminate(config: GanConfig, discriminator: Variables, images: Array, labels: Array | None) -> Array:
    return apply_discriminator(config, discriminator, images, labels, train=False)[0]


def default_labels(config: GanConfig, count: int) -> Array | None:
    """The classes in turn, ``[count]`` int32, for conditional networks; None for others."""
    return classes_in_turn(config, count) if config.conditional else None


def sampling_generator(config: GanConfig, state: GanState) -> Variables:
    """The generator that samples, evaluates and exports: the average over the steps where there is one.

    With ``ema_statistics="recalibrated"`` its batch statistics are the means over 32 batches of its own images, as
    BigGAN's standing statistics (Brock et al. 2019); their classes have the shares that the training images have.

    Args:
      config: the networks' configuration.
      state: of a training.

    Returns:
      The variables, for ``generate``.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, ema_half_life=1000.0)
      >>> state = init_state(config, jax.random.key(0))
      >>> variables = sampling_generator(config, state)  # the average
      >>> bool((variables["params"]["conv_0"]["kernel"] == state.ema.params["conv_0"]["kernel"]).all())
      True
    """
    if state.ema is None:
        return state.generator.variables
    variables = state.ema.variables
    if config.ema_statistics == "recalibrated" and "batch_stats" in variables:
        return {**variables, "batch_stats": _recalibrated(config, variables)}
    return variables


@jax.jit
def _recalibrated(config: GanConfig, generator: Variables) -> Variables:
    # A running statistic of 0 moves by 1 - MOMENTUM of the batch's own.
    blank = {**generator, "batch_stats": jax.tree.map(jnp.zeros_like, generator["batch_stats"])}

    def batch_statistics(batch: tuple[Array, Array | None]) -> Variables:
        key, labels = batch
        _, moved = apply_generator(config, blank, sample_latents(config, key), labels, train=True)
        return jax.tree.map(lambda value: value / (1 - MOMENTUM), moved["batch_stats"])

    labels = None
    if config.conditional:
        counts = np.array(config.class_counts or [1] * config.num_classes)
        shape = _RECALIBRATION_BATCHES, config.batch_size
        labels = jnp.asarray(labels_in_shares(counts, math.prod(shape)).reshape(shape))
    keys = jax.random.split(jax.random.key(0), _RECALIBRATION_BATCHES)
    statistics = lax.map(batch_statistics, (keys, labels))
    return jax.tree.map(lambda values: values.mean(0), statistics)
