"""Training in the plane: recipes for points, one run that is watched, and many at once."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import AxisType, Mesh, PartitionSpec

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.recipes import RECIPES, recipe
from gan_jax.training.batches import Batch, ResidentImages, RunKeys, run_keys, steps_per_epoch
from gan_jax.training.compiled import train_run
from gan_jax.training.forward import generate, sample_latents
from gan_jax.training.games import Game, find_game
from gan_jax.training.loop import spaced_pauses, train
from gan_jax.training.state import GanState
from gan_jax.training.steps import Step

_CHUNK_STEPS = 25  # from one possible frame to the next
_RUNS_IN_CACHE = 3  # mapped together on one core, which keeps their weights and activations in its cache


def for_points(config: GanConfig) -> GanConfig:
    """A configuration with the same objective, penalties and optimizer, for points and small dense networks.

    Two hidden layers of 64, latents of two dimensions, batches of 128, He weights. Batch normalization in D becomes
    none, so that D is a function over the plane.

    Raises:
      InputError: it augments images, or is told classes.

    Examples:
      >>> for_points(recipe("r1")).image_shape
      (2,)
    """
    if config.augmentations or config.conditional:
        what = "changes images" if config.augmentations else "is told the images' classes"
        raise InputError(f"the recipe {what}; in the plane there are none. Choose another one.")
    return dataclasses.replace(
        config,
        image_shape=(2,),
        network="dense",
        normalization="spectral" if config.normalization == "spectral" else "none",
        initializer="he",
        latent_dim=2,
        width=64,
        batch_size=128,
    )


def plane_recipes() -> dict[str, GanConfig]:
    """The recipes that differ from one another in the plane, by name.

    Examples:
      >>> "lsgan" in plane_recipes(), "diffaugment" in plane_recipes()
      (True, False)
    """
    found: dict[str, GanConfig] = {}
    for name in RECIPES:
        try:
            config = for_points(recipe(name))
        except InputError:
            continue
        if config not in found.values():
            found[name] = config
    return found


def train_states(
    config: GanConfig, step: Step, state: GanState, points: np.ndarray, keys: RunKeys, steps: Sequence[int]
) -> tuple[list[GanState], dict[str, np.ndarray]]:
    """Train, and keep the states after some steps.

    Args:
      config: from ``for_points``.
      step: ``gan_step`` or another.
      state: where to start, before the first step.
      points: ``[count, 2]`` float32.
      keys: from ``run_keys``.
      steps: which states, from ``frame_steps``; the last one ends the training.

    Returns:
      The states, and every step's metrics by name, ``[steps]``.

    Raises:
      NonFiniteError: a metric of a step is not a finite number.
      InputError: there are fewer points than one step takes.
      ValueError: training does not pause at one of the steps.

    Examples:
      >>> states, metrics = train_states(config, gan_step, start, points, run_keys(0), [0, 100])  # doctest: +SKIP
    """
    source, wanted = ResidentImages(config, Batch(points), keys), set(steps)
    states, metrics = [state] if 0 in wanted else [], []
    for progress in train(
        config, step, state, source, keys, num_steps=max(steps), log_every=_CHUNK_STEPS, chunk_steps=_CHUNK_STEPS
    ):
        metrics.append(progress.metrics)
        if progress.step in wanted:
            states.append(progress.state)
    if len(states) < len(wanted):
        raise ValueError(f"training does not pause at all of the steps {sorted(wanted)}; take them from frame_steps.")
    return states, {name: np.concatenate([chunk[name] for chunk in metrics]) for name in metrics[0]}


def frame_steps(num_steps: int, per_epoch: int, count: int) -> list[int]:
    """About so many steps from 0 to ``num_steps``, dense at first, at which ``train_states`` pauses.

    Examples:
      >>> frame_steps(1000, per_epoch=1000, count=5)
      [0, 75, 250, 575, 1000]
    """
    return spaced_pauses(num_steps, per_epoch, count, log_every=_CHUNK_STEPS, chunk_steps=_CHUNK_STEPS)


def train_many(
    config: GanConfig, points: np.ndarray, seeds: Sequence[int], num_steps: int, game: str = "joint"
) -> tuple[GanState, Any]:
    """Train a run for each seed, all of them as one mapped program that all local devices share.

    The devices share the runs if their number divides the runs'. On a CPU, a device takes a few runs at a time, as many
    as its cache holds. A CPU counts as one device and uses its cores better as several:
    ``jax.config.update("jax_num_cpu_devices", cores)``
    before JAX is used.

    Args:
      config: from ``for_points``.
      points: ``[count, 2]`` float32, which all share.
      seeds: one for each run.
      num_steps: a whole number of epochs; schedules without an end of their own end with them.
      game: the name of what is trained.

    Returns:
      The last states, and the steps' metrics ``[seeds, epochs, steps]``.

    Raises:
      InputError: the steps are not whole epochs.

    Examples:
      >>> from gan_jax.plane import load_target
      >>> config = dataclasses.replace(for_points(recipe("dcgan")), width=2)
      >>> points = load_target("ring", 1280).points
      >>> states, metrics = train_many(config, points, seeds=range(2), num_steps=10)  # doctest: +SKIP
      >>> metrics["d_loss"].shape  # doctest: +SKIP
      (2, 1, 10)
    """
    per_epoch = steps_per_epoch(config, len(points))
    if num_steps % per_epoch:
        raise InputError(f"steps are {num_steps}; they must be a multiple of an epoch's, {per_epoch}.")
    keys = jax.tree.map(lambda *key: jax.random.clone(jnp.stack(key)), *[run_keys(seed) for seed in seeds])
    starts = jax.vmap(lambda key: find_game(game).init(config, key))(keys.init)
    keys = keys._replace(init=jax.random.clone(keys.init))
    devices = jax.local_devices()
    count = len(devices) if len(seeds) % len(devices) == 0 else 1
    mesh = jax.make_mesh((count,), ("runs",), axis_types=(AxisType.Auto,), devices=devices[:count])
    return _many_program(mesh, find_game(game), num_steps // per_epoch)(config, starts, keys, jnp.asarray(points))


@functools.cache
def _many_program(mesh: Mesh, game: Game, num_epochs: int) -> Callable[..., tuple[GanState, Any]]:
    """Runs that a mesh's devices share, as one compiled function of configuration, states, keys and points."""
    platform = mesh.devices.flat[0].platform

    def train_share(config: GanConfig, starts: GanState, keys: RunKeys, points: Array) -> tuple[GanState, Any]:
        def run(start: tuple[GanState, RunKeys]) -> tuple[GanState, Any]:
            state, run_keys = start
            return train_run(config, game.step, state, Batch(points), run_keys, num_epochs, game.sampler)[:2]

        return lax.map(run, (starts, keys), batch_size=_RUNS_IN_CACHE if platform == "cpu" else len(starts.step))

    shared, by_run = PartitionSpec(), PartitionSpec("runs")
    program = jax.shard_map(
        train_share, mesh=mesh, in_specs=(shared, by_run, by_run, shared), out_specs=by_run, check_vma=False
    )
    # Without compiler_options, which leave products to XLA's own kernels: on a single core its library is faster.
    return jax.jit(program)


def sample_many(config: GanConfig, states: GanState, key: Array, count: int, game: str = "joint") -> Array:
    """Points of the generators of ``train_many``, from the same latents: ``[seeds, count, 2]`` float32.

    Examples:
      >>> sample_many(config, states, jax.random.key(0), 2500).shape  # doctest: +SKIP
      (100, 2500, 2)
    """
    latents = sample_latents(config, key, count)
    return jax.vmap(lambda state: generate(config, find_game(game).sampler(config, state), latents))(states)
