"""What training carries from one step to the next: arrays only."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.controllers import find_controller
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import init_networks
from gan_jax.objectives.ema import ema_decay
from gan_jax.optimizers import find_optimizer


@dataclasses.dataclass(frozen=True)
class NetworkState:
    """One network: all that a step replaces. A pytree whose places are ``params``, …, ``opt_state``."""

    variables: Mapping[str, Any]  # as the network's init returned them; what learns is variables["params"]
    opt_state: optax.OptState = ()

    @property
    def params(self) -> Any:
        """The tree of float32 that the optimizer moves."""
        return self.variables["params"]

    def replace(self, **changes: Any) -> "NetworkState":
        """The same with other variables or another optimizer's state."""
        return dataclasses.replace(self, **changes)

    def with_params(self, params: Any) -> "NetworkState":
        """The same with other ``params``."""
        return self.replace(variables={**self.variables, "params": params})


def _flatten(network: NetworkState) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
    names = tuple(sorted(network.variables, key=lambda name: (name != "params", name)))
    places = [(jax.tree_util.DictKey(name), network.variables[name]) for name in names]
    return [*places, (jax.tree_util.GetAttrKey("opt_state"), network.opt_state)], names


def _unflatten(names: tuple[str, ...], children: Iterable[Any]) -> NetworkState:
    *values, opt_state = children
    return NetworkState(dict(zip(names, values, strict=True)), opt_state)


jax.tree_util.register_pytree_with_keys(NetworkState, _flatten, _unflatten)


class GanState(struct.PyTreeNode):
    """Both networks and the number of steps that made them."""

    step: Array  # [] int32
    generator: NetworkState
    discriminator: NetworkState
    ema: NetworkState | None = None  # of the generator over the steps, without optimizer, where the config asks
    extra: Any = struct.field(default_factory=dict)  # of controllers, by their names, and of a user's own game


def optimizer(config: GanConfig, learning_rate: ArrayLike | None = None) -> optax.GradientTransformation:
    """The configured optimizer, at the configured learning rate or another.

    A network for points has a few small weights; they are taken as one array, which is faster.
    """
    rate = config.learning_rate if learning_rate is None else learning_rate
    transformation = find_optimizer(config.optimizer)(rate, config.beta1, config.beta2)
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
      >>> state = init_state(GanConfig(width=2, latent_dim=4), jax.random.key(0))
      >>> int(state.step), state.generator.params["conv_0"]["kernel"].shape
      (0, (4, 4, 8, 4))
    """
    generator, discriminator = init_networks(config, key)
    return GanState(
        step=jnp.zeros((), jnp.int32),
        generator=_network_state(config, generator),
        discriminator=_network_state(config, discriminator),
        ema=NetworkState(generator) if config.has_ema else None,
        extra={name: find_controller(name).init(config) for name in config.controllers},
    )


def _network_state(config: GanConfig, variables: Variables) -> NetworkState:
    return NetworkState(variables, optimizer(config).init(variables["params"]))


def apply_gradients(
    config: GanConfig,
    network: NetworkState,
    gradients: Any,
    variables: Variables | None = None,
    learning_rate: ArrayLike | None = None,
) -> NetworkState:
    """Take one step of the optimizer, such as Adam (Kingma & Ba 2015, algorithm 1).

    Args:
      config: the optimizer, its learning rate, beta1 and beta2.
      network: parameters and the optimizer's state.
      gradients: a tree like ``network.params``.
      variables: what the network's next variables are beside ``params``; by default they stay.
      learning_rate: in place of ``config.learning_rate``.

    Returns:
      The network after the update.

    Examples:
      >>> config, params = GanConfig(learning_rate=0.5), {"weight": jnp.array([3.0, -2.0])}
      >>> network = NetworkState({"params": params}, optimizer(config).init(params))
      >>> moved = apply_gradients(config, network, {"weight": jnp.array([0.1, -7.0])})
      >>> moved.params["weight"].round(4).tolist()
      [2.5, -1.5]
    """
    updates, opt_state = optimizer(config, learning_rate).update(gradients, network.opt_state, network.params)
    params = optax.apply_updates(network.params, updates)
    return NetworkState({**(variables or network.variables), "params": params}, opt_state)


def update_ema(config: GanConfig, state: GanState, generator: NetworkState) -> NetworkState | None:
    """Move the average towards the generator that a step has made.

    Args:
      config: says whether there is an average, and how long it remembers.
      state: before the step.
      generator: after the step.

    Returns:
      The average after the step; None where there is none.
    """
    if state.ema is None:
        return None
    images_seen = (state.step + 1).astype(jnp.float32) * config.batch_size  # as an integer it would overflow
    half_life = cast(ArrayLike, config.ema_half_life)
    decay = ema_decay(config.batch_size, images_seen, half_life, config.ema_ramp)
    share = 1 - decay

    def move(new: Array, old: Array) -> Array:
        return share * new + (1 - share) * old if jnp.issubdtype(new.dtype, jnp.inexact) else new

    return NetworkState(jax.tree.map(move, generator.variables, state.ema.variables))
