"""The GAN losses: pure functions of logits, one formula each, and the objectives that pairs of them make."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from gan_jax.fields import explain_fields
from gan_jax.parts import find_part


def discriminator_loss(
    real_logits: Array, fake_logits: Array, real_weight: ArrayLike = 1.0, fake_weight: ArrayLike = 1.0
) -> Array:
    r"""Logistic discriminator loss (Goodfellow et al. 2014, eq. 1, negated).

    $E_x[softplus(-D(x))] + E_z[softplus(D(G(z)))]$ with D in logits: binary cross-entropy with labels 1 on reals
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

    $E_z[softplus(-D(G(z)))]$ with D in logits: binary cross-entropy with labels 1 on fakes.

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


def saturating_generator_loss(fake_logits: Array) -> Array:
    r"""Saturating generator loss (Goodfellow et al. 2014, eq. 1): G's half of the minimax game.

    $E_z[\log(1 - \sigma(D(G(z))))] = -E_z[softplus(D(G(z)))]$. Its gradient vanishes where D is sure of a fake.

    Args:
      fake_logits: ``[batch]`` float.

    Returns:
      ``[]`` float, nats; -ln 2 when D is undecided.
    """
    return -jnp.mean(jax.nn.softplus(fake_logits))


def least_squares_discriminator_loss(
    real_logits: Array, fake_logits: Array, real_weight: ArrayLike = 1.0, fake_weight: ArrayLike = 1.0
) -> Array:
    r"""Least-squares discriminator loss (LSGAN, Mao et al. 2017, eq. 9, times 2).

    $E_x[(D(x) - 1)^2] + E_z[D(G(z))^2]$. Arguments are those of ``discriminator_loss``.

    Returns:
      ``[]`` float, at least 0.
    """
    real_loss, fake_loss = jnp.mean((real_logits - 1) ** 2), jnp.mean(fake_logits**2)
    return jnp.asarray(real_weight * real_loss + fake_weight * fake_loss)


def least_squares_generator_loss(fake_logits: Array) -> Array:
    r"""Least-squares generator loss (LSGAN, Mao et al. 2017, eq. 9, times 2).

    $E_z[(D(G(z)) - 1)^2]$, ``[]`` float, of ``[batch]`` logits.
    """
    return jnp.mean((fake_logits - 1) ** 2)


def hinge_discriminator_loss(
    real_logits: Array, fake_logits: Array, real_weight: ArrayLike = 1.0, fake_weight: ArrayLike = 1.0
) -> Array:
    r"""Hinge discriminator loss (Lim & Ye 2017; Miyato et al. 2018, eq. 16).

    $E_x[\max(0, 1 - D(x))] + E_z[\max(0, 1 + D(G(z)))]$. Arguments are those of ``discriminator_loss``.

    Returns:
      ``[]`` float, at least 0; 2 when all logits are 0 and both weights are 1.
    """
    real_loss, fake_loss = jnp.mean(jax.nn.relu(1 - real_logits)), jnp.mean(jax.nn.relu(1 + fake_logits))
    return jnp.asarray(real_weight * real_loss + fake_weight * fake_loss)


def wasserstein_discriminator_loss(
    real_logits: Array, fake_logits: Array, real_weight: ArrayLike = 1.0, fake_weight: ArrayLike = 1.0
) -> Array:
    r"""Wasserstein critic loss (Arjovsky et al. 2017, eq. 2, negated).

    $E_z[D(G(z))] - E_x[D(x)]$: minus an estimate of the Wasserstein-1 distance while D is 1-Lipschitz. Arguments
    are those of ``discriminator_loss``.

    Returns:
      ``[]`` float.
    """
    return jnp.asarray(fake_weight * jnp.mean(fake_logits) - real_weight * jnp.mean(real_logits))


def negated_critic(fake_logits: Array) -> Array:
    r"""Generator loss of the Wasserstein and hinge objectives: $-E_z[D(G(z))]$, ``[]`` float."""
    return -jnp.mean(fake_logits)


def relativistic_discriminator_loss(
    real_logits: Array, fake_logits: Array, real_weight: ArrayLike = 1.0, fake_weight: ArrayLike = 1.0
) -> Array:
    r"""Relativistic pairing loss of the discriminator (RpGAN, Jolicoeur-Martineau 2018; R3GAN, eq. 2).

    $E[softplus(-(D(x) - D(G(z))))]$ over pairs of a real and a fake with the same index.

    Args:
      real_logits: ``[batch]`` float.
      fake_logits: ``[batch]`` float.
      real_weight: not used: a pair has one term.
      fake_weight: not used.

    Returns:
      ``[]`` float, nats; ln 2 when D is undecided.
    """
    del real_weight, fake_weight
    return jnp.mean(jax.nn.softplus(fake_logits - real_logits))


def relativistic_generator_loss(fake_logits: Array, real_logits: Array) -> Array:
    r"""Relativistic pairing loss of the generator: the discriminator's with the roles exchanged.

    $E[softplus(-(D(G(z)) - D(x)))]$, ``[]`` float, over pairs with the same index.
    """
    return jnp.mean(jax.nn.softplus(real_logits - fake_logits))


@explain_fields
class Objective(NamedTuple):
    """What both networks minimize."""

    discriminator: Callable[..., Array]
    """Takes ``(real_logits, fake_logits, real_weight, fake_weight)``, ``[batch]`` and ``[]``; returns ``[]``."""
    generator: Callable[..., Array]
    """Takes ``(fake_logits)`` or, if it sees reals, ``(fake_logits, real_logits)``; returns ``[]``."""
    sees_reals: bool = False
    """Whether the generator's half needs D's logits of the reals."""


Score = Callable[[list[Array]], tuple[list[Array], Any]]


def generator_objective(
    objective: Objective, score: Score, reals: Array | None, fakes: Array
) -> tuple[Array, tuple[Array, Any]]:
    """G's loss, as training, the plane's landscape and its dynamics have it.

    Args:
      objective: what G minimizes.
      score: turns batches of images into D's logits of each, and whatever else.
      reals: ``[batch, …]`` float; used where the objective sees reals.
      fakes: ``[batch, …]`` float.

    Returns:
      The loss, ``[]``; the logits of the fakes, and what else ``score`` returned.
    """
    batches = [reals, fakes] if objective.sees_reals and reals is not None else [fakes]
    (*real_logits, logits), rest = score(batches)
    return objective.generator(logits, *real_logits), (logits, rest)


OBJECTIVES = {
    "non_saturating": Objective(discriminator_loss, generator_loss),
    "saturating": Objective(discriminator_loss, saturating_generator_loss),
    "least_squares": Objective(least_squares_discriminator_loss, least_squares_generator_loss),
    "hinge": Objective(hinge_discriminator_loss, negated_critic),
    "wasserstein": Objective(wasserstein_discriminator_loss, negated_critic),
    "relativistic": Objective(relativistic_discriminator_loss, relativistic_generator_loss, sees_reals=True),
}
"""By the names that ``GanConfig.objective`` takes; entries may be added under other names."""


def find_objective(name: str) -> Objective:
    """The objective of a name.

    Raises:
      UnknownPartError: there is none.
    """
    return find_part("objective", OBJECTIVES, name, Objective)


LOGISTIC = ("non_saturating", "saturating")
"""Those under which the sigmoid of D's logit is the probability that it gives to "real"."""
