import collections
import dataclasses
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close, in_float64

from gan_jax import (
    Batch,
    GanConfig,
    InputError,
    ResidentImages,
    discriminator_step,
    gan_step,
    generator_step,
    init_state,
    normalize_images,
    run_keys,
    train,
    train_epoch,
)
from gan_jax.recipes import RECIPES, recipe
from gan_jax.training import batches, compiled
from gan_jax.training.loop import NonFiniteError, plan_chunks

CONFIG = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=3, batch_size=4, initializer="he")
IMAGES = np.random.default_rng(0).integers(0, 256, (26, 8, 8, 1), np.uint8)  # six batches and a half


def source(keys, config=CONFIG):
    return ResidentImages(config, Batch(IMAGES), keys)


def finish(step=gan_step, seed=0, num_steps=8, start=None, **options):
    keys = run_keys(seed)
    chunks = []
    state = start or init_state(CONFIG, keys.init)
    for progress in train(CONFIG, step, state, source(keys), keys, num_steps=num_steps, **options):
        chunks.append(progress.metrics)
    metrics = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return jax.tree.map(np.asarray, (progress.state, metrics))


def test_an_epoch_shows_each_image_once_in_an_order_of_its_own():
    keys = run_keys(0)
    orders = [np.asarray(batches.epoch_order(CONFIG, keys.order, epoch, len(IMAGES))) for epoch in (0, 1)]
    for order in orders:
        assert order.shape == (6, 4)
        assert len(set(order.ravel())) == 24
        assert order.min() >= 0
        assert order.max() < 26
    assert (orders[0] != orders[1]).any()
    chex.assert_trees_all_equal(orders[1], batches.epoch_order(CONFIG, keys.order, 1, len(IMAGES)))
    assert (orders[0] != batches.epoch_order(CONFIG, run_keys(1).order, 0, len(IMAGES))).any()


def test_plan_chunks_pauses_where_lines_and_epochs_end():
    chunks = plan_chunks(0, num_steps=14, per_epoch=6, log_every=4, pause_every=None, chunk_steps=3)
    places = [chunk.progress(None, {}) for chunk in chunks]
    assert [(place.step, place.epoch, place.batch, place.window_end, place.epoch_end) for place in places] == [
        (3, 1, 3, False, False),
        (4, 1, 4, True, False),
        (6, 1, 6, True, True),
        (9, 2, 3, False, False),
        (10, 2, 4, True, False),
        (12, 2, 6, True, True),
        (14, 3, 2, True, True),
    ]


@pytest.fixture
def optimized(monkeypatch):
    """Programs are compiled as users have them."""
    options = compiled.compiler_options("cpu") | {"xla_backend_optimization_level": 3}
    compiled._jit.cache_clear()
    monkeypatch.setattr(compiled, "compiler_options", lambda platform: options)
    yield
    compiled._jit.cache_clear()


@pytest.mark.soak
@pytest.mark.usefixtures("optimized")
@pytest.mark.parametrize(
    ("name", "step"),
    [
        *((name, gan_step) for name in RECIPES if not recipe(name).stage_widths),  # others are large
        *itertools.product(("diffaugment", "wgan-gp", "conditional"), (generator_step, discriminator_step)),
    ],
)
def test_train_in_chunks_of_one_step_has_the_same_bits(name, step):
    """As in chunks of two; ``test_a_run_stopped_and_continued_is_the_run_that_was_not`` has longer ones."""
    widths = {"width": 16, "discriminator_width": recipe(name).discriminator_width and 16}
    config = dataclasses.replace(recipe(name), latent_dim=6, batch_size=48, **widths)
    keys, random = run_keys(0), np.random.default_rng(0)
    images = random.integers(0, 256, (2 * config.images_per_step, *config.image_shape), np.uint8)
    if config.conditional:
        labels = np.arange(len(images), dtype=np.int32) % config.num_classes
    data = Batch(images, labels if config.conditional else None)
    source, start = ResidentImages(config, data, keys), init_state(config, keys.init)
    whole, parts = (
        list(train(config, step, start, source, keys, num_steps=2, chunk_steps=length)) for length in (2, 1)
    )
    chex.assert_trees_all_equal(parts[-1].state, whole[-1].state)
    for metric, values in whole[0].metrics.items():
        np.testing.assert_array_equal(np.concatenate([chunk.metrics[metric] for chunk in parts]), values, metric)


def test_the_scan_over_an_epoch_equals_chunks_of_one():
    keys = run_keys(0)
    state, metrics = train_epoch(CONFIG, gan_step, init_state(CONFIG, keys.init), Batch(jnp.asarray(IMAGES)), keys)
    state, more = train_epoch(CONFIG, gan_step, state, Batch(jnp.asarray(IMAGES)), keys)
    chunked_state, chunked_metrics = finish(num_steps=12, chunk_steps=1)
    chex.assert_trees_all_equal(jax.tree.map(np.asarray, state), chunked_state)
    both = jax.tree.map(lambda a, b: np.concatenate([a, b]), metrics, more)
    chex.assert_trees_all_equal(both, chunked_metrics)


@pytest.mark.soak
def test_the_scan_takes_the_steps_that_one_could_take_by_hand():
    keys = run_keys(0)
    with jax.enable_x64(True):
        state = start = in_float64(init_state(CONFIG, keys.init))
        for step in range(8):
            epoch, batch = divmod(step, 6)
            rows = batches.epoch_order(CONFIG, keys.order, epoch, len(IMAGES))[batch]
            key = jax.random.fold_in(keys.step, step)
            state, _ = discriminator_step(CONFIG, state, Batch(normalize_images(IMAGES[rows])), key)
        trained, _ = finish(discriminator_step, start=start, chunk_steps=4)
    assert_close(trained, state)


def test_a_run_stopped_and_continued_is_the_run_that_was_not():
    keys = run_keys(0)
    state = init_state(CONFIG, keys.init)
    for num_steps in (2, 8):  # chunks of 2, 4 and 2 in place of 4, 2 and 2
        *_, progress = train(CONFIG, gan_step, state, source(keys), keys, num_steps=num_steps, chunk_steps=4)
        state = progress.state
    chex.assert_trees_all_equal(jax.tree.map(np.asarray, state), finish(chunk_steps=4)[0])


def test_a_chunk_is_compiled_once_per_length():
    def step(config, state, batch, key):
        return generator_step(config, state, batch, key)

    traced = chex.assert_max_traces(step, n=2)  # chunks of four, and the two left over in each epoch
    finish(traced, num_steps=18, chunk_steps=4)


def test_a_step_that_is_not_finite_ends_the_training_with_the_state_before_it():
    keys = run_keys(0)

    def step(config, state, batch, key):
        state, metrics = generator_step(config, state, batch, key)
        return state, metrics | {"g_loss": jnp.where(state.step >= 5, jnp.inf, metrics["g_loss"])}

    seen = []
    training = train(CONFIG, step, init_state(CONFIG, keys.init), source(keys), keys, num_steps=8)
    with pytest.raises(NonFiniteError, match="g_loss is not finite at step 5"):
        collections.deque(map(seen.append, training))
    assert [(progress.step, progress.window_end, len(progress.metrics["g_loss"])) for progress in seen] == [
        (4, False, 4)
    ]
    chex.assert_trees_all_equal(jax.tree.map(np.asarray, seen[-1].state), finish(generator_step, num_steps=4)[0])


def test_train_takes_batches_from_a_buffer_that_is_filled_again():
    """JAX may read a NumPy array after the call that it was given to has returned."""
    keys, per_epoch = run_keys(0), 12
    config = dataclasses.replace(CONFIG, batch_size=2)

    class Refilled:
        steps_per_epoch = per_epoch
        buffer = np.zeros((1, 2, 8, 8, 1), np.uint8)

        def batches(self, epoch, start, stop):
            self.buffer.fill(start)
            return Batch(self.buffer)

    def slow_step(config, state, batch, key):
        slow = jnp.linalg.matrix_power(jnp.eye(400) / 2, 1000)[0, 0]  # 0
        return state.replace(step=state.step + 1), {"mean": batch.images.mean() + slow}

    training = train(config, slow_step, init_state(config, keys.init), Refilled(), keys, num_steps=12, chunk_steps=1)
    seen = np.concatenate([progress.metrics["mean"] for progress in training])
    np.testing.assert_allclose(seen, np.arange(12) / 127.5 - 1, rtol=1e-4)


@pytest.mark.parametrize(
    ("per_epoch", "given", "complaint"),
    [
        (2, Batch(np.zeros((1, 4, 8, 8, 1), np.uint8)), r"gave \[1, 4, 8, 8, 1\] as batches 0 to 2 of epoch 0; it"),
        (2, Batch(np.zeros((0, 4, 8, 8, 1), np.uint8)), "a Batch of arrays of 2 batches"),
        (2, np.zeros((2, 4, 8, 8, 1), np.uint8), "gave ndarray as batches"),
        (2, [IMAGES[:4], IMAGES[4:8]], "gave list as batches"),
        (2, None, "gave NoneType as batches"),
        (0, None, "the source's steps_per_epoch is 0; it must be at least 1"),
    ],
)
def test_train_refuses_a_source_of_other_batches(per_epoch, given, complaint):
    class Source:
        steps_per_epoch = per_epoch

        def batches(self, epoch, start, stop):
            return given

    keys = run_keys(0)
    with pytest.raises(InputError, match=complaint):
        list(train(CONFIG, gan_step, init_state(CONFIG, keys.init), Source(), keys, num_steps=2))


def test_train_reports_numbers_of_any_type_as_float32():
    def step(config, state, batch, key):
        number = batch.images.mean()
        metrics = {"count": state.step, "is_dark": number < 0, "mean": number.astype(jnp.bfloat16)}
        return state.replace(step=state.step + 1), metrics

    _, metrics = finish(step, num_steps=3)
    assert {name: values.dtype for name, values in metrics.items()} == dict.fromkeys(metrics, np.float32)
    assert metrics["count"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("metrics", "error", "complaint"),
    [
        ({}, TypeError, "a step must report at least one metric"),
        ({"x": np.complex64(1j)}, InputError, r"x is complex64 \[\]; a step must report single real numbers"),
        ({"x": np.ones(4, np.float32)}, InputError, r"x is float32 \[4\]; a step must report single real numbers"),
    ],
)
def test_train_refuses_metrics_that_are_no_numbers(metrics, error, complaint):
    with pytest.raises(error, match=complaint):
        finish(lambda config, state, batch, key: (state.replace(step=state.step + 1), metrics), num_steps=1)


def test_a_chunk_keeps_to_the_device_and_makes_no_copy_of_the_data():
    keys = run_keys(0)
    resident = source(keys).indexed_batches(0, 0, 6)
    chunk = jax.jit(compiled.scan_steps, static_argnames="step")
    text = chunk.lower(CONFIG, gan_step, init_state(CONFIG, keys.init), resident, keys.step).compile().as_text()
    assert "u8[26,8,8,1]" in text
    for copy in ("f32[26,8,8,1]", "u8[6,4,8,8,1]", "f32[6,4,8,8,1]"):
        assert copy not in text
    for transfer in ("infeed", "outfeed", "send(", "recv(", "callback"):
        assert transfer not in text
