"""Scores as torch-fidelity 0.4 computes them, number for number, for comparison with papers."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gan_jax.evaluation.checks import require_feature_pair, require_features

_SEED = 2020  # torch-fidelity's


class Spread(NamedTuple):
    """Over subsets or splits."""

    mean: float
    std: float  # over their number, not one less


def kernel_subsets(
    real_features: np.ndarray,
    fake_features: np.ndarray,
    *,
    num_subsets: int = 100,
    subset_size: int = 1000,
    seed: int = _SEED,
) -> Spread:
    """KID as papers report it: the unbiased estimate of ``kernel_distance``, over random subsets of both sets.

    Computed in the features' own precision, as torch-fidelity does, so that its rounding is the same too.

    Args:
      real_features: ``[N, D]`` float.
      fake_features: ``[M, D]`` float.
      num_subsets: subsets of each.
      subset_size: rows of each subset; fewer where there are fewer rows, and then no longer as published.
      seed: decides the subsets.

    Returns:
      Mean and standard deviation. The deviation is of one subset's estimate and no error of the mean.

    Raises:
      InputError: a shape or type is wrong, there are fewer than two rows, or a value is not finite.
    """
    require_feature_pair(real_features, fake_features, ("real_features", "fake_features"))
    size = min(subset_size, len(real_features), len(fake_features))
    generator, estimates = np.random.RandomState(seed), np.empty(num_subsets)
    for at in range(num_subsets):
        fakes, reals = (
            features[generator.choice(len(features), size, replace=False)]
            for features in (fake_features, real_features)
        )
        among_fakes, among_reals, between = _cubic(fakes, fakes), _cubic(reals, reals), _cubic(fakes, reals)
        estimates[at] = (_off_diagonal(among_fakes) + _off_diagonal(among_reals)) / (size * (size - 1))
        estimates[at] -= 2 * between.sum(axis=0).sum() / (size * size)
    return Spread(float(np.mean(estimates)), float(np.std(estimates)))


def _cubic(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (np.matmul(first, second.T) * (1.0 / first.shape[1]) + 1) ** 3


def _off_diagonal(kernel: np.ndarray) -> np.floating:
    return (kernel.sum(axis=1) - np.diagonal(kernel)).sum()


def inception_score(logits: np.ndarray, *, num_splits: int = 10, seed: int = _SEED) -> Spread:
    r"""The Inception score, $\exp(E\,KL(p(y|x) \| p(y)))$ (Salimans et al. 2016), over splits of the shuffled images.

    Bias: downwards by the number of images in a split. It compares with no reals.

    Args:
      logits: ``[N, classes]`` float; N at least the number of splits.
      num_splits: parts that are scored alone.
      seed: decides the order.

    Returns:
      Mean and standard deviation over the splits; from 1 to the number of classes.

    Raises:
      InputError: a shape or type is wrong, there are too few rows, or a value is not finite.

    Examples:
      >>> round(inception_score(50 * np.eye(4)[np.arange(400) % 4], num_splits=1).mean, 6)
      4.0
    """
    logits = require_features(logits, "logits", least=num_splits)
    logits = logits[np.random.RandomState(seed).permutation(len(logits))]
    logits -= logits.max(axis=1, keepdims=True)
    log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    scores, ends = [], np.arange(num_splits + 1) * len(logits) // num_splits
    for start, end in pairwise(ends):
        part = log_shares[start:end]
        shares = np.exp(part)
        scores.append(np.exp((shares * (part - np.log(shares.mean(axis=0)))).sum(axis=1).mean()))
    return Spread(float(np.mean(scores)), float(np.std(scores)))
