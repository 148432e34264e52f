"""What these tests share."""

import jax
import pytest
from small_runs import EVERYTHING_KEPT, settings

from gan_jax import run_experiment
from gan_jax.storage.run_folder import RunFolder


@pytest.fixture(scope="session")
def complete(tmp_path_factory):
    """A finished run that kept all that a run can."""
    folder = tmp_path_factory.mktemp("complete") / "run"
    with jax.debug_key_reuse(False):
        run_experiment(settings(folder, **EVERYTHING_KEPT))
    return RunFolder(folder)
