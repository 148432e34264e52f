"""Distances between two sets of features: Fréchet and kernel (MMD)."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gan_jax.evaluation.checks import require_feature_pair, require_features
from gan_jax.evaluation.statistics import feature_statistics, statistics_distance

_BLOCK_ROWS = 1000
_NEGLIGIBLE = 1e-12  # an eigenvalue this small beside the largest is rounding


def frechet_distance(real_features: np.ndarray, fake_features: np.ndarray) -> float:
    r"""Squared Fréchet distance of the Gaussians with the two samples' means and covariances.

    $|\mu_1 - \mu_2|^2 + tr(C_1) + tr(C_2) - 2\,tr((C_1^{1/2} C_2 C_1^{1/2})^{1/2})$ (Dowson & Landau 1982;
    for images Heusel et al. 2017, eq. 6). The last trace is a sum of square roots of a symmetric matrix's eigenvalues,
    so that singular covariances need no care. Covariances divide by N - 1.

    Bias: upwards. Two samples of one distribution are about ``frechet_floor`` apart, which falls as 1 / N; distances at
    different sample sizes do not compare (Chong & Forsyth 2020). Means and covariances are all that it sees.

    Args:
      real_features: ``[N, D]`` float; 10,000 in the protocol. With fewer than D the covariance is singular.
      fake_features: ``[M, D]`` float; 10,000 in the protocol.

    Returns:
      The distance, at least 0, in squared units of the features; computed in float64.

    Raises:
      ValueError: a shape or type is wrong, there are fewer than two rows, or a value is not finite.

    Examples:
      >>> features = np.array([[-1.0], [0.0], [1.0]])
      >>> round(frechet_distance(features, features + 3), 6)
      9.0
    """
    real, fake = require_feature_pair(real_features, fake_features, ("real_features", "fake_features"))
    return statistics_distance(feature_statistics(real), feature_statistics(fake))


def frechet_floor(features: np.ndarray, num_real: int, num_fake: int) -> float:
    r"""Expected ``frechet_distance`` between two independent samples of one distribution.

    The means differ by $E|\mu_1 - \mu_2|^2 = s\,tr(C)$ with $s = 1/n + 1/m$. The covariances differ by a
    small E with entries of variance $s\,(E[z_i^2 z_j^2] - C_{ij}^2)$, z being the centred features, and to second
    order in E the rest of the distance is $\frac12 \sum_{ij} E_{ij}^2 / (\lambda_i + \lambda_j)$ in the basis of
    C's eigenvectors (the Bures metric; Bhatia, Jain & Lim 2019). So the floor is

    $s\,[\,tr(C) + \frac12 \sum_{ij} (E[z_i^2 z_j^2] - \delta_{ij} \lambda_i^2) / (\lambda_i + \lambda_j)\,]$

    with the fourth moments as they are in ``features``: nothing is assumed to be Gaussian. For Gaussian features it is
    $s\,[\frac54 tr(C) + \frac12 \sum_{ij} \lambda_i \lambda_j / (\lambda_i + \lambda_j)]$.

    Bias: terms of higher order than 1 / n are left out, which the smaller sizes (below some ten rows a column) show.

    Args:
      features: ``[N, D]`` float, a large sample of the distribution, such as the features of the test images.
      num_real: size n of one sample.
      num_fake: size m of the other.

    Returns:
      The expected distance, in squared units of the features.

    Raises:
      ValueError: a size is below 2, or ``features`` is not as ``frechet_distance`` takes it.

    Examples:
      >>> features = np.random.default_rng(0).standard_normal((5000, 2))
      >>> round(frechet_floor(features, 1000, 1000), 3)
      0.007
    """
    features = require_features(features, "features")
    if min(num_real, num_fake) < 2:
        raise ValueError(f"sample sizes are {num_real} and {num_fake}; each must be at least 2")
    centred = features - features.mean(axis=0)
    values, vectors = np.linalg.eigh(feature_statistics(features).covariance)
    values = np.clip(values, 0, None)
    squares = (centred @ vectors) ** 2
    variances = squares.T @ squares / len(features) - np.diag(values**2)
    sums = values[:, None] + values[None, :]
    kept = sums > _NEGLIGIBLE * max(values.max(), np.finfo(float).tiny)
    mean_term = (variances[kept] / sums[kept]).sum() / 2
    return float((1 / num_real + 1 / num_fake) * (values.sum() + mean_term))


class KernelDistance(NamedTuple):
    """An unbiased estimate may be negative; ``standard_error`` says by how much it may be off."""

    value: float
    standard_error: float


def kernel_distance(
    real_features: np.ndarray, fake_features: np.ndarray, *, seed: int = 0, num_blocks: int = 20
) -> KernelDistance:
    r"""Squared maximum mean discrepancy with a cubic kernel, and its standard error.

    :math:`\frac{1}{n(n-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m(m-1)} \sum_{i \ne j} k(y_i, y_j)
    - \frac{2}{nm} \sum_{ij} k(x_i, y_j)` with $k(x, y) = (x \cdot y / D + 1)^3$ (Gretton et al. 2012, eq. 3; for
    images Bińkowski et al. 2018, section 4), over all pairs at once, not as a mean over subsets.

    The standard error is a jackknife: rows are dealt at random to blocks, and the estimate repeated without the b-th
    block of either side. Where the two distributions are equal the statistic is degenerate, and the jackknife then
    overstates its error, by about the square root of 2.

    Bias: none, at any sample size; the value may be negative. It depends on the features' scale.

    Args:
      real_features: ``[N, D]`` float; 10,000 in the protocol.
      fake_features: ``[M, D]`` float; 10,000 in the protocol.
      seed: decides the blocks, and so the standard error alone.
      num_blocks: blocks of the jackknife; fewer where there are fewer than four rows a block.

    Returns:
      Value and standard error, computed in float64.

    Raises:
      ValueError: a shape or type is wrong, there are fewer than eight rows, or a value is not finite.

    Examples:
      >>> random = np.random.default_rng(0)
      >>> near = kernel_distance(random.standard_normal((500, 2)), random.standard_normal((500, 2)))
      >>> far = kernel_distance(random.standard_normal((500, 2)), random.standard_normal((500, 2)) + 3)
      >>> bool(abs(near.value) < 0.1 < far.value)
      True
    """
    real, fake = require_feature_pair(real_features, fake_features, ("real_features", "fake_features"), least=8)
    num_blocks = min(num_blocks, len(real) // 4, len(fake) // 4)
    generator = np.random.default_rng(seed)
    real_ends, fake_ends = _block_ends(len(real), num_blocks), _block_ends(len(fake), num_blocks)
    real, fake = generator.permutation(real), generator.permutation(fake)
    sums = _KernelSums(
        _own_sums(real, real_ends), _own_sums(fake, fake_ends), _cross_sums(real, fake, real_ends, fake_ends)
    )
    sizes = np.diff(real_ends), np.diff(fake_ends)
    everything = np.ones(num_blocks, bool)
    estimates = np.array([_mmd(sums, *sizes, np.arange(num_blocks) != left_out) for left_out in range(num_blocks)])
    error = np.sqrt((num_blocks - 1) * np.mean((estimates - estimates.mean()) ** 2))
    return KernelDistance(float(_mmd(sums, *sizes, everything)), float(error))


class _KernelSums(NamedTuple):
    """Sums of k over pairs of blocks, each ``[blocks, blocks]``."""

    real: np.ndarray
    fake: np.ndarray
    cross: np.ndarray


def _mmd(sums: _KernelSums, real_sizes: np.ndarray, fake_sizes: np.ndarray, kept: np.ndarray) -> float:
    """The unbiased estimate from the kept blocks alone."""
    real, fake, cross = (table[kept][:, kept].sum() for table in sums)
    n, m = real_sizes[kept].sum(), fake_sizes[kept].sum()
    return real / (n * (n - 1)) + fake / (m * (m - 1)) - 2 * cross / (n * m)


def _block_ends(count: int, num_blocks: int) -> np.ndarray:
    return np.arange(num_blocks + 1) * count // num_blocks


def _own_sums(points: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sums over pairs of two different points, of which half are computed."""
    sums = np.empty((len(ends) - 1, len(ends) - 1))
    for block, (start, end) in enumerate(pairwise(ends)):
        columns = _summed(points[start:end], points[start:])
        columns[: end - start] -= (np.square(points[start:end]).mean(axis=1) + 1) ** 3
        sums[block, block:] = sums[block:, block] = np.add.reduceat(columns, ends[block:-1] - start)
    return sums


def _cross_sums(first: np.ndarray, second: np.ndarray, first_ends: np.ndarray, second_ends: np.ndarray) -> np.ndarray:
    rows = [_summed(first[start:end], second) for start, end in pairwise(first_ends)]
    return np.add.reduceat(np.stack(rows), second_ends[:-1], axis=1)


def _summed(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Sum over ``rows`` of k with each of ``others``: ``[len(others)]``."""
    parts = (rows[at : at + _BLOCK_ROWS] for at in range(0, len(rows), _BLOCK_ROWS))
    return sum((_cubic(part, others) for part in parts), np.zeros(len(others)))


def _cubic(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Sum over ``rows`` of k with each of ``others``: ``[len(others)]``."""
    kernel = rows @ others.T
    kernel /= rows.shape[1]
    kernel += 1
    return np.einsum("ij,ij,ij->j", kernel, kernel, kernel)
