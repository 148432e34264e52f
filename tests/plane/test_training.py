"""Training in the plane is the same training, of points."""

import dataclasses
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close, in_float64
from waiting import PATIENCE

from gan_jax import GAMES, RECIPES, Batch, discriminate, gan_step, init_state, recipe, run_keys, scan_steps, train_run
from gan_jax.errors import DivergedError, InputError
from gan_jax.plane import (
    for_points,
    frame_of,
    frame_steps,
    load_target,
    plane_recipes,
    sample_many,
    score_modes,
    train_many,
    train_states,
)
from gan_jax.plane.landscape import SIDE, colours, descent, plane_grid, score_alone
from gan_jax.plane.watch import Watch, WatchSettings, arrays, curves, prepare_watch, views, watch
from gan_jax.training.batches import epoch_order

TARGET = load_target("ring", 1280)
COURSE = dataclasses.replace(for_points(recipe("dcgan")), width=8)


def test_batches_are_drawn_with_replacement_anew_in_every_epoch():
    order = run_keys(0).order
    first, second = (np.asarray(epoch_order(COURSE, order, epoch, len(TARGET.points))) for epoch in (0, 1))
    assert first.shape == (10, 128)
    assert 0 <= first.min() < 80
    assert 1200 <= first.max() < 1280
    np.testing.assert_allclose(len(set(first.ravel())) / 1280, 1 - np.exp(-1), atol=0.05)
    np.testing.assert_array_equal(first, epoch_order(COURSE, order, 0, len(TARGET.points)))
    assert (first != second).mean() > 0.9


def test_recipes_of_images_alone_are_left_out_and_equal_ones_counted_once():
    names = list(plane_recipes())
    assert {"dcgan", "lsgan", "wgan-gp", "sn-hinge", "r1", "r3gan", "r3gan-dcgan", "pacgan", "fast", "best"} == set(
        names
    )
    with pytest.raises(InputError, match="changes images"):
        for_points(recipe("diffaugment"))
    with pytest.raises(InputError, match="images' classes"):
        for_points(recipe("conditional"))
    assert set(names) < set(RECIPES)


@pytest.mark.parametrize("name", ["wgan-gp", pytest.param("sn-hinge", marks=pytest.mark.soak), "r3gan"])
def test_every_recipe_takes_steps_in_the_plane(name):
    config = dataclasses.replace(plane_recipes()[name], width=4, batch_size=16).at(0, 4)
    keys = run_keys(0)
    start = init_state(config, keys.init)
    batches = Batch(jnp.asarray(TARGET.points[: 4 * config.images_per_step]).reshape(4, -1, 2))
    state, metrics = scan_steps(config, gan_step, start, batches, keys.step)
    assert all(np.isfinite(values).all() for values in metrics.values())
    for network in ("generator", "discriminator"):
        before, after = (jax.tree.leaves(getattr(one, network).params) for one in (start, state))
        for one, other in zip(before, after, strict=True):  # D's last bias has no gradient under some objectives
            assert one.ndim == 1 or not np.array_equal(one, other)


@pytest.mark.soak
def test_a_ring_is_learned():
    config = dataclasses.replace(for_points(recipe("r3gan-dcgan")), width=32, learning_rate=2e-3).at(0, 3000)
    keys = run_keys(0)
    watched = watch(Watch(config, GAMES["joint"], load_target("ring"), keys, [0, 3000]))
    assert watched.scores.covered[0] == 0
    assert watched.scores.divergence[0] > 0.3
    assert watched.scores.divergence[1] < 0.1
    assert watched.scores.near[1] > 0.1
    assert watched.scores.covered[1] >= 4


def test_states_are_those_of_a_whole_run():
    keys = run_keys(3)
    with jax.enable_x64(True):
        start = in_float64(init_state(COURSE, keys.init))
        states, metrics = train_states(COURSE, gan_step, start, TARGET.points, keys, [0, 10, 20])
        whole, run_metrics, _ = train_run(COURSE, gan_step, start, Batch(jnp.asarray(TARGET.points)), keys, 2)
    assert [int(state.step) for state in states] == [0, 10, 20]
    assert len(metrics["d_loss"]) == 20
    assert_close(metrics["d_loss"], np.ravel(run_metrics["d_loss"]))
    assert_close(states[-1], whole)


@pytest.mark.soak
def test_many_seeds_at_once_are_the_seeds_alone():
    """The last of four, more than a core takes at a time."""
    states, metrics = train_many(COURSE, TARGET.points, [3, 4, 5, 6], 20)
    assert metrics["d_loss"].shape == (4, 2, 10)
    points = sample_many(COURSE, states, jax.random.key(0), 50)
    keys = run_keys(6)
    alone, _ = train_many(COURSE, TARGET.points, [6], 20)
    assert_close(points[3], sample_many(COURSE, alone, jax.random.key(0), 50)[0], rtol=1e-3)
    (state,), _ = train_states(COURSE, gan_step, init_state(COURSE, keys.init), TARGET.points, keys, [20])
    mine = jax.tree.map(lambda leaf: leaf[3], states)
    assert_close(mine.generator.params, state.generator.params, rtol=1e-3, terms=0.1)
    with pytest.raises(InputError, match="multiple of an epoch's, 10"):
        train_many(COURSE, TARGET.points, [0], 15)


@pytest.mark.parametrize(
    ("num_steps", "per_epoch", "count"), [(5000, 1000, 40), (7, 1000, 40), (130, 30, 5), (1, 1, 2)]
)
def test_frames_are_pauses_dense_at_first(num_steps, per_epoch, count):
    steps = frame_steps(num_steps, per_epoch, count)
    assert (steps[0], steps[-1]) == (0, num_steps)
    assert len(steps) <= count
    assert all(step == num_steps or step % per_epoch % 25 == 0 for step in steps)
    gaps = np.diff(steps)
    assert len(gaps) < 4 or gaps[0] <= gaps[-2]


@pytest.mark.parametrize("values", [{"steps": 0}, {"frames": 1}, {"frames": 10**6}, {"seed": -1}, {"target": "square"}])
def test_what_cannot_be_watched_is_refused(values):
    ((name, value),) = values.items()
    with pytest.raises(InputError, match=f"{name} is {value!r}; it must be"):
        prepare_watch(WatchSettings(**values), COURSE)


def test_a_training_that_diverges_says_so():
    steep = dataclasses.replace(COURSE, learning_rate=1e30)
    keys = run_keys(0)
    with pytest.raises(DivergedError, match=r"not finite at step.*lower --learning-rate"):
        watch(Watch(steep, GAMES["joint"], TARGET, keys, [0, 20]))


@pytest.mark.parametrize("name", ["pacgan", pytest.param("sn-hinge", marks=pytest.mark.soak)])
def test_frame_of_shows_the_networks(name):
    config = dataclasses.replace(plane_recipes()[name], width=8).at(0, 10)
    state = init_state(config, run_keys(0).init)
    latents = jax.random.normal(jax.random.key(1), (40, 2))
    reals = jnp.asarray(TARGET.points[:40])
    frame = frame_of(config, state, latents, reals, TARGET.half_width)
    row, column = 70, 20
    place = plane_grid(TARGET.half_width)[row, column]
    ticks = np.linspace(-TARGET.half_width, TARGET.half_width, SIDE)
    assert_close(place, np.array([ticks[column], ticks[row]]), rtol=1e-5)
    repeated = jnp.tile(place, (config.packing, 1))
    score = discriminate(config, state.discriminator.variables, repeated)[0]
    assert_close(frame.landscape[row, column], score, terms=np.abs(frame.landscape).max())
    shades = np.asarray(colours(config.objective, frame.landscape))
    assert ((shades >= 0) & (shades <= 1)).all()


@pytest.mark.soak
def test_arrows_point_where_d_scores_higher():
    state = init_state(COURSE, run_keys(0).init)
    points, reals = jnp.asarray(TARGET.points[:64]), jnp.asarray(TARGET.points[64:128])
    arrows = descent(COURSE, state.discriminator.variables, points, reals)
    before, after = (
        score_alone(COURSE, state.discriminator.variables, one) for one in (points, points + 1e-3 * arrows)
    )
    assert (after > before).all()
    logits, pull_back = jax.vjp(lambda one: score_alone(COURSE, state.discriminator.variables, one), points)
    assert_close(arrows, pull_back(jax.nn.sigmoid(-logits))[0])


def test_what_is_watched_becomes_pictures_and_arrays():
    keys = run_keys(0)
    watched = watch(Watch(COURSE, GAMES["joint"], TARGET, keys, [0, 10, 20]))
    assert views(watched)[0].title.startswith("step 0: ")
    assert [curve.label for curve in curves(watched)["loss"]] == ["d_loss", "g_loss"]
    found = arrays(watched)
    assert found["points"].shape == (3, 2500, 2)
    assert found["landscape"].shape == (3, SIDE, SIDE)
    assert found["weights/generator/params/dense_0/kernel"].shape == (3, 1, 1, 2, 8)
    assert len(found["metrics/d_loss"]) == 20
    expected = score_modes(TARGET.modes, jnp.asarray(found["points"][2]))
    assert found["divergence"][2] == pytest.approx(float(expected.divergence), rel=1e-4)


SPREAD = """
import jax, numpy as np
from gan_jax import recipe
from gan_jax.plane import for_points, load_target, sample_many, train_many

jax.config.update("jax_num_cpu_devices", 2)
config, points = for_points(recipe("dcgan")), load_target("ring", 1280).points
even, _ = train_many(config, points, range(4), 10)
odd, _ = train_many(config, points, range(3), 10)
devices = [len(jax.tree.leaves(states)[0].sharding.device_set) for states in (even, odd)]
assert devices == [2, 1], devices
shared, alone = (np.asarray(sample_many(config, states, jax.random.key(0), 50)) for states in (even, odd))
np.testing.assert_allclose(shared[:3], alone, rtol=0, atol=1e-3 * np.abs(alone).max())
"""


@pytest.mark.soak
def test_devices_share_the_seeds_if_they_divide():
    subprocess.run([sys.executable, "-c", SPREAD], check=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"packing": 8}, "packing is 8; it must be a divisor of the 2500"), ({"conditional": True}, "leave out --cond")],
)
def test_networks_that_cannot_be_looked_at_are_refused(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        prepare_watch(WatchSettings(), dataclasses.replace(COURSE, **changes))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_points_of_another_type_are_refused(dtype):
    points = np.zeros((1280, 2), dtype)
    with pytest.raises(TypeError, match=f"points are {np.dtype(dtype)}; pass float32"):
        train_states(COURSE, gan_step, init_state(COURSE, run_keys(0).init), points, run_keys(0), [0, 10])


@pytest.mark.soak
def test_watch_and_train_many_take_a_game_by_its_name():
    plan = prepare_watch(WatchSettings(steps=10, frames=2, game="discriminator"), COURSE)
    watched = watch(plan)
    assert "g_loss" not in watched.metrics
    states, metrics = train_many(COURSE, TARGET.points, [3], 10, game="discriminator")
    assert "g_loss" not in metrics
    assert sample_many(COURSE, states, jax.random.key(0), 5, game="discriminator").shape == (1, 5, 2)
    with pytest.raises(InputError, match="game is 'chess'"):
        prepare_watch(WatchSettings(game="chess"), COURSE)
