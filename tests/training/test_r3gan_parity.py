"""R3GAN's training and networks against trajectories from an independent PyTorch program in float64.

``GAN_JAX_R3GAN_GOLDENS`` may name another folder of such files; what they hold is told by their keys.
"""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chex import assert_trees_all_equal_structs
from closeness import assert_close

from gan_jax import Batch, GanConfig, GanState, NetworkState, gan_step, normalize_images
from gan_jax.draws import Draws
from gan_jax.nn.networks import apply_discriminator, apply_generator
from gan_jax.objectives.penalties import r1, r2
from gan_jax.training.state import optimizer

HERE = Path(__file__).parent / "goldens" / "r3gan"
FOLDER = Path(os.environ.get("GAN_JAX_R3GAN_GOLDENS", HERE))
LAYERS = {
    "c1.weight": ("conv_0", "kernel"),
    "b1": ("conv_0", "bias"),
    "c2.weight": ("conv_1", "kernel"),
    "b2": ("conv_1", "bias"),
    "c3.weight": ("conv_2", "kernel"),
}


def is_trajectory(path):
    with np.load(path) as archive:
        return "metrics/d_loss" in archive


GOLDENS = [path for path in sorted(FOLDER.glob("*.npz")) if is_trajectory(path)]


OURS = {"average": "ema", "average_half_life": "ema_half_life"}  # names, where the files have others


def config_of(golden) -> GanConfig:
    hyper = {name.removeprefix("hyper/"): golden[name].tolist() for name in golden if name.startswith("hyper/")}
    moving = {name.removeprefix("schedule/"): hyper[name] for name in hyper if name.startswith("schedule/")}
    schedules = {OURS.get(name, name): ends for name, ends in moving.items()}
    images = hyper["schedule_images"]
    return GanConfig(
        network="r3gan",
        image_shape=golden["images"].shape[3:],
        stage_widths=tuple(hyper["widths"]),
        stage_cardinalities=tuple(hyper["cardinalities"]),
        stage_blocks=tuple(hyper["blocks"]),
        expansion=hyper["expansion"],
        latent_dim=hyper["latent_dim"],
        conditional=bool(hyper["classes"]),
        num_classes=hyper["classes"] or 10,
        batch_size=hyper["batch_size"],
        objective="relativistic",
        penalties=("r1", "r2"),
        normalization="none",
        generator_batch="own",
        beta1=0.0,
        ema_ramp=1e9,
        schedules=tuple(f"{name}=cosine:{end!r}:{images!r}" for name, (_, end) in schedules.items()),
        **{name: float(start) for name, (start, _) in schedules.items()},
    )


def params_of(golden, config, which, network):
    """A network's weights at ``init`` or ``final``, in this package's places and layout."""
    prefix, params, base = f"{which}/{network}/", {}, len(config.stage_widths) - 1
    for name in golden:
        if not name.startswith(prefix):
            continue
        array, (first, *rest) = golden[name], name.removeprefix(prefix).split(".")
        if first == "stages":
            stage, at, leaf = int(rest[0]), int(rest[1]), ".".join(rest[2:])
            grows = network != "discriminator"
            size = config.image_shape[0] // 2 ** (base - stage if grows else stage)
            block = at - (grows and stage > 0)
            place = (f"transition_{size}", "kernel") if leaf == "c.weight" else (f"block_{size}_{block}", *LAYERS[leaf])
        else:
            place = (first, "vectors" if first == "embed" else "kernel")
        if array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        elif array.ndim == 3:
            array = array.transpose(1, 2, 0)[:, :, None]
        elif array.ndim == 2:
            array = array.T if first == "embed" else array.T[None, None]
        inner = params
        for key in place[:-1]:
            inner = inner.setdefault(key, {})
        inner[place[-1]] = jnp.asarray(array)
    return params


def initial_state(golden, config) -> GanState:
    generator, discriminator = (
        NetworkState({"params": params}, optimizer(config).init(params))
        for params in (params_of(golden, config, "init", network) for network in ("generator", "discriminator"))
    )
    return GanState(jnp.zeros((), jnp.int32), generator, discriminator, NetworkState(generator.variables))


@jax.jit
def penalties_before(config, state, reals, latents, labels):
    fakes, _ = apply_generator(config, state.generator.variables, latents, labels, train=True)

    def critic(images):
        return apply_discriminator(config, state.discriminator.variables, images, labels, train=True)[0]

    return {"r1": 2 * r1(critic, reals, None, None), "r2": 2 * r2(critic, None, fakes, None)}


def take_steps(golden, config):
    """The last state, and each step's metrics."""
    state, history = initial_state(golden, config), []
    for step, (images, latents) in enumerate(zip(golden["images"], golden["latents"], strict=True)):
        latents, labels = jnp.asarray(latents, float), golden["labels"][step] if config.conditional else None
        reals = normalize_images(images, np.float64)
        metrics = penalties_before(config, state, reals[0], latents[0], None if labels is None else labels[0])
        # A step deals its images out to the two updates in turn.
        dealt = [None if one is None else np.swapaxes(one, 0, 1).reshape(-1, *one.shape[2:]) for one in (reals, labels)]
        now = config.at(step)
        state, own = gan_step(
            config,
            state,
            Batch(*map(jnp.asarray, dealt)) if labels is not None else Batch(dealt[0]),
            Draws(latents[1], critic_latents=latents[0]),
        )
        scheduled = [text.split("=")[0] for text in config.schedules]
        history.append({**own, **metrics, **{name: getattr(now, name) for name in scheduled}})
    return state, history


def test_there_is_something_to_compare_with():
    assert GOLDENS


@pytest.mark.soak
@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_float64_steps_of_r3gan_follow_the_reference(path):
    with np.load(path) as archive:
        golden = dict(archive)
    config = config_of(golden)
    with jax.enable_x64(True):
        state, history = take_steps(golden, config)
        for name in (key.removeprefix("metrics/") for key in golden if key.startswith("metrics/")):
            values = np.array([metrics[OURS.get(name, name)] for metrics in history])
            assert_close({name: values}, {name: golden[f"metrics/{name}"]}, rtol=1e-10)
        for name in ("generator", "discriminator", "average"):
            ours, reference = getattr(state, OURS.get(name, name)).params, params_of(golden, config, "final", name)
            assert_trees_all_equal_structs(ours, reference)
            assert all(leaf.dtype == np.float64 for leaf in jax.tree.leaves(ours))
            assert_close(ours, reference, rtol=1e-10)
