"""Penalties on the discriminator's gradient with respect to images: pure functions of a critic.

A critic maps images ``[batch, height, width, channels]``, or points ``[batch, dimensions]``, to logits ``[batch]``,
each of one image alone; its weights and whatever else it needs are closed over. A penalty takes ``(critic, reals,
fakes, key)`` and is a number, which a training step multiplies with a weight and adds to D's loss. Its gradient with
respect to D's weights is a derivative of a derivative, reverse mode over reverse mode.
"""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
from jax import Array

from gan_jax.draws import draw_mixing
from gan_jax.parts import find_part

Critic = Callable[[Array], Array]
Penalty = Callable[[Critic, Array, Array, Array], Array]
GeneratorPenalty = Callable[[Callable[[Array], Array], Array, Array], Array]


_TINY = 1e-5  # beside a distance that is divided by


def r1(critic: Critic, reals: Array, fakes: Array, key: Array) -> Array:
    r"""Zero-centred gradient penalty on reals (Mescheder et al. 2018, eq. 9).

    $\frac12 E_x\|\nabla_x D(x)\|^2$, with the ½ that StyleGAN and R3GAN have; Mescheder's own code leaves it out.

    Args:
      critic: images to logits.
      reals: ``[batch, height, width, channels]`` float.
      fakes: not used.
      key: not used.

    Returns:
      ``[]`` float, at least 0.

    Examples:
      >>> float(r1(lambda images: 3 * images.sum((1, 2, 3)), jnp.ones((2, 2, 2, 1)), None, None))
      18.0
    """
    del fakes, key
    return jnp.mean(_squared_gradient_norms(critic, reals)) / 2


def r2(critic: Critic, reals: Array, fakes: Array, key: Array) -> Array:
    r"""The same on fakes, which count as constants (Mescheder et al. 2018, eq. 10).

    $\frac12 E_z\|\nabla_{G(z)} D(G(z))\|^2$. Arguments and result are those of ``r1``.
    """
    del reals, key
    return jnp.mean(_squared_gradient_norms(critic, fakes)) / 2


def gradient_penalty(critic: Critic, reals: Array, fakes: Array, key: Array) -> Array:
    r"""One-centred gradient penalty between reals and fakes (WGAN-GP, Gulrajani et al. 2017, eq. 3).

    $E(\|\nabla_{\hat x} D(\hat x)\| - 1)^2$ at $\hat x = m x + (1 - m) G(z)$, m uniform in [0, 1) for each
    pair.

    Args:
      critic: images to logits.
      reals: ``[batch, height, width, channels]`` float.
      fakes: as many.
      key: ``[]`` typed PRNG key; decides m.

    Returns:
      ``[]`` float, at least 0.
    """
    mixing = draw_mixing(key, len(reals)).astype(reals.dtype).reshape(-1, *[1] * (reals.ndim - 1))
    squared = _squared_gradient_norms(critic, mixing * reals + (1 - mixing) * fakes)
    flat = squared == 0  # where the root has no derivative
    norms = jnp.where(flat, 0, jnp.sqrt(jnp.where(flat, 1, squared)))
    return jnp.mean((norms - 1) ** 2)


PENALTIES: dict[str, Penalty] = {"r1": r1, "r2": r2, "gradient_penalty": gradient_penalty}
"""By the names that ``GanConfig.penalties`` takes; entries may be added under other names."""


def find_penalty(name: str) -> Penalty:
    """The penalty of a name.

    Raises:
      UnknownPartError: there is none.
    """
    return find_part("penalty", PENALTIES, name)


def sum_penalties(
    names: Sequence[str], critics: Mapping[str, Critic], reals: Array, fakes: Array, keys: Sequence[Array]
) -> Array:
    """Several penalties together, ``[]`` float.

    Args:
      names: of ``PENALTIES``.
      critics: the critic that each is given.
      reals: ``[batch, …]`` float.
      fakes: as many.
      keys: ``[]`` typed PRNG key of each.
    """
    found = [find_penalty(name)(critics[name], reals, fakes, key) for name, key in zip(names, keys, strict=True)]
    return sum(found, start=jnp.zeros(()))


def mode_seeking(generate: Callable[[Array], Array], latents: Array, key: Array) -> Array:
    r"""How near two images are for the distance of their latents (MSGAN, Mao et al. 2019, eq. 2, inverted).

    $E\frac{\|z_1 - z_2\|_1 / n_z}{\|G(z_1) - G(z_2)\|_1 / n_x}$ over the pairs of a batch's first and second half; a
    generator that makes one image of many latents has a large one.

    Args:
      generate: latents to images, with G's weights.
      latents: ``[batch, latent_dim]`` float.
      key: not used.

    Returns:
      ``[]`` float, at least 0.
    """
    del key
    images, half = generate(latents), len(latents) // 2
    nears, fars = (jnp.abs(array[:half] - array[half : 2 * half]) for array in (images, latents))
    image_distances, latent_distances = (jnp.mean(array.reshape(half, -1), axis=1) for array in (nears, fars))
    return jnp.mean(latent_distances / (image_distances + _TINY))


GENERATOR_PENALTIES: dict[str, GeneratorPenalty] = {"mode_seeking": mode_seeking}
"""By the names that ``GanConfig.generator_penalties`` takes: each takes ``(generate, latents, key)`` and is a number;
entries may be added under other names."""


def find_generator_penalty(name: str) -> GeneratorPenalty:
    """G's penalty of a name.

    Raises:
      UnknownPartError: there is none.
    """
    return find_part("generator penalty", GENERATOR_PENALTIES, name)


EXPANDABLE = ("r1", "r2")
"""The penalty that needs the critic at the reals alone, and that at the fakes alone: ``expand`` is enough for both."""
_LEAST_SLOPE = 1e-20


def expand(images: Array, logits: Array, slopes: Array, image_gradients: Array) -> Critic:
    r"""A critic's expansion to first order about images: its logits and gradients there are the critic's.

    Where a loss L was followed back to the images, no other pass is needed for it: a logit is of one image alone, so
    that $\nabla_x D(x) = \nabla_x L / \frac{\partial L}{\partial D(x)}$, whatever the loss.

    Args:
      images: ``[batch, …]`` float.
      logits: ``[batch]`` float, the critic's at the images.
      slopes: ``[batch]`` float, the loss's derivatives by the logits; not 0.
      image_gradients: as the images, the loss's derivatives by them.

    Examples:
      >>> images, logits, slopes = jnp.array([[1.0, 2.0]]), jnp.array([7.0]), jnp.array([0.5])
      >>> critic = expand(images, logits, slopes, image_gradients=jnp.array([[3.0, 4.0]]))
      >>> float(critic(images)[0]), jax.grad(lambda images: critic(images)[0])(images).tolist()
      (7.0, [[6.0, 8.0]])
    """
    gradients = image_gradients / slopes.reshape(-1, *[1] * (images.ndim - 1))
    return lambda others: logits + jnp.sum(gradients * (others - images), axis=tuple(range(1, images.ndim)))


def not_zero(slopes: Array) -> Array:
    """Slopes that ``expand`` can divide by: 1e-20 in place of what is nearer to 0, as the hinge loss's are."""
    return jnp.where(jnp.abs(slopes) < _LEAST_SLOPE, _LEAST_SLOPE, slopes)


def _squared_gradient_norms(critic: Critic, images: Array) -> Array:
    logits, pull_back = jax.vjp(critic, images)
    (gradients,) = pull_back(jnp.ones_like(logits))
    return jnp.sum(gradients**2, axis=tuple(range(1, images.ndim)))
