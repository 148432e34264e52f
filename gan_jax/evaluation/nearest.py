"""The nearest of many images to each of some, in Euclidean distance of pixels: exact, and mostly without pixels."""

from typing import NamedTuple

import numpy as np

_AXES, _SAMPLE = 64, 1000
_BLOCK_ENTRIES = 2**24  # of a table of float32: 64 MiB
_PAIRS = 4096  # whose pixels are compared at once
_SLACK = 1e-5  # what float32 may be off by, beside the largest squared norm
_TOO_MANY = 1 / 50  # of all pairs; one product of all pixels is faster than so many single ones


class Index(NamedTuple):
    """Images and a short vector for each, no two of which are farther apart than their images are.

    The vector is the image's coordinates on some principal axes, and the length of what is left of it: for
    $x = p + r$ with r orthogonal to the axes, $|x - x'|^2 \\ge |p - p'|^2 + (|r| - |r'|)^2$.
    """

    images: np.ndarray  # [N, pixels] uint8
    centre: np.ndarray  # [pixels] float32
    axes: np.ndarray  # [pixels, axes] float32, orthonormal
    vectors: np.ndarray  # [N, axes + 1] float32
    half_norms: np.ndarray  # [N] float32: half of each vector's squared length, which is the image's from the centre


def index_images(images: np.ndarray) -> Index:
    """Prepare the search among ``[N, pixels]`` uint8 images."""
    centre = images.mean(axis=0).round().astype(np.float32)
    some = images[:: max(1, len(images) // _SAMPLE)] - centre
    axes = np.linalg.qr(np.linalg.svd(some, full_matrices=False)[2][:_AXES].T)[0]
    vectors = _vectors(images, centre, axes)
    return Index(images, centre, axes, vectors, np.square(vectors).sum(axis=1) / 2)


def _vectors(images: np.ndarray, centre: np.ndarray, axes: np.ndarray) -> np.ndarray:
    rows = []
    for start in range(0, len(images), _PAIRS):
        centred = images[start : start + _PAIRS] - centre
        coordinates = centred @ axes
        left = np.square(centred).sum(axis=1) - np.square(coordinates).sum(axis=1)
        rows.append(np.concatenate([coordinates, np.sqrt(np.maximum(left, 0))[:, None]], axis=1))
    return np.concatenate(rows)


def find_nearest(index: Index, queries: np.ndarray, excluded: np.ndarray | None = None) -> np.ndarray:
    """Index of each query's nearest image, the first of several.

    Args:
      index: at least two images.
      queries: ``[M, pixels]`` uint8.
      excluded: ``[M]``, for each query an image that it is not compared with.

    Returns:
      ``[M]`` int64.
    """
    vectors = _vectors(queries, index.centre, index.axes)
    slack = _SLACK * 2 * max(index.half_norms.max(), np.square(vectors).sum(axis=1).max() / 2)
    nearest = np.empty(len(queries), np.int64)
    size = max(1, _BLOCK_ENTRIES // len(index.images))
    for start in range(0, len(queries), size):
        rows = slice(start, start + size)
        bounds = vectors[rows] @ index.vectors.T  # half the squared distance, less the query's own half norm
        np.subtract(index.half_norms, bounds, out=bounds)
        places = np.arange(len(bounds))
        if excluded is not None:
            bounds[places, excluded[rows]] = np.inf
        reached = _squared_distances(index.images, queries[rows], places, bounds.argmin(axis=1))
        own = np.square(vectors[rows]).sum(axis=1) / 2
        possible = bounds <= (reached / 2 - own + slack)[:, None]
        if np.count_nonzero(possible) > _TOO_MANY * possible.size:
            possible = _possible_by_pixels(index, queries[rows], excluded if excluded is None else excluded[rows])
        query, image = np.nonzero(possible)
        squared = _squared_distances(index.images, queries[rows], query, image)
        best = np.minimum.reduceat(squared, np.searchsorted(query, places))
        hits = np.flatnonzero(squared == best[query])
        nearest[rows] = image[hits[np.searchsorted(query[hits], places)]]
    return nearest


def _possible_by_pixels(index: Index, queries: np.ndarray, excluded: np.ndarray | None) -> np.ndarray:
    """Which images may be nearest, up to rounding, by a product of all pixels."""
    centred = queries - index.centre
    closeness = np.empty((len(queries), len(index.images)), np.float32)
    for start in range(0, len(index.images), _PAIRS):
        closeness[:, start : start + _PAIRS] = centred @ (index.images[start : start + _PAIRS] - index.centre).T
    closeness -= index.half_norms
    if excluded is not None:
        closeness[np.arange(len(queries)), excluded] = -np.inf
    slack = _SLACK / 5 * max(index.half_norms.max(), np.square(centred).sum(axis=1).max() / 2)
    return closeness >= closeness.max(axis=1, keepdims=True) - slack


def _squared_distances(images: np.ndarray, queries: np.ndarray, query: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Exact squared distances of pairs of bytes, ``[pairs]`` float64."""
    squared = np.empty(len(query))
    for start in range(0, len(query), _PAIRS):
        pairs = slice(start, start + _PAIRS)
        gaps = queries[query[pairs]].astype(np.int16)
        gaps -= images[image[pairs]]
        wide = gaps.astype(np.float32)
        # Whole numbers below 2**24 are exact in float32: 256 squares of bytes are.
        parts = [np.einsum("ij,ij->i", part, part) for part in np.array_split(wide, -(-wide.shape[1] // 256), axis=1)]
        squared[pairs] = np.sum(parts, axis=0, dtype=np.float64)
    return squared
