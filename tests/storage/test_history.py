"""Every step's metrics, in memory and in a file."""

import numpy as np
import pytest

from gan_jax import InputError
from gan_jax.storage.history import History, read_history


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_damaged_files_are_named(content, tmp_path):
    path = tmp_path / "history.npz"
    if content is None:
        np.savez(path, d_loss=np.zeros((2, 2)))
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"history\.npz .* delete it"):
        read_history(path)


def test_there_may_be_none(tmp_path):
    assert read_history(tmp_path / "history.npz") == {}


def test_chunks_become_one_history():
    history = History()
    history.restore({"d_loss": np.array([1.0, 2.0])})
    history.extend({"d_loss": np.array([3.0])})
    history.extend({})
    assert history.arrays()["d_loss"].tolist() == [1, 2, 3]
