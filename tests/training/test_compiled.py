"""A complete run as one program, many runs in one, and one run on many devices."""

import dataclasses
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close, in_float64
from waiting import PATIENCE

from gan_jax import (
    Batch,
    GanConfig,
    InputError,
    ResidentImages,
    discriminator_step,
    gan_step,
    generate,
    generator_step,
    init_state,
    run_keys,
    sample_latents,
    train,
    train_epoch,
    train_run,
)
from gan_jax.training import compiled
from gan_jax.training.batches import IndexedBatches

CONFIG = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=3, batch_size=8, initializer="he")
IMAGES = np.random.default_rng(0).integers(0, 256, (52, 8, 8, 1), np.uint8)  # six batches and a half


def host_driven(seed=0, config=CONFIG, start=None):
    keys = run_keys(seed)
    state, source = start or init_state(config, keys.init), ResidentImages(config, Batch(IMAGES), keys)
    chunks = list(train(config, gan_step, state, source, keys, num_steps=12))
    names = chunks[0].metrics
    return chunks[-1].state, {name: np.concatenate([chunk.metrics[name] for chunk in chunks]) for name in names}


def stack(trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


@pytest.mark.soak
def test_a_run_as_one_program_is_the_host_driven_run():
    keys = run_keys(0)
    start = init_state(CONFIG, keys.init)
    state, metrics, grids = train_run(CONFIG, gan_step, start, Batch(jnp.asarray(IMAGES)), keys, 2)
    host_state, host_metrics = host_driven()
    chex.assert_trees_all_equal(state, host_state)
    chex.assert_trees_all_equal({name: value.ravel() for name, value in metrics.items()}, host_metrics)
    assert grids.shape == (3, 64, 8, 8, 1)
    latents = sample_latents(CONFIG, run_keys(0).display, 64)
    assert_close(grids[0], generate(CONFIG, start.generator.variables, latents))
    assert_close(grids[-1], generate(CONFIG, state.generator.variables, latents))


@pytest.mark.parametrize(
    "in_one_program",
    [False, pytest.param(True, marks=pytest.mark.soak)],
    ids=["as on this CPU", "as on an accelerator"],
)
def test_chunks_side_by_side_are_each_the_chunk_alone(in_one_program, monkeypatch):
    if in_one_program:
        monkeypatch.setattr(compiled, "_platform", lambda tree: "accelerator")
    configs = [CONFIG, dataclasses.replace(CONFIG, learning_rate=1e-3), CONFIG]
    if in_one_program:  # which takes them as float32
        configs = [jax.tree.map(jnp.float32, config) for config in configs]
    keys = [run_keys(seed) for seed in range(3)]
    batches = [IndexedBatches(Batch(jnp.asarray(IMAGES)), np.arange(48, dtype=np.int32).reshape(6, 8))] * 3
    step_keys = [one.step for one in keys]
    with jax.enable_x64(in_one_program):
        states = [init_state(CONFIG, one.init) for one in keys]
        states = in_float64(states) if in_one_program else states
        together = compiled.scan_many(configs, gan_step, states, batches, step_keys, [None] * 3)
        monkeypatch.undo()
        alone = [
            compiled.scan_steps(config, gan_step, *run)
            for config, *run in zip(configs, states, batches, step_keys, strict=True)
        ]
    (assert_close if in_one_program else chex.assert_trees_all_equal)(together, alone)


def program_text(name):
    """The program behind a public function, as it is handed to XLA."""
    keys, images = run_keys(0), jnp.asarray(IMAGES)
    state = jax.eval_shape(lambda key: init_state(CONFIG, key), keys.init)
    batches = IndexedBatches(Batch(images), np.zeros((6, 8), np.int32))
    function, arguments = {
        "train_epoch": (compiled._scan_epoch, (CONFIG, gan_step, state, Batch(images), keys, None)),
        "train_run": (compiled._scan_run, (CONFIG, gan_step, state, Batch(images), keys, 2)),
        "scan_steps": (compiled.scan_steps, (CONFIG, gan_step, state, batches, keys.step)),
        "scan_many": (
            compiled._scan_side_by_side,
            (gan_step, (CONFIG, CONFIG), (state, state), (batches, batches), (keys.step, keys.order), (None, None)),
        ),
    }[name]
    static = ("step", "num_epochs", "sampler") if name == "train_run" else ("step",)
    return jax.jit(function, static_argnames=static).lower(*arguments).as_text()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "batch"), [("train_epoch", "8"), ("train_run", "8"), ("scan_steps", "8"), ("scan_many", "2x8")]
)
def test_pixels_are_gathered_a_batch_at_a_time(name, batch):
    shapes = re.findall(r"tensor<([\dx]+)x8x8x1xui8>", program_text(name))
    assert set(shapes) == {"52", batch}


RATES = jnp.asarray([1e-4, 2e-4])
SURROUND = {  # of a function of a state and a learning rate
    "jit": lambda train, state: train(state, 1e-4),
    "scan": lambda train, state: jax.lax.scan(lambda state, rate: (train(state, rate)[0], None), state, RATES),
    "map": lambda train, state: jax.lax.map(lambda rate: train(state, rate), RATES),
    "vmap": lambda train, state: jax.vmap(lambda rate: train(state, rate))(RATES),
}


@pytest.mark.parametrize("surround", SURROUND.values(), ids=SURROUND)
@pytest.mark.parametrize(("train", "length"), [(train_epoch, ()), (train_run, (2,))], ids=["train_epoch", "train_run"])
def test_train_epoch_and_train_run_are_parts_of_a_larger_program(train, length, surround):
    keys, data = run_keys(0), Batch(jnp.asarray(IMAGES))

    def training(state, rate):
        config = dataclasses.replace(CONFIG, learning_rate=rate)
        return train(config, generator_step, state, data, keys, *length)

    with jax.debug_key_reuse(False):  # two lanes, or two iterations, share their keys on purpose
        jax.jit(partial(surround, training)).lower(init_state(CONFIG, keys.init))


@pytest.mark.soak
def test_train_epoch_in_a_larger_program_trains_as_it_does_alone():
    keys, images = run_keys(0), jnp.asarray(IMAGES)

    def epochs(state):
        return jax.lax.scan(
            lambda state, _: train_epoch(CONFIG, gan_step, state, Batch(images), keys), state, length=2
        )[0]

    with jax.enable_x64(True):
        start = in_float64(init_state(CONFIG, keys.init))
        alone, _ = train_epoch(
            CONFIG, gan_step, train_epoch(CONFIG, gan_step, start, Batch(images), keys)[0], Batch(images), keys
        )
        assert_close(jax.jit(epochs)(start), alone, rtol=1e-8)  # compiled without the options


def test_a_chunk_of_one_step_stays_a_loop():
    """XLA would round differently outside of one."""
    keys, images = run_keys(0), jnp.asarray(IMAGES)
    state, batches = init_state(CONFIG, keys.init), IndexedBatches(Batch(images), np.zeros((1, 8), np.int32))
    chunk = jax.jit(compiled.scan_steps, static_argnames="step")
    text = chunk.lower(CONFIG, count_step, state, batches, keys.step).compile().as_text()
    assert re.search(r" while\(", text)


def count_step(config, state, batch, key):
    return state.replace(step=state.step + 1), {"mean": batch.images.mean()}


def forget_to_count(config, state, batch, key):
    return state, {"mean": batch.images.mean()}


def test_a_step_that_does_not_count_is_refused():
    keys, images = run_keys(0), jnp.asarray(IMAGES)
    state = init_state(CONFIG, keys.init)
    for train_with in (
        lambda: list(
            train(CONFIG, forget_to_count, state, ResidentImages(CONFIG, Batch(IMAGES), keys), keys, num_steps=12)
        ),
        lambda: train_epoch(CONFIG, forget_to_count, state, Batch(images), keys),
        lambda: train_run(CONFIG, forget_to_count, state, Batch(images), keys, 2),
    ):
        with pytest.raises(InputError, match=r"the state's step is 0 after (6|12) steps; a step must return"):
            train_with()


@pytest.fixture
def afresh():
    """Programs and options that are made again, before the test and after it."""
    for made in (compiled._jit, compiled.compiler_options):
        made.cache_clear()
    yield
    for made in (compiled._jit, compiled.compiler_options):
        made.cache_clear()


def test_training_programs_have_the_options_of_a_cpu_and_of_no_other_platform(afresh):
    assert compiled.compiler_options("cpu") == compiled.CPU_OPTIONS
    assert compiled.compiler_options("gpu") is None
    assert compiled.compiler_options("tpu") is None


def test_an_option_that_jax_does_not_know_is_left_out_with_one_warning(afresh, monkeypatch):
    monkeypatch.setattr(compiled, "CPU_OPTIONS", {"xla_cpu_no_such_option": True})
    with pytest.warns(RuntimeWarning, match="does not know xla_cpu_no_such_option: training on this CPU") as caught:
        assert [compiled.compiler_options("cpu") for _ in range(2)] == [None, None]
    assert len(caught) == 1


@pytest.mark.soak
def test_every_training_program_is_compiled_with_the_options(afresh, monkeypatch):
    """Options that do not exist show who takes them."""
    monkeypatch.setattr(compiled, "compiler_options", lambda platform: {f"xla_{platform}_no_such_option": True})
    keys, images = run_keys(0), jnp.asarray(IMAGES)
    state, batches = init_state(CONFIG, keys.init), IndexedBatches(Batch(images), np.zeros((6, 8), np.int32))
    for train_with_options in (
        lambda: compiled.scan_steps(CONFIG, gan_step, state, batches, keys.step),
        lambda: compiled.scan_many([CONFIG], gan_step, [state], [batches], [keys.step], [None]),
        lambda: train_epoch(CONFIG, gan_step, state, Batch(images), keys),
        lambda: train_run(CONFIG, gan_step, state, Batch(images), keys, 2),
        lambda: jax.vmap(lambda images: train_epoch(CONFIG, gan_step, state, Batch(images), keys))(images[None]),
    ):
        with pytest.raises(jax.errors.JaxRuntimeError, match="xla_cpu_no_such_option"):
            train_with_options()


class Stream:
    """A source that has no image before it is asked: what a reader from disk or network looks like to the loop."""

    def __init__(self, config, data, keys):
        self.steps_per_epoch = len(data.images) // config.images_per_step
        self._images, self._order = data.images, ResidentImages(config, data, keys).order

    def batches(self, epoch, start, stop):
        return Batch(jnp.asarray(self._images[self._order(epoch)[start:stop]]))


@pytest.mark.soak
def test_a_stream_of_batches_trains_as_a_resident_set_does():
    keys, data = run_keys(0), Batch(IMAGES[:16])
    state, ends = init_state(CONFIG, keys.init), []
    for source in (Stream, ResidentImages):
        *_, end = train(CONFIG, discriminator_step, state, source(CONFIG, data, keys), keys, num_steps=4)
        ends.append(end.state)
    chex.assert_trees_all_equal(*ends)


ON_EIGHT_DEVICES = """
import sys, jax, numpy as np
from gan_jax import Batch, InputError, gan_step, init_state, run_keys, train
from gan_jax.training.sharding import batch_mesh, replicate
from gan_jax.training.batches import ShardedImages
sys.path[:0] = {tests!r}
from closeness import in_float64
from test_compiled import CONFIG, IMAGES
jax.config.update("jax_enable_x64", True)
assert jax.device_count() == 8
try:
    batch_mesh(CONFIG, 3)
except InputError as error:
    assert "batch_size is 8, which 3 devices cannot share evenly" in str(error)
else:
    raise AssertionError
mesh, keys = batch_mesh(CONFIG, 8), run_keys(0)
source = ShardedImages(CONFIG, Batch(IMAGES), keys, mesh)
assert len({{str(shard.index) for shard in source.batches(0, 0, 2).images.addressable_shards}}) == 8
state = replicate(in_float64(init_state(CONFIG, keys.init)), mesh)
keys = replicate(keys, mesh)
metrics = [progress.metrics for progress in train(CONFIG, gan_step, state, source, keys, num_steps=12)]
np.savez({path!r}, **{{name: np.concatenate([one[name] for one in metrics]) for name in metrics[0]}})
"""


@pytest.mark.soak
def test_eight_devices_train_the_run_that_one_trains(tmp_path, monkeypatch):
    flags = os.environ.get("XLA_FLAGS", "")
    monkeypatch.setenv("XLA_FLAGS", f"{flags} --xla_force_host_platform_device_count=8")
    path = str(tmp_path / "metrics.npz")
    here = Path(__file__).parent
    program = ON_EIGHT_DEVICES.format(tests=[str(here), str(here.parent)], path=path)
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE)
    assert process.returncode == 0, process.stderr
    with jax.enable_x64(True):
        _, alone = host_driven(start=in_float64(init_state(CONFIG, run_keys(0).init)))
    with np.load(path) as archive:
        assert_close(dict(archive), alone, rtol=1e-8)
