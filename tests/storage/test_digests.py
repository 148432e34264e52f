import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.storage.digests import array_digests, tree_digest

TREE = {"a": jnp.arange(6.0).reshape(2, 3), "b": {"c": jnp.zeros((), jnp.int32)}}


def test_equal_trees_have_one_digest_whatever_holds_them():
    assert list(array_digests(TREE)) == ["a", "b/c"]
    assert tree_digest(TREE) == tree_digest(
        {"b": {"c": np.int32(0)}, "a": np.arange(6, dtype=np.float32).reshape(2, 3)}
    )


@pytest.mark.parametrize(
    "other",
    [
        {**TREE, "a": TREE["a"].at[1, 2].add(1e-6)},
        {**TREE, "a": TREE["a"].reshape(3, 2)},
        {**TREE, "a": np.asarray(TREE["a"], np.float16)},
        {"a": TREE["a"], "b": {"d": jnp.zeros((), jnp.int32)}},
        {**TREE, "a": -0.0 * TREE["a"] + TREE["a"].at[0, 0].set(-0.0)},
    ],
    ids=["value", "shape", "type", "name", "sign of zero"],
)
def test_any_bit_changes_it(other):
    assert tree_digest(other) != tree_digest(TREE)
