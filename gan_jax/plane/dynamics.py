r"""The game as a vector field: the Dirac-GAN (Mescheder et al. 2018, section 2), and the eigenvalues of a run's field.

Both players follow their own gradient, so that training follows the field
$v = (-\nabla_\theta L_G, -\nabla_\psi L_D)$. Near a fixed point, eigenvalues of its Jacobian with a negative real
part draw the players in; an imaginary part makes them turn; a real part of zero leaves them circling.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from gan_jax.config import GanConfig
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import apply_discriminator, apply_generator
from gan_jax.objectives.losses import find_objective, generator_objective
from gan_jax.objectives.penalties import Critic, sum_penalties
from gan_jax.training.state import GanState

Field = Callable[[Array], Array]


def dirac_field(config: GanConfig) -> Field:
    r"""The Dirac-GAN's field: all data lie at 0, G puts out its parameter θ, and D(x) = ψx.

    Args:
      config: its objective, penalties and their weight are used.

    Returns:
      A function of ``[2]``, (θ, ψ), whose value is the direction in which both move. At (0, 0) neither moves.

    Examples:
      >>> [round(float(value), 3) for value in dirac_field(GanConfig())(jnp.array([1.0, 0.0]))]
      [0.0, -0.5]
    """

    def critic(psi: Array) -> Critic:
        return lambda points: psi * points[:, 0]

    reals = jnp.zeros((1, 1))

    def generator_loss(theta: Array, psi: Array) -> Array:
        return _generator_loss(config, critic(psi), reals, theta[None, None])

    def discriminator_loss(psi: Array, theta: Array) -> Array:
        return _discriminator_loss(config, critic(psi), reals, theta[None, None])

    def field(position: Array) -> Array:
        theta, psi = position
        return -jnp.stack([jax.grad(generator_loss)(theta, psi), jax.grad(discriminator_loss)(psi, theta)])

    return field


def follow(field: Field, start: Array, rate: float, num_steps: int) -> Array:
    """Follow a field of two players as a training does: D takes a step, then G one that sees the new D.

    Args:
      field: from ``dirac_field``.
      start: ``[2]``, (θ, ψ).
      rate: the step size of both.
      num_steps: how many.

    Returns:
      ``[num_steps + 1, 2]``, the start first.

    Examples:
      >>> field = dirac_field(GanConfig(normalization="none"))
      >>> follow(field, jnp.array([1.0, 1.0]), rate=0.05, num_steps=3).shape
      (4, 2)
    """

    def body(position: Array, _: None) -> tuple[Array, Array]:
        position = position.at[1].add(rate * field(position)[1])
        position = position.at[0].add(rate * field(position)[0])
        return position, position

    _, path = lax.scan(body, jnp.asarray(start), length=num_steps)
    return jnp.concatenate([jnp.asarray(start)[None], path])


def eigenvalues(field: Field, position: Array) -> NDArray[np.complex128]:
    """The eigenvalues of a field's Jacobian, ``[n]`` complex128; of a function of ``[n]``.

    Examples:
      >>> eigenvalues(lambda position: -2 * position, jnp.zeros(2)).tolist()
      [(-2+0j), (-2+0j)]
    """
    jacobian = jax.jit(jax.jacrev(field))(position)
    return np.linalg.eigvals(np.asarray(jacobian, np.float64)).astype(np.complex128)


def joint_field(config: GanConfig, state: GanState, reals: Array, latents: Array) -> tuple[Field, Array]:
    """The field that both networks' parameters follow, on points and latents that stay the same.

    Args:
      config: of a network that is small enough for a Jacobian of all parameters.
      state: of a training.
      reals: ``[count, 2]`` float32.
      latents: ``[count, latent_dim]`` float32.

    Returns:
      The field, of all parameters as one vector, G's first; and where ``state`` is in it.

    Examples:
      >>> field, start = joint_field(config, state, reals, latents)  # doctest: +SKIP
      >>> eigenvalues(field, start)  # doctest: +SKIP
    """
    generator, discriminator = state.generator, state.discriminator

    def critic(params: Variables) -> Critic:
        variables = discriminator.with_params(params).variables
        return lambda points: apply_discriminator(config, variables, points, train=False)[0]

    def make(params: Variables) -> Array:
        return apply_generator(config, generator.with_params(params).variables, latents, train=False)[0]

    def generator_loss(params: Variables, judge: Variables) -> Array:
        return _generator_loss(config, critic(judge), reals, make(params))

    def discriminator_loss(params: Variables, maker: Variables) -> Array:
        return _discriminator_loss(config, critic(params), reals, make(maker))

    start, unravel = ravel_pytree((generator.params, discriminator.params))

    def field(position: Array) -> Array:
        maker, judge = unravel(position)
        gradients = jax.grad(generator_loss)(maker, judge), jax.grad(discriminator_loss)(judge, maker)
        return -ravel_pytree(gradients)[0]

    return field, start


def _generator_loss(config: GanConfig, critic: Critic, reals: Array, fakes: Array) -> Array:
    def score(batches: list[Array]) -> tuple[list[Array], None]:
        return [critic(batch) for batch in batches], None

    return generator_objective(find_objective(config.objective), score, reals, fakes)[0]


def _discriminator_loss(config: GanConfig, critic: Critic, reals: Array, fakes: Array) -> Array:
    logits = critic(reals), critic(fakes)
    loss = find_objective(config.objective).discriminator(*logits, config.real_weight, config.fake_weight)
    critics = dict.fromkeys(config.penalties, critic)
    keys = [jax.random.key(0)] * len(config.penalties)
    return loss + config.penalty_weight * sum_penalties(config.penalties, critics, reals, fakes, keys)
