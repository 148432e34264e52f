import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.runs.health import COLLAPSE_AFTER, find_signs, has_collapsed, image_set_std
from gan_jax.training.forward import pixel_std

WELL = {"d_x": 0.8, "d_g_z1": 0.2, "d_gradient_norm": 3.0, "g_gradient_norm": 5.0, "fake_std": 0.5}


@pytest.mark.parametrize(
    ("changes", "signs"),
    [
        ({}, []),
        ({"d_x": 0.999, "d_g_z1": 0.001}, ["saturated discriminator"]),
        ({"d_x": 0.999}, []),
        ({"d_g_z1": 0.001}, []),
        ({"fake_std": 0.1}, ["collapsed fakes"]),
        ({"g_gradient_norm": 1e4}, ["steep gradient"]),
        ({"d_gradient_norm": 1e4}, ["steep gradient"]),
    ],
)
def test_find_signs_names_what_goes_wrong(changes, signs):
    assert [sign.name for sign in find_signs(WELL | changes, COLLAPSE_AFTER, real_std=0.6)] == signs


def test_find_signs_does_not_judge_what_cannot_be_known():
    """Scores that are no probabilities, fakes that are alike at first, and metrics that a step does not have."""
    assert find_signs(WELL | {"d_x": 1.0, "d_g_z1": 0.0}, COLLAPSE_AFTER, 0.6, logistic=False) == []
    assert find_signs(WELL | {"fake_std": 0.01}, COLLAPSE_AFTER - 1, 0.6) == []
    assert find_signs({"g_loss": 1.0}, COLLAPSE_AFTER, 0.6) == []


def test_the_spread_of_a_batch_and_of_an_image_set_are_one_measure():
    images = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1), np.uint8)
    expected = np.sqrt(np.mean(np.var(images / 127.5 - 1, axis=0)))
    assert image_set_std(images) == pytest.approx(expected, rel=1e-5)
    assert float(pixel_std(jnp.asarray(images / 127.5 - 1))) == pytest.approx(expected, rel=1e-5)
    assert image_set_std(images[:1].repeat(5, axis=0)) == pytest.approx(0, abs=1e-5)
    in_turn = np.tile(np.array([0, 255], np.uint8), 5000)[:, None, None, None]  # every second one would be of one class
    assert image_set_std(in_turn) == pytest.approx(1, abs=0.01)


def test_has_collapsed_if_the_last_fakes_of_a_run_that_was_not_short_are_alike():
    reals = np.random.default_rng(0).integers(0, 256, (100, 4, 4, 1), np.uint8)
    spreads = np.full(COLLAPSE_AFTER, 0.5, np.float32)
    assert has_collapsed({"fake_std": spreads}, reals) is False
    spreads[-100:] = 0.01
    assert has_collapsed({"fake_std": spreads}, reals) is True
    assert has_collapsed({"fake_std": spreads[1:]}, reals) is None
    assert has_collapsed({}, reals) is None
