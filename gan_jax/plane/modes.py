"""How many of a mixture's modes points cover, as the literature on mode collapse measures it."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from gan_jax.plane.targets import Modes

NUM_SAMPLES = 2500  # that papers score
_FEW = 20  # samples below which a mode hardly counts


class ModeScores(NamedTuple):
    """How points lie around modes; each ``[]``. A point belongs to the nearest mode."""

    near: Array  # share of the points within three standard deviations of their mode, in [0, 1]
    found: Array  # modes with at least one such point
    covered: Array  # modes with at least 20 such points
    divergence: Array  # KL of the modes' shares of all points to equal shares, nats: 0 if all have as many


def score_modes(modes: Modes, points: Array) -> ModeScores:
    """Score points as VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018) do, with 2,500 of them.

    Args:
      modes: of the target.
      points: ``[count, 2]`` float.

    Returns:
      The scores; the function may be compiled and mapped over runs.

    Examples:
      >>> import numpy as np
      >>> modes = Modes(np.array([[0.0, 0.0], [1.0, 0.0]]), 0.01)
      >>> scores = score_modes(modes, jnp.array([[0.0, 0.0], [0.5, 0.5]]))
      >>> float(scores.near), int(scores.found), int(scores.covered), round(float(scores.divergence), 3)
      (0.5, 1, 0, 0.693)
    """
    centres = jnp.asarray(modes.centres, points.dtype)
    distances = jnp.linalg.norm(points[:, None, :] - centres[None], axis=-1)
    nearest = jnp.argmin(distances, axis=1)
    is_near = jnp.min(distances, axis=1) <= 3 * modes.std
    belongs = nearest[:, None] == jnp.arange(len(centres))[None]
    counts = jnp.sum(belongs & is_near[:, None], axis=0)
    shares = jnp.mean(belongs, axis=0)
    logs = jnp.log(jnp.where(shares > 0, shares * len(centres), 1))
    return ModeScores(
        near=jnp.mean(is_near),
        found=jnp.sum(counts > 0),
        covered=jnp.sum(counts >= _FEW),
        divergence=jnp.sum(shares * logs),
    )
