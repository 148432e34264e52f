"""The steps against trajectories of the same training from an independent PyTorch float64 program.

``GAN_JAX_GOLDENS`` may name another folder of such files; what they hold is told by their keys.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gan_jax
from gan_jax import GanConfig, GanState, NetworkState, normalize_images
from gan_jax.training import steps
from gan_jax.training.state import optimizer

GOLDENS = sorted(Path(os.environ.get("GAN_JAX_GOLDENS", Path(__file__).parent / "goldens")).glob("*.npz"))
STEPS = {
    frozenset({"d_loss", "g_loss", "d_x", "d_g_z1", "d_g_z2"}): gan_jax.gan_step,
    frozenset({"g_loss", "d_g_z2"}): gan_jax.generator_step,
    frozenset({"d_loss", "d_x", "d_g_z1"}): gan_jax.discriminator_step,
}
# The layer numbers in PyTorch's nn.Sequential of each network's convolutions and normalizations.
CONVOLUTIONS = {"generator": (0, 3, 6, 9), "discriminator": (0, 2, 5, 8)}
NORMS = {"generator": {0: 1, 1: 4, 2: 7}, "discriminator": {1: 3, 2: 6}}
NORMALIZED_VALUES = {  # values a channel in one batch, over the batch size: the area of the normalized layer
    "generator": {0: 4 * 4, 1: 7 * 7, 2: 14 * 14},
    "discriminator": {1: 7 * 7, 2: 4 * 4},
}
TRAIN_PASSES = {  # how often a step runs the network in train mode
    gan_jax.gan_step: {"generator": 1, "discriminator": 3},
    gan_jax.generator_step: {"generator": 1, "discriminator": 0},
    gan_jax.discriminator_step: {"generator": 1, "discriminator": 2},
}


def test_there_is_something_to_compare_with():
    assert GOLDENS


@pytest.fixture(params=GOLDENS, ids=lambda path: path.stem)
def golden(request):
    with np.load(request.param) as archive:
        return dict(archive)


@pytest.fixture
def given_latents(monkeypatch):
    """Let a step take the latents themselves in place of the key that it would draw them with."""
    monkeypatch.setattr(steps, "sample_latents", lambda config, key: key)


def step_of(golden) -> gan_jax.Step:
    return STEPS[frozenset(key.removeprefix("metrics/") for key in golden if key.startswith("metrics/"))]


def config_of(golden) -> GanConfig:
    latent_dim, width, batch_size, _, learning_rate, beta1 = golden["hyper"].tolist()
    return GanConfig(
        image_shape=(*golden["images"].shape[2:4], 1),
        latent_dim=int(latent_dim),
        width=int(width),
        batch_size=int(batch_size),
        learning_rate=learning_rate,
        beta1=beta1,
    )


def initial_network(golden, config, name, dtype) -> NetworkState:
    def read(layer, leaf):
        return jnp.asarray(golden[f"init/{name}/{layer}.{leaf}"], dtype)

    params, batch_stats = {}, {}
    for index, layer in enumerate(CONVOLUTIONS[name]):
        params[f"conv_{index}"] = {"kernel": read(layer, "weight").transpose(2, 3, 1, 0)}
    for index, layer in NORMS[name].items():
        params[f"norm_{index}"] = {"scale": read(layer, "weight"), "bias": read(layer, "bias")}
        batch_stats[f"norm_{index}"] = {"mean": read(layer, "running_mean"), "var": read(layer, "running_var")}
    return NetworkState(params, batch_stats, optimizer(config).init(params))


def replay(golden, dtype) -> tuple[GanState, dict[str, np.ndarray]]:
    config, step = config_of(golden), step_of(golden)
    networks = (initial_network(golden, config, name, dtype) for name in ("generator", "discriminator"))
    state = GanState(jnp.zeros((), jnp.int32), *networks)
    history = []
    for images, latents in zip(golden["images"], golden["latents"], strict=True):
        state, metrics = step(config, state, normalize_images(images[..., None], dtype), jnp.asarray(latents, dtype))
        history.append(metrics._asdict())
    names = [name.removeprefix("metrics/") for name in golden if name.startswith("metrics/")]
    return state, {name: np.array([metrics[name] for metrics in history]) for name in names}


def final_weights(golden, state) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each array's name, our value in PyTorch's layout, and the golden's."""
    step, batch_size, count = step_of(golden), golden["images"].shape[1], len(golden["images"])
    for name in ("generator", "discriminator"):
        network: NetworkState = getattr(state, name)

        def reference(layer, leaf, name=name):
            return f"{name}/{layer}.{leaf}", golden[f"final/{name}/{layer}.{leaf}"]

        for index, layer in enumerate(CONVOLUTIONS[name]):
            key, value = reference(layer, "weight")
            yield key, np.asarray(network.params[f"conv_{index}"]["kernel"]).transpose(3, 2, 0, 1), value
        for index, layer in NORMS[name].items():
            norm, statistics = network.params[f"norm_{index}"], network.batch_stats[f"norm_{index}"]
            for leaf, ours in (("weight", norm["scale"]), ("bias", norm["bias"]), ("running_mean", statistics["mean"])):
                key, value = reference(layer, leaf)
                yield key, np.asarray(ours), value
            # PyTorch averages unbiased variances, Flax biased ones: the batches' part differs by n / (n - 1).
            key, value = reference(layer, "running_var")
            kept = 0.9 ** (count * TRAIN_PASSES[step][name]) * golden[f"init/{name}/{layer}.running_var"]
            n = batch_size * NORMALIZED_VALUES[name][index]
            yield key, (np.asarray(statistics["var"]) - kept) * n / (n - 1) + kept, value


def test_float64_steps_follow_the_reference(golden, given_latents):
    with jax.enable_x64(True):
        state, history = replay(golden, np.float64)
    for name, values in history.items():
        np.testing.assert_allclose(values, golden[f"metrics/{name}"], rtol=1e-6, err_msg=name)
    for name, ours, reference in final_weights(golden, state):
        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-6 * np.abs(reference).max(), err_msg=name)


def test_float32_steps_follow_the_reference(golden, given_latents):
    """Adam moves a weight by up to the learning rate however small its gradient, so where a gradient is next to nothing
    its rounding decides a part of that move: a weight may be off by a quarter of one step, of the ten taken."""
    learning_rate = golden["hyper"][4]
    state, history = replay(golden, np.float32)
    for name, values in history.items():
        np.testing.assert_allclose(values, golden[f"metrics/{name}"], rtol=1e-3, err_msg=name)
    for name, ours, reference in final_weights(golden, state):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=learning_rate / 4, err_msg=name)
