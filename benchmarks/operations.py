# pyright: reportMissingImports=false
"""How much arithmetic a step needs, and how fast the machine multiplies matrices."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax import GanConfig
from gan_jax.nn.dcgan import dcgan_layers

# m, k, n of [m, k] x [k, n]: the middle convolutions as products of matrices, and square matrices. A GPU needs larger
# matrices to reach its fastest rate.
MATMUL_SHAPES = [(6272, 1024, 128), (2048, 1152, 256), (1024, 1024, 1024), (2048, 2048, 2048)]
GPU_MATMUL_SHAPES = [(4096, 4096, 4096), (8192, 8192, 8192), (16384, 16384, 16384)]

Matmul = Callable[[int, int, int, str], Callable[[], Any]]  # m, k, n, dtype -> a function that multiplies once


def step_flops(config: GanConfig) -> dict[str, int]:
    """Floating-point operations (a multiplication and an addition count as two) of a step's direct convolutions.

    A layer's forward pass, the gradient of its inputs and the gradient of its kernel need the same number: for each
    pixel of the smaller image, kernel height x kernel width x channels in x channels out, padding included. A step has:

    - joint: G forward once and backward to its kernels; D forward and backward to its kernels on reals and on fakes;
      D forward once more and back to its inputs alone, for G's gradient.
    - generator: G forward and backward; D forward and back to its inputs.
    - discriminator: G forward; D forward and backward to its kernels on reals and on fakes.

    A backward pass to the kernels needs no gradient of the network's own inputs: the first layer's is left out.
    """
    layers = _layer_products(config)
    stem = 16 * config.latent_dim * 4 * config.width
    g_forward, d_forward = sum(layers[:-1]) + stem, sum(layers)
    g_train, d_train = 3 * g_forward - stem, 3 * d_forward - layers[0]
    products = {
        "joint": g_train + 2 * d_train + 2 * d_forward,
        "generator": g_train + 2 * d_forward,
        "discriminator": g_forward + 2 * d_train,
    }
    return {kind: 2 * config.batch_size * count for kind, count in products.items()}


def _layer_products(config: GanConfig) -> list[int]:
    """Multiplications per image in each of D's layers; G has them in reverse order, with another first layer."""
    products = []
    size, _, inputs = config.image_shape
    for features, kernel, stride, padding, _ in dcgan_layers(config):
        size = (size + 2 * padding - kernel) // stride + 1
        products.append(size**2 * kernel**2 * inputs * features)
        inputs = features
    return products


def best_matmul(sides: dict[str, Matmul], seconds: float, dtype: str) -> dict[str, Any]:
    """Find the fastest product of matrices: its GFLOP/s, library and shape. Each is tried for about ``seconds``."""
    rates = {}
    for name, prepare in sides.items():
        for m, k, n in MATMUL_SHAPES if jax.default_backend() == "cpu" else GPU_MATMUL_SHAPES:
            multiply = prepare(m, k, n, dtype)
            multiply()
            times, end = [], time.perf_counter() + seconds
            while time.perf_counter() < end or len(times) < 2:
                start = time.perf_counter()
                multiply()
                times.append(time.perf_counter() - start)
            rates[f"{name} {m}x{k}x{n}"] = 2e-9 * m * k * n / min(times)
    best = max(rates, key=lambda name: rates[name])
    return {"gflops_per_s": rates[best], "where": best, "all_gflops_per_s": rates}


def jax_matmul(m: int, k: int, n: int, dtype: str) -> Callable[[], Any]:
    """A product of matrices by XLA."""
    left, right = jnp.ones((m, k), dtype), jnp.ones((k, n), dtype)
    multiply = jax.jit(jnp.matmul)
    return lambda: multiply(left, right).block_until_ready()


def torch_matmul(m: int, k: int, n: int, dtype: str) -> Callable[[], Any]:
    """A product of matrices by PyTorch, on the CPU."""
    import torch

    left, right = (torch.ones(shape, dtype=getattr(torch, dtype)) for shape in ((m, k), (k, n)))
    return lambda: torch.mm(left, right)
