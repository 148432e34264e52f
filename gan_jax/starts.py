"""Where a run starts from."""

import jax

from gan_jax.config import GanConfig, RunConfig
from gan_jax.errors import InputError
from gan_jax.sources import RunKeys
from gan_jax.state import GanState, init_state
from gan_jax.trained import load_run


def initial_state(settings: RunConfig, config: GanConfig, keys: RunKeys) -> GanState:
    """The state at step 0: random weights, or with the discriminator that the settings name.

    Raises:
      InputError: that run's discriminator is not of the configured shape.
    """
    state = init_state(config, keys.init)
    if settings.discriminator is None:
        return state
    given = load_run(settings.discriminator).state.discriminator
    shapes = [[leaf.shape for leaf in jax.tree.leaves(one.params)] for one in (given, state.discriminator)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"the discriminator of {settings.discriminator} has other layers; use the width and images it was "
            f"trained with."
        )
    return state.replace(discriminator=state.discriminator.replace(params=given.params, batch_stats=given.batch_stats))
