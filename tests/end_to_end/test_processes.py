"""Several real processes on this machine that train one run together."""

import json
import os
import signal

import pytest
from small_runs import assert_same_run, finish, start_all, train_together, write_record
from waiting import PATIENCE, wait_for

from gan_jax import InputError, RunConfig
from gan_jax.runs.processes import connect
from gan_jax.storage.checkpoints import SavedCheckpoints
from gan_jax.storage.load import load_run


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "run"
    assert finish(folder, "joint")[0] == 0
    return folder


@pytest.mark.soak
def test_a_run_goes_on_with_another_number_of_processes(alone, tmp_path):
    folder = tmp_path / "run"
    main, other = train_together(folder, 2, steps=12)
    assert "epoch 1/1  batch 12/12" in main
    assert "epoch" not in other
    assert json.loads((folder / "run.json").read_text())["device"]["processes"] == 2
    assert int(load_run(folder).state.step) == SavedCheckpoints(folder / "checkpoints").steps()[-1] == 12
    text = finish(folder, "joint", steps=18)[1]
    assert "Resuming from step 12 of 18" in text
    main, _ = train_together(folder, 2)
    assert "Resuming from step 18 of 24" in main
    assert_same_run(alone, folder)


@pytest.mark.soak
def test_one_process_asked_to_stop_stops_all_with_a_checkpoint(tmp_path):
    folder = tmp_path / "run"
    processes, logs = start_all(folder, 2, steps=100_000, checkpoint_every=None)
    lines = folder / "metrics.jsonl"
    wait_for(lambda: lines.exists() and lines.stat().st_size, processes[0])
    os.kill(processes[1].pid, signal.SIGTERM)
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [143, 143], [log.read_text() for log in logs]
    assert SavedCheckpoints(folder / "checkpoints").steps()


@pytest.mark.soak
def test_a_killed_peer_ends_the_others_and_the_run_goes_on(alone, tmp_path):
    folder = tmp_path / "run"
    (main, other), logs = start_all(folder, 2, steps=100_000)
    checkpoints = folder / "checkpoints"
    wait_for(lambda: any(path.name.isdigit() for path in checkpoints.glob("*")), main)
    other.kill()
    main.join(PATIENCE)
    assert main.exitcode not in (None, 0)
    assert "another process was lost" in logs[0].read_text() or "distributed service detected" in logs[0].read_text()
    last = max(int(path.name) for path in checkpoints.glob("*") if path.name.isdigit())
    status, text = finish(folder, "joint", steps=last + 4)
    assert status == 0, text
    assert f"Resuming from step {last} of" in text


def test_a_mistake_of_the_main_process_reaches_the_others(tmp_path):
    write_record(tmp_path / "run")
    processes, logs = start_all(tmp_path / "run", 2, resume=False)
    for process in processes:
        process.join(PATIENCE)
    assert [process.exitcode for process in processes] == [2, 2]
    assert "not empty" in logs[0].read_text()
    assert "process 0 cannot continue" in logs[1].read_text()


def test_half_an_address_is_refused():
    with pytest.raises(InputError, match="go together"):
        connect(RunConfig(coordinator="127.0.0.1:1"))
