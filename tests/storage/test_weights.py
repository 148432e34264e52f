"""Weights in a file, of another type there, and files that claim to hold weights."""

import chex
import jax
import numpy as np
import pytest

from gan_jax import GAMES, GanConfig, InputError, init_state, load_weights, save_weights

CONFIG = GanConfig(latent_dim=4, width=2)


@pytest.fixture(scope="module")
def state():
    """A state whose every array has values of its own."""
    fresh = init_state(CONFIG, jax.random.key(0))
    changed = jax.tree.map(lambda leaf: leaf + np.arange(leaf.size, dtype=leaf.dtype).reshape(leaf.shape), fresh)
    return changed.replace(step=np.int32(1))


@pytest.fixture(scope="module")
def stored(state, tmp_path_factory):
    """A weights file's arrays."""
    path = tmp_path_factory.mktemp("stored") / "weights.npz"
    save_weights(path, state, CONFIG)
    assert [file.name for file in path.parent.iterdir()] == ["weights.npz"]
    with np.load(path) as archive:
        return dict(archive)


def weights(state):
    networks = state.generator, state.discriminator
    return state.step, *((network.params, network.variables["batch_stats"]) for network in networks)


def test_load_weights_returns_what_was_saved_bit_for_bit(state, stored, tmp_path):
    np.savez(tmp_path / "w.npz", **stored)
    config, restored = load_weights(tmp_path / "w.npz")
    assert config == CONFIG
    chex.assert_trees_all_equal(weights(restored), weights(state))
    assert restored.step == 1
    assert not restored.generator.opt_state[0].mu["conv_0"]["kernel"].any()
    complaint = r"does not fit.*discriminator/batch_stats/norm_1/mean is \(4,\) there and \(6,\) here"
    with pytest.raises(InputError, match=complaint):
        load_weights(tmp_path / "w.npz", GanConfig(latent_dim=4, width=3))


KERNEL = "generator/params/conv_0/kernel"


@pytest.mark.parametrize("dtype", [">f4", "<f8", "<f2"])
def test_weights_of_another_type_of_float_are_those_weights(dtype, stored, tmp_path):
    halves = {name: array.astype(np.float16).astype(array.dtype) for name, array in stored.items() if array.ndim}
    typed = {name: np.asfortranarray(array.astype(dtype)) for name, array in halves.items()}
    np.savez(tmp_path / "w.npz", **stored | typed)
    config, state = load_weights(tmp_path / "w.npz")
    assert config == CONFIG
    assert state.generator.params["conv_0"]["kernel"].dtype == np.float32
    np.testing.assert_array_equal(state.generator.params["conv_0"]["kernel"], halves[KERNEL])


def test_weights_without_a_configuration_are_read_with_a_given_one(stored, tmp_path):
    np.savez(tmp_path / "w.npz", **{name: array for name, array in stored.items() if name != "config"})
    with pytest.raises(InputError, match=r"does not tell the configuration .* or in Python its config\."):
        load_weights(tmp_path / "w.npz")
    config, state = load_weights(tmp_path / "w.npz", CONFIG)
    assert config is CONFIG
    np.testing.assert_array_equal(state.generator.params["conv_0"]["kernel"], stored[KERNEL])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({KERNEL: lambda array: array.astype(complex)}, "kernel is complex128"),
        ({KERNEL: lambda array: array.astype("U4")}, "kernel is <U4"),
        ({KERNEL: lambda array: array.astype(int)}, "kernel is int64"),
        ({KERNEL: lambda array: array[:-1]}, "does not fit the configured networks"),
        ({"step": lambda array: array.astype(float)}, "step is float64"),
        ({"step": lambda array: array[None]}, "does not fit the configured networks: step"),
        ({"discriminator/params/conv_0/kernel": lambda array: array.ravel()}, "does not fit the configured networks"),
        ({"config": "[]"}, "cannot be read as weights"),
        ({"config": "[" * 9999}, "nested too deeply"),
        ({"config": '{"width": true}'}, "width is True; it must be a whole number"),
        ({"config": '{"width": 1e3}'}, r"width is 1000\.0; it must be a whole number"),
        ({"config": '{"learning_rate": NaN}'}, "learning_rate is nan; it must be a number"),
        ({"config": '{"learning_rate": "fast"}'}, "learning_rate is 'fast'; it must be a number"),
        ({"config": '{"network": "resnet"}'}, "network is 'resnet'; it must be one of"),
        ({"config": '{"colour": 1}'}, "unexpected keyword argument 'colour'"),
        ({"config": '{"latent_dim": 65536, "width": 4096}'}, "does not fit the configured networks"),
        ({"config": '{"image_shape": [1000000000000], "network": "dense"}'}, "normalization is 'batch'|does not fit"),
    ],
)
def test_weights_that_are_none_are_refused_before_a_state_is_made(changes, complaint, stored, tmp_path):
    def traced(config, key):
        assert isinstance(key, jax.core.Tracer), "this would allocate what a file asks for"
        return init_state(config, key)

    arrays = stored | {name: change(stored[name]) if callable(change) else change for name, change in changes.items()}
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(InputError, match=complaint) as error:
        load_weights(tmp_path / "w.npz", game=GAMES["joint"]._replace(init=traced))
    assert "\n" not in str(error.value)
