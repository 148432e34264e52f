"""Precision, recall, density, coverage and authenticity against direct loops, and against the prdc package."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gan_jax.evaluation import authenticity, density_coverage, nearest, precision_recall


def draw(seed, count, shift=0.0):
    return (np.random.default_rng(seed).standard_normal((count, 5)) + shift).astype(np.float32)


def with_loops(real, fake, k):
    """The two papers' four numbers."""
    real_radii, fake_radii = (np.sort(cdist(rows, rows), axis=1)[:, k] for rows in (real, fake))
    between = cdist(fake, real)
    return {
        "precision": np.mean([any(row <= real_radii) for row in between]),
        "recall": np.mean([any(column <= fake_radii) for column in between.T]),
        "density": sum(np.count_nonzero(row <= real_radii) for row in between) / (k * len(fake)),
        "coverage": np.mean([min(column) <= radius for column, radius in zip(between.T, real_radii, strict=True)]),
    }


def scores(real, fake, k):
    return {
        **precision_recall(real, fake, num_neighbours=k)._asdict(),
        **density_coverage(real, fake, num_neighbours=k)._asdict(),
    }


@pytest.mark.parametrize(("sizes", "shift", "k"), [((200, 150), 0.3, 3), ((150, 200), 1.5, 5), ((80, 80), 0, 1)])
def test_they_are_the_direct_loops(sizes, shift, k, monkeypatch):
    monkeypatch.setattr("gan_jax.evaluation.neighbours._BLOCK_ENTRIES", 90)
    real, fake = draw(0, sizes[0]), draw(1, sizes[1], shift)
    assert scores(real, fake, k) == pytest.approx(with_loops(real, fake, k), rel=1e-12)


def test_samples_of_one_distribution_have_the_stated_expectations():
    found = [density_coverage(draw(2 * i, 200), draw(2 * i + 1, 100), num_neighbours=3) for i in range(60)]
    absent = np.prod([(199 - i) / (299 - i) for i in range(3)])
    assert np.mean([pair.density for pair in found]) == pytest.approx(1, abs=0.03)
    assert np.mean([pair.coverage for pair in found]) == pytest.approx(1 - absent, abs=0.01)


@pytest.mark.parametrize("function", [precision_recall, density_coverage])
def test_no_neighbours_are_refused(function):
    with pytest.raises(ValueError, match="at least 1"):
        function(draw(0, 30), draw(1, 30), num_neighbours=0)


def images(seed, count):
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 1), np.uint8)


def test_authenticity_is_the_direct_loop(monkeypatch):
    monkeypatch.setattr("gan_jax.evaluation.nearest._ROOM", 900)
    train = images(0, 90)
    fakes = np.concatenate([images(1, 40), train[:30], np.clip(train[30:60], 3, 250)])
    between, within = (cdist(rows.reshape(len(rows), -1), train.reshape(90, -1)) for rows in (fakes, train))
    np.fill_diagonal(within, np.inf)
    nearest = between.argmin(axis=1)
    found = authenticity(fakes, train)
    np.testing.assert_array_equal(found.nearest, nearest)
    np.testing.assert_allclose(found.distances, between.min(axis=1), rtol=1e-12)
    assert found.share == np.mean(between.min(axis=1) > within.min(axis=1)[nearest])


def test_authenticity_of_bright_images_that_are_nearly_alike():
    random = np.random.default_rng(0)
    train = np.tile(random.integers(200, 255, 32 * 32 * 3, np.uint8), (60, 1))
    for row in train:
        row[random.integers(0, len(row), 3)] += 1
    images = train.reshape(60, 32, 32, 3)
    found = authenticity(images, images)
    assert found.share == 0
    np.testing.assert_array_equal(found.nearest, np.arange(60))
    fakes = images.copy()
    fakes[:30, 0, 0] ^= 1  # nearer than the next training image
    fakes[30:, :2] ^= 7
    between, within = (cdist(rows.reshape(60, -1), train) for rows in (fakes, images))
    np.fill_diagonal(within, np.inf)
    expected = between.min(axis=1) > within.min(axis=1)[between.argmin(axis=1)]
    assert authenticity(fakes, images).share == expected.mean() == 0.5


def test_authenticity_among_many_copies_of_an_image_finds_the_first():
    train = np.concatenate([images(0, 40), np.repeat(images(1, 1), 80, axis=0)])
    fakes = np.concatenate([images(2, 20), train[40:60], train[:5]])
    between, within = (cdist(rows.reshape(len(rows), -1), train.reshape(120, -1)) for rows in (fakes, train))
    np.fill_diagonal(within, np.inf)
    nearest = between.argmin(axis=1)
    found = authenticity(fakes, train)
    np.testing.assert_array_equal(found.nearest, nearest)
    assert found.share == np.mean(between.min(axis=1) > within.min(axis=1)[nearest])


def test_the_search_multiplies_finite_numbers_alone():
    """NumPy 2.4 warned of invalid values in a matrix product where an operand or what it replaced was infinite."""
    images = np.random.default_rng(0).integers(0, 256, (250, 300), np.uint8)
    index = nearest.index_images(images)
    assert index.table.shape[1] > len(images)  # the last part is not full
    assert np.isfinite(index.table).all()
