"""What these tests share."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def scored_runs(preview_keys_are_used_again, scores_cost_little):
    """They train whole runs and score them."""
