"""Adam against its formulas in float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from closeness import assert_close

from gan_jax import GanConfig, init_state
from gan_jax.optimizers import adam, bias_correction
from gan_jax.plane import for_points
from gan_jax.training.state import apply_gradients


def float64_updates(gradients: np.ndarray, rate: float, beta1: float, beta2: float) -> np.ndarray:
    """The updates of Kingma & Ba 2015, algorithm 1."""
    m = v = np.zeros(gradients.shape[1:])
    updates = []
    for t, g in enumerate(gradients.astype(np.float64), 1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        updates.append(-rate * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + 1e-8))
    return np.array(updates)


@pytest.mark.parametrize(("beta1", "beta2"), [(0.5, 0.999), (0.0, 0.99), (0.9, 0.999), (0.0, 0.0)])
def test_float32_updates_are_those_of_float64(beta1, beta2):
    """optax.adam's median is off by 8e-7 for beta2 0.99, and by 1e-5 for 0.999."""
    gradients = np.random.default_rng(0).normal(1, 0.2, (40, 1000)).astype(np.float32)
    transformation = adam(1e-3, beta1, beta2)
    state, found = transformation.init(jnp.zeros(1000)), []
    for gradient in gradients:
        updates, state = transformation.update(jnp.asarray(gradient), state)
        found.append(updates)
    ratio = np.array(found, np.float64) / float64_updates(gradients, 1e-3, beta1, beta2)
    np.testing.assert_allclose(ratio, 1, atol=2e-6)
    np.testing.assert_allclose(np.median(ratio, axis=1), 1, atol=5e-7)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999, 0.9999])
def test_a_bias_correction_keeps_its_digits(decay):
    counts = np.array([1, 2, 3, 10, 1000, 100_000], np.int32)
    exact = 1 - np.float64(np.float32(decay)) ** counts
    np.testing.assert_allclose(bias_correction(np.float32(decay), counts), exact, rtol=1e-6)


@pytest.mark.soak
def test_weights_of_points_networks_move_as_each_would_alone():
    config = dataclasses.replace(for_points(GanConfig()), width=4)
    network = init_state(config, jax.random.key(0)).generator
    rates = (1e-3, config.beta1, config.beta2)
    params, moments = network.params, adam(*rates).init(network.params)

    @jax.jit
    def move(network, params, moments):
        gradients = jax.tree.map(lambda leaf: jnp.sin(7 * leaf), params)
        updates, moments = adam(*rates).update(gradients, moments)
        network = apply_gradients(config, network, gradients, learning_rate=1e-3)
        return network, jax.tree.map(jnp.add, params, updates), moments

    for _ in range(3):
        network, params, moments = move(network, params, moments)
    assert_close(network.params, params, rtol=1e-5)
    assert network.opt_state[0].mu.shape == (sum(leaf.size for leaf in jax.tree.leaves(params)),)


def test_the_state_is_that_of_optax():
    """So earlier checkpoints can be restored."""
    params = {"kernel": jnp.ones((2, 3))}
    ours, theirs = adam(1e-3, 0.9, 0.999).init(params), optax.adam(1e-3).init(params)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    assert jax.tree.map(jnp.shape, ours) == jax.tree.map(jnp.shape, theirs)
