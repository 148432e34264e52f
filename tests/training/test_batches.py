"""A run's keys, and the sources of its batches."""

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import Batch, GanConfig, ResidentImages, gan_step, init_state, run_keys, scan_steps, train_epoch, train_run
from gan_jax.training.batches import IndexedBatches, ShardedImages
from gan_jax.training.sharding import batch_mesh

CONFIG = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=3, batch_size=4, initializer="he")
IMAGES = np.random.default_rng(0).integers(0, 256, (14, 8, 8, 1), np.uint8)  # three batches and a half
FLOATS = IMAGES.astype(np.float32) / 127.5 - 1
ROWS = np.zeros((3, 4), np.int32)


def test_each_source_gives_the_batches_that_the_order_names():
    keys = run_keys(0)
    resident, sharded = (
        ResidentImages(CONFIG, Batch(IMAGES), keys),
        ShardedImages(CONFIG, Batch(IMAGES), keys, batch_mesh(CONFIG, 1)),
    )
    rows = resident.order(1)[1:3]
    assert resident.steps_per_epoch == sharded.steps_per_epoch == 3
    for batches in (resident.batches(1, 1, 3), sharded.batches(1, 1, 3)):
        assert batches.images.dtype == np.uint8
        np.testing.assert_array_equal(batches.images, IMAGES[rows])
    indexed = resident.indexed_batches(1, 1, 3)
    np.testing.assert_array_equal(indexed.data.images, IMAGES)
    np.testing.assert_array_equal(indexed.rows, rows)


def test_images_on_the_device_are_shared_rather_than_copied():
    on_device = jnp.asarray(IMAGES)
    pointers = {
        ResidentImages(CONFIG, Batch(on_device), run_keys(seed))
        .indexed_batches(0, 0, 1)
        .data.images.unsafe_buffer_pointer()
        for seed in range(3)
    }
    assert pointers == {on_device.unsafe_buffer_pointer()}


@pytest.mark.parametrize(
    "use",
    [
        lambda state, keys: ResidentImages(CONFIG, Batch(FLOATS), keys),
        lambda state, keys: ShardedImages(CONFIG, Batch(FLOATS), keys, batch_mesh(CONFIG, 1)),
        lambda state, keys: scan_steps(CONFIG, gan_step, state, Batch(jnp.asarray(FLOATS[ROWS])), keys.step),
        lambda state, keys: scan_steps(
            CONFIG, gan_step, state, IndexedBatches(Batch(jnp.asarray(FLOATS)), ROWS), keys.step
        ),
        lambda state, keys: train_epoch(CONFIG, gan_step, state, Batch(jnp.asarray(FLOATS)), keys),
        lambda state, keys: train_run(CONFIG, gan_step, state, Batch(jnp.asarray(FLOATS)), keys, 1),
    ],
    ids=["resident", "sharded", "scan_steps", "indexed", "train_epoch", "train_run"],
)
def test_floats_are_refused_wherever_images_come_in(use):
    """They would be normalized twice."""
    keys = run_keys(0)
    with pytest.raises(TypeError, match="images are float32; pass uint8 pixels"):
        use(init_state(CONFIG, keys.init), keys)
