"""What an experiment shows of a run."""

import chex
import jax
import pytest

from gan_jax import GanConfig, init_state, run_keys
from gan_jax.runs.experiment import fakes_of_last_batch
from gan_jax.training.forward import batch_fakes

CONFIG = GanConfig(width=2, latent_dim=4, batch_size=4)


@pytest.mark.parametrize(("step", "last"), [(0, 0), (1, 0), (3, 2)])
def test_fakes_of_last_batch_are_of_the_latents_of_the_last_step(step, last):
    keys = run_keys(0)
    state = init_state(CONFIG, keys.init)
    state = state.replace(step=state.step + step)
    expected = batch_fakes(CONFIG, state, jax.random.fold_in(keys.step, last))
    chex.assert_trees_all_equal(fakes_of_last_batch(CONFIG, state, keys), expected)
