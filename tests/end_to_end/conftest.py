"""What these tests share."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def runs(preview_keys_are_used_again):
    """They train whole runs."""
