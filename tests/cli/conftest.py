"""What these tests share."""

import jax
import pytest
from in_process import command
from small_runs import settings

from gan_jax import run_experiment


@pytest.fixture(scope="module", autouse=True)
def scored_runs(preview_keys_are_used_again, scores_cost_little):
    """They train whole runs and score them."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A finished run of one epoch, of which a test changes copies alone."""
    folder = tmp_path_factory.mktemp("trained") / "run <1>"
    with jax.debug_key_reuse(False):
        run_experiment(settings(folder, steps=12, snapshots=4, game="drift"))
    return folder


@pytest.fixture
def gan_jax():
    """Call the command in this process: its status, standard output and standard error."""
    return command
