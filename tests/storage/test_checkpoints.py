import gc
import os
import sys

import chex
import jax
import numpy as np
import pytest

from gan_jax import GanConfig, InputError, init_state
from gan_jax.storage import checkpoints as module
from gan_jax.storage.checkpoints import Checkpoint, Checkpoints, SavedCheckpoints
from gan_jax.storage.digests import tree_digest
from gan_jax.storage.history import History, read_history

CONFIG = GanConfig(latent_dim=4, width=2, batch_size=4)
STATE = init_state(CONFIG, jax.random.key(0))


def checkpoint(step):
    state = jax.tree.map(lambda leaf: leaf + step, STATE)
    return Checkpoint(state, {"z": np.arange(step, dtype=np.float32), "a": np.ones(step, np.float32)})


@pytest.fixture
def checkpoints(tmp_path):
    kept = Checkpoints(tmp_path / "checkpoints", keep=2)
    yield kept
    kept.close()


def test_a_checkpoint_comes_back_bit_for_bit_and_in_order(checkpoints):
    checkpoints.save(checkpoint(3))
    checkpoints.wait()
    found, complaints = checkpoints.restore_newest(STATE)
    assert complaints == []
    chex.assert_trees_all_equal(found, checkpoint(3))
    assert list(found.metrics) == ["z", "a"]


def test_the_newest_and_the_best_stay(checkpoints):
    scores = {1: 9.0, 2: 4.0, 3: 7.0}
    for step in range(1, 6):
        checkpoints.save(checkpoint(step), {"frechet_distance": scores[step]} if step in scores else None)
    checkpoints.wait()
    assert checkpoints.steps() == [2, 4, 5]


def test_what_is_newer_can_be_dropped_and_written_again(checkpoints):
    for step in (3, 4):
        checkpoints.save(checkpoint(step))
    checkpoints.wait()
    checkpoints.drop_after(3)
    assert checkpoints.steps() == [3]
    checkpoints.save(checkpoint(4))
    checkpoints.wait()
    assert checkpoints.steps() == [3, 4]


def test_arrays_that_are_not_those_saved_are_noticed_and_the_ones_before_used(checkpoints, monkeypatch):
    for step in (3, 4):
        checkpoints.save(checkpoint(step))
    checkpoints.wait()
    digest_of = tree_digest

    def digest_of_damaged(tree):
        return "other" if int(tree["state"].step) == 4 else digest_of(tree)

    monkeypatch.setattr("gan_jax.storage.checkpoints.tree_digest", digest_of_damaged)
    with pytest.raises(InputError, match="checkpoints/4 is not what was saved"):
        checkpoints.restore(4, STATE)
    found, (complaint,) = checkpoints.restore_newest(STATE)
    assert int(found.state.step) == 3
    assert "checkpoints/4" in complaint


@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: os.truncate(path, path.stat().st_size // 2)]
)
def test_a_damaged_array_is_one_line_and_nothing_on_the_screen(damage, checkpoints, tmp_path, capfd):
    checkpoints.save(checkpoint(3))
    checkpoints.wait()
    damage(tmp_path / "checkpoints" / "3" / "state" / "arrays.npz")
    with pytest.raises(InputError, match=r"checkpoints/3 cannot be read \(.+\)") as error:
        checkpoints.restore(3, STATE)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_saving_again_and_again_keeps_no_memory(checkpoints):
    def blocks_after(steps):
        for step in steps:
            checkpoints.save(checkpoint(step))
            checkpoints.wait()
        gc.collect()
        return sys.getallocatedblocks()

    begun, saves = blocks_after(range(1, 4)), 20
    kept = blocks_after(range(4, 4 + saves)) - begun
    assert kept < 100 * saves, f"{kept / saves:.0f} blocks of memory for a save"


def test_arrays_of_bfloat16_come_back(checkpoints):
    state = jax.tree.map(lambda leaf: leaf.astype("bfloat16") if leaf.dtype == "float32" else leaf, checkpoint(3).state)
    checkpoints.save(Checkpoint(state, {}))
    checkpoints.wait()
    chex.assert_trees_all_equal(checkpoints.restore(3, state).state, state)


def test_a_checkpoint_of_another_shape_is_refused(checkpoints):
    checkpoints.save(checkpoint(3))
    checkpoints.wait()
    other = init_state(GanConfig(latent_dim=5, width=2, batch_size=4), jax.random.key(0))
    with pytest.raises(InputError, match=r"generator\.params\.conv_0\.kernel is float32 \[.*\]"):
        checkpoints.restore(3, other)


@pytest.fixture
def replacing(tmp_path, monkeypatch):
    """A training that replaces the only checkpoint by the next, so many times, whenever one is about to be read."""
    writer = Checkpoints(tmp_path / "checkpoints", keep=1)

    def save(step):
        writer.save(checkpoint(step))
        writer.wait()

    def begin(times):
        save(1)
        steps = iter(range(2, 2 + times))
        read = module._read_arrays

        def read_late(folder):
            if step := next(steps, None):
                save(step)
            return read(folder)

        monkeypatch.setattr(module, "_read_arrays", read_late)
        return SavedCheckpoints(tmp_path / "checkpoints")

    yield begin
    writer.close()


def test_a_checkpoint_that_is_gone_when_it_is_read_gives_way_to_the_one_that_replaced_it(replacing, capfd):
    found, complaints = replacing(times=3).restore_newest(STATE)
    assert int(found.state.step) == 4
    assert complaints == []
    assert capfd.readouterr() == ("", "")


def test_checkpoints_that_change_faster_than_they_can_be_read_are_one_line(replacing, monkeypatch):
    monkeypatch.setattr(module, "_ATTEMPTS", 2)
    with pytest.raises(InputError, match="changes faster than it can be read; try again"):
        replacing(times=9).restore_newest(STATE)


def test_a_reader_changes_nothing(checkpoints, tmp_path):
    checkpoints.save(checkpoint(3))
    checkpoints.wait()
    unfinished = tmp_path / "checkpoints" / "4.orbax-checkpoint-tmp"
    unfinished.mkdir()
    reader = SavedCheckpoints(tmp_path / "checkpoints")
    assert reader.restore_newest(STATE)[0].metrics["z"].shape == (3,)
    assert unfinished.exists()


def test_history_is_what_was_restored_and_the_chunks_after_it(tmp_path):
    assert read_history(tmp_path / "history.npz") == {}
    history = History()
    history.restore({"d_loss": np.array([1.0, 2.0])})
    for chunk in ({"d_loss": np.array([3.0])}, {}):
        history.extend(chunk)
    assert history.arrays()["d_loss"].tolist() == [1, 2, 3]
