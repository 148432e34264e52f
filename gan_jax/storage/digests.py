"""Digests of arrays: equal exactly where every bit is."""

import hashlib
from typing import Any

import jax
import numpy as np


def array_digests(tree: Any) -> dict[str, str]:
    """The sha256 of each array of a tree, under its place in it, such as ``generator/params/conv_0/kernel``.

    An array's type and shape count like its content.
    """
    digests = {}
    for name, leaf in named_leaves(tree):
        array = np.ascontiguousarray(leaf)
        header = f"{array.dtype.str} {np.shape(leaf)} ".encode()
        digests[name] = hashlib.sha256(header + array.tobytes()).hexdigest()
    return digests


def tree_digest(tree: Any) -> str:
    """One sha256 of all arrays of a tree and their places."""
    return joint_digest(array_digests(tree))


def joint_digest(digests: dict[str, str]) -> str:
    """One sha256 of what ``array_digests`` gives."""
    lines = [f"{name} {digest}\n" for name, digest in sorted(digests.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def named_leaves(tree: Any, separator: str = "/") -> list[tuple[str, Any]]:
    """A tree's arrays and their places, in the tree's order."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path, simple=True, separator=separator), leaf) for path, leaf in leaves]
