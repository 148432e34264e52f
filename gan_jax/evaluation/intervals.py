"""How far a Fréchet distance is to be trusted: without the bias of the number of fakes, and within what interval."""

from typing import NamedTuple

import numpy as np

from gan_jax.evaluation.checks import require_feature_pair
from gan_jax.evaluation.statistics import feature_statistics, square_root, sum_of_roots

DEVIATIONS = 1.96  # on either side, for 95 %
_HALVINGS, _RESAMPLES = 4, 40


class FrechetEstimate(NamedTuple):
    """The distance that infinitely many fakes would have, and an interval that holds it 95 times in 100.

    As an estimate without bias the distance may be slightly below 0.
    """

    distance: float
    low: float
    high: float


def extrapolated_frechet(real_features: np.ndarray, fake_features: np.ndarray, *, seed: int = 0) -> FrechetEstimate:
    r"""Fréchet distance of infinitely many fakes (Chong & Forsyth 2020, FID infinity), with a bootstrap interval.

    The distance of N fakes is off by about c / N. So it is measured for all of them and for disjoint halves, and the
    line in 1 / N through the two is followed to 0: $2 d_N - d_{N/2}$. The mean over both halves, of four random
    halvings, has the sampling noise of all fakes, which Chong and Forsyth's 15 random subsets add to. The interval is
    the distance ± 1.96 standard deviations of ``frechet_distance`` over 40 resamples of the fakes (Efron 1979).

    Bias: of higher order than 1 / N, which shows where N is not several times the number of features. The reals are
    taken as they are: their number biases all distances to them alike.

    Args:
      real_features: ``[N, D]`` float.
      fake_features: ``[M, D]`` float, M at least 4.
      seed: decides halves and resamples.

    Raises:
      InputError: a shape or type is wrong, there are too few rows, or a value is not finite.

    Examples:
      >>> random = np.random.default_rng(0)
      >>> estimate = extrapolated_frechet(random.standard_normal((5000, 2)), random.standard_normal((500, 2)))
      >>> abs(estimate.distance) < 0.02, estimate.low < estimate.distance < estimate.high
      (True, True)
    """
    real, fake = require_feature_pair(real_features, fake_features, ("real_features", "fake_features"), least=4)
    reals = feature_statistics(real)
    offset = fake.mean(axis=0)
    centred = fake - offset
    offset = offset - reals.mean
    turned = centred @ square_root(reals.covariance)  # whose covariance is that within the root
    squares = np.square(centred).sum(axis=1)
    trace = np.trace(reals.covariance)

    def distance(weights: np.ndarray) -> float:
        """Of the fakes, each counted so many times."""
        count, roots = weights.sum(), np.sqrt(weights)[:, None]
        shift, middle = (weights @ rows / count for rows in (centred, turned))
        covariance = (weighted := turned * roots).T @ weighted / (count - 1)
        covariance -= np.outer(middle, middle) * (count / (count - 1))
        fake_trace = (weights @ squares - count * (shift @ shift)) / (count - 1)
        shift = shift + offset
        return shift @ shift + trace + fake_trace - 2 * sum_of_roots(covariance)

    generator, count = np.random.default_rng(seed), len(fake)
    halves = []
    for _ in range(_HALVINGS):
        chosen = generator.permutation(count) < count // 2
        halves += [distance(chosen.astype(float)), distance((~chosen).astype(float))]
    even = np.full(count, 1 / count)
    resampled = [distance(generator.multinomial(count, even).astype(float)) for _ in range(_RESAMPLES)]
    found = 2 * distance(np.ones(count)) - float(np.mean(halves))
    spread = DEVIATIONS * float(np.std(resampled, ddof=1))
    return FrechetEstimate(float(found), float(found - spread), float(found + spread))
