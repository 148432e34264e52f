"""The exponential moving average of weights over a training."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def ema_decay(batch_size: int, images_seen: ArrayLike, half_life: ArrayLike, ramp: ArrayLike) -> Array:
    r"""How much of an average a step keeps (Karras et al. 2020, StyleGAN2's code).

    $0.5^{b / h}$ with h the half-life, or $r n$ while that is less, so that the average follows closely at
    first and does not remember the initial weights.

    Args:
      batch_size: b, images in a step.
      images_seen: n, images until the end of this step.
      half_life: in images.
      ramp: r, the largest half-life as a part of the images seen.

    Returns:
      ``[]`` float32 in [0, 1).

    Examples:
      >>> round(float(ema_decay(100, images_seen=100_000, half_life=100, ramp=0.05)), 4)
      0.5
    """
    return jnp.asarray(0.5 ** (batch_size / jnp.minimum(half_life, ramp * jnp.asarray(images_seen, jnp.float32))))
