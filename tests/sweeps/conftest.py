"""A run draws from its preview key again and again, on purpose; inside a step no key may be used twice."""

import jax
import pytest


@pytest.fixture(scope="module", autouse=True)
def preview_keys_are_used_again():
    with jax.debug_key_reuse(False):
        yield
