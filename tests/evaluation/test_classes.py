"""The class histogram and its divergence."""

import numpy as np
import pytest

from gan_jax.evaluation import class_divergence, class_histogram


def test_the_histogram_counts_the_largest_logit():
    logits = np.array([[0, 5, 1], [2, 1, 0], [0, 1, 0]], np.float32)
    np.testing.assert_array_equal(class_histogram(logits), [1, 2, 0])


def test_the_divergence_is_of_the_fakes_from_the_reals():
    real, fake = np.array([2, 7, 0]), np.array([4, 1, 3])
    p, q = (real + 0.5) / 10.5, (fake + 0.5) / 9.5
    assert class_divergence(real, fake) == pytest.approx(np.sum(q * np.log(q / p)), rel=1e-12)


@pytest.mark.parametrize(
    "counts", [np.array([0, 0]), np.array([-1, 2]), np.array([0.5, 0.5]), np.array([1, 2, 3]), [1, 2]]
)
def test_what_is_no_histogram_is_refused(counts):
    with pytest.raises(ValueError, match="counts"):
        class_divergence(np.array([1, 2]), counts)
