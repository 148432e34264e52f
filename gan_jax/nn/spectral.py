"""Spectral normalization (Miyato et al. 2018)."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

_SMALLEST_NORM = 1e-12


def divide_by_spectral_norm(module: nn.Module, weights: Array, train: bool) -> Array:
    """Divide weights by an estimate of their largest singular value, as a matrix of all other axes by the last.

    One power iteration at every call refines the estimate; in train mode the next call continues from there. Gradients
    take the singular vectors as constants (algorithm 1). The order is PyTorch's: first the left vector u = Wv, then
    v = Wᵀu. Flax's own module begins with the other vector, and so is half an iteration apart.

    Args:
      module: whose ``batch_stats`` hold v, ``[all other axes]`` float32.
      weights: ``[..., out]`` float.
      train: whether v moves on.

    Returns:
      Weights of the same shape.
    """
    size = weights.size // weights.shape[-1]
    right = module.variable("batch_stats", "v", _random_direction, module, size)
    divided, v = divide_by_estimate(weights, right.value)
    if train:
        right.value = v
    return divided


def divide_by_estimate(weights: Array, right: Array) -> tuple[Array, Array]:
    """Weights divided by the norm that one power iteration from ``right`` estimates, and the vector that it ends at."""
    matrix = weights.reshape(-1, weights.shape[-1])
    u = _normalize(right @ matrix)
    v = _normalize(matrix @ u)
    u, v = lax.stop_gradient((u, v))
    return weights / (v @ matrix @ u), v


def _random_direction(module: nn.Module, size: int) -> Array:
    return _normalize(jax.random.normal(module.make_rng("params"), (size,)))


def _normalize(vector: Array) -> Array:
    return vector / jnp.maximum(jnp.linalg.norm(vector), _SMALLEST_NORM)
