# pyright: reportMissingImports=false
"""The joint step on a GPU: time, images a second, share of the peak, 40 epochs, several seeds at once, recipes."""

import dataclasses
import importlib.util
import os
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tables
from gpu_kernels import OPTIONS
from jax_forms import scan_form
from operations import best_matmul, jax_matmul, step_flops
from timing import Form, Timing, race, random_data

from gan_jax import Batch, GanConfig, ResidentImages, gan_step, init_state, recipe, run_keys, scan_steps, train

EPOCHS = 40
NUM_IMAGES = 60_000  # 468 steps of 128
SEEDS = (1, 2, 4, 8)


def measure(config: GanConfig, rounds: int, steps: int, recipes: Sequence[str]) -> dict[str, Any] | None:
    """Print the tables; None if JAX has no GPU."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # leaves memory to PyTorch
    if jax.default_backend() != "gpu":
        return None
    images, order = random_data(config, steps, NUM_IMAGES)
    peak = best_matmul({"XLA": jax_matmul}, 0.5, config.precision)
    forms = {"gan_jax": scan_form(config, "joint", images, order), **_with_options(config, images, order)}
    timings = race(forms | _peers(config, images, order), rounds)
    steps_an_epoch = NUM_IMAGES // config.batch_size
    wall = {name: EPOCHS * steps_an_epoch * timing.median / 1000 for name, timing in timings.items()}
    wall["gan_jax"] = EPOCHS * _epoch_seconds(config, images)
    figures = {
        "matmul": peak,
        "steps": {name: timing.as_dict() | {"epochs_40_s": wall[name]} for name, timing in timings.items()},
        "seeds_ms_a_step": {str(count): _seeds_ms(config, images, order, count) for count in SEEDS},
        "recipes": {name: _recipe_timing(name, config.precision, rounds, steps).as_dict() for name in recipes},
    }
    print(
        f"### Joint step on {jax.devices()[0].device_kind}, {config.precision}\n\n"
        f"Fastest product of matrices: {peak['gflops_per_s']:.0f} GFLOP/s ({peak['where']}).\n"
        f"{EPOCHS} epochs of {NUM_IMAGES:,} images: for gan_jax, so many times the time of one epoch of training; for\n"
        "PyTorch, so many times the median step's time, without the loop around it.\n\n"
        f"{tables.gpu_table(figures, config.batch_size, step_flops(config)['joint'])}\n\n"
        f"### Several seeds at once, by vmap\n\n{tables.gpu_seeds_table(figures)}"
    )
    return figures


def _with_options(config: GanConfig, images: np.ndarray, order: np.ndarray) -> dict[str, Form]:
    """The same scan with XLA's options that record more kernels in CUDA graphs; only those that this XLA knows."""
    keys, batches = run_keys(0), Batch(jnp.asarray(images)[jnp.asarray(order)])
    start = init_state(config, keys.init)
    program = jax.jit(lambda state: scan_steps(config, gan_step, state, batches, keys.step)).lower(start)
    forms = {}
    for name, options in OPTIONS.items():
        if options:
            try:
                forms[f"gan_jax, {name}"] = _stepping(program.compile(compiler_options=options), start, len(order))
            except jax.errors.JaxRuntimeError as error:
                print(f"{name} fails here and is left out: {str(error).splitlines()[0]}")
    return forms


def _stepping(program: jax.stages.Compiled, state: Any, steps: int) -> Form:
    def run() -> None:
        nonlocal state
        state, metrics = program(state)
        jax.block_until_ready((state, metrics))

    return Form(run, steps)


def _epoch_seconds(config: GanConfig, images: np.ndarray) -> float:
    """Seconds of a training's second epoch; the first one includes compilation."""
    steps = len(images) // config.batch_size
    keys = run_keys(0)
    start = 0.0
    state, source = init_state(config, keys.init), ResidentImages(config, Batch(images), keys)
    for progress in train(config, gan_step, state, source, keys, num_steps=2 * steps):
        if progress.step == steps:
            start = time.perf_counter()
    return time.perf_counter() - start


def _seeds_ms(config: GanConfig, images: np.ndarray, order: np.ndarray, count: int) -> float:
    """Milliseconds in which each of ``count`` seeds takes one step."""
    batches = Batch(jnp.asarray(images)[jnp.asarray(order)])
    keys = jax.random.split(jax.random.key(0), count)
    states = jax.vmap(lambda key: init_state(config, key))(keys)
    run_all = jax.jit(jax.vmap(lambda state, key: scan_steps(config, gan_step, state, batches, key)))
    form = Form(lambda: jax.block_until_ready(run_all(states, keys)), len(order))
    return race({"seeds": form}, 5)["seeds"].median


def _recipe_timing(name: str, precision: Any, rounds: int, steps: int) -> Timing:
    """A recipe's joint step, as training runs it."""
    config = dataclasses.replace(recipe(name), precision=precision).at(0, 10_000)
    return race({name: scan_form(config, "joint", *random_data(config, steps))}, rounds)[name]


def _peers(config: GanConfig, images: np.ndarray, order: np.ndarray) -> dict[str, Form]:
    """PyTorch's forms; none where it is not installed or does not see the GPU."""
    if importlib.util.find_spec("torch") is None:
        return {}
    import torch
    from torch_peer import Peer

    if not torch.cuda.is_available():
        return {}
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")  # TF32, as XLA multiplies float32 matrices by default
    peers = {
        "PyTorch eager": Peer(config, images, best=False, device="cuda"),
        "PyTorch eager, best form": Peer(config, images, best=True, device="cuda"),
        "torch.compile, best form": Peer(config, images, best=True, compiled=True, device="cuda"),
    }
    forms = {name: peer.form("joint", order) for name, peer in peers.items()}
    forms = {name: form for name, form in forms.items() if _runs(name, form)}
    return forms | {"CUDA graph, best form": _graph(Peer(config, images, best=True, device="cuda"), order)}


def _runs(name: str, form: Form) -> bool:
    """Whether a form of PyTorch works; torch.compile does not for every version and device."""
    try:
        form.run()
    except (AssertionError, RuntimeError) as error:
        print(f"{name} fails here and is left out: {str(error).splitlines()[0]}")
        return False
    return True


def _graph(peer: Any, order: np.ndarray) -> Form:
    """The complete step, recorded once as a CUDA graph and replayed; each replay reads its indices from one tensor."""
    import torch

    batches = torch.from_numpy(order.astype(np.int64)).cuda()
    rows = batches[0].clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # PyTorch asks for a few steps before a recording, on another stream
        for _ in range(3):
            peer.joint(rows)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        peer.joint(rows)

    def run() -> None:
        for batch in batches:
            rows.copy_(batch)
            graph.replay()
        peer.wait()

    return Form(run, len(order))
