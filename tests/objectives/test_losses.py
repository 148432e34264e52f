import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import OBJECTIVES, discriminator_loss, generator_loss

LOGITS = jnp.array([-3.0, -0.5, 0.0, 2.0])
OTHERS = jnp.array([1.5, -4.0, 0.25, 0.75])


def test_losses_are_binary_cross_entropy_with_the_courses_labels():
    ones, zeros = jnp.ones(4), jnp.zeros(4)
    reals = optax.sigmoid_binary_cross_entropy(LOGITS, ones).mean()
    fakes = optax.sigmoid_binary_cross_entropy(OTHERS, zeros).mean()
    np.testing.assert_allclose(discriminator_loss(LOGITS, OTHERS), reals + fakes, rtol=1e-5)
    as_real = optax.sigmoid_binary_cross_entropy(OTHERS, ones).mean()
    np.testing.assert_allclose(generator_loss(OTHERS), as_real, rtol=1e-5)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_stay_finite(logit):
    logits = jnp.full(4, logit)
    for loss in (generator_loss, lambda x: discriminator_loss(x, -x)):
        value, gradient = jax.value_and_grad(loss)(logits)
        assert jnp.isfinite(value)
        assert jnp.isfinite(gradient).all()
    assert generator_loss(jnp.full(4, -1e4)) == 1e4


# Worked out by hand for real logits (2, -1) and fake logits (0.5, -3), with softplus(x) = log(1 + exp(x)).
REALS, FAKES = jnp.array([2.0, -1.0]), jnp.array([0.5, -3.0])


def softplus(x):
    return np.log1p(np.exp(x))


BY_HAND = {
    "non_saturating": (
        (softplus(-2) + softplus(1) + softplus(0.5) + softplus(-3)) / 2,
        (softplus(-0.5) + softplus(3)) / 2,
    ),
    "saturating": (
        (softplus(-2) + softplus(1) + softplus(0.5) + softplus(-3)) / 2,
        -(softplus(0.5) + softplus(-3)) / 2,
    ),
    "least_squares": ((1 + 4) / 2 + (0.25 + 9) / 2, (0.25 + 16) / 2),
    "hinge": ((0 + 2) / 2 + (1.5 + 0) / 2, (-0.5 + 3) / 2),
    "wasserstein": (-1.25 - 0.5, 1.25),
    "relativistic": ((softplus(-1.5) + softplus(-2)) / 2, (softplus(1.5) + softplus(2)) / 2),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_is_its_formula(name):
    objective = OBJECTIVES[name]
    real_logits = (REALS,) if objective.sees_reals else ()
    assert objective.discriminator(REALS, FAKES, 1.0, 1.0) == pytest.approx(BY_HAND[name][0], rel=1e-5)
    assert objective.generator(FAKES, *real_logits) == pytest.approx(BY_HAND[name][1], rel=1e-5)


@pytest.mark.parametrize("name", [name for name, objective in OBJECTIVES.items() if not objective.sees_reals])
def test_weights_are_factors_of_the_two_terms(name):
    loss = OBJECTIVES[name].discriminator
    on_reals, on_fakes = loss(REALS, FAKES, 1.0, 0.0), loss(REALS, FAKES, 0.0, 1.0)
    np.testing.assert_allclose(loss(REALS, FAKES, 0.5, 3.0), 0.5 * on_reals + 3 * on_fakes, rtol=1e-5)
