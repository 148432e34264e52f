"""The training in the page against the package's own step."""

import dataclasses
import importlib.util
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close, in_float64
from in_process import EXPERIMENTS
from playground.in_node import run_in_node
from scipy.spatial.distance import jensenshannon

from gan_jax import Batch, GanConfig, gan_step, generator_step, init_state, run_keys, scan_steps
from gan_jax.cli.flags import gan_settings
from gan_jax.draws import CRITIC_STEP, PENALTY, draw_mixing, fold
from gan_jax.objectives.losses import OBJECTIVES
from gan_jax.optimizers import OPTIMIZERS
from gan_jax.plane import TARGETS, for_points, frame_of, load_target, plane_recipes, score_modes
from gan_jax.playground.plane import all_recipes, recipe_settings
from gan_jax.recipes import recipe
from gan_jax.training.batches import ResidentImages
from gan_jax.training.forward import generate, sample_latents, sampling_generator
from gan_jax.training.micro_batches import deal

STEPS, RUN = 4, 40
METRICS = ("d_loss", "g_loss", "d_x", "d_g_z1", "d_g_z2", "penalty")


def small(config, **changes):
    return dataclasses.replace(config, width=8, batch_size=16, **changes)


def settings_of(config, **changes):
    """What the page calls a configuration."""
    shared = {name: getattr(config, name) for name in ("width", "batch_size", "latent_dim")}
    return recipe_settings(config) | shared | {"seed": 0, "steps": RUN, "hidden_layers": 2, "noise": "normal"} | changes


def layers(variables):
    found = []
    for index in range(len(variables["params"])):
        layer, stats = variables["params"][f"dense_{index}"], variables.get("batch_stats", {})
        one = {"kernel": np.asarray(layer["kernel"])[0, 0], "bias": np.asarray(layer["bias"])}
        found.append(one | ({"direction": np.asarray(stats[f"dense_{index}"]["v"])} if stats else {}))
    return found


def as_lists(found):
    return [{name: array.tolist() for name, array in layer.items()} for layer in found]


def drawn(config, reals, key):
    """What a step draws from its key and deals out of its real points, as it is told to the page."""

    def batch(reals, key):
        mixing = np.asarray(draw_mixing(fold(fold(key, PENALTY), 0), config.batch_size)).tolist()
        latents = np.asarray(sample_latents(config, key)).tolist()
        return {"reals": np.asarray(reals).tolist(), "latents": latents, "mixing": mixing}

    batches = deal(reals, config.batches_per_step)
    own = config.generator_batch == "own"
    folded = [fold(key, CRITIC_STEP + index) for index in range(config.critic_steps)]
    keys = folded if own else [*folded[:-1], key]
    critic = [batch(one, each) for one, each in zip(batches, keys, strict=False)]
    return {"critic": critic} | ({"own": batch(batches[-1], key)} if own else {})


@jax.enable_x64(True)
def compare(config, step=gan_step, **settings):
    state = in_float64(init_state(config, jax.random.key(0)))
    start = {name: as_lists(layers(getattr(state, name).variables)) for name in ("generator", "discriminator")}
    batches, metrics = [], []
    for index in range(STEPS):
        key = jax.random.key(10 + index)
        reals = jax.random.normal(jax.random.key(20 + index), (config.images_per_step, 2))
        batches.append(drawn(config, reals, jax.random.clone(key)))
        state, reported = step(config.at(index, RUN), state, Batch(reals), key)
        metrics.append(reported)
    found = run_in_node("live", settings=settings_of(config, **settings), batches=batches, **start)
    for name in set(METRICS) & metrics[0].keys():
        wanted = np.array([float(one[name]) for one in metrics])
        assert_close(np.array([one[name] for one in found["metrics"]]), wanted, rtol=1e-8)
    networks = {name: getattr(state, name) for name in ("generator", "discriminator")}
    networks |= {"average": state.ema} if state.ema is not None else {}
    for name, network in networks.items():
        for ours, wanted in zip(found[name], layers(network.variables), strict=True):
            for part, array in wanted.items():
                assert_close(np.array(ours[part]), array.ravel(), rtol=1e-8, terms=0.01)  # of rates of 1e-3


QUICK = ("lsgan", "wgan-gp", "sn-hinge", "r3gan", "pacgan", "fast")  # which have all that the others have


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.soak) for name in plane_recipes()]
)
def test_steps_of_every_recipe_are_jaxs(name):
    compare(small(plane_recipes()[name]))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("objective", ["saturating"])
def test_steps_of_every_optimizer_are_jaxs(objective, optimizer):
    compare(
        small(for_points(recipe("dcgan")), objective=objective, optimizer=optimizer, discriminator_learning_rate=2e-3)
    )


@pytest.mark.soak
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(
    "changes",
    [{"normalization": "spectral", "penalties": ("r1", "r2")}, {"packing": 4, "penalties": (), "latent_dim": 1}],
)
def test_settings_go_together_as_in_jax(objective, changes):
    compare(small(for_points(recipe("wgan-gp")), objective=objective, **changes))


# No other test has these widths, for which JAX would know programs of two layers.
@pytest.mark.parametrize(("hidden", "width"), [(3, 9), pytest.param(1, 7, marks=pytest.mark.soak)])
def test_steps_of_other_numbers_of_layers_are_jaxs(hidden, width, monkeypatch):
    monkeypatch.setattr("gan_jax.nn.dense._HIDDEN_LAYERS", hidden)
    compare(dataclasses.replace(small(for_points(recipe("r1"))), width=width), hidden_layers=hidden)


@pytest.mark.parametrize("changes", [{}, {"objective": "relativistic", "normalization": "spectral"}])
def test_without_updates_of_d_it_is_the_standalone_generator(changes):
    compare(small(for_points(recipe("dcgan")), **changes), generator_step, critic_steps=0)


def test_every_setting_of_a_recipe_is_one_that_the_page_knows():
    default = small(for_points(recipe("dcgan")))
    for config in plane_recipes().values():
        changed = {field.name for field in dataclasses.fields(config)}
        changed = {name for name in changed if getattr(small(config), name) != getattr(default, name)}
        assert changed <= {*recipe_settings(config), "max_channels", "stage_blocks"}  # which a dense network has not


# ---- The same seed, the same numbers


# Not with sn-hinge: while every term of its loss is linear, the gradient of D's last bias is a sum that is 0 but for
# rounding, which Adam turns into a step.
@pytest.mark.parametrize(
    ("name", "hidden", "changes"),
    [
        ("fast", 3, {"normalization": "spectral", "discriminator_learning_rate": 2e-3}),
        pytest.param("dcgan", 2, {}, marks=pytest.mark.soak),
        pytest.param("wgan-gp", 2, {"latent_dim": 1}, marks=pytest.mark.soak),
        pytest.param("r3gan", 2, {}, marks=pytest.mark.soak),
    ],
)
def test_a_seed_is_pythons_seed(name, hidden, changes, monkeypatch):
    monkeypatch.setattr("gan_jax.nn.dense._HIDDEN_LAYERS", hidden)
    seed, steps, target = 3, 10, load_target("ring")
    config = dataclasses.replace(small(for_points(recipe(name)), **changes), width=8 + hidden)
    keys = run_keys(seed)
    source = ResidentImages(config, Batch(target.points), keys)
    batches = source.batches(0, 0, steps)
    state = init_state(config, keys.init)
    state, metrics = scan_steps(config, gan_step, state, batches, keys.step, schedule_steps=RUN)
    latents = sample_latents(config, keys.display, 2500)
    points = generate(config, sampling_generator(config, state), latents)
    reals = jnp.resize(target.points, (10, 2))
    frame = frame_of(config, state, latents[:10], reals, target.half_width)

    settings = settings_of(config, seed=seed, hidden_layers=hidden)
    found = run_in_node("seed", settings=settings, target="ring", steps=steps)
    for metric in ("d_loss", "g_loss", "d_x", "d_g_z2"):
        np.testing.assert_allclose([one[metric] for one in found["reports"]], metrics[metric], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["samples"], np.ravel(points), atol=1e-4)
    corners = np.ravel(frame.landscape)[[0, -1]]
    np.testing.assert_allclose([found["landscape"][0], found["landscape"][-1]], corners, atol=1e-4)
    np.testing.assert_allclose(found["arrows"], np.ravel(frame.arrows), atol=1e-4)
    grid = np.array(found["map"]["latents"], np.float32).reshape(-1, config.latent_dim)
    bent = generate(config, sampling_generator(config, state), grid)
    np.testing.assert_allclose(found["map"]["points"], np.ravel(bent), atol=1e-4)
    ends = grid[[0, found["map"]["places"] - 1]]  # of a line, along one axis
    assert np.count_nonzero(ends[0] != ends[1]) == 1
    scores = score_modes(target.modes, points)
    quality = found["quality"]
    assert (quality["modes"], quality["found"], quality["covered"]) == (8, int(scores.found), int(scores.covered))
    np.testing.assert_allclose([quality["near"], quality["divergence"]], [scores.near, scores.divergence], atol=1e-3)


@jax.debug_key_reuse(False)
def test_random_numbers_are_jaxs():
    key, count, spans = jax.random.fold_in(jax.random.key(7), 2**31 + 5), 2000, [128_000, 1797, 5]
    found = run_in_node("random", seed=7, data=2**31 + 5, count=count, spans=spans)
    np.testing.assert_array_equal(found["split"], jax.random.key_data(jax.random.split(key, 3)))
    np.testing.assert_array_equal(found["uniform"], jax.random.uniform(key, (count,)))
    np.testing.assert_array_equal(found["latents"], 2 * jax.random.uniform(key, (count,)) - 1)
    np.testing.assert_allclose(found["normal"], jax.random.normal(key, (count,)), rtol=1e-6, atol=1e-9)
    for span, integers in zip(spans, found["integers"], strict=True):
        np.testing.assert_array_equal(integers, jax.random.randint(key, (count,), 0, span)[3:])


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_numpys(name):
    wanted, first = load_target(name), 120_000  # where an early difference would show
    found = run_in_node("target", name=name, first=first, count=5000)
    assert (found["count"], found["halfWidth"]) == (len(wanted.points), wanted.half_width)
    np.testing.assert_array_equal(np.array(found["points"], np.float32), wanted.points[first : first + 5000].ravel())
    assert (found["modes"] is None) == (wanted.modes is None)
    if wanted.modes:
        np.testing.assert_allclose(found["modes"]["centres"], np.ravel(wanted.modes.centres), atol=1e-12)
        assert found["modes"]["std"] == wanted.modes.std


def load_script(monkeypatch, name):
    spec = importlib.util.spec_from_file_location(f"script_{name}", EXPERIMENTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where its dataclasses are looked for
    spec.loader.exec_module(module)
    return module


SAME_IN_PYTHON = [
    {},
    {"latent_dim": 1, "width": 8, "batch_size": 16, "seed": 7, "steps": 1000},
    {"recipe": "r1", "penalties": (), "discriminator_learning_rate": 0.003, "optimizer": "sgd", "ema_half_life": 1e4},
    {"recipe": "sn-hinge", "penalties": ("r1", "r2"), "penalty_weight": 0.1, "discriminator_learning_rate": None},
    {"recipe": "fast", "schedules": (), "ema_half_life": None, "critic_steps": 3, "packing": 2, "beta1": 0.0},
    {"recipe": "r3gan", "generator_batch": "shared", "normalization": "spectral", "objective": "hinge"},
    {"recipe": "dcgan", "critic_steps": 0},
]


@pytest.mark.parametrize("changes", SAME_IN_PYTHON)
def test_the_command_for_python_trains_what_the_page_trains(changes, monkeypatch):
    name = changes.get("recipe", "fast")
    settings = settings_of(for_points(recipe(name)), start="untrained", recipe=name) | {"steps": 5000} | changes
    found = run_in_node("command", recipes=all_recipes(), settings=settings, target="grid")["command"].split()
    assert found[:2] == ["python", "experiments/plane.py"]
    monkeypatch.setattr("sys.argv", found[1:])
    read = load_script(monkeypatch, "plane").read_settings()
    trained = settings_of(GanConfig(**vars(gan_settings(read.gan))), seed=read.seed, steps=read.steps)
    trained |= {"critic_steps": 0} if read.game == "generator" else {}
    assert trained == {key: value for key, value in settings.items() if key not in ("recipe", "start")}
    assert read.target == "grid"


@pytest.mark.parametrize(
    ("changes", "target"),
    [({}, "drawn"), ({"noise": "uniform"}, "ring"), ({"hidden_layers": 3}, "ring"), ({"start": "trained"}, "ring")],
)
def test_there_is_no_command_for_what_python_has_not(changes, target):
    settings = settings_of(for_points(recipe("fast")), start="untrained", recipe="fast") | changes
    assert run_in_node("command", recipes=all_recipes(), settings=settings, target=target)["command"] is None


# ---- What is seen of it


def test_the_distance_is_jensen_and_shannons():
    random = np.random.default_rng(0)
    left, right = random.normal(size=(500, 2)), 0.3 + random.normal(size=(400, 2))
    found = run_in_node("distance", left=left.tolist(), right=right.tolist(), halfWidth=2)
    edges = np.linspace(-2, 2, 25)
    for points, shares in zip((left, right), found["shares"], strict=True):
        counts = np.histogram2d(points[:, 1], points[:, 0], bins=(edges, edges))[0].ravel()
        np.testing.assert_allclose(shares, [*counts / len(points), 1 - counts.sum() / len(points)], atol=1e-12)
    assert found["distance"] == pytest.approx(jensenshannon(*found["shares"], base=2) ** 2)
    assert run_in_node("distance", left=left.tolist(), right=left.tolist(), halfWidth=2)["distance"] == 0


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, "latents fakes scores d_gradient d_update rescored g_gradient g_update"),
        ({"critic_steps": 0}, "latents fakes rescored g_gradient g_update"),
        (
            {"critic_steps": 2},
            "latents fakes scores d_gradient d_update latents fakes scores d_gradient d_update "
            "rescored g_gradient g_update",
        ),
        (
            {"generator_batch": "own"},
            "latents fakes scores d_gradient d_update latents fakes rescored g_gradient g_update",
        ),
    ],
)
def test_a_step_in_parts_is_the_step(changes, parts):
    found = run_in_node("parts", settings=settings_of(small(for_points(recipe("r1")))) | changes, target="ring")
    assert found["names"] == parts.split()
    assert found["slow"] == found["fast"]
    assert found["steps"] == [1, 1]
