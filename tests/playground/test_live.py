"""The training in the page against the package's own step."""

import jax
import numpy as np
import pytest
from closeness import assert_close, in_float64
from playground.in_node import run_in_node

from gan_jax import Batch, GanConfig, gan_step, generator_step, init_state, sample_latents
from gan_jax.objectives.losses import OBJECTIVES

SETTINGS = {"seed": 0, "width": 8, "batch": 16, "objective": "non_saturating", "penalty": 0, "both": 0}
SETTINGS |= {"rateD": 2e-3, "rateG": 1e-3, "beta1": 0.5, "beta2": 0.99, "stepsD": 1}
STEPS = 4


def config_of(objective, penalties=()):
    return GanConfig(
        image_shape=(2,),
        network="dense",
        normalization="none",
        initializer="he",
        latent_dim=2,
        width=8,
        batch_size=16,
        objective=objective,
        penalties=penalties,
        penalty_weight=0.7,
        learning_rate=1e-3,
        discriminator_learning_rate=2e-3,
        beta2=0.99,
    )


def layers(network):
    return [
        {"kernel": np.asarray(layer["kernel"])[0, 0], "bias": np.asarray(layer["bias"])}
        for layer in (network.params[f"dense_{index}"] for index in range(3))
    ]


def as_lists(found):
    return [{name: array.tolist() for name, array in layer.items()} for layer in found]


@jax.enable_x64(True)
def compare(config, step, **settings):
    state = in_float64(init_state(config, jax.random.key(0)))
    start = {name: as_lists(layers(getattr(state, name))) for name in ("generator", "discriminator")}
    batches, metrics = [], []
    for index in range(STEPS):
        key = jax.random.key(10 + index)
        reals = jax.random.normal(jax.random.key(20 + index), (16, 2))
        latents = sample_latents(config, jax.random.clone(key))
        batches.append({"reals": np.asarray(reals).tolist(), "latents": np.asarray(latents).tolist()})
        state, reported = step(config, state, Batch(reals), key)
        metrics.append(reported)
    found = run_in_node("live", settings=SETTINGS | settings, batches=batches, **start)
    for name in ("d_loss", "g_loss", "d_x", "d_g_z1", "penalty"):
        if name in metrics[0]:
            wanted = np.array([float(one[name]) for one in metrics])
            assert_close(np.array([one[name] for one in found["metrics"]]), wanted, rtol=1e-8)
    for name in ("generator", "discriminator"):
        for ours, wanted in zip(found[name], layers(getattr(state, name)), strict=True):
            assert_close(np.array(ours["kernel"]), wanted["kernel"].ravel(), rtol=1e-8)
            assert_close(np.array(ours["bias"]), wanted["bias"], rtol=1e-8, terms=0.01)  # of rates of 1e-3


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_steps_are_jaxs(objective):
    compare(config_of(objective), gan_step, objective=objective)


@pytest.mark.soak
@pytest.mark.parametrize(("penalties", "both"), [(("r1",), 0), (("r1", "r2"), 1)])
def test_penalized_steps_are_jaxs(penalties, both):
    compare(config_of("non_saturating", penalties), gan_step, penalty=0.7, both=both)


def test_without_updates_of_d_it_is_the_standalone_generator():
    compare(config_of("non_saturating"), generator_step, stepsD=0)


def test_a_seed_decides_a_training():
    points = np.random.default_rng(0).normal(size=(50, 2)).tolist()
    found = run_in_node("seeds", settings=SETTINGS, points=points, steps=5)
    first, again, other = found["runs"]
    assert first == again != other
    assert abs(np.mean(found["normal"])) < 0.05
    assert abs(np.std(found["normal"]) - 1) < 0.05
