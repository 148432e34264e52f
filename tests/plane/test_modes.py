"""Mode scores against counts by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.plane import load_target, score_modes

MODES = load_target("ring", 16).modes


def test_reals_cover_every_mode():
    scores = score_modes(MODES, jnp.asarray(load_target("ring", 2500).points))
    assert scores.near == pytest.approx(1 - np.exp(-4.5), abs=0.01)  # Rayleigh's distribution beyond three deviations
    assert (scores.found, scores.covered) == (8, 8)
    assert scores.divergence == pytest.approx(0, abs=0.01)


def test_a_mode_is_covered_by_twenty_near_points():
    centres = np.repeat(MODES.centres[:3], [20, 19, 1], axis=0)
    far = MODES.centres[3:4] * (1 + 3.1 * MODES.std)
    scores = score_modes(MODES, jnp.asarray(np.concatenate([centres, far])))
    assert (scores.found, scores.covered) == (3, 1)
    assert scores.near == pytest.approx(40 / 41, rel=1e-5)


def test_the_divergence_is_that_of_the_modes_shares():
    half = score_modes(MODES, jnp.asarray(MODES.centres[:4]))
    one = score_modes(MODES, jnp.asarray(MODES.centres[:1]))
    assert half.divergence == pytest.approx(np.log(2), rel=1e-5)
    assert one.divergence == pytest.approx(np.log(8), rel=1e-5)


def test_points_that_are_no_numbers_count_as_one_mode_far_away():
    scores = score_modes(MODES, jnp.full((10, 2), jnp.nan))
    assert (scores.near, scores.found) == (0, 0)
    assert scores.divergence == pytest.approx(np.log(8), rel=1e-5)
