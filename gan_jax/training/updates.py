"""One update of a network: its losses and penalties, their gradient, and the optimizer's step."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.draws import AUGMENT_FOR_D, GENERATOR_PENALTY, NETWORKS, PENALTY, fold
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import apply_generator, find_networks, score_batches
from gan_jax.objectives.augmentations import augment
from gan_jax.objectives.losses import find_objective, mean_score
from gan_jax.objectives.penalties import EXPANDABLE, Critic, expand, find_generator_penalty, not_zero, sum_penalties
from gan_jax.training.batches import Batch
from gan_jax.training.forward import pixel_std
from gan_jax.training.micro_batches import mean_of_parts
from gan_jax.training.state import GanState, NetworkState, apply_gradients

Tree = TypeVar("Tree")
Metrics = dict[str, Array]  # [] float32 each; training/metrics.py says what they are

_LARGE_WEIGHT = 2**20  # entries; the squares of a smaller one stay in a cache


class _Scored(NamedTuple):
    """What D's pass over reals and fakes gives."""

    loss: Array
    logits: list[Array]  # of the reals, of the fakes
    variables: Variables
    penalty: Array | None = None


def update_discriminator(
    config: GanConfig, state: GanState, batch: Batch, fakes: Array, key: Array
) -> tuple[NetworkState, Metrics]:
    """One update along the loss and the penalties."""

    def part(batch: tuple[Batch, Array], key: Array) -> tuple[tuple[Variables, Metrics], Variables]:
        gradient, scored = _discriminator_gradient(config, state, *batch, key)
        d_x, d_g_z1 = map(mean_score, scored.logits)
        metrics = {"d_loss": scored.loss, "d_x": d_x, "d_g_z1": d_g_z1}
        if scored.penalty is not None:
            metrics["penalty"] = scored.penalty
        if config.controllers:
            metrics["d_sign"] = jnp.mean(jnp.sign(scored.logits[0]))
        return (gradient, metrics), scored.variables

    (gradient, metrics), variables = mean_of_parts(config, part, (batch, fakes), key)
    norm = _norm(gradient)
    metrics |= {"d_gradient_norm": norm, "fake_std": pixel_std(fakes)}
    given = config.discriminator_learning_rate
    rate = _after(norm, config.learning_rate if given is None else given)
    return apply_gradients(config, state.discriminator, gradient, variables, rate), metrics


def _discriminator_gradient(
    config: GanConfig, state: GanState, batch: Batch, fakes: Array, key: Array
) -> tuple[Variables, _Scored]:
    """Score reals, then fakes, each normalized by its own batch.

    Where the loss has been followed back to the images, the gradients that R1 and R2 penalize are known, and no other
    pass through D is needed for them.
    """
    discriminator, (reals, labels) = state.discriminator, batch
    objective = find_objective(config.objective).discriminator

    def score(params: Variables, *batches: Array) -> tuple[list[Array], Variables]:
        seen = [augmented(config, images, key, AUGMENT_FOR_D) for images in batches]
        classes = None if labels is None else labels[: len(seen[0])]
        variables = discriminator.with_params(params).variables
        return score_batches(config, variables, seen, classes, key=fold(key, NETWORKS))

    def loss(params: Variables) -> tuple[Array, _Scored]:
        logits, variables = score(params, reals, fakes)
        d_loss = objective(*logits, config.real_weight, config.fake_weight)
        scored = _Scored(d_loss, logits, variables)
        if not config.penalties:
            return d_loss, scored
        critics = dict.fromkeys(config.penalties, lambda images: score(params, images)[0][0])
        penalty = _penalty(config, critics, reals, fakes, key, state.step)
        return d_loss + penalty, scored._replace(penalty=penalty)

    def expanded(params: Variables) -> tuple[Array, tuple[_Scored, Variables]]:
        logits, pull_back, variables = jax.vjp(score, params, reals, fakes, has_aux=True)
        d_loss, slopes = jax.value_and_grad(objective, (0, 1))(*logits, config.real_weight, config.fake_weight)
        slopes = [lax.stop_gradient(not_zero(slope)) for slope in slopes]  # they cancel in an expansion
        loss_gradient, *image_gradients = pull_back(slopes)
        expansions = map(expand, (reals, fakes), logits, slopes, image_gradients)
        penalty = _penalty(config, dict(zip(EXPANDABLE, expansions, strict=True)), reals, fakes, key, state.step)
        return penalty, (_Scored(d_loss, logits, variables, penalty), loss_gradient)

    if shares_a_pass(config):
        (_, (scored, loss_gradient)), gradient = jax.value_and_grad(expanded, has_aux=True)(discriminator.params)
        gradient = optax.tree.add(loss_gradient, gradient)
    else:
        (_, scored), gradient = jax.value_and_grad(loss, has_aux=True)(discriminator.params)
    return gradient, scored


def shares_a_pass(config: GanConfig) -> bool:
    """Whether the penalties are taken from the loss's own pass through D."""
    whole = config.penalty_share == 1 and config.penalty_every == 1
    possible = bool(config.penalties) and set(config.penalties) <= set(EXPANDABLE)
    return whole and possible and find_networks(config).discriminator.single_image_logits


def update_generator(
    config: GanConfig,
    state: GanState,
    latents: Array,
    labels: Array | None,
    key: Array,
    gradient: Variables,
    variables: Variables,
) -> tuple[NetworkState, Metrics]:
    """One update of G along the loss's gradient and its penalties; ``variables`` are those that its pass left."""
    penalties = {}
    if config.generator_penalties:
        penalty, added = _generator_penalty(config, state, latents, labels, key)
        gradient, penalties = optax.tree.add(gradient, added), {"g_penalty": penalty}
    norm = _norm(gradient)
    generator = apply_gradients(config, state.generator, gradient, variables, _after(norm, config.learning_rate))
    return generator, {"g_gradient_norm": norm} | penalties


def _generator_penalty(
    config: GanConfig, state: GanState, latents: Array, labels: Array | None, key: Array
) -> tuple[Array, Variables]:
    """G's penalties with their weight, and their gradient; zeros in the steps between."""
    every, key, random = config.generator_penalty_every, fold(key, GENERATOR_PENALTY), fold(key, NETWORKS)

    def penalty(params: Variables) -> Array:
        def generate(latents: Array) -> Array:
            variables = state.generator.with_params(params).variables
            return apply_generator(config, variables, latents, labels, train=True, key=random)[0]

        found = [
            find_generator_penalty(name)(generate, latents, fold(key, at))
            for at, name in enumerate(config.generator_penalties)
        ]
        return config.generator_penalty_weight * every * sum(found, start=jnp.zeros(()))

    return _when_due(every, state.step, lambda: jax.value_and_grad(penalty)(state.generator.params))


def _when_due(every: int, step: Array, compute: Callable[[], Tree]) -> Tree:
    """The value of ``compute`` in every ``every``-th step, and zeros in the others."""
    if every == 1:
        return compute()
    shapes = jax.eval_shape(compute)
    return lax.cond(
        step % every == 0, compute, lambda: jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    )


def _norm(gradient: Variables) -> Array:
    """The Euclidean norm. It squares a large weight's gradient itself: to share the squares with Adam takes longer."""

    def apart(leaf: Array) -> Array:
        return lax.optimization_barrier(leaf) if leaf.size >= _LARGE_WEIGHT else leaf

    return optax.tree.norm(jax.tree.map(apart, gradient))


def _after(norm: Array, rate: ArrayLike) -> Array:
    """The learning rate, made to depend on the gradient's norm, so that XLA updates the weights in place."""
    return 0 * norm + rate


def _penalty(
    config: GanConfig, critics: Mapping[str, Critic], reals: Array, fakes: Array, key: Array, step: Array
) -> Array:
    """The configured penalties of a share of the batch with their weight; 0 in the steps between."""
    every, count = config.penalty_every, max(1, round(config.penalty_share * len(reals)))

    def penalty() -> Array:
        keys = [fold(fold(key, PENALTY), at) for at in range(len(config.penalties))]
        found = sum_penalties(config.penalties, critics, reals[:count], fakes[:count], keys)
        return config.penalty_weight * every * found

    return _when_due(every, step, penalty)


def augmented(config: GanConfig, images: Array, key: Array, tag: int) -> Array:
    """What D is shown of images."""
    if not config.augmentations:
        return images
    return augment(config.augmentations, fold(key, tag), images, config.augmentation_probability)
