"""What is to be seen of a GAN in the plane: D's landscape, samples, and where G is told to move them."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.nn.network import Variables
from gan_jax.objectives.losses import LOGISTIC, find_objective, generator_objective
from gan_jax.training.forward import discriminate, generate, sampling_generator
from gan_jax.training.state import GanState

SIDE = 96  # places of a landscape along each axis


class Frame(NamedTuple):
    """A state of a training, as one sees it."""

    landscape: Array  # [SIDE, SIDE] float32: D's logits from the lower left corner, rows upwards
    points: Array  # [count, 2] float32: samples of the same latents in every frame
    arrows: Array  # [count, 2] float32: G's loss falls fastest in this direction, at each sample


@partial(jax.jit, static_argnames=("half_width", "sampler"))
def frame_of(
    config: GanConfig,
    state: GanState,
    latents: Array,
    reals: Array,
    half_width: float,
    sampler: Callable[[GanConfig, GanState], Variables] = sampling_generator,
) -> Frame:
    """Look at a state.

    Args:
      config: of points.
      state: of a training.
      latents: ``[count, latent_dim]`` float32.
      reals: ``[count, 2]`` float32, for objectives that compare fakes with reals.
      half_width: of the square around the origin.
      sampler: the game's.

    Returns:
      The frame. Samples are those of the average where there is one.

    Examples:
      >>> frame = frame_of(config, state, latents, target.points, target.half_width)  # doctest: +SKIP
    """
    points = generate(config, sampler(config, state), latents)
    grid = plane_grid(half_width).reshape(-1, 2)
    return Frame(
        landscape=score_alone(config, state.discriminator.variables, grid).reshape(SIDE, SIDE),
        points=points,
        arrows=descent(config, state.discriminator.variables, points, reals),
    )


def plane_grid(half_width: float) -> Array:
    """The landscape's places, ``[SIDE, SIDE, 2]`` float32, rows upwards."""
    ticks = jnp.linspace(-half_width, half_width, SIDE)
    return jnp.stack(jnp.meshgrid(ticks, ticks), axis=-1)


def score_alone(config: GanConfig, discriminator: Variables, points: Array) -> Array:
    """D's logit of every point, ``[count]``; where D judges packs, of the point repeated."""
    return discriminate(config, discriminator, jnp.repeat(points, config.packing, axis=0))


def descent(config: GanConfig, discriminator: Variables, points: Array, reals: Array) -> Array:
    """The direction in which each point's own term of G's loss falls fastest: ``-count`` times the loss's gradient.

    Args:
      config: its objective is used.
      discriminator: D's variables.
      points: ``[count, 2]`` float32.
      reals: ``[count, 2]`` float32, the pairs of a relativistic objective.

    Returns:
      ``[count, 2]`` float32.
    """

    def score(batches: list[Array]) -> tuple[list[Array], None]:
        return [discriminate(config, discriminator, batch) for batch in batches], None

    def loss(points: Array) -> Array:
        return generator_objective(find_objective(config.objective), score, reals, points)[0]

    return -len(points) * jax.grad(loss)(points)


def colours(objective: str, landscape: ArrayLike) -> Array:
    """A landscape as numbers in [0, 1]: D's scores, or its logits from low to high where they have no scale.

    Args:
      objective: tells whether the sigmoid of a logit is a probability.
      landscape: ``[side, side]`` float32 logits.

    Returns:
      ``[side, side]`` float32.
    """
    landscape = jnp.asarray(landscape)
    if objective in LOGISTIC:
        return jax.nn.sigmoid(landscape)
    std = jnp.maximum(jnp.std(landscape), 1e-12)
    return jax.nn.sigmoid(1.5 * (landscape - jnp.mean(landscape)) / std)
