"""What a step draws at random: the tags that split its key, and draws that are given in the key's place."""

from typing import Any, NamedTuple

import jax
from jax import Array
from jax.typing import ArrayLike

from gan_jax.errors import InputError

# Latents are drawn from the step's key itself, and all else that is random in a step from that key folded with one of
# these numbers. They are so far apart that adding the index of a critic step, or of a micro-batch, to one does not
# reach the next.
AUGMENT_FOR_D, AUGMENT_FOR_G, PENALTY, CRITIC_STEP, NETWORKS, GENERATOR_PENALTY, PART, MIRROR = (
    2**16 * number for number in range(1, 9)
)


class Draws(NamedTuple):
    """What a step would draw from its key, for a step that is compared with another program's.

    It takes the place of the key in a step of whole batches and one critic step, without augmentations, mirroring or
    penalties of G, whose networks draw nothing.

    Examples:
      >>> from gan_jax import Batch, GanConfig, gan_step, init_state
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4, batch_size=8)
      >>> draws = Draws(jax.numpy.ones((8, 4)))
      >>> state = init_state(config, jax.random.key(0))
      >>> int(gan_step(config, state, Batch(jax.numpy.zeros((8, 8, 8, 1))), draws)[0].step)
      1
    """

    latents: Array
    """``[batch, latent_dim]`` float."""
    mixing: Array | None = None
    """``[batch]`` float in [0, 1], for ``gradient_penalty``: how much of each real it mixes with a fake."""
    critic_latents: Array | None = None
    """``[batch, latent_dim]`` float, of D's update where G has a batch of its own."""


def fold(key: Any, tag: ArrayLike) -> Any:
    """A key for something else than the latents.

    Args:
      key: ``[]`` typed PRNG key of a step, or the ``Draws`` in its place.
      tag: one of this module's, or one plus an index.
    """
    if not isinstance(key, Draws):
        return jax.random.fold_in(key, tag)
    if isinstance(tag, int) and tag == NETWORKS:
        return None
    own = isinstance(tag, int) and tag == CRITIC_STEP and key.critic_latents is not None
    return key._replace(latents=key.critic_latents) if own else key


def draw_latents(key: Any, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers, float32, or the latents of ``Draws``."""
    return key.latents if isinstance(key, Draws) else jax.random.normal(key, shape)


def draw_mixing(key: Any, count: int) -> Array:
    """Uniform numbers in [0, 1), ``[count]`` float32, or the mixing of ``Draws``."""
    if not isinstance(key, Draws):
        return jax.random.uniform(key, (count,))
    if key.mixing is None:
        raise InputError("gradient_penalty mixes reals with fakes; give Draws its mixing.")
    return key.mixing
