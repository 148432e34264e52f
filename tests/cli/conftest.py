"""What these tests share."""

import pytest
from in_process import command


@pytest.fixture(scope="module", autouse=True)
def scored_runs(preview_keys_are_used_again, fresh_critics_see_little):
    """They train whole runs and score them."""


@pytest.fixture
def gan_jax():
    """Call the command in this process: its status, standard output and standard error."""
    return command
