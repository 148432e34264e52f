"""Sets on which other libraries' scores fail: identical, permuted, repeated, constant, few."""

import numpy as np
import pytest

from gan_jax.evaluation import (
    authenticity,
    density_coverage,
    extrapolated_frechet,
    frechet_distance,
    kernel_distance,
    kernel_subsets,
    precision_recall,
)


def draw(seed, count, width=5):
    return np.random.default_rng(seed).standard_normal((count, width)) + 100


def all_scores(real, fake):
    return {
        "frechet": frechet_distance(real, fake),
        "kernel": kernel_distance(real, fake).value,
        **precision_recall(real, fake)._asdict(),
        **density_coverage(real, fake)._asdict(),
    }


@pytest.mark.parametrize("copies", [1, 4, 6])
def test_scores_of_identical_sets_are_perfect_however_often_an_item_is_repeated(copies):
    """prdc scores copies of sets whose items are repeated k + 1 times 0."""
    real = np.repeat(draw(0, 40), copies, axis=0)
    fake = real[np.random.default_rng(1).permutation(len(real))]
    found = all_scores(real, fake)
    assert found["frechet"] == pytest.approx(0, abs=1e-9)
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    assert found["density"] == pytest.approx(1.2, abs=0.05) if copies == 1 else found["density"] >= 1


def test_scores_do_not_depend_on_the_order_of_rows():
    real, fake = draw(0, 60), draw(1, 50) * 1.01
    order = np.random.default_rng(2)
    shuffled = all_scores(real[order.permutation(60)], fake[order.permutation(50)])
    assert shuffled == pytest.approx(all_scores(real, fake), rel=1e-6)


def test_scores_of_constant_images_have_their_closed_forms():
    """All fakes are one point, a real one: it is in the reals' balls, and only those around it hold a fake."""
    real = np.eye(6)[np.arange(60) % 6] * 10
    fake = np.repeat(real[:1], 20, axis=0)
    found = all_scores(real, fake)
    mean = real.mean(axis=0)
    trace = np.trace(np.cov(real, rowvar=False))
    assert found["frechet"] == pytest.approx(np.sum((mean - real[0]) ** 2) + trace, rel=1e-9)
    assert (found["precision"], found["recall"], found["coverage"]) == (1, pytest.approx(1 / 6), pytest.approx(1 / 6))
    assert found["density"] == pytest.approx(10 / 5)  # ten balls of radius 0 hold each fake, over k
    estimate = extrapolated_frechet(real, fake)
    assert estimate == pytest.approx([found["frechet"]] * 3, rel=1e-9)


def test_scores_of_fewer_images_than_features_are_finite_and_perfect_for_copies():
    real = draw(0, 10, width=200)
    assert frechet_distance(real, real.copy()) == pytest.approx(0, abs=1e-6)
    fake = draw(1, 9, width=200)
    assert np.isfinite(list(all_scores(real, fake).values())).all()
    assert np.isfinite(extrapolated_frechet(real, fake)).all()
    assert np.isfinite(kernel_subsets(real, fake)).all()


def test_authenticity_of_repeated_and_constant_training_images():
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 4, 1), np.uint8)
    train = np.repeat(images, 3, axis=0)
    found = authenticity(images, train)
    assert found.share == 0
    np.testing.assert_array_equal(found.nearest, np.arange(30) * 3)  # the first of equal ones
    np.testing.assert_array_equal(found.distances, 0)
    constant = np.full((12, 4, 4, 1), 7, np.uint8)
    np.testing.assert_array_equal(authenticity(images, constant).nearest, 0)
    alone = authenticity(images[:1], images[:2])
    assert (alone.nearest.tolist(), alone.share) == ([0], 0)
