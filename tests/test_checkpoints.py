import chex
import jax
import numpy as np
import pytest

from gan_jax import GanConfig, InputError, init_state
from gan_jax.checkpoints import Checkpoint, Checkpoints

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
    scores = {1: 9.0, 2: 4.0, 3: 7.0, 5: 8.0}
    for step in range(1, 8):
        checkpoints.save(checkpoint(step), {"frechet_distance": scores[step]} if step in scores else None)
    checkpoints.wait()
    assert checkpoints.steps() == [2, 6, 7]


def test_a_step_that_is_there_is_not_written_again(checkpoints):
    checkpoints.save(checkpoint(3))
    checkpoints.save(checkpoint(3))
    checkpoints.wait()
    assert checkpoints.steps() == [3]


def test_what_is_newer_can_be_dropped_and_written_again(checkpoints):
    for step in (3, 4):
        checkpoints.save(checkpoint(step))
    checkpoints.wait()
    checkpoints.drop_after(3)
    assert checkpoints.steps() == [3]
    checkpoints.save(checkpoint(4))
    checkpoints.wait()
    assert checkpoints.steps() == [3, 4]


def test_a_changed_byte_is_noticed(checkpoints, tmp_path):
    checkpoints.save(checkpoint(3))
    checkpoints.wait()
    for path in (tmp_path / "checkpoints" / "3").rglob("d/*"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"checkpoints/3 (is not what was saved|cannot be read)"):
        checkpoints.restore(3, STATE)
    found, (complaint,) = checkpoints.restore_newest(STATE)
    assert found is None
    assert "checkpoints/3" in complaint


def test_there_may_be_none(checkpoints):
    assert checkpoints.restore_newest(STATE) == (None, [])


def test_a_reader_changes_nothing(checkpoints, tmp_path):
    checkpoints.save(checkpoint(3))
    checkpoints.wait()
    unfinished = tmp_path / "checkpoints" / "4.orbax-checkpoint-tmp"
    unfinished.mkdir()
    reader = Checkpoints(tmp_path / "checkpoints", read_only=True)
    assert reader.restore_newest(STATE)[0].metrics["z"].shape == (3,)
    assert unfinished.exists()
