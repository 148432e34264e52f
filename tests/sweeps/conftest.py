"""A run draws from its preview key again and again, on purpose; inside a step no key may be used twice."""

import jax
import pytest

from gan_jax.evaluation import c2st


@pytest.fixture(scope="module", autouse=True)
def preview_keys_are_used_again():
    with jax.debug_key_reuse(False):
        yield


@pytest.fixture(scope="module", autouse=True)
def fresh_critics_see_little():
    """What a fresh critic learns is tested with the scores; here it only costs time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c2st, "_STEPS", 10)
        yield
