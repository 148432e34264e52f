"""Training as compiled programs: a chunk of steps, an epoch, a whole run. Nothing in them is on the host."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from gan_jax.config import GanConfig
from gan_jax.pixels import normalize_images
from gan_jax.sharding import keep_whole, mesh_of
from gan_jax.sources import RunKeys, epoch_order, steps_per_epoch
from gan_jax.state import GanState
from gan_jax.steps import Step, generate, sample_latents


def scan_steps(config: GanConfig, step: Step, state: GanState, batches: Array, step_key: Array) -> tuple[GanState, Any]:
    """Take one step per batch, as one scan.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another of their type.
      state: where to start.
      batches: ``[steps, batch, height, width, channels]`` uint8; mapped to [-1, 1] a batch at a time.
      step_key: ``[]`` typed PRNG key; folded with ``state.step`` for each step.

    Returns:
      The last state, and the step's metrics with a leading ``[steps]`` axis.
    """

    def body(state: GanState, batch: Array) -> tuple[GanState, Any]:
        return keep_whole(step(config, state, normalize_images(batch), jax.random.fold_in(step_key, state.step)))

    return lax.scan(body, state, batches)


def run_chunk(config: GanConfig, step: Step, state: GanState, batches: Array, step_key: Array) -> tuple[GanState, Any]:
    """``scan_steps``, compiled for the devices that the batches are on."""
    with mesh_of(batches):
        return _compiled(scan_steps)(config, step, state, batches, step_key)


def run_chunks(
    configs: GanConfig, step: Step, states: GanState, batches: Array, step_keys: Array
) -> tuple[GanState, Any]:
    """``scan_steps`` for several runs at once: every argument but ``step`` has a leading axis of runs."""
    return _compiled(_scan_side_by_side)(configs, step, states, batches, step_keys)


def _scan_side_by_side(
    configs: GanConfig, step: Step, states: GanState, batches: Array, step_keys: Array
) -> tuple[GanState, Any]:
    scan = jax.vmap(lambda config, state, batch, key: scan_steps(config, step, state, batch, key))
    return scan(configs, states, batches, step_keys)


def train_epoch(config: GanConfig, step: Step, state: GanState, images: Array, keys: RunKeys) -> tuple[GanState, Any]:
    """Train for the epoch that ``state.step`` is at the start of, as one compiled program.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another of their type.
      state: the state at the start of an epoch; it is not consumed.
      images: ``[count, height, width, channels]`` uint8.
      keys: from ``run_keys``.

    Returns:
      The state after the epoch, and the step's metrics with a leading ``[steps_per_epoch]`` axis.
    """
    return _compiled(_scan_epoch)(config, step, state, images, keys)


def train_run(
    config: GanConfig, step: Step, state: GanState, images: Array, keys: RunKeys, num_epochs: int
) -> tuple[GanState, Any, Array]:
    """Train for whole epochs as one compiled program, shuffles and pictures inside.

    The same run as ``train``'s, with nothing on the host between the first step and the last: for many short runs, and
    under ``jax.vmap`` over ``config``, ``state`` and ``keys`` for many at once. ``train`` is for one long run, which
    wants to be watched, saved and stopped.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another of their type.
      state: the state at the start of an epoch; it is not consumed.
      images: ``[count, height, width, channels]`` uint8.
      keys: from ``run_keys``.
      num_epochs: how many.

    Returns:
      The last state; the step's metrics with leading ``[num_epochs, steps_per_epoch]`` axes; and the images of the same
      64 latents before the first epoch and after each, ``[num_epochs + 1, 64, height, width, channels]`` float32 in
      [-1, 1].
    """
    return _compiled(_scan_run)(config, step, state, images, keys, num_epochs)


def _scan_run(
    config: GanConfig, step: Step, state: GanState, images: Array, keys: RunKeys, num_epochs: int
) -> tuple[GanState, Any, Array]:
    latents = sample_latents(config, keys.display, 64)

    def body(state: GanState, _: None) -> tuple[GanState, Any]:
        state, metrics = _scan_epoch(config, step, state, images, keys)
        return state, (metrics, generate(config, state.generator, latents))

    before = generate(config, state.generator, latents)
    state, (metrics, grids) = lax.scan(body, state, length=num_epochs)
    return state, metrics, jnp.concatenate([before[None], grids])


def _scan_epoch(config: GanConfig, step: Step, state: GanState, images: Array, keys: RunKeys) -> tuple[GanState, Any]:
    epoch = state.step // steps_per_epoch(config, len(images))
    order = epoch_order(config, keys.order, epoch, len(images))
    return scan_steps(config, step, state, images[order], keys.step)


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    static = [name for name in ("step", "num_epochs") if name in inspect.signature(function).parameters]
    return jax.jit(function, static_argnames=static, compiler_options=compiler_options())


def compiler_options() -> dict[str, Any] | None:
    """What a whole training program is compiled with; ``jax.jit`` takes such options at the outermost call alone.

    On the CPU, XLA hands matrix products to a library that runs each of ``toom_cook``'s on one core, where its own
    kernels use all: that library keeps the reductions, at which it is faster.
    """
    if jax.default_backend() != "cpu":
        return None
    return {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}
