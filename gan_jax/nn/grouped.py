"""The grouped 3x3 convolution of residual blocks."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from gan_jax.nn.convolution import convolve


def convolve_grouped(inputs: Array, kernel: Array, groups: int) -> Array:
    """Convolution that keeps the images' size, each group of channels with a part of the kernel of its own.

    On a CPU the groups are taken in turn, elsewhere as one native grouped convolution.

    Args:
      inputs: ``[batch, height, width, in]`` float.
      kernel: ``[size, size, in / groups, out]`` float, of an odd size; group after group along its last axis.
      groups: divides in and out.

    Returns:
      ``[batch, height, width, out]``.

    Examples:
      >>> convolve_grouped(jnp.ones((1, 8, 8, 6)), jnp.ones((3, 3, 2, 12)), groups=3).shape
      (1, 8, 8, 12)
    """
    size = len(kernel)
    each = jax.vmap(partial(convolve, stride=1, padding=size // 2), in_axes=(3, 3), out_axes=3)
    outputs = each(
        inputs.reshape(*inputs.shape[:3], groups, -1), kernel.reshape(size, size, kernel.shape[2], groups, -1)
    )
    return jnp.reshape(outputs, (*outputs.shape[:3], -1))
