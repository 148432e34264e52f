"""G's own batch, batches in parts, and mirrored images."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chex import assert_trees_all_equal
from closeness import assert_close, in_float64

from gan_jax import (
    PENALTIES,
    Batch,
    GanConfig,
    InputError,
    ResidentImages,
    discriminator_step,
    gan_step,
    generator_step,
    init_state,
    run_keys,
    steps_per_epoch,
    train,
)
from gan_jax.nn.networks import find_networks
from gan_jax.training.micro_batches import deal

CONFIG = GanConfig(
    image_shape=(8, 8, 1),
    network="dense",
    normalization="none",
    initializer="he",
    latent_dim=4,
    width=6,
    batch_size=6,
    objective="relativistic",
    penalties=("r1", "r2"),
    beta1=0.0,
    beta2=0.9,
)


def with_options(**options) -> GanConfig:
    return dataclasses.replace(CONFIG, **options)


def start(config):
    return init_state(config, jax.random.key(0))


def batch_of(config, dtype=jnp.float32):
    images = jax.random.uniform(jax.random.key(1), (config.images_per_step, *config.image_shape), dtype, minval=-1)
    return Batch(images, jnp.arange(len(images)) % config.num_classes if config.conditional else None)


def key():
    return jax.random.key(2)


def test_d_learns_from_the_first_batch_and_g_from_the_second():
    config = with_options(generator_batch="own")
    assert config.images_per_step == 12
    state, batch = start(config), batch_of(config)
    moved, metrics = gan_step(config, state, batch, key())
    second = Batch(deal(batch.images, 2)[1])

    def images_changed(at):
        changed = batch.images.at[at::2].set(-batch.images[at::2])
        return gan_step(config, state, Batch(changed), key())[0]

    of_first, of_second = images_changed(0), images_changed(1)
    assert_trees_all_equal(of_second.discriminator, moved.discriminator)  # D's update has not seen them
    for other in (of_first, of_second):
        assert any(
            (one != two).any()
            for one, two in zip(*map(jax.tree.leaves, (other.generator, moved.generator)), strict=True)
        )
    # With D as it is after its update, G's is that of G alone: a dense D is the same in train and in eval mode.
    after = state.replace(discriminator=moved.discriminator)
    alone, g_metrics = generator_step(with_options(), after, second, key())
    assert_close(moved.generator.params, alone.generator.params, rtol=1e-5)
    assert metrics["g_loss"] == pytest.approx(float(g_metrics["g_loss"]), rel=1e-5)


def test_d_and_g_see_other_latents():
    config = with_options(generator_batch="own", learning_rate=1e-12, penalty_weight=0.0)
    _, metrics = gan_step(config, start(config), batch_of(config), key())
    assert abs(metrics["d_g_z1"] - metrics["d_g_z2"]) > 1e-4
    shared = dataclasses.replace(config, generator_batch="shared")
    _, metrics = gan_step(shared, start(shared), batch_of(shared), key())
    assert metrics["d_g_z1"] == pytest.approx(float(metrics["d_g_z2"]), abs=1e-6)


@pytest.mark.soak
def test_several_critic_steps_come_before_gs_own_batch():
    config = with_options(generator_batch="own", critic_steps=3)
    assert config.images_per_step == 24
    state, batch = start(config), batch_of(config)
    moved, _ = gan_step(config, state, batch, key())
    changed = Batch(batch.images.at[3::4].set(0.5))  # the last of four
    other, _ = gan_step(config, state, changed, key())
    assert_trees_all_equal(other.discriminator, moved.discriminator)
    assert int(moved.discriminator.opt_state[0].count) == 3


@pytest.mark.soak
def test_an_epoch_has_fewer_steps_where_g_has_its_own_batches():
    config = with_options(generator_batch="own")
    assert steps_per_epoch(config, 40) == 3
    with pytest.raises(InputError, match="batch_size is 6 and a batch of G's own, but there are 11 training images"):
        steps_per_epoch(config, 11)
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8)

    def last(chunk_steps):
        keys = run_keys(0)
        source, state = ResidentImages(config, Batch(images), keys), init_state(config, keys.init)
        *_, progress = train(config, gan_step, state, source, keys, num_steps=4, chunk_steps=chunk_steps)
        return progress

    assert (last(1).step, last(1).epoch) == (4, 2)
    assert_trees_all_equal(last(1).state, last(3).state)


R3GAN = {"network": "r3gan", "width": 4, "stage_blocks": (1,)}
CLASSES = {"conditional": True, "num_classes": 3}
SPECTRAL = {"normalization": "spectral", "objective": "hinge"}
ADA = {"controllers": ("ada",), "augmentations": ("cutout",), "augmentation_probability": 0.0}


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (gan_step, CLASSES | {"generator_batch": "own", "mirror": True, "ema_half_life": 10.0}),
        pytest.param(gan_step, SPECTRAL | ADA | {"penalties": ("r1",), "penalty_every": 2}, marks=pytest.mark.soak),
        pytest.param(gan_step, SPECTRAL | {"critic_steps": 2, "penalties": ()}, marks=pytest.mark.soak),
        pytest.param(discriminator_step, ADA | {"penalty_every": 2}, marks=pytest.mark.soak),
        pytest.param(gan_step, CLASSES | R3GAN | {"generator_batch": "own"}, marks=pytest.mark.soak),
    ],
    ids=["own", "shared", "critic steps", "discriminator", "r3gan"],
)
def test_micro_batches_have_the_whole_batchs_gradient(step, options):
    config = with_options(**options)
    with jax.enable_x64(True):
        state, batch = in_float64(start(config)), batch_of(config, jnp.float64)
        whole, metrics = step(config, state, batch, key())
        parts, other = step(dataclasses.replace(config, micro_batch=2), state, batch, key())
    assert_close(other, metrics, rtol=1e-10)
    compared = ("generator", "ema") if step is gan_step else ()
    for name in ("discriminator", *compared):
        assert_close(getattr(parts, name), getattr(whole, name), rtol=1e-8)


@pytest.mark.soak
def test_micro_batches_need_less_memory():
    config = GanConfig(**{**dataclasses.asdict(CONFIG), **R3GAN, "image_shape": (32, 32, 3), "batch_size": 64})
    sizes = []
    for micro_batch in (None, 8):
        one = dataclasses.replace(config, micro_batch=micro_batch, generator_batch="own")
        state, batch = jax.eval_shape(lambda one=one: (start(one), batch_of(one)))
        sizes.append(gan_step.lower(one, state, batch, key()).compile().memory_analysis().temp_size_in_bytes)
    assert sizes[1] < 0.4 * sizes[0]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"micro_batch": 4}, "micro_batch is 4; it must be a divisor of batch_size, 6"),
        ({"micro_batch": 0}, "micro_batch is 0"),
        ({"micro_batch": 2, "penalty_share": 0.5}, "micro_batch is 2, but penalty_share is 0.5, which needs whole"),
        ({"micro_batch": 2, "packing": 2, "penalties": ()}, "micro_batch is 2, but packing is 2"),
        ({"micro_batch": 2, "generator_penalties": ("mode_seeking",)}, "micro_batch is 2, but generator_penalties"),
        ({"image_shape": (2,), "mirror": True}, "mirror is of images"),
    ],
)
def test_what_has_no_parts_is_refused(options, complaint):
    with pytest.raises(InputError, match=complaint):
        with_options(**options)


def test_networks_that_normalize_over_a_batch_take_no_micro_batches():
    with pytest.raises(InputError, match="micro_batch is 2, but G of network dcgan normalizes over a whole batch"):
        find_networks(with_options(network="dcgan", micro_batch=2))
    plain = {"objective": "hinge", "penalties": (), "micro_batch": 2}
    with pytest.raises(InputError, match="micro_batch is 2, but D of network dcgan"):
        find_networks(with_options(network="dcgan", normalization="batch", **plain))
    config = with_options(micro_batch=2)
    with pytest.raises(InputError, match="G alone takes whole batches"):
        generator_step(config, start(config), batch_of(config), key())


def test_each_training_image_is_mirrored_or_not_anew_in_every_step(monkeypatch):
    monkeypatch.setitem(PENALTIES, "right", lambda critic, reals, fakes, key: jnp.mean(reals[:, :, -1]))
    config = with_options(mirror=True, batch_size=64, penalties=("right",))
    state, on_the_left = start(config), Batch(jnp.zeros((64, 8, 8, 1)).at[:, :, 0].set(1.0))
    shares = [
        float(discriminator_step(config, state, on_the_left, jax.random.key(number))[1]["penalty"])
        for number in (2, 2, 3)
    ]
    assert all(0.25 < share < 0.75 for share in shares)
    assert shares[0] == shares[1] != shares[2]


@pytest.mark.soak
def test_fakes_are_not_mirrored():
    """Where every training image is its own mirror image, nothing changes."""
    config = with_options(generator_batch="own")
    images = batch_of(config).images
    symmetric = Batch(images + images[:, :, ::-1])
    plain, mirrored = (
        gan_step(dataclasses.replace(config, mirror=mirror), start(config), symmetric, key())
        for mirror in (False, True)
    )
    assert_close(mirrored[1], plain[1])
