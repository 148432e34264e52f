"""The GAN losses: pure functions of logits, one formula each."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def discriminator_loss(
    real_logits: Array, fake_logits: Array, real_weight: ArrayLike = 1.0, fake_weight: ArrayLike = 1.0
) -> Array:
    r"""Logistic discriminator loss (Goodfellow et al. 2014, eq. 1, negated).

    :math:`E_x[softplus(-D(x))] + E_z[softplus(D(G(z)))]` with D in logits: binary cross-entropy with labels 1 on reals
    plus binary cross-entropy with labels 0 on fakes.

    Args:
      real_logits: ``[batch]`` float, D(x) before the sigmoid.
      fake_logits: ``[batch]`` float, D(G(z)) before the sigmoid.
      real_weight: factor of the first term.
      fake_weight: factor of the second term.

    Returns:
      ``[]`` float, nats; 2 ln 2 when D is undecided and both weights are 1.

    Examples:
      >>> round(float(discriminator_loss(jnp.zeros(4), jnp.zeros(4))), 3)
      1.386
    """
    real_loss, fake_loss = jnp.mean(jax.nn.softplus(-real_logits)), jnp.mean(jax.nn.softplus(fake_logits))
    return jnp.asarray(real_weight * real_loss + fake_weight * fake_loss)


def generator_loss(fake_logits: Array) -> Array:
    r"""Non-saturating generator loss (Goodfellow et al. 2014, section 3).

    :math:`E_z[softplus(-D(G(z)))]` with D in logits: binary cross-entropy with labels 1 on fakes.

    Args:
      fake_logits: ``[batch]`` float, D(G(z)) before the sigmoid.

    Returns:
      ``[]`` float, nats; ln 2 when D is undecided.

    Examples:
      >>> round(float(generator_loss(jnp.zeros(4))), 3)
      0.693
    """
    return jnp.mean(jax.nn.softplus(-fake_logits))


def mean_score(logits: Array) -> Array:
    """Mean probability that D gives to "real": ``mean(sigmoid(logits))``, ``[]`` float in [0, 1].

    Examples:
      >>> float(mean_score(jnp.zeros(4)))
      0.5
    """
    return jnp.mean(jax.nn.sigmoid(logits))
