"""gan_jax's steps as training runs them, and the same steps with ``lax``'s convolutions and autodiff."""

from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from timing import Form

from gan_jax import Batch, GanConfig, init_state, normalize_images, run_keys
from gan_jax.nn import layers
from gan_jax.training.compiled import scan_steps
from gan_jax.training.state import GanState
from gan_jax.training.steps import Step, discriminator_step, gan_step, generator_step

STEPS = {"joint": gan_step, "generator": generator_step, "discriminator": discriminator_step}


def scan_form(config: GanConfig, kind: str, images: np.ndarray, order: np.ndarray) -> Form:
    """One turn: the batches are gathered, and one compiled scan takes a step on each, as in training."""
    keys, pixels, rows = run_keys(0), jnp.asarray(images), jnp.asarray(order)
    labels = jnp.arange(len(images)) % config.num_classes
    state = init_state(config, keys.init)

    def run() -> None:
        nonlocal state
        batches = Batch(pixels[rows], labels[rows] if config.conditional else None)
        state, metrics = scan_steps(config, STEPS[kind], state, batches, keys.step)
        jax.block_until_ready((state, metrics))

    return Form(run, len(order))


def plain_form(config: GanConfig, kind: str, images: np.ndarray, order: np.ndarray) -> Form:
    """One turn: one jitted call per step, with ``lax``'s convolutions and the gradients that autodiff derives."""
    keys, pixels, batches = run_keys(0), jnp.asarray(images), [jnp.asarray(rows) for rows in order]
    state = init_state(config, keys.init)
    step = _compile_plain(config, STEPS[kind], state, pixels, batches[0], keys.step)

    def run() -> None:
        nonlocal state
        for rows in batches:
            state, metrics = step(config, state, pixels, rows, keys.step)
            jax.block_until_ready((state, metrics))

    return Form(run, len(order))


def _compile_plain(
    config: GanConfig, step: Step, state: GanState, images: Array, rows: Array, key: Array
) -> jax.stages.Compiled:
    @jax.jit
    def plain_step(config: GanConfig, state: GanState, images: Array, rows: Array, key: Array) -> tuple[GanState, Any]:
        return step(config, state, Batch(normalize_images(images[rows])), jax.random.fold_in(key, state.step))

    # JAX must not reuse what it traced with the other kind of convolution: clear its caches before and after.
    jax.clear_caches()
    with mock.patch.multiple(layers, convolve=_plain_convolve, convolve_transpose=_plain_convolve_transpose):
        compiled = plain_step.lower(config, state, images, rows, key).compile()
    jax.clear_caches()
    return compiled


def _plain_convolve(inputs: Array, kernel: Array, stride: int, padding: int) -> Array:
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        inputs, kernel, (stride, stride), [(padding, padding)] * 2, dimension_numbers=layout
    )


def _plain_convolve_transpose(inputs: Array, kernel: Array, stride: int, padding: int) -> Array:
    return lax.conv_transpose(
        inputs,
        kernel,
        (stride, stride),
        [(size - 1 - padding, size - 1 - padding) for size in kernel.shape[:2]],
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        transpose_kernel=True,
    )
