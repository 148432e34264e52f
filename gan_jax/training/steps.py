"""The training steps: pure, compiled functions of ``(config, state, images, key)`` that return ``(state, metrics)``.

The three share one type, so one loop trains with any of them. None consumes its arguments.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.nn.networks import Variables, apply_generator, score_batches
from gan_jax.objectives.augmentations import augment
from gan_jax.objectives.losses import find_objective, mean_score
from gan_jax.objectives.penalties import EXPANDABLE, Critic, expand, find_penalty, not_zero
from gan_jax.training.batches import LabelledImages
from gan_jax.training.forward import discriminate, image_spread, sample_latents
from gan_jax.training.metrics import (
    DiscriminatorMetrics,
    GanMetrics,
    GeneratorMetrics,
    PenalizedDiscriminatorMetrics,
    PenalizedGanMetrics,
)
from gan_jax.training.sharding import shard_batch
from gan_jax.training.state import GanState, NetworkState, apply_gradients, learning_rates, update_average

Tree = TypeVar("Tree")

# What is random in a step beside its latents has a key of its own: the step's, folded with one of these. Latents are
# drawn from the step's key itself, and repeat what smaller numbers would give.
_AUGMENT_FOR_D, _AUGMENT_FOR_G, _PENALTY, _CRITIC_STEP = (2**16 * number for number in (1, 2, 3, 4))

_LARGE_WEIGHT = 2**20  # entries; the squares of a smaller one stay in a cache


class Step(Protocol):
    """A training step: a pure function that a scan can take again and again.

    It reports a NamedTuple or a dict of ``[]`` floats, and a run ends when one of them is not finite. What is random in
    it comes from its key alone, which the loop derives from the run's seed and ``state.step``; so the next state's
    ``step`` must be one more.
    """

    def __call__(self, config: GanConfig, state: GanState, images: Any, key: Array, /) -> tuple[GanState, Any]:
        """Train on one batch.

        Args:
          config: the networks' configuration; its static fields are Python values, the others may be tracers.
          state: what the previous step returned, or ``init_state``.
          images: ``[config.images_per_step, height, width, channels]`` float32 in [-1, 1], the real images; where the
            networks are conditional, ``LabelledImages`` of them.
          key: ``[]`` typed PRNG key of this step.

        Returns:
          The next state, and the metrics.
        """
        ...


@jax.jit
def gan_step(
    config: GanConfig, state: GanState, images: Array | LabelledImages, key: Array
) -> tuple[GanState, GanMetrics | PenalizedGanMetrics]:
    """Train both networks on one batch (Goodfellow et al. 2014, algorithm 1).

    D learns from the images and from as many fakes, losses added, one update. Then the updated D scores the same fakes,
    and G takes one update along that. G runs forward once. With more than one critic step, D first learns from the
    other images and from other fakes.

    Args:
      config: networks, objective and optimizer.
      state: what the previous step returned, or ``init_state``.
      images: ``[config.images_per_step, height, width, channels]`` float in [-1, 1]; with labels if conditional.
      key: ``[]`` typed PRNG key; decides the latents, and all else that is random.

    Returns:
      The next state, and its ``GanMetrics``, D's of its last update.

    Raises:
      TypeError: the images are integers; ``normalize_images`` maps them.
      ValueError: the images are not of the configuration's shape or number, or labels are missing.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> images = jnp.zeros((8, 28, 28, 1))
      >>> state, metrics = gan_step(config, state, images, jax.random.key(1))
      >>> int(state.step), metrics.d_loss.shape
      (1, ())
    """
    reals, labels = _require_batch(config, images)
    state, reals, labels = _take_critic_steps(config, state, reals, labels, key)
    latents = shard_batch(sample_latents(config, key))

    def generator_forward(params: Variables) -> tuple[Array, Variables]:
        return apply_generator(config, params, state.generator.batch_stats, latents, labels, train=True)

    fakes, pull_back, generator_stats = jax.vjp(generator_forward, state.generator.params, has_aux=True)
    discriminator, d_metrics = _update_discriminator(config, state, reals, fakes, labels, key)
    objective = find_objective(config.objective)

    def score_fakes(fakes: Array) -> tuple[Array, tuple[Array, Variables]]:
        batches = (reals, fakes) if objective.sees_reals else (fakes,)
        seen = [_augment(config, images, key, _AUGMENT_FOR_G) for images in batches]
        scored, stats = score_batches(config, discriminator.params, discriminator.batch_stats, seen, labels)
        *real_logits, logits = scored
        return objective.generator(logits, *real_logits), (mean_score(logits), stats)

    (g_loss, (score, discriminator_stats)), fakes_gradient = jax.value_and_grad(score_fakes, has_aux=True)(fakes)
    (generator_gradient,) = pull_back(fakes_gradient)
    norm = _norm(generator_gradient)
    step, rate = state.step + 1, _after(norm, learning_rates(config, state.step).generator)
    generator = apply_gradients(config, state.generator, generator_gradient, generator_stats, rate)
    next_state = GanState(
        step=step,
        generator=generator,
        discriminator=discriminator.replace(batch_stats=discriminator_stats),
        average=update_average(config, state, generator),
    )
    kind = PenalizedGanMetrics if config.penalties else GanMetrics
    return next_state, kind(**d_metrics._asdict(), g_loss=g_loss, d_g_z2=score, g_gradient_norm=norm)


@jax.jit
def generator_step(
    config: GanConfig, state: GanState, images: Array | LabelledImages, key: Array
) -> tuple[GanState, GeneratorMetrics]:
    """Train G alone, against a constant D in eval mode: nothing of D changes, parameters and statistics alike.

    Args:
      config: networks, objective and optimizer.
      state: what the previous step returned, or ``init_state``.
      images: as for ``gan_step``; used by an objective that compares reals with fakes, and for their labels.
      key: ``[]`` typed PRNG key; decides the latents, and all else that is random.

    Returns:
      The next state, and its ``GeneratorMetrics``.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> images = jnp.zeros((8, 28, 28, 1))
      >>> state, metrics = generator_step(config, state, images, jax.random.key(1))
      >>> metrics._fields
      ('g_loss', 'd_g_z2', 'g_gradient_norm', 'fake_spread')
    """
    latents = shard_batch(sample_latents(config, key))
    objective = find_objective(config.objective)
    reals, labels = None, None
    if objective.sees_reals or config.conditional:
        reals, labels = jax.tree.map(lambda array: array[: config.batch_size], _require_batch(config, images))

    def loss(params: Variables) -> tuple[Array, tuple[Array, Array, Variables]]:
        fakes, stats = apply_generator(config, params, state.generator.batch_stats, latents, labels, train=True)
        batches = (fakes, cast(Array, reals)) if objective.sees_reals else (fakes,)
        seen = [_augment(config, images, key, _AUGMENT_FOR_G) for images in batches]
        logits, *real_logits = [discriminate(config, state.discriminator, images, labels) for images in seen]
        return objective.generator(logits, *real_logits), (mean_score(logits), image_spread(fakes), stats)

    (g_loss, (score, spread, stats)), gradient = jax.value_and_grad(loss, has_aux=True)(state.generator.params)
    norm = _norm(gradient)
    rate = _after(norm, learning_rates(config, state.step).generator)
    generator = apply_gradients(config, state.generator, gradient, stats, rate)
    metrics = GeneratorMetrics(g_loss, score, norm, spread)
    average = update_average(config, state, generator)
    return state.replace(step=state.step + 1, generator=generator, average=average), metrics


@jax.jit
def discriminator_step(
    config: GanConfig, state: GanState, images: Array | LabelledImages, key: Array
) -> tuple[GanState, DiscriminatorMetrics | PenalizedDiscriminatorMetrics]:
    """Train D alone, on images and on the fakes of a G whose weights stay constant.

    G runs in train mode, as in the joint step, so its running statistics move; its parameters do not.

    Args:
      config: networks, objective and optimizer.
      state: what the previous step returned, or ``init_state``.
      images: as for ``gan_step``.
      key: ``[]`` typed PRNG key; decides the latents, and all else that is random.

    Returns:
      The next state, and its ``DiscriminatorMetrics``, of D's last update.

    Raises:
      TypeError: the images are integers; ``normalize_images`` maps them.
      ValueError: the images are not of the configuration's shape or number, or labels are missing.

    Examples:
      >>> from gan_jax import init_state
      >>> config = GanConfig(width=2, latent_dim=4, batch_size=8)
      >>> state = init_state(config, jax.random.key(0))
      >>> images = jnp.zeros((8, 28, 28, 1))
      >>> state, metrics = discriminator_step(config, state, images, jax.random.key(1))
      >>> metrics._fields
      ('d_loss', 'd_x', 'd_g_z1', 'd_gradient_norm', 'fake_spread')
    """
    reals, labels = _require_batch(config, images)
    state, reals, labels = _take_critic_steps(config, state, reals, labels, key)
    state, metrics = _critic_step(config, state, reals, labels, key)
    return state.replace(step=state.step + 1), metrics


def _take_critic_steps(
    config: GanConfig, state: GanState, reals: Array, labels: Array | None, key: Array
) -> tuple[GanState, Array, Array | None]:
    """Train D on all of a step's batches but the last; return the state and the last batch."""
    if config.critic_steps == 1:
        return state, reals, labels

    def body(state: GanState, batch: tuple[Array, Array, Array | None]) -> tuple[GanState, None]:
        index, reals, labels = batch
        return _critic_step(config, state, reals, labels, _fold(key, _CRITIC_STEP + index))[0], None

    batches = split_by_critic_step(config, (reals, labels))
    earlier, last = (jax.tree.map(lambda array, part=part: array[part], batches) for part in (slice(-1), -1))
    state, _ = lax.scan(body, state, (jnp.arange(config.critic_steps - 1), *earlier))
    return state, *last


def split_by_critic_step(config: GanConfig, tree: Tree) -> Tree:
    """Arrays ``[images per step, …]`` as ``[critic steps, batch, …]``; a batch's images stay on their devices."""

    def split(array: Array) -> Array:
        return jnp.moveaxis(array.reshape(config.batch_size, config.critic_steps, *array.shape[1:]), 1, 0)

    return jax.tree.map(split, tree)


def _critic_step(
    config: GanConfig, state: GanState, reals: Array, labels: Array | None, key: Array
) -> tuple[GanState, DiscriminatorMetrics | PenalizedDiscriminatorMetrics]:
    """Train D on one batch and new fakes; of G, only the batch statistics move."""
    latents, generator = shard_batch(sample_latents(config, key)), state.generator
    fakes, stats = apply_generator(config, generator.params, generator.batch_stats, latents, labels, train=True)
    discriminator, metrics = _update_discriminator(config, state, reals, fakes, labels, key)
    return state.replace(generator=generator.replace(batch_stats=stats), discriminator=discriminator), metrics


class _Scored(NamedTuple):
    """What D's pass over reals and fakes gives."""

    loss: Array
    logits: list[Array]  # of the reals, of the fakes
    stats: Variables
    penalty: tuple[Array, ...] = ()


def _update_discriminator(
    config: GanConfig, state: GanState, reals: Array, fakes: Array, labels: Array | None, key: Array
) -> tuple[NetworkState, DiscriminatorMetrics | PenalizedDiscriminatorMetrics]:
    """Score reals, then fakes, each normalized by its own batch; one update along the loss and the penalties.

    R1 and R2 of whole batches need no way back through D of their own: the loss's goes on to the images.
    """
    discriminator = state.discriminator
    objective = find_objective(config.objective).discriminator

    def score(params: Variables, *batches: Array) -> tuple[list[Array], Variables]:
        seen = [_augment(config, images, key, _AUGMENT_FOR_D) for images in batches]
        kinds = None if labels is None else labels[: len(seen[0])]
        return score_batches(config, params, discriminator.batch_stats, seen, kinds)

    def loss(params: Variables) -> tuple[Array, _Scored]:
        logits, stats = score(params, reals, fakes)
        d_loss = objective(*logits, config.real_weight, config.fake_weight)
        scored = _Scored(d_loss, logits, stats)
        if not config.penalties:
            return d_loss, scored
        critics = dict.fromkeys(config.penalties, lambda images: score(params, images)[0][0])
        penalty = _penalty(config, critics, reals, fakes, key)
        return d_loss + penalty, scored._replace(penalty=(penalty,))

    def expanded(params: Variables) -> tuple[Array, tuple[_Scored, Variables]]:
        logits, pull_back, stats = jax.vjp(score, params, reals, fakes, has_aux=True)
        d_loss, slopes = jax.value_and_grad(objective, (0, 1))(*logits, config.real_weight, config.fake_weight)
        slopes = [lax.stop_gradient(not_zero(one)) for one in slopes]  # they cancel in an expansion
        loss_gradient, *image_gradients = pull_back(slopes)
        expansions = map(expand, (reals, fakes), logits, slopes, image_gradients)
        penalty = _penalty(config, dict(zip(EXPANDABLE, expansions, strict=True)), reals, fakes, key)
        return penalty, (_Scored(d_loss, logits, stats, (penalty,)), loss_gradient)

    if config.penalties and config.penalty_share == 1 and set(config.penalties) <= set(EXPANDABLE):
        (_, (scored, loss_gradient)), gradient = jax.value_and_grad(expanded, has_aux=True)(discriminator.params)
        gradient = optax.tree.add(loss_gradient, gradient)
    else:
        (_, scored), gradient = jax.value_and_grad(loss, has_aux=True)(discriminator.params)
    kind = PenalizedDiscriminatorMetrics if config.penalties else DiscriminatorMetrics
    norm = _norm(gradient)
    d_x, d_g_z1 = map(mean_score, scored.logits)
    metrics = kind(scored.loss, d_x, d_g_z1, norm, image_spread(fakes), *scored.penalty)
    rate = _after(norm, learning_rates(config, state.step).discriminator)
    return apply_gradients(config, discriminator, gradient, scored.stats, rate), metrics


def _norm(gradient: Variables) -> Array:
    """The Euclidean norm. It squares a large weight's gradient itself: to share the squares with Adam takes longer."""

    def apart(one: Array) -> Array:
        return lax.optimization_barrier(one) if one.size >= _LARGE_WEIGHT else one

    return optax.tree.norm(jax.tree.map(apart, gradient))


def _after(norm: Array, rate: ArrayLike) -> Array:
    """The learning rate, of use once the gradient is complete: XLA then need not copy the weights to update them."""
    return 0 * norm + rate


def _penalty(config: GanConfig, critics: Mapping[str, Critic], reals: Array, fakes: Array, key: Array) -> Array:
    """The configured penalties of a share of the batch, with their weight."""
    count = max(1, round(config.penalty_share * config.batch_size))
    key, pairs = _fold(key, _PENALTY), (reals[:count], fakes[:count])
    penalties = [find_penalty(name)(critics[name], *pairs, _fold(key, at)) for at, name in enumerate(config.penalties)]
    return config.penalty_weight * sum(penalties, start=jnp.zeros(()))


def _augment(config: GanConfig, images: Array, key: Array, tag: int) -> Array:
    """What D is shown of images."""
    return augment(config.augmentations, _fold(key, tag), images) if config.augmentations else images


def _fold(key: Array, tag: ArrayLike) -> Array:
    """A key for something else than the latents."""
    return jax.random.fold_in(key, tag)


def _require_batch(config: GanConfig, images: Array | LabelledImages) -> tuple[Array, Array | None]:
    """The images, and their labels where the networks are conditional."""
    reals, labels = images if isinstance(images, LabelledImages) else (images, None)
    if not jnp.issubdtype(reals.dtype, jnp.floating):
        raise TypeError(f"images are {reals.dtype}; pass normalize_images(images), floats in [-1, 1].")
    expected = (config.images_per_step, *config.image_shape)
    if reals.shape != expected:
        raise ValueError(f"images are {reals.shape}, but the configuration says {expected}; change one of them.")
    if config.conditional and labels is None:
        raise ValueError("the networks are conditional; pass LabelledImages(images, labels).")
    return reals, labels if config.conditional else None
