"""The nearest of many images to each of some, in Euclidean distance of pixels: exact, and mostly without pixels."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np

from gan_jax.cores import usable_cores

_AXES, _SAMPLE = 222, 500
_ROOM = 2**26  # float32 numbers of all cores' bounds: 256 MiB
_PART = 256  # images that have a least bound together
_CANDIDATES = 16
_PAIRS = 1024  # whose pixels are compared at once
_BEYOND = 1e30  # half a squared distance; infinity times the zeros of a library's padding would be no number
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
    table: np.ndarray  # [axes + 2, parts part] float32: minus each vector, half its squared norm; then _BEYOND
    part: int  # images in each part

    @property
    def half_norms(self) -> np.ndarray:
        """Half the squared length of each image, from the centre: ``[N]`` float32."""
        return self.table[-1, : len(self.images)]


def index_images(images: np.ndarray) -> Index:
    """Prepare the search among ``[N, pixels]`` uint8 images."""
    centre = images.mean(axis=0).round().astype(np.float32)
    centred = images - centre
    some = centred[:: max(1, len(images) // _SAMPLE)]
    _, turned = np.linalg.eigh(some @ some.T)
    axes = np.linalg.qr(some.T @ turned[:, -_AXES:])[0]
    vectors, half_norms = _vectors(centred, axes)
    part = max(1, min(_PART, len(images) // _CANDIDATES))
    table = np.zeros((vectors.shape[1] + 1, -(-len(images) // part) * part), np.float32)
    table[:-1, : len(images)], table[-1] = -vectors.T, _BEYOND
    table[-1, : len(images)] = half_norms
    return Index(centred, centre, axes, table, part)


def _vectors(centred: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each image's vector, ``[N, axes + 1]``, and half its squared length, ``[N]``."""
    coordinates, norms = centred @ axes, np.einsum("ij,ij->i", centred, centred)
    left = np.sqrt(np.maximum(norms - np.einsum("ij,ij->i", coordinates, coordinates), 0))
    return np.concatenate([coordinates, left[:, None]], axis=1), norms / 2


class Nearest(NamedTuple):
    """What ``find_nearest`` returns of M queries."""

    first: np.ndarray  # [M] int64, the nearest image, the first of several
    others: np.ndarray  # [M, parts] int64, a few images that are not far


def find_nearest(index: Index, queries: np.ndarray) -> Nearest:
    """The nearest image to each of ``[M, pixels]`` uint8 queries."""
    centred = queries - index.centre
    vectors, half_norms = _vectors(centred, index.axes)
    count = min(_CANDIDATES, index.table.shape[1] // index.part)
    found = Nearest(np.empty(len(queries), np.int64), np.empty((len(queries), count), np.int64))

    def find(rows: slice, room: np.ndarray) -> None:
        bounds = _bounds(index, vectors[rows], room)
        least = bounds.argmin(axis=2)
        least_bounds = np.take_along_axis(bounds, least[:, :, None], axis=2)[:, :, 0]
        near = np.argpartition(least_bounds, count - 1)[:, :count]
        near = found.others[rows] = near * index.part + np.take_along_axis(least, near, axis=1)
        reached = _squared_distances(index.images, centred[rows], *_pairs(near)).reshape(near.shape).min(axis=1)
        query, image = _possible(index, centred[rows], half_norms[rows], bounds, least_bounds, reached)
        squared = _squared_distances(index.images, centred[rows], query, image)
        starts = np.searchsorted(query, np.arange(len(bounds)))
        hits = np.flatnonzero(squared == np.minimum.reduceat(squared, starts)[query])
        found.first[rows] = image[hits[np.searchsorted(query[hits], np.arange(len(bounds)))]]

    _in_blocks(find, index, len(queries))
    return found


def has_nearer(index: Index, images: np.ndarray, squared_limits: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether some other image is nearer to an image than a limit.

    Args:
      index: at least two images.
      images: ``[M]`` int64, which of them.
      squared_limits: ``[M]`` float64, squared distances.
      others: ``[M, any]`` int64, images that may be near, which are compared first.

    Returns:
      ``[M]`` bool.
    """
    squared = _squared_distances(index.images, index.images[images], *_pairs(others)).reshape(others.shape)
    found = ((squared < squared_limits[:, None]) & (others != images[:, None])).any(axis=1)
    rest = np.flatnonzero(~found)

    def look(rows: slice, room: np.ndarray) -> None:
        asked = rest[rows]
        chosen = images[asked]
        bounds = _bounds(index, -index.table[:-1, chosen].T, room)
        bounds[np.arange(len(asked)), chosen // index.part, chosen % index.part] = _BEYOND
        centred, half_norms = index.images[chosen], index.half_norms[chosen]
        query, image = _possible(index, centred, half_norms, bounds, bounds.min(axis=2), squared_limits[asked])
        nearer = _squared_distances(index.images, centred, query, image) < squared_limits[asked][query]
        found[asked[query[nearer]]] = True

    _in_blocks(look, index, len(rest))
    return found


def _in_blocks(work: Callable[[slice, np.ndarray], None], index: Index, count: int) -> None:
    """Call a function with slices of so many queries and room for their bounds, on all cores."""
    cores, columns = usable_cores(), index.table.shape[1]
    size = max(1, _ROOM // cores // columns)
    rooms = SimpleQueue[np.ndarray]()  # memory that is new in every block costs half of the product's time
    for _ in range(cores):
        rooms.put(np.zeros((min(size, count), columns), np.float32))

    def call(start: int) -> None:
        room = rooms.get()
        try:
            work(slice(start, min(start + size, count)), room)
        finally:  # else the other threads would wait for it
            rooms.put(room)

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(call, range(0, count, size)))


def _bounds(index: Index, vectors: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Half the squared distance of each query to each image at least, less half the query's norm: ``[M, parts, part]``.

    They are ``_BEYOND`` or more after the last image.
    """
    longer = np.concatenate([vectors, np.ones((len(vectors), 1), np.float32)], axis=1)
    return np.matmul(longer, index.table, out=room[: len(vectors)]).reshape(len(vectors), -1, index.part)


def _pairs(others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Queries and images of ``[M, any]`` images."""
    return np.repeat(np.arange(len(others)), others.shape[1]), others.ravel()


def _possible(
    index: Index,
    centred: np.ndarray,
    half_norms: np.ndarray,
    bounds: np.ndarray,
    least_bounds: np.ndarray,
    reached: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Queries and images of all pairs that may be as near as has been reached, in order."""
    slack = _SLACK * max(index.half_norms.max(), half_norms.max())
    limits = (reached / 2 - half_norms + slack).astype(np.float32)
    query, part = np.nonzero(least_bounds <= limits[:, None])
    pair, place = np.nonzero(bounds[query, part] <= limits[query, None])
    query, image = query[pair], part[pair] * index.part + place
    has_many = np.bincount(query, minlength=len(bounds)) > _FEW * len(index.images) + 1
    many, few = np.flatnonzero(has_many), ~has_many[query]
    if not len(many):
        return query, image
    possible = bounds[many].reshape(len(many), -1)[:, : len(index.images)] <= limits[many, None]
    halves = np.where(possible, index.half_norms - centred[many] @ index.images.T, np.inf)
    row, nearest = np.nonzero(halves <= halves.min(axis=1, keepdims=True) + slack / 5)
    query, image = np.concatenate([query[few], many[row]]), np.concatenate([image[few], nearest])
    order = np.argsort(query, kind="stable")
    return query[order], image[order]


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
