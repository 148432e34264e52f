"""Means and covariances of features: the Fréchet distance between them, and the files that other tools write."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.array_files import read_arrays, save_arrays
from gan_jax.errors import InputError
from gan_jax.evaluation.checks import require_features

_ASYMMETRY = 1e-3  # of a covariance in a file, beside its largest entry


class Statistics(NamedTuple):
    """Of a set's features."""

    mean: np.ndarray  # [D] float64
    covariance: np.ndarray  # [D, D] float64, over N - 1


def feature_statistics(features: np.ndarray) -> Statistics:
    """Mean and covariance of ``[N, D]`` floats, N at least two.

    Raises:
      InputError: the features are something else, or not finite.
    """
    features = require_features(features, "features")
    return Statistics(features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False)))


def statistics_distance(first: Statistics, second: Statistics) -> float:
    r"""Squared Fréchet distance of two Gaussians, at least 0.

    The trace of $(C_1 C_2)^{1/2}$ is a sum of square roots of a symmetric matrix's eigenvalues, so that singular
    covariances, on which ``sqrtm`` fails, need no care.

    Raises:
      InputError: they are of different numbers of features.
    """
    if first.mean.shape != second.mean.shape:
        raise InputError(f"one set has {len(first.mean)} features and the other {len(second.mean)}; they must agree.")
    shift = first.mean - second.mean
    product = (root := square_root(first.covariance)) @ second.covariance @ root
    distance = shift @ shift + np.trace(first.covariance) + np.trace(second.covariance) - 2 * sum_of_roots(product)
    return max(float(distance), 0.0)


def square_root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def sum_of_roots(matrix: np.ndarray) -> float:
    """The trace of the square root of a matrix that is symmetric up to rounding."""
    return float(np.sqrt(np.clip(np.linalg.eigvalsh((matrix + matrix.T) / 2), 0, None)).sum())


def save_statistics(path: Path, statistics: Statistics) -> None:
    """Write ``mu`` and ``sigma`` as pytorch-fid and clean-fid do, into an ``.npz``."""
    save_arrays(path, {"mu": statistics.mean, "sigma": statistics.covariance})


def read_statistics(path: Path) -> tuple[Statistics, str]:
    """Read an ``.npz`` of ``mu`` ``[D]`` and ``sigma`` ``[D, D]``.

    Returns:
      The statistics, and the sha256 of the file.

    Raises:
      InputError: the file is missing, or holds something else.
    """
    advice = "give an .npz with mu and sigma, such as pytorch-fid and clean-fid write"
    arrays = read_arrays(path, "statistics of features", advice, lambda name: name in ("mu", "sigma"))
    try:
        mean, covariance = (arrays[name].astype(np.float64) for name in ("mu", "sigma"))
        if mean.ndim != 1 or covariance.shape != mean.shape * 2 or not mean.size:
            raise ValueError(f"mu is {list(mean.shape)} and sigma {list(covariance.shape)}")
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("a value is NaN or infinite")
        if np.abs(covariance - covariance.T).max() > _ASYMMETRY * np.abs(covariance).max():
            raise ValueError("sigma is not symmetric")
    except KeyError as error:
        raise InputError(f"{path} has no {error}; {advice}.") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} holds no statistics ({error}); {advice}.") from None
    return Statistics(mean, covariance), hashlib.sha256(path.read_bytes()).hexdigest()
