"""What training carries from one step to the next: arrays only."""

from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.nn.networks import Variables, init_networks
from gan_jax.objectives.averages import average_decay
from gan_jax.training.adam import adam


class NetworkState(struct.PyTreeNode):
    """One network: all that a step replaces."""

    params: Any  # tree of float32
    batch_stats: Any  # tree of float32: running means and variances
    opt_state: optax.OptState


class GanState(struct.PyTreeNode):
    """Both networks and the number of steps that made them."""

    step: Array  # [] int32
    generator: NetworkState
    discriminator: NetworkState
    average: NetworkState | None = None  # of the generator over the steps, without optimizer, where the config asks


class LearningRates(NamedTuple):
    """Adam's step sizes at one step, each ``[]`` float."""

    generator: float | Array
    discriminator: float | Array


def learning_rates(config: GanConfig, step: ArrayLike) -> LearningRates:
    r"""The learning rates after ``step`` steps.

    A cosine schedule multiplies them by $f + (1 - f) (1 + \cos(\pi t / T)) / 2$, with f the
    ``final_learning_rate``, T the ``schedule_steps`` and t the step, at most T.

    Raises:
      ValueError: the schedule is a cosine and nothing says where it ends.
    """
    generator = config.learning_rate
    given = config.discriminator_learning_rate
    discriminator = generator if given is None else given
    if config.learning_rate_schedule == "constant":
        return LearningRates(generator, discriminator)
    if config.schedule_steps is None:
        raise ValueError("learning_rate_schedule is 'cosine'; give schedule_steps, the steps until its end.")
    progress = jnp.minimum(jnp.asarray(step, jnp.float32) / config.schedule_steps, 1)
    final = config.final_learning_rate
    factor = final + (1 - final) * (1 + jnp.cos(jnp.pi * progress)) / 2
    return LearningRates(generator * factor, discriminator * factor)


def optimizer(config: GanConfig, learning_rate: float | Array | None = None) -> optax.GradientTransformation:
    """Adam at the configured learning rate or another.

    A network for points has a few small weights; Adam takes them as one array, which is faster.
    """
    transformation = adam(config.learning_rate if learning_rate is None else learning_rate, config.beta1, config.beta2)
    return optax.flatten(transformation) if config.makes_points else transformation


@jax.jit
def init_state(config: GanConfig, key: Array) -> GanState:
    """Draw both networks' initial weights.

    Args:
      config: decides shapes and distribution.
      key: ``[]`` typed PRNG key.

    Returns:
      The state at step 0.

    Examples:
      >>> state = init_state(GanConfig(width=2), jax.random.key(0))
      >>> int(state.step), state.generator.params["conv_0"]["kernel"].shape
      (0, (4, 4, 8, 100))
    """
    generator, discriminator = init_networks(config, key)
    return GanState(
        step=jnp.zeros((), jnp.int32),
        generator=_network_state(config, generator),
        discriminator=_network_state(config, discriminator),
        average=_network_state(config, generator).replace(opt_state=()) if config.has_average else None,
    )


def _network_state(config: GanConfig, variables: Variables) -> NetworkState:
    params = variables["params"]
    return NetworkState(params, variables.get("batch_stats", {}), optimizer(config).init(params))


def apply_gradients(
    config: GanConfig,
    network: NetworkState,
    gradients: Any,
    batch_stats: Any,
    learning_rate: float | Array | None = None,
) -> NetworkState:
    """Take one step of Adam (Kingma & Ba 2015, algorithm 1).

    Args:
      config: the learning rate, beta1 and beta2.
      network: parameters and Adam's moments.
      gradients: a tree like ``network.params``.
      batch_stats: the network's next batch statistics.
      learning_rate: in place of ``config.learning_rate``.

    Returns:
      The network after the update.

    Examples:
      >>> config = GanConfig(width=2, learning_rate=0.1)
      >>> network = init_state(config, jax.random.key(0)).generator
      >>> gradients = jax.tree.map(jnp.ones_like, network.params)
      >>> moved = apply_gradients(config, network, gradients, network.batch_stats)
      >>> round(float((network.params["conv_0"]["kernel"] - moved.params["conv_0"]["kernel"]).mean()), 4)
      0.1
    """
    updates, opt_state = optimizer(config, learning_rate).update(gradients, network.opt_state, network.params)
    return NetworkState(optax.apply_updates(network.params, updates), batch_stats, opt_state)


def update_average(config: GanConfig, state: GanState, generator: NetworkState) -> NetworkState | None:
    """Move the average towards the generator that a step has made.

    Args:
      config: says whether there is an average, and how long it remembers.
      state: before the step.
      generator: after the step.

    Returns:
      The average after the step; None where there is none.
    """
    if state.average is None:
        return None
    images_seen = (state.step + 1).astype(jnp.float32) * config.batch_size  # as an integer it would overflow
    half_life = cast(ArrayLike, config.average_half_life)
    decay = average_decay(config.batch_size, images_seen, half_life, config.average_ramp)
    moved: Any = optax.incremental_update(
        cast(Any, generator.replace(opt_state=())), cast(Any, state.average), 1 - decay
    )
    return moved
