"""The Dirac-GAN against its closed form, and the joint field against training's own gradients."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close
from jax.flatten_util import ravel_pytree

from gan_jax import Batch, GanConfig, gan_step, init_state, recipe, run_keys
from gan_jax.plane import dirac_field, eigenvalues, follow, for_points, joint_field, load_target
from gan_jax.plane.training import plane_recipes


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


# Mescheder et al. 2018, section 2 and appendix B and D: the velocity of (θ, ψ), with w the penalties' weight.
FIELDS = {
    "non_saturating": lambda t, p: (p * sigmoid(-t * p), -t * sigmoid(t * p)),
    "saturating": lambda t, p: (p * sigmoid(t * p), -t * sigmoid(t * p)),
    "wasserstein": lambda t, p: (p, -t),
    "least_squares": lambda t, p: (-2 * p * (t * p - 1), -2 * t**2 * p),
    "hinge": lambda t, p: (p, -t * (t * p > -1)),
    "relativistic": lambda t, p: (p * sigmoid(-t * p), -t * sigmoid(t * p)),
}
PENALTIES = {
    (): lambda t, p, w: 0,
    ("r1",): lambda t, p, w: -w * p,
    ("r1", "r2"): lambda t, p, w: -2 * w * p,
    ("gradient_penalty",): lambda t, p, w: -2 * w * (abs(p) - 1) * np.sign(p),
}


@pytest.mark.parametrize("objective", FIELDS)
@pytest.mark.parametrize("penalties", PENALTIES, ids=str)
def test_the_dirac_gans_field_is_the_papers(objective, penalties):
    config = GanConfig(objective=objective, penalties=penalties, penalty_weight=0.7, normalization="none")
    field = dirac_field(config)
    for theta, psi in [(1.0, 1.0), (-0.5, 1.2), (0.3, -0.8), (1.4, -1.3)]:
        toward = FIELDS[objective](theta, psi)
        expected = toward[0], toward[1] + PENALTIES[penalties](theta, psi, 0.7)
        assert_close(field(jnp.array([theta, psi])), np.array(expected))


@pytest.mark.parametrize("weight", [0.3, 1.0, 2.5])
def test_r1s_eigenvalues_are_the_papers(weight):
    config = GanConfig(penalties=("r1",), penalty_weight=weight, normalization="none")
    root = np.sqrt(complex(weight**2 - 1)) / 2  # f'(0) = 1/2
    with jax.enable_x64(True):  # rounding moves the double root of weight 1 by its square root
        found = eigenvalues(dirac_field(config), jnp.zeros(2))
    assert_close(np.sort_complex(found), np.sort_complex([-weight / 2 + root, -weight / 2 - root]), rtol=1e-6)


def test_without_a_penalty_the_players_circle_and_with_one_they_meet():
    start = jnp.array([1.0, 1.0])
    circling = follow(dirac_field(GanConfig(objective="wasserstein")), start, 0.05, 2000)
    assert np.abs(np.linalg.norm(circling, axis=1) - np.sqrt(2)).max() < 0.05
    drawn = follow(dirac_field(GanConfig(penalties=("r1",), normalization="none")), start, 0.05, 1000)
    assert np.linalg.norm(drawn[-1]) < 1e-4
    assert circling.shape == (2001, 2)


@pytest.mark.soak
def test_the_joint_field_is_the_gradient_that_training_follows():
    """With a first step of Adam each weight moves against the sign of its gradient, or with the sign of the field."""
    config = dataclasses.replace(plane_recipes()["r3gan-dcgan"], width=6, critic_steps=1, beta1=0.0, learning_rate=1e-6)
    config = dataclasses.replace(config, discriminator_learning_rate=None).at(0, 10**9)
    keys = run_keys(0)
    state = init_state(config, keys.init)
    reals = jnp.asarray(load_target("ring", config.batch_size).points)
    latents = jax.random.normal(jax.random.clone(keys.step), (config.batch_size, config.latent_dim))
    field, start = joint_field(config, state, reals, latents)
    after, _ = gan_step(config, state, Batch(reals), keys.step)
    moved = ravel_pytree((after.generator.params, after.discriminator.params))[0] - start
    value = field(start)
    clear = (np.abs(value) > 1e-3 * np.abs(value).max()) & (np.abs(moved) > 0)
    assert clear.mean() > 0.5
    assert (np.sign(moved) == np.sign(value))[clear].mean() > 0.98


@pytest.mark.soak
def test_a_joint_jacobian_has_a_row_for_every_parameter():
    config = dataclasses.replace(for_points(recipe("r1")), width=2)
    keys = run_keys(0)
    state = init_state(config, keys.init)
    reals = jnp.asarray(load_target("ring", 32).points)
    field, start = joint_field(config, state, reals, jax.random.normal(keys.step, (32, 2)))
    values = eigenvalues(field, start)
    assert len(values) == len(start) == 18 + 15
    assert np.isfinite(values).all()
    jacobian = jax.jit(jax.jacrev(field))(start)
    assert_close(values.sum().real, jnp.trace(jacobian), terms=np.abs(values).sum())
