import os
import subprocess
import sys

import jax
import pytest

from gan_jax.cores import MAX_THREADS, fix_threads, require_threads, usable_cores, worker_threads
from gan_jax.errors import InputError
from gan_jax.storage.run_json import keep_threads, read_run_json

FLAGS = ("--dataset", "digits", "--width", "4", "--batch-size", "256", "--log-every", "2")


@pytest.mark.parametrize(("given", "expected"), [("3", 3), ("0", None), ("many", None), ("", None)])
def test_worker_threads_are_those_that_xla_reads(monkeypatch, given, expected):
    monkeypatch.setenv("NPROC", given)
    assert worker_threads() == (expected or usable_cores())


def test_threads_are_fixed_only_before_jax_is_in_use(monkeypatch):
    jax.devices()
    monkeypatch.setenv("NPROC", "2")
    assert fix_threads(2)
    assert not fix_threads(3)
    with pytest.raises(InputError, match="threads is 3, but JAX is in use already, with 2; start Python with NPROC=3"):
        require_threads(3)
    assert os.environ["NPROC"] == "2"


@pytest.mark.parametrize(
    "recorded", [{}, {"device": {"cpu_threads": "8"}}, {"device": {"cpu_threads": MAX_THREADS + 1}}]
)
def test_keep_threads_leaves_a_number_that_cannot_be_meant(monkeypatch, recorded):
    monkeypatch.delenv("NPROC", raising=False)
    monkeypatch.setattr("gan_jax.cores._jax_is_in_use", lambda: False)
    keep_threads(recorded)
    assert "NPROC" not in os.environ


def on_one_core(*arguments):
    """A command in a process that may use one core."""
    code = (
        "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "import runpy; runpy.run_module('gan_jax', run_name='__main__')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NPROC"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.soak
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process cannot be kept on one core here")
def test_a_run_of_three_threads_is_resumed_and_verified_with_three_on_one_core(tmp_path):
    run = tmp_path / "run"
    on_one_core("train", *FLAGS, "--threads", "3", "--epochs", "1", "--output-dir", run)
    resumed = on_one_core("train", "--resume", "--epochs", "2", "--output-dir", run)
    assert "the last bits" not in resumed
    assert read_run_json(run)["device"]["cpu_threads"] == 3
    assert "identical" in on_one_core("verify", run)
    changed = on_one_core("train", "--resume", "--epochs", "3", "--threads", "1", "--output-dir", run)
    assert "cpu_threads was 3, is 1; the last bits may come out differently" in changed


@pytest.mark.soak
def test_runs_of_many_seeds_that_are_resumed_keep_their_threads(tmp_path):
    flags = (*FLAGS, "--seeds", "0:2", "--output-dir", tmp_path / "seeds")
    on_one_core("train", *flags, "--threads", "3", "--epochs", "1")
    records = sorted((tmp_path / "seeds").glob("**/*.json"))
    for path in records:  # as of runs that were made on three cores, without the flag
        path.write_text(path.read_text().replace('"threads": 3', '"threads": null'))
    assert "the last bits" not in on_one_core("train", *flags, "--resume", "--epochs", "2")
    for seed in ("seed_0", "seed_1"):
        record = read_run_json(tmp_path / "seeds" / seed)
        assert (record["run"]["threads"], record["device"]["cpu_threads"]) == (None, 3)
