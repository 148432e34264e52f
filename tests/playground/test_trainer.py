"""The training on images in the page against the package's own."""

import jax
import numpy as np
import pytest
from closeness import assert_close, in_float64
from playground.in_node import run_in_node

from gan_jax import Batch, GanConfig, gan_step, generate, generator_step, init_state, load_dataset, sample_latents
from gan_jax.data.pixels import normalize_images
from gan_jax.playground.digits import digits_of_page
from gan_jax.runs.health import image_set_std
from gan_jax.training.batches import ShuffledImages, run_keys

CONFIG = GanConfig(width=4, batch_size=6, learning_rate=1e-3, discriminator_learning_rate=2e-3)
SETTINGS = {"batch": 6, "width": 4, "rateD": 2e-3, "rateG": 1e-3, "beta1": 0.5, "beta2": 0.999, "frozen": False}
METRICS = ("d_loss", "g_loss", "d_x", "d_g_z1", "d_g_z2", "fake_std")
SEED, STEPS, LATER = 3, 10, 2 * (1500 // 32) + 5  # a step of the third epoch
PARTED = 5e-3  # where a gradient cancels, rounding decides the direction of Adam's step (closeness.in_float64)


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
@pytest.mark.soak
def test_steps_are_jaxs_with_a_d_that_is_frozen_and_one_that_learns():
    state, batches, metrics = in_float64(init_state(CONFIG, jax.random.key(0))), [], []
    start = {name: lists(arrays(getattr(state, name))) for name in ("generator", "discriminator")}
    for index, frozen in enumerate((True, False, False, True)):
        key = jax.random.key(10 + index)
        reals, latents = (
            jax.random.uniform(key, (6, 28, 28, 1), minval=-1),
            sample_latents(CONFIG, jax.random.clone(key)),
        )
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


def in_page(config, steps):
    """The page's training of a configuration, from the seed alone."""
    rates = {"rateD": config.learning_rate, "rateG": config.learning_rate, "initializer": config.initializer}
    settings = {"seed": SEED, "width": config.width, "batch": config.batch_size, **rates}
    pixels, folds = digits_of_page()
    given = {"pixels": pixels.tolist(), "folds": folds, "steps": steps, "later": LATER}
    return run_in_node("digits", settings=settings, **given)


# The ten steps below begin with dcgan's weights.
@pytest.mark.parametrize("initializer", [pytest.param("dcgan", marks=pytest.mark.soak), "he"])
def test_a_seeds_images_and_initial_weights_are_those_of_the_shell(initializer):
    config = GanConfig(width=8, batch_size=32, initializer=initializer)
    page, images = in_page(config, 0), load_dataset("digits").train_images
    assert_close(np.array(page["images"]), normalize_images(images).ravel(), rtol=1e-6)  # far less than one of 255
    assert page["spread"] == pytest.approx(image_set_std(images), rel=1e-5)
    rows = ShuffledImages(config, len(images), run_keys(SEED)).order(2)[5]
    assert_close(np.array(page["later"]), normalize_images(images[rows]).ravel(), rtol=1e-6)
    state = init_state(config, run_keys(SEED).init)
    for name, found in page["start"].items():
        for ours, wanted in zip(found, in_order(getattr(state, name)), strict=True):
            assert_close(np.array(ours), wanted, rtol=1e-5)


def test_the_first_ten_steps_are_those_of_the_shell():
    config, keys, images = GanConfig(width=8, batch_size=32), run_keys(SEED), load_dataset("digits").train_images
    page, state = in_page(config, STEPS), init_state(config, keys.init)
    order = ShuffledImages(config, len(images), keys).order(0)
    for index, (batch, ours) in enumerate(zip(page["batches"], page["metrics"], strict=True)):
        reals, key = normalize_images(images[order[index]]), jax.random.fold_in(keys.step, index)
        assert_close(np.array(batch["reals"]), reals.ravel(), rtol=1e-6)
        assert_close(np.array(batch["latents"]), sample_latents(config, jax.random.clone(key)).ravel(), rtol=1e-5)
        state, metrics = gan_step(config, state, Batch(reals), key)
        wanted = {name: float(metrics[name]) for name in METRICS}
        assert_close({name: ours[name] for name in METRICS}, wanted, rtol=1e-4 if index == 0 else PARTED)
    shown = generate(config, state.generator.variables, sample_latents(config, keys.display, 64)[:32])
    assert_close(np.array(page["shown"]), shown.ravel(), rtol=10 * PARTED)
    for name, found in page["end"].items():
        for ours, wanted in zip(found, in_order(getattr(state, name)), strict=True):
            assert np.abs(np.array(ours) - wanted).mean() < 5e-5  # all of them have taken ten steps of 2e-4
