"""The training steps: pure, compiled functions of ``(config, state, images, key)`` that return ``(state, metrics)``.

The three share one type, so one loop trains with any of them. None consumes its arguments.
"""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.nn.networks import Variables, apply_discriminator, apply_generator
from gan_jax.objectives.losses import discriminator_loss, generator_loss, mean_score
from gan_jax.training.sharding import shard_batch
from gan_jax.training.state import GanState, NetworkState, apply_gradients


class Step(Protocol):
    """A training step: a pure function that a scan can take again and again.

    It reports a NamedTuple or a dict of ``[]`` floats, and a run ends when one of them is not finite. What is random in
    it comes from its key alone, which the loop derives from the run's seed and ``state.step``; so the next state's
    ``step`` must be one more.
    """

    def __call__(self, config: GanConfig, state: GanState, images: Array, key: Array, /) -> tuple[GanState, Any]:
        """Train on one batch.

        Args:
          config: the networks' configuration; its static fields are Python values, the others may be tracers.
          state: what the previous step returned, or ``init_state``.
          images: ``[batch, height, width, channels]`` float32 in [-1, 1], the real images.
          key: ``[]`` typed PRNG key of this step.

        Returns:
          The state one step later, and the metrics.
        """
        ...


class GanMetrics(NamedTuple):
    """What a joint step reports; each ``[]`` float32."""

    d_loss: Array  # nats
    g_loss: Array  # nats
    d_x: Array  # mean D(x), in [0, 1]
    d_g_z1: Array  # mean D(G(z)) before D's update
    d_g_z2: Array  # mean D(G(z)) of the same fakes after D's update
    d_gradient_norm: Array  # Euclidean, over all of D's parameters
    g_gradient_norm: Array  # Euclidean, over all of G's parameters
    fake_spread: Array  # image_spread of the fakes, in [0, 1]


class GeneratorMetrics(NamedTuple):
    """What a generator step reports; each ``[]`` float32."""

    g_loss: Array  # nats
    d_g_z2: Array  # mean D(G(z)), in [0, 1]
    g_gradient_norm: Array
    fake_spread: Array


class DiscriminatorMetrics(NamedTuple):
    """What a discriminator step reports; each ``[]`` float32."""

    d_loss: Array  # nats
    d_x: Array  # mean D(x), in [0, 1]
    d_g_z1: Array  # mean D(G(z)) before D's update
    d_gradient_norm: Array
    fake_spread: Array


def sample_latents(config: GanConfig, key: Array, count: int | None = None) -> Array:
    """Draw latents z ~ N(0, 1): ``[count, latent_dim]`` float32; a batch of them by default."""
    return jax.random.normal(key, (config.batch_size if count is None else count, config.latent_dim))


@jax.jit
def generate(config: GanConfig, generator: NetworkState, latents: Array) -> Array:
    """Turn latents into images, in eval mode: an image does not depend on the others in its batch.

    Args:
      config: the networks' configuration.
      generator: the generator's state.
      latents: ``[count, latent_dim]`` float32.

    Returns:
      ``[count, height, width, channels]`` float32 in [-1, 1].
    """
    return apply_generator(config, generator.params, generator.batch_stats, latents, train=False)[0]


@jax.jit
def batch_fakes(config: GanConfig, state: GanState, key: Array) -> Array:
    """Turn the latents of the step with this key into images, in train mode, as the step does.

    Args:
      config: the networks' configuration.
      state: its generator is used.
      key: ``[]`` typed PRNG key, as given to the step.

    Returns:
      ``[batch, height, width, channels]`` float32 in [-1, 1].
    """
    generator, latents = state.generator, sample_latents(config, key)
    return apply_generator(config, generator.params, generator.batch_stats, latents, train=True)[0]


def image_spread(images: Array) -> Array:
    """How much images differ: the root of the pixels' mean variance over the batch, ``[]`` float; 0 if all are alike.

    Args:
      images: ``[batch, height, width, channels]`` float in [-1, 1].

    Examples:
      >>> float(image_spread(jnp.zeros((4, 28, 28, 1))))
      0.0
    """
    return jnp.sqrt(jnp.mean(jnp.var(images, axis=0)))


@jax.jit
def discriminate(config: GanConfig, discriminator: NetworkState, images: Array) -> Array:
    """Score images, in eval mode.

    Args:
      config: the networks' configuration.
      discriminator: the discriminator's state.
      images: ``[count, height, width, channels]`` float32 in [-1, 1].

    Returns:
      ``[count]`` float32 logits; their sigmoid is the probability of "real".
    """
    return apply_discriminator(config, discriminator.params, discriminator.batch_stats, images, train=False)[0]


@jax.jit
def gan_step(config: GanConfig, state: GanState, images: Array, key: Array) -> tuple[GanState, GanMetrics]:
    """Train both networks on one batch (Goodfellow et al. 2014, algorithm 1, with k = 1).

    D learns from the images (labels 1) and from as many fakes (labels 0), losses added, one update. Then the updated D
    scores the same fakes against labels 1, and G takes one update along that. G runs forward once.

    Args:
      config: the networks' configuration.
      state: what the previous step returned, or ``init_state``.
      images: ``[batch, height, width, channels]`` float in [-1, 1].
      key: ``[]`` typed PRNG key; decides the latents.

    Returns:
      The state one step on, and its ``GanMetrics``.

    Raises:
      TypeError: the images are integers; ``normalize_images`` maps them.
      ValueError: the images are not of the configuration's shape or batch size.
    """
    _require_batch(config, images)
    latents = shard_batch(sample_latents(config, key))

    def generator_forward(params: Variables) -> tuple[Array, Variables]:
        return apply_generator(config, params, state.generator.batch_stats, latents, train=True)

    fakes, pull_back, generator_stats = jax.vjp(generator_forward, state.generator.params, has_aux=True)
    discriminator, d_metrics = _update_discriminator(config, state.discriminator, images, fakes)

    def score_fakes(fakes: Array) -> tuple[Array, tuple[Array, Variables]]:
        logits, stats = apply_discriminator(config, discriminator.params, discriminator.batch_stats, fakes, train=True)
        return generator_loss(logits), (mean_score(logits), stats)

    (g_loss, (score, discriminator_stats)), fakes_gradient = jax.value_and_grad(score_fakes, has_aux=True)(fakes)
    (generator_gradient,) = pull_back(fakes_gradient)
    next_state = GanState(
        step=state.step + 1,
        generator=apply_gradients(config, state.generator, generator_gradient, generator_stats),
        discriminator=discriminator.replace(batch_stats=discriminator_stats),
    )
    norm = optax.tree.norm(generator_gradient)
    return next_state, GanMetrics(**d_metrics._asdict(), g_loss=g_loss, d_g_z2=score, g_gradient_norm=norm)


@jax.jit
def generator_step(config: GanConfig, state: GanState, images: Array, key: Array) -> tuple[GanState, GeneratorMetrics]:
    """Train G alone, against a constant D in eval mode: nothing of D changes, parameters and statistics alike.

    Args:
      config: the networks' configuration.
      state: what the previous step returned, or ``init_state``.
      images: not used; G learns from D alone.
      key: ``[]`` typed PRNG key; decides the latents.

    Returns:
      The state one step on, and its ``GeneratorMetrics``.
    """
    del images
    latents = shard_batch(sample_latents(config, key))

    def loss(params: Variables) -> tuple[Array, tuple[Array, Array, Variables]]:
        fakes, stats = apply_generator(config, params, state.generator.batch_stats, latents, train=True)
        logits = discriminate(config, state.discriminator, fakes)
        return generator_loss(logits), (mean_score(logits), image_spread(fakes), stats)

    (g_loss, (score, spread, stats)), gradient = jax.value_and_grad(loss, has_aux=True)(state.generator.params)
    generator = apply_gradients(config, state.generator, gradient, stats)
    metrics = GeneratorMetrics(g_loss, score, optax.tree.norm(gradient), spread)
    return state.replace(step=state.step + 1, generator=generator), metrics


@jax.jit
def discriminator_step(
    config: GanConfig, state: GanState, images: Array, key: Array
) -> tuple[GanState, DiscriminatorMetrics]:
    """Train D alone, on images (labels 1) and on the fakes (labels 0) of a G whose weights stay constant.

    G runs in train mode, as in the joint step, so its running statistics move; its parameters do not.

    Args:
      config: the networks' configuration.
      state: what the previous step returned, or ``init_state``.
      images: ``[batch, height, width, channels]`` float in [-1, 1].
      key: ``[]`` typed PRNG key; decides the latents.

    Returns:
      The state one step on, and its ``DiscriminatorMetrics``.

    Raises:
      TypeError: the images are integers; ``normalize_images`` maps them.
      ValueError: the images are not of the configuration's shape or batch size.
    """
    _require_batch(config, images)
    latents = shard_batch(sample_latents(config, key))
    generator = state.generator
    fakes, stats = apply_generator(config, generator.params, generator.batch_stats, latents, train=True)
    discriminator, metrics = _update_discriminator(config, state.discriminator, images, fakes)
    return GanState(state.step + 1, generator.replace(batch_stats=stats), discriminator), metrics


def _update_discriminator(
    config: GanConfig, discriminator: NetworkState, images: Array, fakes: Array
) -> tuple[NetworkState, DiscriminatorMetrics]:
    """Score reals, then fakes, each normalized by its own batch; one update along the sum of the losses."""

    def loss(params: Variables) -> tuple[Array, tuple[Array, Array, Variables]]:
        real_logits, stats = apply_discriminator(config, params, discriminator.batch_stats, images, train=True)
        fake_logits, stats = apply_discriminator(config, params, stats, fakes, train=True)
        scores = mean_score(real_logits), mean_score(fake_logits)
        return discriminator_loss(real_logits, fake_logits, config.real_weight, config.fake_weight), (*scores, stats)

    (d_loss, (d_x, d_g_z1, stats)), gradient = jax.value_and_grad(loss, has_aux=True)(discriminator.params)
    metrics = DiscriminatorMetrics(d_loss, d_x, d_g_z1, optax.tree.norm(gradient), image_spread(fakes))
    return apply_gradients(config, discriminator, gradient, stats), metrics


def _require_batch(config: GanConfig, images: Array) -> None:
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"images are {images.dtype}; pass normalize_images(images), floats in [-1, 1].")
    expected = (config.batch_size, *config.image_shape)
    if images.shape != expected:
        raise ValueError(f"images are {images.shape}, but the configuration says {expected}; change one of them.")
