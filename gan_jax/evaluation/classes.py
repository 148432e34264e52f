"""Scores of how a set of images is spread over the classes."""

import numpy as np

from gan_jax.evaluation.checks import require_features

PSEUDO_COUNT = 0.5


def class_histogram(logits: np.ndarray) -> np.ndarray:
    """Count the images whose largest logit each class has.

    Bias: the classifier's errors. Compare with the histogram of real images from the same classifier rather than with
    that of their labels, so that the errors meet on both sides.

    Args:
      logits: ``[N, classes]`` float; 10,000 in the protocol.

    Returns:
      ``[classes]`` int64 counts that add up to N.

    Raises:
      ValueError: a shape or type is wrong, there are no rows, or a value is not finite.

    Examples:
      >>> class_histogram(np.array([[0.0, 5.0], [2.0, 1.0], [0.0, 1.0]])).tolist()
      [1, 2]
    """
    logits = require_features(logits, "logits", least=1)
    return np.bincount(logits.argmax(axis=1), minlength=logits.shape[1])


def class_divergence(real_counts: np.ndarray, fake_counts: np.ndarray) -> float:
    r"""Kullback-Leibler divergence of the fakes' classes from the reals'.

    $KL(q \| p) = \sum_c q_c \ln (q_c / p_c)$ (Kullback & Leibler 1951), the shares q of the fakes and p
    of the reals being smoothed: half an image is added to each class of both (Krichevsky & Trofimov 1981), so that a
    class that is missing keeps the number finite.

    Bias: upwards, by about $(K - 1)(1 / N + 1 / M) / 2$ for K classes; 0.0009 in the protocol.

    Args:
      real_counts: ``[classes]`` whole numbers, from ``class_histogram``; of 10,000 images in the protocol.
      fake_counts: ``[classes]`` whole numbers; of 10,000 images in the protocol.

    Returns:
      Nats, at least 0: 0 for equal shares in equal numbers, about ln K where one of K even classes has all fakes.

    Raises:
      ValueError: the counts are not whole, negative, all zero, or of unequal length.

    Examples:
      >>> round(class_divergence(np.array([50, 50]), np.array([100, 0])), 2)
      0.66
    """
    for name, counts in (("real_counts", real_counts), ("fake_counts", fake_counts)):
        if not isinstance(counts, np.ndarray) or not np.issubdtype(counts.dtype, np.integer) or counts.ndim != 1:
            raise ValueError(f"{name} must be a NumPy array of whole numbers of the shape [classes]")
        if counts.min(initial=0) < 0 or counts.sum() == 0:
            raise ValueError(f"{name} must be at least 0 and not all 0, not {counts.tolist()}")
    if len(real_counts) != len(fake_counts):
        raise ValueError(f"real_counts have {len(real_counts)} classes and fake_counts {len(fake_counts)}")
    real, fake = (counts + PSEUDO_COUNT for counts in (real_counts, fake_counts))
    real, fake = real / real.sum(), fake / fake.sum()
    return max(float((fake * np.log(fake / real)).sum()), 0.0)
