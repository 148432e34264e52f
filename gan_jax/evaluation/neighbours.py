"""Scores from nearest neighbours: precision and recall, density and coverage, authenticity."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.evaluation.checks import require_feature_pair, require_image_pair
from gan_jax.evaluation.nearest import find_nearest, has_nearer, index_images

_BLOCK_ENTRIES = 2**22  # of a table of float64: 32 MiB
_PAIRS = 500
_HEIGHT = 32
_ROUNDING = 1e-13  # what float64 may be off by, beside the largest squared norm


class PrecisionRecall(NamedTuple):
    """Both in [0, 1]."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Density is 1 where fakes lie as reals do, and may be more; coverage is in [0, 1]."""

    density: float
    coverage: float


class Authenticity(NamedTuple):
    """What ``authenticity`` returns; N fakes."""

    share: float  # of fakes that are no copies, in [0, 1]
    nearest: np.ndarray  # [N] int64: index of each fake's nearest training image
    distances: np.ndarray  # [N] float64: to it, in pixel levels


def precision_recall(
    real_features: np.ndarray, fake_features: np.ndarray, *, num_neighbours: int = 3
) -> PrecisionRecall:
    r"""Share of fakes among the reals, and of reals among the fakes.

    A set's manifold is the union of balls, one around each of its points, out to that point's k-th nearest other point.
    Precision is the share of fakes in the reals' manifold, recall the share of reals in the fakes' (Kynkäänniemi et al.
    2019, equations 1 and 2).

    Bias: two samples of one distribution do not reach 1, and both shares depend on N and M: quote them beside the
    scores of reals against reals. A single outlier has a large ball, so that precision can flatter (Naeem et al. 2020).

    Args:
      real_features: ``[N, D]`` float; 10,000 in the protocol.
      fake_features: ``[M, D]`` float; 10,000 in the protocol.
      num_neighbours: k.

    Returns:
      Precision and recall.

    Raises:
      ValueError: a shape or type is wrong, there are k rows or fewer, or a value is not finite.

    Examples:
      >>> reals = np.random.default_rng(0).standard_normal((100, 2))
      >>> precision_recall(reals, reals)
      PrecisionRecall(precision=1.0, recall=1.0)
    """
    return manifold_scores(real_features, fake_features, precision=num_neighbours, density=None)[0]


def density_coverage(
    real_features: np.ndarray, fake_features: np.ndarray, *, num_neighbours: int = 5
) -> DensityCoverage:
    r"""How many reals' balls a fake lies in, and what share of the reals' balls hold a fake.

    With a ball around each real out to its k-th nearest other real, density is the number of pairs of a fake and a ball
    that holds it, over k M; coverage the share of balls that hold at least one fake (Naeem et al. 2020, section 3).

    Bias: for two samples of one distribution the expected density is 1, and the expected coverage
    $1 - \prod_{i=0}^{k-1} (N - 1 - i) / (N + M - 1 - i)$, about $1 - 2^{-k}$ where N = M: 0.969 for k = 5.
    Coverage grows with M. Density is not bounded by 1: fakes heaped on the densest reals raise it.

    Args:
      real_features: ``[N, D]`` float; 10,000 in the protocol.
      fake_features: ``[M, D]`` float; 10,000 in the protocol.
      num_neighbours: k.

    Returns:
      Density and coverage.

    Raises:
      ValueError: a shape or type is wrong, there are k rows or fewer, or a value is not finite.

    Examples:
      >>> reals = np.random.default_rng(0).standard_normal((100, 2))
      >>> density_coverage(reals, reals + 100).coverage
      0.0
    """
    return manifold_scores(real_features, fake_features, precision=None, density=num_neighbours)[1]


def authenticity(fake_images: np.ndarray, train_images: np.ndarray) -> Authenticity:
    r"""Share of fakes that are farther from the nearest training image than that image is from its own nearest.

    $\frac1M \sum_j [\,d(y_j, x_{i(j)}) > \min_{l \ne i(j)} d(x_{i(j)}, x_l)\,]$ with i(j) the training image
    nearest to fake j (Alaa et al. 2022, authenticity in its nearest-neighbour form), in Euclidean distance of pixels.

    Bias: fresh images of the training distribution reach neither 1 nor one half (0.71 on Fashion-MNIST), so quote it
    beside the score of reals; it is 0 for copies and 1 for noise. It says whether images are copied and not whether
    they are good, and sees no copy that is shifted by a pixel.

    Args:
      fake_images: ``[M, height, width, channels]`` uint8; 10,000 in the protocol.
      train_images: ``[N, height, width, channels]`` uint8; all that the generator has learned from.

    Returns:
      The share, and each fake's nearest training image for a picture of the pairs.

    Raises:
      ValueError: the images are not uint8 of one shape, or there are fewer than two training images.

    Examples:
      >>> images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), np.uint8)
      >>> authenticity(images, images).share  # all are copies
      0.0
    """
    require_image_pair(train_images, fake_images, ("train_images", "fake_images"))
    if len(train_images) < 2:
        raise ValueError("train_images must be at least two")
    train, fakes = (images.reshape(len(images), -1) for images in (train_images, fake_images))
    index = index_images(train)
    nearest = find_nearest(index, fakes)
    squared = _squared_pixel_distances(fakes, train, nearest.first)
    are_no_copies = has_nearer(index, nearest.first, squared, nearest.others)
    return Authenticity(float(are_no_copies.mean()), nearest.first, np.sqrt(squared))


def manifold_scores(
    real_features: np.ndarray, fake_features: np.ndarray, *, precision: int | None = 3, density: int | None = 5
) -> tuple[PrecisionRecall, DensityCoverage]:
    """``precision_recall`` and ``density_coverage`` with so many neighbours, from one pass over the distances.

    What is given None is not computed, and 0. The memory is that of the features and a block of distances.
    """
    asked = [count for count in (precision, density) if count is not None]
    if min(asked) < 1:
        raise ValueError(f"num_neighbours is {min(asked)}; it must be at least 1")
    real, fake = require_feature_pair(
        real_features, fake_features, ("real_features", "fake_features"), least=max(asked) + 1
    )
    centre = real.mean(axis=0)
    real -= centre
    fake -= centre
    radii = dict(zip(asked, _squared_radii(real, asked), strict=True))
    fake_radii = _squared_radii(fake, [precision])[0] if precision else np.empty(0)
    precise, recalled = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    pairs, covered = 0, np.zeros(len(real), bool)
    for rows, squared in _squared_distances(fake, real):
        if precision:
            precise[rows] = (squared <= radii[precision]).any(axis=1)
            recalled |= (squared <= fake_radii[rows, None]).any(axis=0)
        if density:
            inside = squared <= radii[density]
            pairs += int(np.count_nonzero(inside))
            covered |= inside.any(axis=0)
    return (
        PrecisionRecall(float(precise.mean()), float(recalled.mean())),
        DensityCoverage(pairs / ((density or 1) * len(fake)), float(covered.mean())),
    )


def _squared_distances(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Squared Euclidean distances of a block of ``first`` to all of ``second``, block by block."""
    norms = np.einsum("ij,ij->i", second, second)
    size = max(1, _BLOCK_ENTRIES // len(second))
    for start in range(0, len(first), size):
        rows = slice(start, start + size)
        squared = (-2 * first[rows]) @ second.T
        squared += np.einsum("ij,ij->i", first[rows], first[rows])[:, None]
        squared += norms
        yield rows, squared


def _squared_radii(features: np.ndarray, counts: Sequence[int]) -> list[np.ndarray]:
    """Squared distance of each row to its k-th nearest other row, for each k, plus a margin for rounding."""
    radii = np.empty((len(counts), len(features)))
    for rows, squared in _squared_distances(features, features):
        radii[:, rows] = _smallest(squared, counts)  # place 0 is the row itself
    return list(radii + _ROUNDING * np.einsum("ij,ij->i", features, features).max())


def _smallest(values: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Of each row the k-th smallest value, from 0, for each k: ``[counts, rows]``.

    The smallest are looked for in those columns of a table of the row's values that have the smallest minima.
    """
    wanted, width = max(counts) + 1, values.shape[1] // _HEIGHT
    if width > wanted:
        table = values[:, : _HEIGHT * width].reshape(len(values), _HEIGHT, width)
        columns = np.argpartition(table.min(axis=1), wanted - 1, axis=1)[:, None, :wanted]
        chosen = np.take_along_axis(table, columns, axis=2).reshape(len(values), -1)
        values = np.concatenate([chosen, values[:, _HEIGHT * width :]], axis=1)
    return np.partition(values, counts, axis=1)[:, counts].T


def _squared_pixel_distances(first: np.ndarray, second: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """Exact squared distances of bytes: of each row of ``first`` to its partner in ``second``."""
    squared = np.empty(len(first))
    for start in range(0, len(first), _PAIRS):
        rows = slice(start, start + _PAIRS)
        squared[rows] = np.square(first[rows].astype(np.int64) - second[partners[rows]]).sum(axis=1)
    return squared
