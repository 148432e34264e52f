import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import PENALTIES
from gan_jax.draws import draw_mixing

SLOPE = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4, 1)), jnp.float32)
REALS, FAKES = (jnp.asarray(np.random.default_rng(seed).normal(size=(5, 4, 4, 1)), jnp.float32) for seed in (1, 2))


def key():
    return jax.random.key(3)


def linear(images):
    return jnp.einsum("nhwc,hwc->n", images, SLOPE)


def squared(images):
    return jnp.sum(images**2, axis=(1, 2, 3)) / 2


def squares(images):
    return np.sum(np.asarray(images, np.float64) ** 2, axis=(1, 2, 3))


def test_each_penalty_looks_where_it_says():
    """The gradient of half the squared length is the image itself."""
    assert PENALTIES["r1"](squared, REALS, FAKES, key()) == pytest.approx(squares(REALS).mean() / 2, rel=1e-5)
    assert PENALTIES["r2"](squared, REALS, FAKES, key()) == pytest.approx(squares(FAKES).mean() / 2, rel=1e-5)
    m = np.asarray(draw_mixing(key(), 5))[:, None, None, None]
    lengths = np.sqrt(squares(m * REALS + (1 - m) * FAKES))
    given = PENALTIES["gradient_penalty"](squared, REALS, FAKES, key())
    assert given == pytest.approx(((lengths - 1) ** 2).mean(), rel=1e-5)


def test_a_flat_critic_has_a_finite_gradient():
    def loss(scale):
        return PENALTIES["gradient_penalty"](lambda images: 0 * scale * linear(images), REALS, FAKES, key())

    value, gradient = jax.value_and_grad(loss)(1.0)
    assert value == 1
    assert gradient == 0
