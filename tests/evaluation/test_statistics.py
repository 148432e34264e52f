"""Means and covariances of features, files of them, and Fréchet distances by closed forms."""

import itertools

import numpy as np
import pytest

from gan_jax.errors import InputError
from gan_jax.evaluation import (
    Statistics,
    extrapolated_frechet,
    feature_statistics,
    frechet_distance,
    read_statistics,
    save_statistics,
    statistics_distance,
)


def draw(seed, count, deviations, shift=0.0):
    return np.random.default_rng(seed).standard_normal((count, len(deviations))) * deviations + shift


def test_read_statistics_gives_what_was_saved_and_the_same_distance(tmp_path):
    real, fake = draw(0, 50, [1, 2, 3]), draw(1, 40, [2, 2, 2])
    save_statistics(tmp_path / "reals.npz", feature_statistics(real))
    with np.load(tmp_path / "reals.npz") as file:
        assert sorted(file) == ["mu", "sigma"]
        np.testing.assert_array_equal(file["sigma"], np.cov(real, rowvar=False))
    read, digest = read_statistics(tmp_path / "reals.npz")
    assert len(digest) == 64
    assert statistics_distance(read, feature_statistics(fake)) == frechet_distance(real, fake)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mu": np.zeros(3)}, "no 'sigma'"),
        ({"mu": np.zeros(3), "sigma": np.eye(4)}, "sigma"),
        ({"mu": np.zeros(2), "sigma": np.array([[1.0, 0.5], [0, 1]])}, "not symmetric"),
        ({"mu": np.full(2, np.nan), "sigma": np.eye(2)}, "NaN"),
        ({"mu": np.array(["a"]), "sigma": np.eye(1)}, "no statistics"),
    ],
)
def test_read_statistics_refuses_what_is_none(arrays, message, tmp_path):
    np.savez(tmp_path / "odd.npz", **arrays)
    with pytest.raises(InputError, match=message):
        read_statistics(tmp_path / "odd.npz")


def test_statistics_distance_of_singular_covariances_has_its_closed_form():
    """SciPy 1.18's ``sqrtm`` of diag(0, 0, 4) holds inf."""
    first, second = (Statistics(np.zeros(3), np.diag(values)) for values in ([0.0, 0, 4], [0.0, 9, 4]))
    assert statistics_distance(first, second) == pytest.approx(9, rel=1e-12)
    assert statistics_distance(first, first) == pytest.approx(0, abs=1e-12)
    with pytest.raises(InputError, match="3 features and the other 2"):
        statistics_distance(first, Statistics(np.zeros(2), np.eye(2)))


def test_statistics_distance_of_fewer_images_than_features_has_its_closed_form():
    """Two images each, apart along one axis: covariances of rank one, on the same axis or on two."""
    along = {axis: np.eye(50)[axis] * np.array([[-1.0], [1.0]]) for axis in (0, 1)}
    assert frechet_distance(along[0], 3 * along[0]) == pytest.approx((3 - 1) ** 2 * 2, rel=1e-12)
    assert frechet_distance(along[0], along[1]) == pytest.approx(2 + 2, rel=1e-12)


def test_extrapolated_frechet_has_no_bias_where_the_distance_has():
    """N(0, 1)^8 against N(shift, 2)^8: shift² + (√2 - 1)² in each dimension."""
    reals = Statistics(np.zeros(8), np.eye(8))
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=8)))
    real = np.concatenate([signs] * 2) * np.sqrt(511 / 512)  # of exactly these statistics
    np.testing.assert_allclose(feature_statistics(real).covariance, reals.covariance, atol=1e-12)
    expected = 8 * (0.1**2 + (np.sqrt(2) - 1) ** 2)
    fakes = [draw(seed, 100, [np.sqrt(2)] * 8, shift=0.1) for seed in range(120)]
    estimates = [extrapolated_frechet(real, fake, seed=seed) for seed, fake in enumerate(fakes)]
    plain, found = (
        np.array(values)
        for values in zip(
            *(
                (frechet_distance(real, fake), estimate.distance)
                for fake, estimate in zip(fakes, estimates, strict=True)
            ),
            strict=True,
        )
    )
    error = found.std() / np.sqrt(len(found))
    assert plain.mean() - expected > 8 * error
    assert abs(found.mean() - expected) < 4 * error
    assert 0.88 <= np.mean([low <= expected <= high for _, low, high in estimates]) <= 1


def test_extrapolated_frechet_of_any_order_of_rows_is_within_its_interval():
    real, fake = draw(0, 300, [1, 2, 3]), draw(1, 200, [1, 2, 2])
    first, second = extrapolated_frechet(real, fake), extrapolated_frechet(real[::-1], fake[::-1])
    assert first.low < second.distance < first.high
    assert extrapolated_frechet(real, np.repeat(fake[:1], 9, axis=0)).high == pytest.approx(
        frechet_distance(real, np.repeat(fake[:1], 9, axis=0)), rel=1e-9
    )
