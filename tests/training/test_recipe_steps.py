"""What a configuration adds to the course's steps: schedules, averages, penalties, critic steps, classes."""

import dataclasses
from functools import cache
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chex import assert_trees_all_equal
from closeness import assert_close, in_float64

from gan_jax import (
    CONTROLLERS,
    PENALTIES,
    Batch,
    GanConfig,
    InputError,
    NetworkState,
    batch_fakes,
    discriminate,
    discriminator_step,
    gan_step,
    generator_step,
    init_state,
    sampling_generator,
)
from gan_jax.nn.networks import NETWORKS
from gan_jax.objectives.augmentations import augment
from gan_jax.training import updates
from gan_jax.training.state import update_ema

CONFIG = GanConfig(
    image_shape=(8, 8, 1),
    latent_dim=4,
    width=3,
    batch_size=4,
    initializer="he",
    normalization="none",
    beta1=0.0,
    beta2=0.99,
)
CLASSES = dataclasses.replace(CONFIG, conditional=True, num_classes=3)


def fresh_key():
    """The same key each time, unused each time."""
    return jax.random.key(3)


def with_options(**options) -> GanConfig:
    return dataclasses.replace(CONFIG, **options)


@cache
def new_networks(conditional):
    with jax.enable_x64(False):
        return init_state(CLASSES if conditional else CONFIG, jax.random.key(1))


def start(config):
    """A state at step 0, with the same weights for each configuration of the same networks."""
    state = new_networks(config.conditional)
    ema = NetworkState(state.generator.variables) if config.has_ema else None
    return state.replace(ema=ema, extra={name: CONTROLLERS[name].init(config) for name in config.controllers})


def images_of(config):
    return jax.random.uniform(jax.random.key(2), (config.images_per_step, *config.image_shape), minval=-1)


@cache
def plain_metrics():
    return gan_step(CONFIG, start(CONFIG), Batch(images_of(CONFIG)), fresh_key())[1]


def largest_move(before, after) -> float:
    moves = jax.tree.map(lambda a, b: jnp.abs(a - b).max(), before.params, after.params)
    return float(max(jax.tree.leaves(moves)))


def test_a_cosine_falls_from_one_to_its_final_part_and_stays():
    config = GanConfig(learning_rate=1.0, beta2=0.9, schedules=("learning_rate=cosine:x0.1", "beta2=linear:0.99:1280"))
    factors = [1.0, 0.1 + 0.9 * (1 + np.cos(np.pi / 4)) / 2, 0.55, 0.1, 0.1]
    for step, factor in zip((0, 25, 50, 100, 1000), factors, strict=True):
        now = config.at(step, schedule_steps=100)
        assert now.learning_rate == pytest.approx(factor, rel=1e-6)
        assert now.beta2 == pytest.approx(0.9 + 0.09 * min(step / 10, 1), rel=1e-6)  # ten batches of 128
    with pytest.raises(InputError, match="the schedule of learning_rate has no end; give schedule_steps"):
        config.at(0)


def test_a_warmup_rises_to_the_setting_and_schedules_of_one_setting_follow_one_another():
    config = GanConfig(learning_rate=1.0, schedules=("learning_rate=warmup:0:1280", "learning_rate=linear:x0.5"))
    rates = [float(config.at(step, schedule_steps=100).learning_rate) for step in (0, 5, 10, 100)]
    np.testing.assert_allclose(rates, [0, 0.5 * 0.975, 0.95, 0.5], rtol=1e-6)


@pytest.mark.parametrize("step", [gan_step, discriminator_step])
def test_each_network_moves_at_its_own_rate(step):
    """Adam's first step is as long as its learning rate, wherever there is a gradient."""
    config = with_options(
        learning_rate=1e-3,
        discriminator_learning_rate=4e-3,
        schedules=("learning_rate=cosine:x0.5:40", "discriminator_learning_rate=linear:2e-3:40"),
    )
    before = start(config).replace(step=jnp.int32(10))
    after, _ = step(config, before, Batch(images_of(config)), fresh_key())
    moves = [largest_move(getattr(before, name), getattr(after, name)) for name in ("generator", "discriminator")]
    np.testing.assert_allclose(moves, [0 if step is discriminator_step else 5e-4, 2e-3], rtol=1e-3)


def test_gan_step_averages_the_generators_and_trains_the_same_ones():
    config = with_options(ema_half_life=6.0, ema_ramp=0.5)
    with jax.enable_x64(True):
        state, plain, images = in_float64((start(config), start(CONFIG), images_of(config)))
        expected = state.generator.params
        for number in range(1, 5):
            state, _ = gan_step(config, state, Batch(images), jax.random.key(number))
            plain, _ = gan_step(CONFIG, plain, Batch(images), jax.random.key(number))
            half_life = min(6.0, 0.5 * 4 * number)
            decay = 0.5 ** (4 / half_life)
            expected = jax.tree.map(lambda old, new, d=decay: d * old + (1 - d) * new, expected, state.generator.params)
        assert largest_move(state.ema, state.generator) > 0
        assert_trees_all_equal(sampling_generator(config, state), state.ema.variables)
        assert_trees_all_equal(sampling_generator(CONFIG, plain), plain.generator.variables)
    assert_close(state.ema.params, expected, rtol=1e-5)
    assert state.ema.opt_state == ()
    assert_close(state.replace(ema=None), plain)


def test_update_ema_after_many_images_stays_between_its_generators():
    config = with_options(ema_half_life=6.0, batch_size=128)
    state = start(config).replace(step=jnp.int32(2**24))
    moved = update_ema(config, state, state.generator.with_params(jax.tree.map(jnp.ones_like, state.generator.params)))
    for old, new in zip(jax.tree.leaves(state.ema.params), jax.tree.leaves(moved.params), strict=True):
        assert_close(new, 1 - (1 - old) * 0.5 ** (128 / 6), rtol=1e-5)


@pytest.mark.soak
def test_recalibrated_statistics_have_the_training_images_shares_of_classes():
    """Of which a batch has a few: all that is not of class 0 is far from a batch of the first four."""
    options = {"ema_half_life": 100.0, "ema_statistics": "recalibrated"}
    config = with_options(conditional=True, num_classes=40, class_counts=(39, *[1] * 39), **options)
    state = init_state(config, jax.random.key(1))
    vectors = state.ema.params["embed"]["vectors"]
    vectors = jnp.zeros_like(vectors).at[0].set(3 * vectors[0])
    far = state.ema.with_params(state.ema.params | {"embed": {"vectors": vectors}})
    kernel = state.ema.params["conv_0"]["kernel"]
    learned = jnp.einsum("hwoi,i->hwo", kernel[..., -len(vectors[0]) :], vectors[0])
    noise = jnp.sum(kernel[..., : -len(vectors[0])] ** 2, axis=-1)
    for share, each in ((0.5, config), (1 / 40, dataclasses.replace(config, class_counts=()))):
        found = sampling_generator(each, state.replace(ema=far))["batch_stats"]["norm_0"]
        mean = share * learned.mean((0, 1))
        variance = (noise + share * learned**2).mean((0, 1)) - mean**2
        np.testing.assert_allclose(found["mean"], mean, atol=0.2 * jnp.sqrt(variance.max()))
        np.testing.assert_allclose(found["var"], variance, rtol=0.2)


def test_recalibrated_statistics_are_those_of_the_averages_own_images():
    config = with_options(batch_size=64, ema_half_life=100.0, ema_statistics="recalibrated")
    state = start(config)
    statistics = sampling_generator(config, state)["batch_stats"]["norm_0"]
    kernel = state.ema.params["conv_0"]["kernel"]  # of N(0, 1) latents: mean 0, variance the sum of its squares
    variance = jnp.sum(kernel**2, axis=-1).mean((0, 1))
    np.testing.assert_allclose(statistics["var"], variance, rtol=0.15)
    assert jnp.abs(statistics["mean"]).max() < 0.05 * jnp.sqrt(variance.max())


@pytest.mark.soak
def test_a_penalty_is_reported_with_its_weight_and_beside_the_loss():
    config = with_options(penalties=("r1", "r2"), penalty_weight=3.0)
    state, images = start(config), images_of(config)
    _, metrics = gan_step(config, state, Batch(images), fresh_key())
    assert metrics["d_loss"] == pytest.approx(float(plain_metrics()["d_loss"]), rel=1e-4)
    fakes = batch_fakes(CONFIG, state, fresh_key())

    def critic(images):
        return discriminate(CONFIG, state.discriminator.variables, images)

    expected = 3 * sum(PENALTIES[name](critic, images, fakes, None) for name in config.penalties)
    assert metrics["penalty"] == pytest.approx(float(expected), rel=1e-4)
    assert metrics["d_gradient_norm"] != pytest.approx(float(plain_metrics()["d_gradient_norm"]), rel=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "relativistic", "penalties": ("r1", "r2"), "conditional": True, "num_classes": 3},
        {"objective": "wasserstein", "penalties": ("r1",), "real_weight": 0.0},  # where the reals' slopes are 0
    ],
    ids=lambda options: options["objective"],
)
def test_d_follows_the_loss_and_the_penalties_as_they_are_written(options, monkeypatch):
    """With expansions of D in R1 and R2, and without."""
    config = with_options(penalty_weight=3.0, **options)
    assert updates.shares_a_pass(config)
    with jax.enable_x64(True):
        state, images = in_float64((start(config), images_of(config)))
        batch = Batch(images, jnp.arange(len(images)) % 3 if config.conditional else None)
        ours, metrics = discriminator_step(config, state, batch, fresh_key())
        monkeypatch.setattr(updates, "EXPANDABLE", ("none", "of them"))
        traced_again = jax.jit(lambda *operands: discriminator_step.__wrapped__(config, *operands))
        plain, expected = traced_again(state, batch, fresh_key())
    # Where a bias has no gradient, Adam moves it by what rounding leaves of one.
    assert_close(ours.discriminator, plain.discriminator, rtol=1e-9, terms=0.01)
    assert_close(metrics, expected)


def test_a_network_and_its_penalties_decide_whether_they_share_the_losss_pass():
    config = with_options(penalties=("r1", "r2"))
    assert updates.shares_a_pass(config)
    assert not updates.shares_a_pass(with_options(penalties=("r2", "gradient_penalty")))
    own = NETWORKS["dcgan"]._replace(discriminator=NETWORKS["dcgan"].discriminator._replace(single_image_logits=False))
    with mock.patch.dict(NETWORKS, own=own):
        assert not updates.shares_a_pass(dataclasses.replace(config, network="own"))


def test_a_penalty_of_a_share_of_the_batch_in_every_third_step_has_three_times_the_weight():
    config = with_options(penalties=("r1",), penalty_share=0.5, penalty_every=3)
    state, images = start(config), images_of(config)
    expected = PENALTIES["r1"](lambda x: discriminate(CONFIG, state.discriminator.variables, x), images[:2], None, None)
    _, metrics = discriminator_step(config, state, Batch(images), fresh_key())
    assert metrics["penalty"] == pytest.approx(3 * float(expected), rel=1e-4)
    _, between = discriminator_step(config, state.replace(step=jnp.int32(1)), Batch(images), fresh_key())
    assert between["penalty"] == 0


def test_critic_steps_are_updates_of_the_discriminator_on_batches_of_their_own():
    config = with_options(critic_steps=3)
    with jax.enable_x64(True):
        images, first, by_hand = in_float64((images_of(config), start(config), start(CONFIG)))
        state, metrics = gan_step(config, first, Batch(images), fresh_key())
        for index in range(2):
            key = jax.random.fold_in(fresh_key(), 2**18 + index)
            by_hand, _ = discriminator_step(CONFIG, by_hand, Batch(images[index::3]), key)
        by_hand, last = gan_step(CONFIG, by_hand, Batch(images[2::3]), fresh_key())
    assert state.step == 1
    assert_close(state.replace(step=by_hand.step), by_hand)
    assert_close(metrics, last)


def test_augmentations_change_what_the_discriminator_sees_and_not_the_fakes():
    config = with_options(augmentations=("translation", "cutout"))
    state, images = start(config), images_of(config)
    for step, seen in ((gan_step, "d_x"), (generator_step, "d_g_z2")):
        after, metrics = step(config, state, Batch(images), fresh_key())
        assert metrics["fake_std"] == pytest.approx(float(plain_metrics()["fake_std"]), rel=1e-4)
        assert metrics[seen] != step(CONFIG, state, Batch(images), fresh_key())[1][seen]
        again, _ = step(config, state, Batch(images), fresh_key())
        assert_trees_all_equal(after, again)


def test_a_relativistic_generator_alone_is_compared_with_the_reals():
    config = with_options(objective="relativistic")
    state, images = start(config), images_of(config)
    fakes = batch_fakes(CONFIG, state, fresh_key())
    logits = [discriminate(CONFIG, state.discriminator.variables, batch) for batch in (images, fakes)]
    _, metrics = generator_step(config, state, Batch(images), fresh_key())
    assert metrics["g_loss"] == pytest.approx(float(jax.nn.softplus(logits[0] - logits[1]).mean()), rel=1e-4)


@pytest.mark.parametrize(("step", "loss"), [(gan_step, "d_loss"), (generator_step, "g_loss")])
def test_a_conditional_step_uses_the_labels(step, loss):
    state, images = start(CLASSES), images_of(CLASSES)
    losses = [
        float(step(CLASSES, state, Batch(images, jnp.array(labels)), fresh_key())[1][loss])
        for labels in ([0, 1, 2, 0], [2, 1, 0, 0])
    ]
    assert losses[0] != pytest.approx(losses[1], rel=1e-5)
    with pytest.raises(ValueError, match="pass Batch"):
        step(CLASSES, state, Batch(images), fresh_key())


def test_the_default_step_has_no_input_for_what_it_does_not_use():
    config = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=3, batch_size=4)
    text = gan_step.lower(config, start(config), Batch(images_of(config)), fresh_key()).as_text(debug_info=True)
    assert '"config.learning_rate"' in text
    for unused in ("penalty_weight", "ema_ramp", "generator_penalty_weight"):
        assert f'"config.{unused}"' not in text


@pytest.mark.parametrize("probability", [0.0, 0.4])
def test_an_augmentation_changes_images_with_its_probability(probability):
    config = with_options(augmentations=("cutout",), augmentation_probability=probability, batch_size=512)
    images = jnp.ones((512, 28, 28, 1))
    seen = augment(config.augmentations, jax.random.key(0), images, config.augmentation_probability)
    share = float((seen != images).any(axis=(1, 2, 3)).mean())
    assert share == pytest.approx(probability, abs=0.07)


def test_ada_follows_the_mean_sign_of_four_steps_and_reports_the_probability():
    config = with_options(augmentations=("pipe",), augmentation_probability=0.5, controllers=("ada",))
    state, images = start(config), images_of(config)
    reported, signs = [], []
    for step in range(5):
        state, metrics = gan_step(config, state, Batch(images), jax.random.key(step))
        reported.append(float(metrics["augmentation_probability"]))
        signs.append(float(metrics["d_sign"]))
    move = np.sign(np.mean(signs[:4]) - 0.6) * 4 * config.batch_size / 500_000
    assert reported == pytest.approx([0.5] * 4 + [0.5 + move], abs=1e-7)


@pytest.mark.parametrize(("batch_size", "begin"), [(50, 0.3), (500, 0.3), (500, 0.999), (500, 0.001)])
def test_ada_moves_at_a_speed_in_images_and_stays_in_its_range(batch_size, begin):
    config = with_options(augmentations=("pipe",), augmentation_probability=begin, batch_size=batch_size)
    update, ada = jax.jit(CONTROLLERS["ada"].update), CONTROLLERS["ada"]
    for signs, way in (((1.0, 1.0, 1.0, -0.5), 1), ((-1.0, 1.0, 1.0, 1.0), -1)):  # means of 0.625 and of 0.5
        state, images = ada.init(config), 10_000
        for step in range(images // batch_size):
            state = update(config, state, {"d_sign": jnp.float32(signs[step % 4])})
        found = ada.settings(config, state)["augmentation_probability"]
        assert float(found) == pytest.approx(np.clip(begin + way * images / 500_000, 0, 1), abs=1e-5)


@pytest.mark.parametrize("name", ["rmsprop", "sgd"])
def test_other_optimizers_move_the_weights(name):
    config = with_options(optimizer=name, learning_rate=1e-2)
    before = init_state(config, jax.random.key(1))
    after, _ = gan_step(config, before, Batch(images_of(config)), fresh_key())
    assert largest_move(before.generator, after.generator) > 0


def test_a_controller_that_needs_another_metric_is_one_line():
    config = with_options(augmentations=("cutout",), augmentation_probability=0.5, controllers=("ada",))
    with pytest.raises(InputError, match="controller ada needs the metric 'd_sign', which this game does not report"):
        generator_step(config, start(config), Batch(images_of(config)), fresh_key())
    with pytest.raises(InputError, match="'ada', which has no effect without augmentations"):
        with_options(controllers=("ada",))
