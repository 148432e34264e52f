"""A metric has one name, in new files and in those of earlier versions."""

import numpy as np
import pytest

from gan_jax import InputError
from gan_jax.storage.history import History, read_history, save_history

EARLIER = {
    "joint": {
        **{"d_loss": "d_losses", "g_loss": "g_losses", "d_x": "real_scores", "d_g_z1": "fake_scores"},
        **{"d_g_z2": "updated_fake_scores", "d_gradient_norm": "d_gradient_norms", "fake_spread": "fake_spreads"},
    },
    "generator": {"g_loss": "g_losses", "d_g_z2": "fake_scores", "g_gradient_norm": "g_gradient_norms"},
    "discriminator": {"d_loss": "d_losses", "d_x": "real_scores", "d_g_z1": "fake_scores"},
}


def metrics_of(kind):
    return {name: np.full(3, index, np.float32) for index, name in enumerate(EARLIER[kind])}


@pytest.mark.parametrize("kind", EARLIER)
def test_files_of_earlier_versions_have_todays_names(kind, tmp_path):
    metrics = metrics_of(kind)
    np.savez(tmp_path / "history.npz", **{EARLIER[kind][name]: values for name, values in metrics.items()})
    found = read_history(tmp_path / "history.npz")
    assert {name: values.tolist() for name, values in found.items()} == {
        name: values.tolist() for name, values in metrics.items()
    }


@pytest.mark.parametrize("kind", EARLIER)
def test_new_files_are_read_by_scripts_of_earlier_versions_too(kind, tmp_path):
    metrics = metrics_of(kind)
    save_history(tmp_path / "history.npz", metrics)
    with np.load(tmp_path / "history.npz") as archive:
        assert set(archive) == {*metrics, *EARLIER[kind].values()}
        for name, earlier in EARLIER[kind].items():
            np.testing.assert_array_equal(archive[earlier], metrics[name])
    assert list(read_history(tmp_path / "history.npz")) == list(metrics)


def test_a_step_of_ones_own_keeps_its_names(tmp_path):
    save_history(tmp_path / "history.npz", {"g_loss": np.zeros(2), "entropy": np.ones(2)})
    assert set(read_history(tmp_path / "history.npz")) == {"g_loss", "entropy"}


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_damaged_files_are_named(content, tmp_path):
    path = tmp_path / "history.npz"
    if content is None:
        np.savez(path, d_losses=np.zeros((2, 2)))
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
