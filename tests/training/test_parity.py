"""The steps against trajectories of the same training from independent PyTorch float64 programs.

``goldens/`` has the course's three steps and ``goldens/recipes/`` joint steps of recipes. ``GAN_JAX_GOLDENS`` and
``GAN_JAX_RECIPE_GOLDENS`` may name other folders of such files; what they hold is told by their keys.
"""

import itertools
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close

import gan_jax
from gan_jax import Batch, GanConfig, GanState, NetworkState, normalize_images
from gan_jax.draws import Draws
from gan_jax.nn import toom_cook
from gan_jax.training.state import optimizer

HERE = Path(__file__).parent / "goldens"
COURSE = sorted(Path(os.environ.get("GAN_JAX_GOLDENS", HERE)).glob("*.npz"))
RECIPES = sorted(Path(os.environ.get("GAN_JAX_RECIPE_GOLDENS", HERE / "recipes")).glob("*.npz"))
STEPS = {
    frozenset({"d_loss", "g_loss", "d_x", "d_g_z1", "d_g_z2"}): gan_jax.gan_step,
    frozenset({"g_loss", "d_g_z2"}): gan_jax.generator_step,
    frozenset({"d_loss", "d_x", "d_g_z1"}): gan_jax.discriminator_step,
}
TRAIN_PASSES = {  # how often a step runs the network in train mode
    gan_jax.gan_step: {"generator": 1, "discriminator": 3},
    gan_jax.generator_step: {"generator": 1, "discriminator": 0},
    gan_jax.discriminator_step: {"generator": 1, "discriminator": 2},
}


class Layout(NamedTuple):
    """The layer numbers in PyTorch's nn.Sequential of a network's convolutions and normalizations."""

    convolutions: tuple[int, ...]
    norms: dict[int, int]  # by the convolution before
    areas: dict[int, int]  # values a channel in one image, where there is a normalization


GENERATOR = Layout((0, 3, 6, 9), {0: 1, 1: 4, 2: 7}, {0: 4 * 4, 1: 7 * 7, 2: 14 * 14})
NORMALIZED = Layout((0, 2, 5, 8), {1: 3, 2: 6}, {1: 7 * 7, 2: 4 * 4})
PLAIN = Layout((0, 2, 4, 6), {}, {})


PARAMETERS = {"scale": "weight", "bias": "bias"}  # of a normalization, here and in PyTorch


def test_there_is_something_to_compare_with():
    assert COURSE
    assert RECIPES


def read(path):
    with np.load(path) as archive:
        return dict(archive)


def step_of(golden) -> gan_jax.Step:
    names = {key.removeprefix("metrics/") for key in golden if key.startswith("metrics/")}
    return STEPS[frozenset(names - {"penalty"})]


def config_of(golden) -> GanConfig:
    if "hyper" in golden:
        latent_dim, width, batch_size, _, learning_rate, beta1 = golden["hyper"].tolist()
        options = {"learning_rate": learning_rate, "beta1": beta1}
    else:
        hyper = {key.removeprefix("hyper/"): golden[key].item() for key in golden if key.startswith("hyper/")}
        latent_dim, width, batch_size = (hyper.pop(name) for name in ("latent_dim", "width", "batch_size"))
        options = {
            "learning_rate": hyper.pop("generator_learning_rate"),
            "objective": golden["loss"].item(),
            "normalization": golden["normalization"].item(),
            "penalties": tuple(golden["penalties"].tolist()),
            **hyper,
        }
    shape = (*golden["images"].shape[2:4], 1)
    sizes = {"latent_dim": int(latent_dim), "width": int(width), "batch_size": int(batch_size)}
    return GanConfig(image_shape=shape, **sizes, **options)


def layout_of(config, name) -> Layout:
    if name == "generator":
        return GENERATOR
    return NORMALIZED if config.normalization == "batch" else PLAIN


def kernel_name(golden, name, layer) -> str:
    """Where a convolution's kernel is: spectral normalization keeps it elsewhere."""
    original = f"{name}/{layer}.parametrizations.weight.original"
    return original if f"init/{original}" in golden else f"{name}/{layer}.weight"


def singular_vector(golden, when, kernel) -> np.ndarray:
    """The right singular vector over PyTorch's [in, height, width] as one over [height, width, in]."""
    vector = golden[f"{when}/{kernel.removesuffix('original')}0._v"]
    return vector.reshape(golden[f"init/{kernel}"].shape[1:]).transpose(1, 2, 0).reshape(-1)


def initial_network(golden, config, name, dtype) -> NetworkState:
    def array(key):
        return jnp.asarray(golden[f"init/{key}"], dtype)

    params, batch_stats, layout = {}, {}, layout_of(config, name)
    for index, layer in enumerate(layout.convolutions):
        kernel = kernel_name(golden, name, layer)
        params[f"conv_{index}"] = {"kernel": array(kernel).transpose(2, 3, 1, 0)}
        if f"init/{name}/{layer}.bias" in golden:
            params[f"conv_{index}"]["bias"] = array(f"{name}/{layer}.bias")
        if kernel.endswith("original"):
            batch_stats[f"conv_{index}"] = {"v": jnp.asarray(singular_vector(golden, "init", kernel), dtype)}
    for index, layer in layout.norms.items():
        params[f"norm_{index}"] = {leaf: array(f"{name}/{layer}.{key}") for leaf, key in PARAMETERS.items()}
        batch_stats[f"norm_{index}"] = {
            "mean": array(f"{name}/{layer}.running_mean"),
            "var": array(f"{name}/{layer}.running_var"),
        }
    return NetworkState({"params": params, "batch_stats": batch_stats}, optimizer(config).init(params))


def initial_state(golden, dtype) -> GanState:
    networks = (initial_network(golden, config_of(golden), name, dtype) for name in ("generator", "discriminator"))
    return GanState(jnp.zeros((), jnp.int32), *networks)


def take_steps(golden, state, dtype, which=slice(None)) -> tuple[list[GanState], list[dict[str, float]]]:
    """The states before and after each of the golden's steps, or of some, and each step's metrics."""
    config, step = config_of(golden), step_of(golden)
    mixing = golden.get("mixing", np.zeros(golden["images"].shape[:2]))
    states, history = [jax.device_get(state)], []
    for images, *given in zip(golden["images"][which], golden["latents"][which], mixing[which], strict=True):
        given = Draws(*(jnp.asarray(values, dtype) for values in given))
        state, metrics = step(config, state, Batch(normalize_images(images[..., None], dtype)), given)
        states.append(jax.device_get(state))
        history.append({name: float(value) for name, value in metrics.items()})
    if not config.penalties:  # the goldens then have zeros
        history = [{"penalty": 0.0} | metrics for metrics in history]
    return states, history


@cache
def in_float64(path) -> tuple[dict[str, np.ndarray], list[GanState], list[dict[str, float]]]:
    """A golden, and the steps from its start in float64."""
    golden = read(path)
    with jax.enable_x64(True):
        return golden, *take_steps(golden, initial_state(golden, np.float64), np.float64)


def metrics_of(golden) -> list[str]:
    return [name.removeprefix("metrics/") for name in golden if name.startswith("metrics/")]


def astype(state: GanState, dtype) -> GanState:
    """The state with its floats in another type."""
    return jax.tree.map(lambda array: array.astype(dtype) if np.issubdtype(array.dtype, np.floating) else array, state)


def final_weights(golden, state) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each array's name, our value in PyTorch's layout, and the golden's."""
    config, step = config_of(golden), step_of(golden)
    for name in ("generator", "discriminator"):
        network: NetworkState = getattr(state, name)
        layout = layout_of(config, name)
        for index, layer in enumerate(layout.convolutions):
            params, kernel = network.params[f"conv_{index}"], kernel_name(golden, name, layer)
            yield kernel, np.asarray(params["kernel"]).transpose(3, 2, 0, 1), golden[f"final/{kernel}"]
            if "bias" in params:
                yield f"{name}/{layer}.bias", np.asarray(params["bias"]), golden[f"final/{name}/{layer}.bias"]
            if kernel.endswith("original"):
                vector = np.asarray(network.variables["batch_stats"][f"conv_{index}"]["v"])
                yield f"{kernel}, v", vector, singular_vector(golden, "final", kernel)
        for index, layer in layout.norms.items():
            norm, statistics = network.params[f"norm_{index}"], network.variables["batch_stats"][f"norm_{index}"]
            for leaf, ours in (("weight", norm["scale"]), ("bias", norm["bias"]), ("running_mean", statistics["mean"])):
                yield f"{name}/{layer}.{leaf}", np.asarray(ours), golden[f"final/{name}/{layer}.{leaf}"]
            # PyTorch averages unbiased variances, Flax biased ones: the batches' part differs by n / (n - 1).
            passes = len(golden["images"]) * TRAIN_PASSES[step][name]
            kept = 0.9**passes * golden[f"init/{name}/{layer}.running_var"]
            n = config.batch_size * layout.areas[index]
            ours = (np.asarray(statistics["var"]) - kept) * n / (n - 1) + kept
            yield f"{name}/{layer}.running_var", ours, golden[f"final/{name}/{layer}.running_var"]


# Before every commit, the other goldens cover the parts of these.
SIMPLE = [
    HERE / "recipes" / f"{name}.npz"
    for name in ("least_squares", "wasserstein_gradient_penalty", "non_saturating_r1", "hinge_spectral")
]


def cases(paths, in_soak):
    return [pytest.param(path, id=path.stem, marks=pytest.mark.soak if path in in_soak else ()) for path in paths]


@pytest.mark.parametrize("path", cases((*COURSE, *RECIPES), SIMPLE))
def test_float64_steps_follow_the_reference(path):
    golden, (*_, state), history = in_float64(path)
    for name in metrics_of(golden):
        values = np.array([metrics[name] for metrics in history])
        assert_close({name: values}, {name: golden[f"metrics/{name}"]}, rtol=1e-6)
    for name, ours, reference in final_weights(golden, state):
        assert ours.dtype == np.float64
        assert_close({name: ours}, {name: reference}, rtol=1e-6)


@pytest.mark.soak
def test_float64_steps_at_points_follow_the_reference(monkeypatch):
    """As above, with the form of convolutions that a CPU takes for more images and channels than a golden has."""
    monkeypatch.setattr(toom_cook, "_FEWEST_IMAGES", {1: 1})
    for clear in (jax.clear_caches, in_float64.cache_clear):
        clear()
    test_float64_steps_follow_the_reference(HERE / "joint.npz")
    for clear in (jax.clear_caches, in_float64.cache_clear):
        clear()


PENALIZED = HERE / "recipes" / "relativistic_r1_r2.npz"


@pytest.mark.parametrize("path", cases((HERE / "joint.npz", PENALIZED), [PENALIZED]))
def test_a_float32_step_is_near_the_float64_step_from_the_same_state(path):
    """Single steps, since a trajectory parts in any float32 once one weight's tiny gradient rounds to the other sign.

    Over twenty goldens of other sizes, the first pass's scores differed by at most 6e-6, G's loss after D's update by
    5e-4, and the median weight by 0.02 of the learning rate.
    """
    golden, states, exact = in_float64(path)
    config = config_of(golden)
    for index, (start, end) in enumerate(itertools.pairwise(states)):
        (_, state), (metrics,) = take_steps(golden, astype(start, np.float32), np.float32, slice(index, index + 1))
        for name in metrics_of(golden):
            loose = name in ("g_loss", "d_g_z2") and "d_loss" in metrics
            rtol = 2e-3 if loose else 5e-5
            assert_close({name: metrics[name]}, {name: exact[index][name]}, rtol, terms=1.0)  # logits are of order 1
        rates = config.learning_rate, config.discriminator_learning_rate or config.learning_rate
        for name, rate in zip(("generator", "discriminator"), rates, strict=True):
            networks = (getattr(each, name).params for each in (state, end))
            for ours, reference in zip(*map(jax.tree.leaves, networks), strict=True):
                assert ours.dtype == np.float32
                assert np.median(np.abs(ours - reference)) < 0.05 * rate, f"{index} {name}"
