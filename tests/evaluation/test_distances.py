"""Fréchet, kernel and sliced Wasserstein distances against independent implementations."""

import itertools

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from closeness import assert_close

from gan_jax.evaluation import (
    density_coverage,
    frechet_distance,
    frechet_floor,
    kernel_distance,
    precision_recall,
    sliced_wasserstein,
)


def draw(seed, count, width=6, shift=0.0, scale=1.0):
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).standard_normal((width, width))
    return (scale * generator.standard_normal((count, width)) @ mixing + shift).astype(np.float32)


def with_square_root_of_a_matrix(real, fake):
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    first, second = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second)
    return np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.trace(first + second - 2 * np.real(root))


def variance_of(features):
    """The size of the traces that a Fréchet distance is the difference of."""
    return features.var(axis=0).sum()


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (0.5, 1), (0, 2), (-1, 0.3)])
def test_frechet_is_scipys_square_root_form(shift, scale):
    real, fake = draw(0, 300), draw(1, 200, shift=shift, scale=scale)
    expected = with_square_root_of_a_matrix(real, fake)
    assert_close(frechet_distance(real, fake), expected, terms=variance_of(real))
    assert_close(frechet_distance(fake, real), expected, terms=variance_of(real))


@pytest.mark.parametrize("shape", ["gaussian", "mixture"])
def test_the_floor_is_what_two_samples_of_one_distribution_are_apart(shape):
    generator = np.random.default_rng(0)

    def sample(count):
        features = generator.standard_normal((count, 8)) * np.linspace(0.2, 2, 8)
        if shape == "mixture":
            features += 3 * generator.integers(0, 3, (count, 1)) * np.linspace(1, -1, 8)
            features *= generator.exponential(size=(count, 1))
        return features

    measured = [frechet_distance(sample(600), sample(1200)) for _ in range(200)]
    error = np.std(measured) / np.sqrt(len(measured))
    predicted = frechet_floor(sample(100_000), 600, 1200)
    assert abs(np.mean(measured) - predicted) < 4 * error + 0.02 * predicted


def test_the_floor_of_gaussians_has_its_closed_form():
    features = np.random.default_rng(0).standard_normal((200_000, 5)) * [1, 2, 3, 4, 5]
    values = np.array([1.0, 4, 9, 16, 25])
    pairs = values[:, None] * values[None, :] / (values[:, None] + values[None, :])
    expected = (1 / 100 + 1 / 400) * (1.25 * values.sum() + pairs.sum() / 2)
    assert frechet_floor(features, 100, 400) == pytest.approx(expected, rel=0.02)
    assert frechet_floor(np.ones((10, 3)), 5, 5) == 0


def with_a_loop(real, fake):
    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    within = [
        np.mean([kernel(x, y) for (i, x), (j, y) in itertools.product(enumerate(rows), repeat=2) if i != j])
        for rows in (real.astype(np.float64), fake.astype(np.float64))
    ]
    return sum(within) - 2 * np.mean([kernel(x, y) for x in real.astype(np.float64) for y in fake.astype(np.float64)])


def largest_kernel(features):
    """The size of the terms that a kernel distance is the difference of."""
    return (np.square(features).mean(axis=1).max() + 1) ** 3


@pytest.mark.parametrize(("sizes", "blocks"), [((40, 40), 10), ((33, 47), 5), ((8, 60), 20)])
def test_kernel_distance_is_the_direct_loop(sizes, blocks):
    real, fake = draw(0, sizes[0]), draw(1, sizes[1], shift=0.4)
    distance = kernel_distance(real, fake, num_blocks=blocks)
    assert_close(distance.value, with_a_loop(real, fake), rtol=1e-12, terms=largest_kernel(real))
    again = kernel_distance(real, fake, seed=5, num_blocks=blocks)
    assert_close(again.value, distance.value, rtol=1e-12, terms=largest_kernel(real))


def test_kernel_distance_does_not_depend_on_how_rows_are_blocked(monkeypatch):
    real, fake = draw(0, 90), draw(1, 70)
    expected = kernel_distance(real, fake)
    monkeypatch.setattr("gan_jax.evaluation.distances._BLOCK_ROWS", 3)
    assert_close(kernel_distance(real, fake), expected, rtol=1e-12, terms=largest_kernel(real))


@pytest.mark.parametrize(("shift", "least", "most"), [(0.0, 0.9, 2.0), (0.6, 0.75, 1.3)])
def test_kernel_distance_is_unbiased_and_knows_its_error(shift, least, most):
    draws = [kernel_distance(draw(2 * i, 120), draw(2 * i + 1, 120, shift=shift)) for i in range(150)]
    values, errors = np.array(draws).T
    if shift == 0:
        assert abs(values.mean()) < 4 * values.std() / np.sqrt(len(values))
    assert least < np.sqrt(np.mean(errors**2)) / values.std() < most


def images(seed, count, size=6):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 1), np.uint8)


@pytest.mark.parametrize(("first", "second"), [(30, 30), (30, 45), (7, 30)])
def test_sliced_wasserstein_is_scipys_on_every_line(first, second):
    real, fake = images(0, first), images(1, second) // 2
    directions = np.random.default_rng(3).standard_normal((20, 36), np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lines = [
        scipy.stats.wasserstein_distance(real.reshape(first, -1) @ line, fake.reshape(second, -1) @ line)
        for line in directions
    ]
    assert sliced_wasserstein(real, fake, seed=3, num_projections=20) == pytest.approx(np.mean(lines), rel=1e-4)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance, precision_recall, density_coverage])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda fake: fake[0], "shape"),
        (lambda fake: fake[:1], "at least"),
        (lambda fake: fake[:, :-1], "columns"),
        (lambda fake: fake.astype(int), "floats"),
        (lambda fake: fake.tolist(), "list"),
        (lambda fake: np.where(fake == fake[0, 0], np.nan, fake), "NaN"),
        (lambda fake: np.where(fake == fake[0, 0], np.inf, fake), "infinite"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(distance, spoil, message):
    real, fake = draw(0, 20), draw(1, 20)
    with pytest.raises(ValueError, match=message):
        distance(real, spoil(fake))


@pytest.mark.parametrize(
    ("fakes", "message"),
    [
        (images(1, 5).astype(np.float32), "uint8"),
        (images(1, 5)[..., 0], "shape"),
        (images(1, 5, size=5), "agree"),
        (images(1, 5)[:0], "at least 1"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(fakes, message):
    with pytest.raises(ValueError, match=message):
        sliced_wasserstein(images(0, 5), fakes)
