"""Several real processes on this machine that train one run together."""

import json
import os
import signal

import pytest
from probes import end_all, run, start_all
from small_runs import assert_same_run, write_record
from waiting import wait_for

from gan_jax import InputError, RunConfig
from gan_jax.runs.processes import connect
from gan_jax.storage.checkpoints import SavedCheckpoints
from gan_jax.storage.load import load_run


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "run"
    assert run(folder, kind="joint").status == 0
    return folder


def train_together(folder, **options):
    """Train one run with two processes: what each printed."""
    results = end_all(folder, start_all(folder, 2, **options))
    assert [result.status for result in results] == [0, 0], results
    return [result.out for result in results]


@pytest.mark.soak
def test_a_run_goes_on_with_another_number_of_processes(alone, tmp_path):
    folder = tmp_path / "run"
    main, other = train_together(folder, steps=12)
    assert "epoch 1/1  batch 12/12" in main
    assert "epoch" not in other
    assert json.loads((folder / "run.json").read_text())["device"]["processes"] == 2
    assert int(load_run(folder).state.step) == SavedCheckpoints(folder / "checkpoints").steps()[-1] == 12
    assert "Resuming from step 12 of 18" in run(folder, kind="joint", options={"steps": 18}).out
    main, _ = train_together(folder)
    assert "Resuming from step 18 of 24" in main
    assert_same_run(alone, folder)


@pytest.mark.soak
def test_one_process_asked_to_stop_stops_all_with_a_checkpoint(tmp_path):
    folder = tmp_path / "run"
    processes = start_all(folder, 2, steps=100_000, checkpoint_every=None)
    lines = folder / "metrics.jsonl"
    wait_for(lambda: lines.exists() and lines.stat().st_size, processes[0])
    os.kill(processes[1].pid, signal.SIGTERM)
    results = end_all(folder, processes)
    assert [result.status for result in results] == [143, 143], results
    assert SavedCheckpoints(folder / "checkpoints").steps()


@pytest.mark.soak
def test_a_killed_peer_ends_the_others_and_the_run_goes_on(tmp_path):
    folder = tmp_path / "run"
    main, other = start_all(folder, 2, steps=100_000)
    checkpoints = folder / "checkpoints"
    wait_for(lambda: any(path.name.isdigit() for path in checkpoints.glob("*")), main)
    other.kill()
    (ended,) = end_all(folder, [main])
    assert ended.status not in (None, 0)
    assert "another process was lost" in ended.err or "distributed service detected" in ended.err
    last = max(int(path.name) for path in checkpoints.glob("*") if path.name.isdigit())
    result = run(folder, kind="joint", options={"steps": last + 4})
    assert result.status == 0, result
    assert f"Resuming from step {last} of" in result.out


@pytest.mark.soak
def test_a_mistake_of_the_main_process_reaches_the_others(tmp_path):
    write_record(tmp_path / "run")
    main, other = end_all(tmp_path / "run", start_all(tmp_path / "run", 2, resume=False))
    assert (main.status, other.status) == (2, 2)
    assert "not empty" in main.err
    assert "process 0 cannot continue" in other.err


def test_half_an_address_is_refused():
    with pytest.raises(InputError, match="go together"):
        connect(RunConfig(coordinator="127.0.0.1:1"))
