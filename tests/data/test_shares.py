"""Labels in the shares of some data, and rows of which each class has its share."""

import numpy as np
import pytest

from gan_jax.data.shares import labels_in_shares, sample_rows


@pytest.mark.parametrize(
    ("counts", "num_labels", "numbers"),
    [
        ([95, 5], 1000, [950, 50]),
        ([2, 1], 4, [3, 1]),
        ([1, 1, 1], 4, [2, 1, 1]),
        ([3, 0, 1], 8, [6, 0, 2]),
        ([6, 5, 5], 3, [1, 1, 1]),
        ([0, 7], 5, [0, 5]),
        ([10**9, 1], 10**6, [10**6, 0]),
    ],
)
def test_labels_are_whole_numbers_by_the_largest_remainders(counts, num_labels, numbers):
    labels = labels_in_shares(np.array(counts), num_labels)
    assert np.bincount(labels, minlength=len(counts)).tolist() == numbers


def test_labels_of_even_shares_are_the_classes_in_turn():
    for classes in (1, 2, 3, 10):
        for num_labels in (1, 7, 10, 41):
            labels = labels_in_shares(np.full(classes, 6000), num_labels)
            assert labels.tolist() == [place % classes for place in range(num_labels)]


def test_labels_of_any_stretch_have_the_shares():
    labels = labels_in_shares(np.array([70, 20, 10]), 1000)
    for start in range(0, 1000, 100):
        assert np.abs(np.bincount(labels[start : start + 100]) - [70, 20, 10]).max() <= 1


def test_rows_are_of_each_class_its_share_at_random_and_seeded():
    labels = np.repeat([4, 7, 9], [600, 300, 100])
    rows = sample_rows(labels, 50, seed=0)
    assert np.unique(rows, return_counts=True)[1].max() == 1
    assert [np.sum(labels[rows] == kind) for kind in (4, 7, 9)] == [30, 15, 5]
    assert rows[labels[rows] == 4].max() > 500
    assert rows[labels[rows] == 4].min() < 100
    np.testing.assert_array_equal(rows, sample_rows(labels, 50, seed=0))
    assert set(rows) != set(sample_rows(labels, 50, seed=1))
