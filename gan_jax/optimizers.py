"""Optimizers by name; Adam with bias corrections that keep float32's precision."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.typing import ArrayLike

from gan_jax.parts import find_part

_EPSILON = 1e-8


def adam(learning_rate: float | Array, beta1: ArrayLike, beta2: ArrayLike) -> optax.GradientTransformation:
    r"""Adam (Kingma & Ba 2015, algorithm 1) with epsilon 1e-8.

    $\theta \leftarrow \theta - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)$, with $\hat m = m / (1 - \beta_1^t)$ and
    $\hat v = v / (1 - \beta_2^t)$. It differs from ``optax.adam`` in float32 only: there ``1 - 0.999**t`` in float32 is
    off by up to 2e-5 of itself, and is computed here to the last bits (``bias_correction``). Its state is that of
    ``optax.adam``.

    Args:
      learning_rate: η, above 0.
      beta1: decay of the first moment, in [0, 1).
      beta2: decay of the second moment, in [0, 1).

    Returns:
      The transformation of gradients to updates, which are added to the parameters.
    """
    return optax.chain(_scale_by_adam(beta1, beta2), optax.scale_by_learning_rate(learning_rate))


def bias_correction(decay: ArrayLike, count: ArrayLike) -> Array:
    r"""The sum of an exponential average's weights, $1 - \beta^t$, without cancellation.

    Args:
      decay: β, in [0, 1).
      count: t, at least 1.

    Returns:
      ``[]`` float in (0, 1].

    Examples:
      >>> round(float(bias_correction(0.5, 2)), 6)
      0.75
    """
    return -jnp.expm1(count * jnp.log(jnp.asarray(decay)))


def _scale_by_adam(beta1: ArrayLike, beta2: ArrayLike) -> optax.GradientTransformation:
    # As arrays, so that a decay is rounded once for its moment and for its correction.
    beta1, beta2 = jnp.asarray(beta1), jnp.asarray(beta2)

    def init(params: Any) -> optax.ScaleByAdamState:
        zeros = optax.tree.zeros_like(params)
        return optax.ScaleByAdamState(jnp.zeros((), jnp.int32), mu=zeros, nu=zeros)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, optax.OptState]:
        count = optax.safe_increment(state.count)
        mu = optax.tree.update_moment(updates, state.mu, beta1, 1)
        nu = optax.tree.update_moment(updates, state.nu, beta2, 2)
        first, second = (bias_correction(decay, count) for decay in (beta1, beta2))
        updates = jax.tree.map(lambda m, v: m / first / (jnp.sqrt(v / second) + _EPSILON), mu, nu)
        return updates, optax.ScaleByAdamState(count, mu, nu)

    return optax.GradientTransformation(init, update)


Optimizer = Callable[[Any, Any, Any], optax.GradientTransformation]

OPTIMIZERS: dict[str, Optimizer] = {
    "adam": adam,
    "rmsprop": lambda learning_rate, beta1, beta2: optax.rmsprop(learning_rate, decay=beta2, momentum=beta1),
    "sgd": lambda learning_rate, beta1, beta2: optax.sgd(learning_rate, momentum=beta1),
}
"""Each takes ``(learning_rate, beta1, beta2)``, which may be tracers, and returns an Optax transformation; entries may
be added under other names."""


def find_optimizer(name: str) -> Optimizer:
    """The optimizer of a name.

    Raises:
      UnknownPartError: there is none.
    """
    return find_part("optimizer", OPTIMIZERS, name)
