"""What these tests share."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def scored_runs(preview_keys_are_used_again, fresh_critics_see_little):
    """They train whole runs and score them."""
