"""Recipes' steps against trajectories of the same training from an independent PyTorch float64 program.

``GAN_JAX_RECIPE_GOLDENS`` may name another folder of such files; what they hold is told by their keys.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import GanConfig, GanState, NetworkState, gan_step, normalize_images
from gan_jax.objectives import penalties
from gan_jax.training import steps
from gan_jax.training.state import optimizer

GOLDENS = sorted(
    Path(os.environ.get("GAN_JAX_RECIPE_GOLDENS", Path(__file__).parent / "goldens/recipes")).glob("*.npz")
)
# The layer numbers in PyTorch's nn.Sequential of each network's convolutions and normalizations.
GENERATOR = {"convolutions": (0, 3, 6, 9), "norms": {0: 1, 1: 4, 2: 7}}
DISCRIMINATORS = {
    "batch": {"convolutions": (0, 2, 5, 8), "norms": {1: 3, 2: 6}},
    "spectral": {"convolutions": (0, 2, 4, 6), "norms": {}},
    "none": {"convolutions": (0, 2, 4, 6), "norms": {}},
}


class Given(NamedTuple):
    """What a step draws from its key, given to it in place of the key."""

    latents: jax.Array
    mixing: jax.Array


def test_there_is_something_to_compare_with():
    assert len(GOLDENS) >= 5


@pytest.fixture(params=GOLDENS, ids=lambda path: path.stem)
def golden(request):
    with np.load(request.param) as archive:
        return dict(archive)


@pytest.fixture
def given_randomness(monkeypatch):
    """Let a step take latents and mixing themselves in place of the key that it would draw them with."""
    monkeypatch.setattr(steps, "sample_latents", lambda config, key: key.latents)
    monkeypatch.setattr(steps, "_fold", lambda key, tag: key)
    monkeypatch.setattr(penalties, "draw_mixing", lambda key, count: key.mixing)


def hyperparameter(golden, name):
    return golden[f"hyper/{name}"].item()


def config_of(golden) -> GanConfig:
    return GanConfig(
        image_shape=(*golden["images"].shape[2:4], 1),
        latent_dim=int(hyperparameter(golden, "latent_dim")),
        width=int(hyperparameter(golden, "width")),
        batch_size=int(hyperparameter(golden, "batch_size")),
        learning_rate=hyperparameter(golden, "generator_learning_rate"),
        discriminator_learning_rate=hyperparameter(golden, "discriminator_learning_rate"),
        beta1=hyperparameter(golden, "beta1"),
        beta2=hyperparameter(golden, "beta2"),
        objective=golden["loss"].item(),
        normalization=golden["normalization"].item(),
        penalties=tuple(golden["penalties"].tolist()),
        penalty_weight=hyperparameter(golden, "penalty_weight"),
    )


def layers_of(config, name):
    return GENERATOR if name == "generator" else DISCRIMINATORS[config.normalization]


def transposed(vector, kernel_shape):
    """A vector over PyTorch's [in, height, width] as one over [height, width, in]."""
    return vector.reshape(kernel_shape[1:]).transpose(1, 2, 0).reshape(-1)


def initial_network(golden, config, name) -> NetworkState:
    def read(key):
        return jnp.asarray(golden[f"init/{name}/{key}"], jnp.float64)

    params, batch_stats = {}, {}
    for index, layer in enumerate(layers_of(config, name)["convolutions"]):
        weight, vector = f"{layer}.weight", f"{layer}.parametrizations.weight"
        if f"init/{name}/{vector}.original" in golden:
            weight = f"{vector}.original"
            kernel_shape = golden[f"init/{name}/{weight}"].shape
            batch_stats[f"conv_{index}"] = {"v": transposed(read(f"{vector}.0._v"), kernel_shape)}
        params[f"conv_{index}"] = {"kernel": read(weight).transpose(2, 3, 1, 0)}
        if f"init/{name}/{layer}.bias" in golden:
            params[f"conv_{index}"]["bias"] = read(f"{layer}.bias")
    for index, layer in layers_of(config, name)["norms"].items():
        params[f"norm_{index}"] = {"scale": read(f"{layer}.weight"), "bias": read(f"{layer}.bias")}
        batch_stats[f"norm_{index}"] = {"mean": read(f"{layer}.running_mean"), "var": read(f"{layer}.running_var")}
    return NetworkState(params, batch_stats, optimizer(config).init(params))


def replay(golden) -> tuple[GanState, dict[str, np.ndarray]]:
    config = config_of(golden)
    networks = (initial_network(golden, config, name) for name in ("generator", "discriminator"))
    state = GanState(jnp.zeros((), jnp.int32), *networks)
    mixing = golden.get("mixing", np.zeros(golden["images"].shape[:2]))
    history = []
    for images, *given in zip(golden["images"], golden["latents"], mixing, strict=True):
        given = Given(*(jnp.asarray(value, jnp.float64) for value in given))
        state, metrics = gan_step(config, state, normalize_images(images[..., None], jnp.float64), given)
        history.append(metrics._asdict())
    names = [name.removeprefix("metrics/") for name in golden if name.startswith("metrics/")]
    return state, {name: np.array([metrics.get(name, 0) for metrics in history]) for name in names}


def final_weights(golden, state) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each array's name, our value in PyTorch's layout, and the golden's; running variances are in test_parity."""
    config = config_of(golden)
    for name in ("generator", "discriminator"):
        network: NetworkState = getattr(state, name)
        for index, layer in enumerate(layers_of(config, name)["convolutions"]):
            params = network.params[f"conv_{index}"]
            spectral = f"{name}/{layer}.parametrizations.weight"
            weight = f"{spectral}.original" if f"final/{spectral}.original" in golden else f"{name}/{layer}.weight"
            yield weight, np.asarray(params["kernel"]).transpose(3, 2, 0, 1), golden[f"final/{weight}"]
            if "bias" in params:
                yield f"{name}/{layer}.bias", np.asarray(params["bias"]), golden[f"final/{name}/{layer}.bias"]
            if weight.startswith(spectral):
                v = transposed(golden[f"final/{spectral}.0._v"], golden[f"final/{weight}"].shape)
                yield f"{spectral}.0._v", np.asarray(network.batch_stats[f"conv_{index}"]["v"]), v
        for index, layer in layers_of(config, name)["norms"].items():
            norm, statistics = network.params[f"norm_{index}"], network.batch_stats[f"norm_{index}"]
            for leaf, ours in (("weight", norm["scale"]), ("bias", norm["bias"]), ("running_mean", statistics["mean"])):
                yield f"{name}/{layer}.{leaf}", np.asarray(ours), golden[f"final/{name}/{layer}.{leaf}"]


def test_float64_steps_follow_the_reference(golden, given_randomness):
    with jax.enable_x64(True):
        state, history = replay(golden)
    for name, values in history.items():
        np.testing.assert_allclose(values, golden[f"metrics/{name}"], rtol=1e-6, atol=1e-12, err_msg=name)
    for name, ours, reference in final_weights(golden, state):
        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-6 * np.abs(reference).max(), err_msg=name)
