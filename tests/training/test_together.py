"""Several runs side by side: what one that stops being finite keeps, and what the others do not notice.

The step here is quick to compile, depends on everything that a step may depend on, and reports a dict.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close

from gan_jax import Batch, GanConfig, GanState, NetworkState, ResidentImages, run_keys
from gan_jax.training.loop import NonFiniteError, Start, metrics_to_numpy, train_together

IMAGES = np.random.default_rng(0).integers(0, 256, (26, 28, 28, 1), np.uint8)  # thirteen batches
CHUNKS = {"num_steps": 15, "chunk_steps": 5}  # steps 1-5, 6-10, 11-13 and, of the next epoch, 14-15
BREAKING = 1.0  # from this learning rate on, a run breaks at the step that the rate says


def config(learning_rate=1e-3):
    return GanConfig(latent_dim=2, width=2, batch_size=2, learning_rate=learning_rate)


def quick_step(config, state, batch, key):
    """Move the only weight; a loss is infinite at step n where the learning rate is n, if that is at least 1."""
    weight = state.generator.params["weight"]
    value = batch.images.mean() + jax.random.normal(key) + weight
    generator = state.generator.with_params({"weight": weight + jnp.minimum(config.learning_rate, 0.1) * value})
    step = state.step + 1
    breaks = (config.learning_rate >= BREAKING) & (step == config.learning_rate)
    return state.replace(step=step, generator=generator), {"value": value, "loss": jnp.where(breaks, jnp.inf, value)}


def start(seed, images, learning_rate=1e-3):
    network = NetworkState({"params": {"weight": jnp.float32(seed)}})
    state = GanState(jnp.zeros((), jnp.int32), network, network)
    keys = run_keys(seed)
    return Start(config(learning_rate), state, ResidentImages(config(), Batch(images), keys), keys)


def finish(*starts, **options):
    """Each run's reports, in order."""
    reports = [[] for _ in starts]
    for together in train_together(quick_step, starts, **CHUNKS | options):
        for index, progress in together.items():
            reports[index].append(progress)
    return reports


def losses(reports):
    return np.concatenate([report.metrics["loss"] for report in reports if report.metrics])


@pytest.fixture(scope="module", autouse=True)
def keys_are_stacked_again_and_again():
    with jax.debug_key_reuse(False):  # it takes stacking the runs' keys, which each step then folds, for their use
        yield


@pytest.fixture(scope="module")
def images():
    return jnp.asarray(IMAGES)


@pytest.fixture(scope="module")
def healthy(images):
    return finish(*(start(seed, images) for seed in range(3)))


def test_runs_side_by_side_are_each_the_run_alone(images, healthy):
    for seed, together in enumerate(healthy):
        (alone,) = finish(start(seed, images))
        assert [report.step for report in together] == [report.step for report in alone] == [5, 10, 13, 15]
        assert_close(losses(together), losses(alone), rtol=1e-5)
        assert_close(together[-1].state, alone[-1].state, rtol=1e-5, terms=1e-2)
    assert len({losses(together)[0] for together in healthy}) == 3


@pytest.mark.parametrize(("breaks_at", "ends"), [(7, [5, 6]), (6, [5, 5]), (1, [0])])
def test_a_run_that_breaks_keeps_the_steps_before_and_the_others_finish(images, healthy, breaks_at, ends):
    starts = start(0, images), start(1, images, learning_rate=breaks_at), start(2, images)
    first, broken, last = finish(*starts)
    assert [report.step for report in broken] == ends
    assert [str(report.error) for report in broken if report.error] == [f"loss is not finite at step {breaks_at}"]
    assert isinstance(broken[-1].error, NonFiniteError)
    assert not broken[-1].epoch_end
    assert not broken[-1].window_end
    assert broken[-1].state.step == breaks_at - 1
    if breaks_at > 1:
        _, until_then, _ = finish(*starts, num_steps=breaks_at - 1)
        np.testing.assert_array_equal(losses(broken), losses(until_then))
        chex.assert_trees_all_equal(broken[-1].state, until_then[-1].state)
    else:
        assert not broken[-1].metrics
        chex.assert_trees_all_equal(broken[-1].state, starts[1].state)
    for ours, theirs in ((first, healthy[0]), (last, healthy[2])):
        np.testing.assert_array_equal(losses(ours), losses(theirs))
        chex.assert_trees_all_equal(ours[-1].state, theirs[-1].state)


def test_runs_share_one_copy_of_the_images_on_the_device():
    images = jnp.asarray(IMAGES[:25])  # as many as in no other test
    starts = [start(seed, images) for seed in range(3)]
    for reports in train_together(quick_step, starts, **CHUNKS):
        assert len(reports) == 3
        assert [array.shape[-4:] for array in jax.live_arrays()].count(images.shape) == 1


def test_metrics_to_numpy_takes_a_dict_and_keeps_the_order_that_is_shown():
    named = metrics_to_numpy({"own": jnp.ones(3), "d_x": jnp.ones(3), "d_loss": jnp.zeros(3)})
    assert list(named) == ["d_loss", "d_x", "own"]
    np.testing.assert_array_equal(named["own"], np.ones(3))
    with pytest.raises(TypeError, match="as a dict, not as a tuple"):
        metrics_to_numpy((jnp.ones(3),))
