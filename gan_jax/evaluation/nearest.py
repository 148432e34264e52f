"""The nearest of many images to each of some, in Euclidean distance of pixels: exact, and mostly without pixels."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

_AXES, _SAMPLE = 160, 500
_BLOCK_ENTRIES = 2**24  # of a table of float32: 64 MiB
_PARTS = 16
_PAIRS = 1024  # whose pixels are compared at once
_SLACK = 1e-5  # what float32 may be off by, beside the largest squared norm
_FEW = 1 / 40  # of all images; one product with all of them is faster than more single comparisons


class Index(NamedTuple):
    r"""Images and a short vector for each, no two of which are farther apart than their images are.

    The vector is the image's coordinates on some principal axes, and the length of what is left of it: for
    $x = p + r$ with r orthogonal to the axes, $|x - x'|^2 \ge |p - p'|^2 + (|r| - |r'|)^2$.
    """

    images: np.ndarray  # [N, pixels] float32: whole numbers, less the centre
    centre: np.ndarray  # [pixels] float32
    axes: np.ndarray  # [pixels, axes] float32, orthonormal
    table: np.ndarray  # [N, axes + 2] float32: minus each vector, and half its squared length, as from centre to image


def index_images(images: np.ndarray) -> Index:
    """Prepare the search among ``[N, pixels]`` uint8 images."""
    centre = images.mean(axis=0).round().astype(np.float32)
    centred = images - centre
    some = centred[:: max(1, len(images) // _SAMPLE)]
    _, turned = np.linalg.eigh(some @ some.T)
    axes = np.linalg.qr(some.T @ turned[:, -_AXES:])[0]
    vectors, half_norms = _vectors(centred, axes)
    return Index(centred, centre, axes, np.concatenate([-vectors, half_norms[:, None]], axis=1))


def _vectors(centred: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each image's vector, ``[N, axes + 1]``, and half its squared length, ``[N]``."""
    coordinates, norms = centred @ axes, np.einsum("ij,ij->i", centred, centred)
    left = np.sqrt(np.maximum(norms - np.einsum("ij,ij->i", coordinates, coordinates), 0))
    return np.concatenate([coordinates, left[:, None]], axis=1), norms / 2


def find_nearest(index: Index, queries: np.ndarray, excluded: np.ndarray | None = None) -> np.ndarray:
    """Index of each query's nearest image, the first of several.

    Args:
      index: at least two images.
      queries: ``[M, pixels]`` uint8.
      excluded: ``[M]``, for each query an image that it is not compared with.

    Returns:
      ``[M]`` int64.
    """
    centred = queries - index.centre
    vectors, half_norms = _vectors(centred, index.axes)
    slack = _SLACK * max(index.table[:, -1].max(), half_norms.max())
    vectors = np.concatenate([vectors, np.ones((len(vectors), 1), np.float32)], axis=1)
    nearest = np.empty(len(queries), np.int64)
    size = max(1, _BLOCK_ENTRIES // len(index.images))
    for start in range(0, len(queries), size):
        rows = slice(start, start + size)
        bounds = vectors[rows] @ index.table.T  # half the squared distance at least, less the query's half norm
        if excluded is not None:
            bounds[np.arange(len(bounds)), excluded[rows]] = np.inf
        reached = _reached(index.images, centred[rows], bounds)
        possible = bounds <= (reached / 2 - half_norms[rows] + slack)[:, None].astype(np.float32)
        many = np.flatnonzero(np.count_nonzero(possible, axis=1) > _FEW * len(index.images) + 1)
        if len(many):
            left_out = None if excluded is None else excluded[rows][many]
            possible[many] = _possible_by_pixels(index, centred[rows][many], left_out)
        query, image = np.divmod(np.flatnonzero(possible), len(index.images))
        squared = _squared_distances(index.images, centred[rows], query, image)
        starts = np.searchsorted(query, np.arange(len(bounds)))
        hits = np.flatnonzero(squared == np.minimum.reduceat(squared, starts)[query])
        nearest[rows] = image[hits[np.searchsorted(query[hits], np.arange(len(bounds)))]]
    return nearest


def _reached(images: np.ndarray, centred: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Squared distance of each query to the best of a few images: of each part of them that of the least bound."""
    ends = np.linspace(0, len(images), min(_PARTS, len(images)) + 1).astype(int)
    found = [start + bounds[:, start:end].argmin(axis=1) for start, end in pairwise(ends)]
    query = np.tile(np.arange(len(bounds)), len(found))
    squared = _squared_distances(images, centred, query, np.concatenate(found))
    allowed = np.isfinite(bounds[query, np.concatenate(found)])
    return np.where(allowed, squared, np.inf).reshape(len(found), -1).min(axis=0)


def _possible_by_pixels(index: Index, centred: np.ndarray, excluded: np.ndarray | None) -> np.ndarray:
    """Which images may be nearest, up to rounding, by a product of all pixels: ``[M, N]`` bool."""
    halves = index.table[:, -1] - centred @ index.images.T
    if excluded is not None:
        halves[np.arange(len(centred)), excluded] = np.inf
    slack = _SLACK / 5 * max(index.table[:, -1].max(), np.einsum("ij,ij->i", centred, centred).max() / 2)
    return halves <= halves.min(axis=1, keepdims=True) + slack


def _squared_distances(images: np.ndarray, centred: np.ndarray, query: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Exact squared distances of pairs, ``[pairs]`` float64."""
    squared = np.empty(len(query))
    for start in range(0, len(query), _PAIRS):
        pairs = slice(start, start + _PAIRS)
        gaps = centred[query[pairs]]
        gaps -= images[image[pairs]]
        # Whole numbers below 2**24 are exact in float32: 256 squares of bytes are.
        parts = [gaps[:, at : at + 256] for at in range(0, gaps.shape[1], 256)]
        squared[pairs] = np.sum([np.einsum("ij,ij->i", part, part) for part in parts], axis=0, dtype=np.float64)
    return squared
