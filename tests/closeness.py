"""How close two ways to compute the same numbers must come, on every processor.

Processors, numbers of cores and versions of XLA add in different orders, and round a product before it is added or not.
That changes an entry by a part of the terms that it is the sum of. Where they cancel, the entry itself is smaller than
they are by any factor, so that no tolerance relative to it holds; the largest entry of its array tells their size.
"""

import jax
import jax.numpy as jnp
import numpy as np

ROUNDING = {np.dtype("float32"): 1e-4, np.dtype("float64"): 1e-10}  # of networks and sums of 100,000 terms, with room


def assert_close(actual, expected, rtol=None, *, terms=0.0):
    """Two trees agree: each entry but for ``rtol`` times the largest magnitude in its expected array.

    ``rtol`` is by default that of the coarser of the two types, and 0 for integers. ``terms`` is the size of what was
    added up, for arrays in which every sum may cancel.
    """

    def compare(path, one, other):
        one, other = np.asarray(one), np.asarray(other)
        size = max(np.abs(other).max(initial=0), terms)
        tolerance = max(map(_rounding, (one, other))) if rtol is None else rtol
        name = jax.tree_util.keystr(path)
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * size, err_msg=name)

    jax.tree_util.tree_map_with_path(compare, actual, expected)


def _rounding(array):
    return ROUNDING[np.finfo(array.dtype).dtype] if np.issubdtype(array.dtype, np.inexact) else 0.0


def in_float64(tree):
    """A tree's floats in float64, where two ways to take the same steps stay together; for use with ``enable_x64``.

    In float32 they part: the rounding error of a gradient that cancels may be as large as Adam's epsilon, and Adam then
    makes a step of full length of it, in one direction or the other.
    """
    return jax.tree.map(lambda leaf: leaf.astype(float) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf, tree)
