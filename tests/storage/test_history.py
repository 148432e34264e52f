"""Every step's metrics, in memory and in a file."""

import numpy as np

from gan_jax.storage.history import History, read_history


def test_there_may_be_none(tmp_path):
    assert read_history(tmp_path / "history.npz") == {}


def test_chunks_become_one_history():
    history = History()
    history.restore({"d_loss": np.array([1.0, 2.0])})
    history.extend({"d_loss": np.array([3.0])})
    history.extend({})
    assert history.arrays()["d_loss"].tolist() == [1, 2, 3]
