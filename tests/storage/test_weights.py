import chex
import jax
import numpy as np
import pytest

from gan_jax import GanConfig, InputError, init_state, load_weights, save_weights

CONFIG = GanConfig(latent_dim=4, width=2, batch_size=4)


@pytest.fixture(scope="module")
def state():
    """A state whose every array has values of its own."""
    fresh = init_state(CONFIG, jax.random.key(0))
    changed = jax.tree.map(lambda leaf: leaf + np.arange(leaf.size, dtype=leaf.dtype).reshape(leaf.shape), fresh)
    return changed.replace(step=np.int32(1))


def weights(state):
    return state.step, *(
        (network.params, network.variables["batch_stats"]) for network in (state.generator, state.discriminator)
    )


def test_weights_come_back_bit_for_bit(state, tmp_path):
    path = tmp_path / "weights.npz"
    save_weights(path, state, CONFIG)
    config, restored = load_weights(path)
    assert config == CONFIG
    chex.assert_trees_all_equal(weights(restored), weights(state))
    assert restored.step == 1
    assert not restored.generator.opt_state[0].mu["conv_0"]["kernel"].any()
    assert [file.name for file in tmp_path.iterdir()] == ["weights.npz"]


def test_weights_of_other_networks_are_refused(state, tmp_path):
    path = tmp_path / "weights.npz"
    save_weights(path, state, CONFIG)
    complaint = r"does not fit.*discriminator/batch_stats/norm_1/mean is \(4,\) there and \(6,\) here"
    with pytest.raises(InputError, match=complaint):
        load_weights(path, GanConfig(latent_dim=4, width=3))
