"""Every test runs with silent broadcasting and reuse of a random key turned into errors."""

import contextlib
import functools
import os
import shutil
import signal
import tempfile
from pathlib import Path

import hypothesis
import jax
import pytest

from gan_jax.evaluation import fresh_critic, protocol
from gan_jax.pictures.scores import HEADINGS

collect_ignore = ["extension/additions"]  # parts of a user's own: to import them, as doctests would, adds them

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)

# What one worker or one script's process compiles, the others and the next session read: a program is found by its
# content, so nothing old is taken for new. All else that the package caches begins empty.
COMPILED = Path(__file__).parents[1] / ".cache" / "compiled-for-tests"
MOST_BYTES = 2**30
if "PYTEST_XDIST_WORKER" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="gan_jax-tests-")
    os.environ["XDG_CACHE_HOME"] = _cache.name
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(COMPILED)
    with contextlib.suppress(FileNotFoundError):  # another session is at work there, or has just emptied it
        if sum(path.stat().st_size for path in COMPILED.glob("*")) > MOST_BYTES:
            shutil.rmtree(COMPILED)
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)

# A shell ignores these for what it starts in the background, and its children inherit that.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

# The same examples each time; a slow machine fails no test, and nothing is left behind.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("repeatable")
hypothesis.configuration.set_hypothesis_home_dir(os.environ["XDG_CACHE_HOME"])


# Each program that JAX has compiled for a CPU holds some hundred mappings of memory, of which Linux allows a process
# 65,530; beyond that XLA crashes.
MAPPINGS = Path("/proc/self/maps")
MOST_MAPPINGS = 20_000


def pytest_runtest_teardown():
    if MAPPINGS.exists() and MAPPINGS.read_bytes().count(b"\n") > MOST_MAPPINGS:
        jax.clear_caches()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The tests of a file share its fixtures, so that one worker runs them all, where they name no other group."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="module")
def scores_cost_little():
    """What a fresh critic learns and many subsets show is tested with the scores; elsewhere it only costs time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fresh_critic, "_STEPS", 10)
        patch.setattr(protocol, "critic_accuracy", lambda reals, fakes, seed: 0.5)
        patch.setattr(protocol, "kernel_subsets", functools.partial(protocol.kernel_subsets, num_subsets=2))
        yield


@pytest.fixture
def quick_scores(monkeypatch):
    """The scores that every one of many runs gets, at no cost."""
    scores = dict.fromkeys(HEADINGS, 1.5) | {"evaluator": "quick", "evaluator_sha256": "a" * 64}
    monkeypatch.setattr("gan_jax.sweeps.report.load_features", lambda *given: None)
    monkeypatch.setattr("gan_jax.sweeps.report.score_images", lambda *given: scores)
    return scores


@pytest.fixture(scope="module")
def preview_keys_are_used_again():
    """A run draws from its preview key again and again, on purpose; inside a step no key may be used twice."""
    with jax.debug_key_reuse(False):
        yield
