"""The training on images in the page against the package's own."""

import dataclasses

import jax
import numpy as np
import pytest
from closeness import assert_close, in_float64
from playground.in_node import run_in_node

from gan_jax import Batch, GanConfig, gan_step, generate, generator_step, init_state, load_dataset, sample_latents
from gan_jax.data.pixels import normalize_images
from gan_jax.playground.digits import digits_of_page
from gan_jax.runs.health import image_set_std
from gan_jax.training.batches import run_keys, ShuffledImages

CONFIG = GanConfig(width=4, batch_size=6, learning_rate=1e-3, discriminator_learning_rate=2e-3)
SETTINGS = {"batch": 6, "width": 4, "rateD": 2e-3, "rateG": 1e-3, "beta1": 0.5, "beta2": 0.999, "frozen": False}
METRICS = ("d_loss", "g_loss", "d_x", "d_g_z1", "d_g_z2", "fake_std")
SEED, STEPS = 3, 10


def arrays(network):
    """A network's arrays by layer, as the page draws them."""
    params, statistics = network.variables["params"], network.variables["batch_stats"]
    return {layer: {**params[layer], **statistics.get(layer, {})} for layer in params}


def in_order(network):
    """The same as a list: of each layer, in the order in which they are applied, what it learns and its statistics."""
    found, count = arrays(network), sum(layer.startswith("conv") for layer in network.params)
    layers = [layer for index in range(count) for layer in (f"conv_{index}", f"norm_{index}") if layer in found]
    names = ("kernel", "scale", "bias", "mean", "var")
    return [np.asarray(found[layer][name]).ravel() for layer in layers for name in names if name in found[layer]]


def lists(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf).tolist(), tree)


@jax.enable_x64(True)
def test_steps_are_jaxs_with_a_d_that_is_frozen_and_one_that_learns():
    state, batches, metrics = in_float64(init_state(CONFIG, jax.random.key(0))), [], []
    start = {name: lists(arrays(getattr(state, name))) for name in ("generator", "discriminator")}
    for index, frozen in enumerate((True, False, False, True)):
        key = jax.random.key(10 + index)
        reals, latents = jax.random.uniform(key, (6, 28, 28, 1), minval=-1), sample_latents(CONFIG, jax.random.clone(key))
        batches.append({"reals": lists(reals), "latents": lists(latents), "frozen": frozen})
        state, found = (generator_step if frozen else gan_step)(CONFIG, state, Batch(reals), jax.random.clone(key))
        metrics.append(found)
    page = run_in_node("images", settings=SETTINGS, batches=batches, **start)
    for ours, wanted in zip(page["metrics"], metrics, strict=True):
        known = [name for name in METRICS if name in wanted]
        assert_close({name: ours[name] for name in known}, {name: float(wanted[name]) for name in known}, rtol=1e-8)
    for name in ("generator", "discriminator"):
        for ours, wanted in zip(page[name], in_order(getattr(state, name)), strict=True):
            assert_close(np.array(ours), wanted, rtol=1e-8, terms=0.01)
