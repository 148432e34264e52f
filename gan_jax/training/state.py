"""What training carries from one step to the next: arrays only."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.nn.networks import Variables, init_networks


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


def optimizer(config: GanConfig) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2015) with beta2 0.999 and epsilon 1e-8."""
    return optax.adam(config.learning_rate, b1=config.beta1)


@jax.jit
def init_state(config: GanConfig, key: Array) -> GanState:
    """Draw both networks' initial weights.

    Args:
      config: decides shapes and distribution.
      key: ``[]`` typed PRNG key.

    Returns:
      The state at step 0.
    """
    generator, discriminator = init_networks(config, key)
    return GanState(
        step=jnp.zeros((), jnp.int32),
        generator=_network_state(config, generator),
        discriminator=_network_state(config, discriminator),
    )


def _network_state(config: GanConfig, variables: Variables) -> NetworkState:
    params = variables["params"]
    return NetworkState(params, variables["batch_stats"], optimizer(config).init(params))


def apply_gradients(config: GanConfig, network: NetworkState, gradients: Any, batch_stats: Any) -> NetworkState:
    """Take one Adam step along ``gradients`` (a tree like ``network.params``) and adopt ``batch_stats``."""
    updates, opt_state = optimizer(config).update(gradients, network.opt_state, network.params)
    return NetworkState(optax.apply_updates(network.params, updates), batch_stats, opt_state)
