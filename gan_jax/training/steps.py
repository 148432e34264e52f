"""The training steps: pure, compiled functions of ``(config, state, batch, key)`` that return ``(state, metrics)``.

The three share one type, so one loop trains with any of them. None consumes its arguments.
"""

from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array, lax

from gan_jax.config import GanConfig
from gan_jax.controllers import find_controller
from gan_jax.draws import AUGMENT_FOR_G, CRITIC_STEP, MIRROR, NETWORKS, fold
from gan_jax.errors import InputError
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import apply_generator, score_batches
from gan_jax.objectives.losses import find_objective, generator_objective, mean_score
from gan_jax.training.batches import Batch
from gan_jax.training.forward import discriminate, pixel_std, sample_latents
from gan_jax.training.micro_batches import all_of_parts, deal, mean_of_parts
from gan_jax.training.sharding import shard_batch
from gan_jax.training.state import GanState, NetworkState, update_ema
from gan_jax.training.updates import (
    Metrics,
    augmented,
    update_discriminator,
    update_generator,
)


class Step(Protocol):
    """A training step: a pure function that a scan can take again and again.

    It reports a dict of ``[]`` floats, and a run ends when one of them is not finite. What is random in it comes from
    its key alone, which the loop derives from the run's seed and ``state.step``; so the next state's ``step`` must be
    one more.
    """

    def __call__(self, config: GanConfig, state: Any, batch: Batch, key: Array, /) -> tuple[Any, Any]:
        """Train on one batch.

        Args:
          config: the networks' configuration; its static fields are Python values, the others may be tracers. In a loop
            of this package every schedule's setting is the number of this step.
          state: what the previous step returned, or what the game's ``init`` did.
          batch: ``[config.images_per_step, height, width, channels]`` float32 in [-1, 1], the real images; where the
            networks are conditional, with labels.
          key: ``[]`` typed PRNG key of this step.

        Returns:
          The next state, and the metrics.
        """
        ...


@jax.jit
def gan_step(config: GanConfig, state: GanState, batch: Batch, key: Array) -> tuple[GanState, Metrics]:
    """Train both networks on one batch (Goodfellow et al. 2014, algorithm 1).

    D learns from the images and from as many fakes, losses added, one update. Then the updated D scores the same fakes,
    and G takes one update along that. G runs forward once. With more than one critic step, D first learns from the
    other images and from other fakes. A G with a batch of its own sees images and latents that D has not learned from
    in this step (Huang et al. 2024).

    Args:
      config: networks, objective and optimizer.
      state: what the previous step returned, or ``init_state``.
      batch: ``[config.images_per_step, height, width, channels]`` float in [-1, 1]; with labels if conditional.
      key: ``[]`` typed PRNG key; decides the latents, and all else that is random.

    Returns:
      The next state, and the metrics of ``training/metrics.py``, D's of its last update.

    Raises:
      TypeError: the images are integers; ``normalize_images`` maps them.
      ValueError: the images are not of the configuration's shape or number, or labels are missing.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> state, metrics = gan_step(config, state, Batch(jnp.zeros((8, 8, 8, 1))), jax.random.key(1))
      >>> int(state.step), metrics["d_loss"].shape
      (1, ())
    """
    config = _settings_now(config, state)
    state, (*critic, (reals, labels)) = _take_critic_steps(config, state, _training_batch(config, batch, key), key)
    latents = shard_batch(sample_latents(config, key))
    if critic or config.micro_batch is not None:
        return _take_turns(config, state, critic, Batch(reals, labels), latents, key)

    def generator_forward(params: Variables) -> tuple[Array, Variables]:
        variables, random = state.generator.with_params(params).variables, fold(key, NETWORKS)
        return apply_generator(config, variables, latents, labels, train=True, key=random)

    fakes, pull_back, variables = jax.vjp(generator_forward, state.generator.params, has_aux=True)
    discriminator, d_metrics = update_discriminator(config, state, Batch(reals, labels), fakes, key)
    score = partial(_score_for_g, config, discriminator, labels, key)

    def loss(fakes: Array) -> tuple[Array, tuple[Array, Variables]]:
        return generator_objective(find_objective(config.objective), score, reals, fakes)

    (g_loss, (logits, after)), fakes_gradient = jax.value_and_grad(loss, has_aux=True)(fakes)
    (gradient,) = pull_back(fakes_gradient)
    generator, g_metrics = update_generator(config, state, latents, labels, key, gradient, variables)
    metrics = {**d_metrics, **g_metrics, "g_loss": g_loss, "d_g_z2": mean_score(logits)}
    metrics |= _moved_settings(config, state)
    state = state.replace(discriminator=discriminator.replace(variables=after))
    return _next_state(config, state, generator, metrics), metrics


def _score_for_g(
    config: GanConfig, discriminator: NetworkState, labels: Array | None, key: Array, batches: list[Array]
) -> tuple[list[Array], Variables]:
    seen = [augmented(config, images, key, AUGMENT_FOR_G) for images in batches]
    return score_batches(config, discriminator.variables, seen, labels, key=fold(key, NETWORKS))


def _take_turns(
    config: GanConfig, state: GanState, critic: list[Batch], batch: Batch, latents: Array, key: Array
) -> tuple[GanState, Metrics]:
    """D's update on its own batch, or on G's where it has none, then G's update, for which G runs forward again."""
    if critic:
        state, d_metrics = _critic_step(config, state, critic[0], fold(key, CRITIC_STEP + config.critic_steps - 1))
    else:
        state, d_metrics = _critic_step(config, state, batch, key, latents)

    def part(batch: tuple[Array, Array, Array | None], key: Array) -> tuple[Any, tuple[Variables, Variables]]:
        reals, latents, labels = batch
        score, random = partial(_score_for_g, config, state.discriminator, labels, key), fold(key, NETWORKS)

        def loss(params: Variables) -> tuple[Array, tuple[Array, Variables, Variables]]:
            variables = state.generator.with_params(params).variables
            fakes, variables = apply_generator(config, variables, latents, labels, train=True, key=random)
            g_loss, (logits, after) = generator_objective(find_objective(config.objective), score, reals, fakes)
            return g_loss, (mean_score(logits), variables, after)

        (g_loss, (mean, variables, after)), gradient = jax.value_and_grad(loss, has_aux=True)(state.generator.params)
        return (gradient, {"g_loss": g_loss, "d_g_z2": mean}), (variables, after)

    whole = batch.images, latents, batch.labels
    (gradient, g_losses), (variables, after) = mean_of_parts(config, part, whole, key)
    generator, g_metrics = update_generator(config, state, latents, batch.labels, key, gradient, variables)
    metrics = {**d_metrics, **g_metrics, **g_losses} | _moved_settings(config, state)
    state = state.replace(discriminator=state.discriminator.replace(variables=after))
    return _next_state(config, state, generator, metrics), metrics


@jax.jit
def generator_step(config: GanConfig, state: GanState, batch: Batch, key: Array) -> tuple[GanState, Metrics]:
    """Train G alone, against a constant D in eval mode: nothing of D changes, parameters and statistics alike.

    Args:
      config: networks, objective and optimizer.
      state: what the previous step returned, or ``init_state``.
      batch: as for ``gan_step``; used by an objective that compares reals with fakes, and for its labels.
      key: ``[]`` typed PRNG key; decides the latents, and all else that is random.

    Returns:
      The next state, and G's metrics.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> state, metrics = generator_step(config, state, Batch(jnp.zeros((8, 8, 8, 1))), jax.random.key(1))
      >>> sorted(metrics)
      ['d_g_z2', 'fake_std', 'g_gradient_norm', 'g_loss']
    """
    if config.micro_batch is not None:
        raise InputError("micro_batch is for trainings of D; G alone takes whole batches, so leave it out.")
    config, objective = _settings_now(config, state), find_objective(config.objective)
    latents = shard_batch(sample_latents(config, key))
    reals, labels = None, None
    if objective.sees_reals or config.conditional:
        reals, labels = jax.tree.map(lambda array: array[: config.batch_size], _training_batch(config, batch, key))

    def score(batches: list[Array]) -> tuple[list[Array], None]:
        seen = [augmented(config, images, key, AUGMENT_FOR_G) for images in batches]
        scored = [discriminate(config, state.discriminator.variables, images, labels) for images in seen]
        return scored, None

    def loss(params: Variables) -> tuple[Array, tuple[Array, Array, Variables]]:
        variables, random = state.generator.with_params(params).variables, fold(key, NETWORKS)
        fakes, variables = apply_generator(config, variables, latents, labels, train=True, key=random)
        g_loss, (logits, _) = generator_objective(objective, score, reals, fakes)
        return g_loss, (mean_score(logits), pixel_std(fakes), variables)

    (g_loss, (mean, deviation, variables)), gradient = jax.value_and_grad(loss, has_aux=True)(state.generator.params)
    generator, metrics = update_generator(config, state, latents, labels, key, gradient, variables)
    metrics |= {"g_loss": g_loss, "d_g_z2": mean, "fake_std": deviation} | _moved_settings(config, state)
    return _next_state(config, state, generator, metrics), metrics


@jax.jit
def discriminator_step(config: GanConfig, state: GanState, batch: Batch, key: Array) -> tuple[GanState, Metrics]:
    """Train D alone, on images and on the fakes of a G whose weights stay constant.

    G runs in train mode, as in the joint step, so its running statistics move; its parameters do not.

    Args:
      config: networks, objective and optimizer.
      state: what the previous step returned, or ``init_state``.
      batch: as for ``gan_step``.
      key: ``[]`` typed PRNG key; decides the latents, and all else that is random.

    Returns:
      The next state, and D's metrics, of its last update.

    Raises:
      TypeError: the images are integers; ``normalize_images`` maps them.
      ValueError: the images are not of the configuration's shape or number, or labels are missing.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> state, metrics = discriminator_step(config, state, Batch(jnp.zeros((8, 8, 8, 1))), jax.random.key(1))
      >>> sorted(metrics)
      ['d_g_z1', 'd_gradient_norm', 'd_loss', 'd_x', 'fake_std']
    """
    config = _settings_now(config, state)
    state, (batch, *_) = _take_critic_steps(config, state, _training_batch(config, batch, key), key)
    state, metrics = _critic_step(config, state, batch, key)
    metrics |= _moved_settings(config, state)
    return state.replace(step=state.step + 1, extra=_controlled(config, state, metrics)), metrics


def _settings_now(config: GanConfig, state: GanState) -> GanConfig:
    """The configuration with what controllers have set, and with its schedules' values unless a loop has set them."""
    for name in config.controllers:
        config = config.with_traced(find_controller(name).settings(config, state.extra[name]))
    return config.at(state.step)


def _moved_settings(config: GanConfig, state: GanState) -> Metrics:
    """What controllers have set for this step."""
    found = [find_controller(name).settings(config, state.extra[name]) for name in config.controllers]
    return {name: jnp.asarray(value, jnp.float32) for settings in found for name, value in settings.items()}


def _controlled(config: GanConfig, state: GanState, metrics: Metrics) -> Any:
    """The state's extras after the controllers have seen a step."""
    moved = {}
    for name in config.controllers:
        try:
            moved[name] = find_controller(name).update(config, state.extra[name], metrics)
        except KeyError as error:
            raise InputError(f"controller {name} needs the metric {error}, which this game does not report.") from None
    return state.extra | moved if moved else state.extra


def _next_state(config: GanConfig, state: GanState, generator: NetworkState, metrics: Metrics) -> GanState:
    """The state after G's update."""
    return state.replace(
        step=state.step + 1,
        generator=generator,
        ema=update_ema(config, state, generator),
        extra=_controlled(config, state, metrics),
    )


def _take_critic_steps(config: GanConfig, state: GanState, batch: Batch, key: Array) -> tuple[GanState, list[Batch]]:
    """Train D on all of its batches but the last; return the state, that one, and G's own batch where there is one."""
    if config.batches_per_step == 1:
        return state, [batch]
    batches = deal(batch, config.batches_per_step)
    rest = [
        jax.tree.map(lambda array, at=at: array[at], batches)
        for at in range(config.critic_steps - 1, config.batches_per_step)
    ]
    if config.critic_steps == 1:
        return state, rest

    def body(state: GanState, indexed: tuple[Array, Batch]) -> tuple[GanState, None]:
        index, batch = indexed
        return _critic_step(config, state, batch, fold(key, CRITIC_STEP + index))[0], None

    earlier = jax.tree.map(lambda array: array[: config.critic_steps - 1], batches)
    state, _ = lax.scan(body, state, (jnp.arange(config.critic_steps - 1), earlier))
    return state, rest


def _critic_step(
    config: GanConfig, state: GanState, batch: Batch, key: Array, latents: Array | None = None
) -> tuple[GanState, Metrics]:
    """Train D on one batch and new fakes; of G only the running statistics change."""
    generator = state.generator
    latents = shard_batch(sample_latents(config, key)) if latents is None else latents

    def part(batch: tuple[Array, Array | None], key: Array) -> tuple[Array, Variables]:
        random = fold(key, NETWORKS)
        return apply_generator(config, generator.variables, *batch, train=True, key=random)

    fakes, variables = all_of_parts(config, part, (latents, batch.labels), key)
    discriminator, metrics = update_discriminator(config, state, batch, fakes, key)
    return state.replace(generator=generator.replace(variables=variables), discriminator=discriminator), metrics


def _training_batch(config: GanConfig, batch: Batch, key: Array) -> Batch:
    """A step's images, each mirrored at random where the configuration says so, and labels for conditional networks."""
    images, labels = _require_batch(config, batch)
    if config.mirror:
        mirrored = jax.random.bernoulli(fold(key, MIRROR), shape=(len(images), 1, 1, 1))
        images = jnp.where(mirrored, images[:, :, ::-1], images)
    return Batch(images, labels)


def _require_batch(config: GanConfig, batch: Batch) -> Batch:
    """The images, with their labels where the networks are conditional."""
    if not isinstance(batch, Batch):
        raise TypeError(f"the batch is of type {type(batch).__name__}; pass Batch(images) or Batch(images, labels).")
    images, labels = batch
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"images are {images.dtype}; pass normalize_images(images), floats in [-1, 1].")
    expected = (config.images_per_step, *config.image_shape)
    if images.shape != expected:
        raise ValueError(f"images are {images.shape}, but the configuration says {expected}; change one of them.")
    if config.conditional and labels is None:
        raise ValueError("the networks are conditional; pass Batch(images, labels).")
    return Batch(images, labels if config.conditional else None)
