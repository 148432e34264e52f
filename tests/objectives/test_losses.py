import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import discriminator_loss, generator_loss, mean_score

LOGITS = jnp.array([-3.0, -0.5, 0.0, 2.0])
OTHERS = jnp.array([1.5, -4.0, 0.25, 0.75])


def test_an_undecided_discriminator_costs_two_ln_2():
    undecided = jnp.zeros(4)
    assert discriminator_loss(undecided, undecided) == pytest.approx(2 * np.log(2))
    assert generator_loss(undecided) == pytest.approx(np.log(2))
    assert mean_score(undecided) == pytest.approx(0.5)


def test_losses_are_binary_cross_entropy_with_the_courses_labels():
    ones, zeros = jnp.ones(4), jnp.zeros(4)
    reals = optax.sigmoid_binary_cross_entropy(LOGITS, ones).mean()
    fakes = optax.sigmoid_binary_cross_entropy(OTHERS, zeros).mean()
    np.testing.assert_allclose(discriminator_loss(LOGITS, OTHERS), reals + fakes, rtol=1e-6)
    as_real = optax.sigmoid_binary_cross_entropy(OTHERS, ones).mean()
    np.testing.assert_allclose(generator_loss(OTHERS), as_real, rtol=1e-6)


def test_gradients_are_those_of_the_formulas():
    probabilities = jax.nn.sigmoid(OTHERS)
    np.testing.assert_allclose(jax.grad(generator_loss)(OTHERS), (probabilities - 1) / 4, rtol=1e-5)
    np.testing.assert_allclose(jax.grad(discriminator_loss, 1)(LOGITS, OTHERS), probabilities / 4, rtol=1e-5)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_stay_finite(logit):
    logits = jnp.full(4, logit)
    for loss in (generator_loss, lambda x: discriminator_loss(x, -x)):
        value, gradient = jax.value_and_grad(loss)(logits)
        assert jnp.isfinite(value)
        assert jnp.isfinite(gradient).all()
    assert generator_loss(jnp.full(4, -1e4)) == 1e4
