"""What a run loses when it is killed, stopped, or written where nothing can be written: nothing."""

import random
import resource
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import pytest
from probes import keep_no_programs, run, start
from small_runs import content, settings

from gan_jax import InputError, run_experiment
from gan_jax.storage.checkpoints import checkpoint_steps
from gan_jax.storage.run_json import read_run_json, write_run_json

SHORT = 14  # steps of the runs that are killed: an epoch, two batches more, and four checkpoints
KILLS = 4


def train(folder, **options):
    run_experiment(settings(folder, **options, game="drift"))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was never interrupted."""
    return train(tmp_path_factory.mktemp("drift") / "whole")


@pytest.fixture
def copied(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def steps_in(folder):
    return sorted(int(path.name) for path in (folder / "checkpoints").glob("*") if path.name.isdigit())


@pytest.mark.soak
def test_a_killed_run_goes_on_to_the_same_bits(tmp_path):
    begin = time.monotonic()
    options = {"kind": "joint", "options": {"steps": SHORT}}
    assert run(tmp_path / "whole", **options).status == 0
    seconds = time.monotonic() - begin
    expected, saved = content(tmp_path / "whole"), []
    for index in range(KILLS):
        folder = tmp_path / f"killed_{index}"
        process, moment = start(folder, **options, prepare=keep_no_programs), random.Random(index).random()
        if index % 2:  # however slow this machine is at this moment, some kills come after the first checkpoint
            while process.is_alive() and not steps_in(folder):
                process.join(0.005)
            moment /= 4
        time.sleep(seconds * moment if index else 0)
        process.kill()
        process.join()
        saved.append(steps_in(folder))
        result = run(folder, **options)
        assert result.status == 0, result
        if saved[-1]:
            last = saved[-1][-1]
            told = "This run was finished already" if last == SHORT else f"Resuming from step {last} of"
            assert told in result.out
        assert content(folder) == expected, f"kill {index}"
    assert [] in saved  # some moments were before the first checkpoint
    assert any(saved)  # and some after


@pytest.mark.soak
@pytest.mark.parametrize("limit", [8_000, 14_000])  # which Orbax meets in its own threads, and in ours
def test_a_full_disk_loses_nothing(limit, whole, tmp_path):
    folder = tmp_path / "run"
    train(folder, steps=12)
    status, out, err = run(folder, limits={resource.RLIMIT_FSIZE: limit}, prepare=keep_no_programs)
    assert (status, err) == (
        2,
        "error: a checkpoint cannot be written (File too large); make room, then continue with --resume.\n",
    )
    assert all(line.startswith(("Output folder", "digits: ", "Resuming", "epoch")) for line in out.splitlines()), out
    train(folder)
    assert content(folder) == content(whole)


def test_another_configuration_is_refused_by_name(copied):
    before = content(copied)
    with pytest.raises(InputError, match="seed 0, this one 1"):
        train(copied, seed=1)
    assert content(copied) == before


def test_another_environment_is_warned_of_and_kept_and_own_files_left_alone(copied, capsys):
    record = read_run_json(copied)
    record["versions"]["jax"] = "0.0.1"
    record["device"]["devices_per_batch"] = 2
    write_run_json(copied, record)
    own = [copied / ".env-local", copied / ".cache-x", copied / "grids" / "step_best.png"]
    left = copied / ".losses.partial-0123456789abcdef.png"
    for path in (*own, left):
        path.touch()
    told = []
    for steps in (28, 32):
        train(copied, steps=steps)
        told.append([line.partition(" was ")[0] for line in capsys.readouterr().err.splitlines()])
    assert told == [["warning: versions.jax", "warning: device.devices_per_batch"], []]
    resumed = read_run_json(copied)
    (earlier,) = resumed["earlier_environments"]
    assert (earlier["until"], earlier["versions"]["jax"], earlier["device"]["devices_per_batch"]) == (24, "0.0.1", 2)
    assert (resumed["versions"]["jax"], resumed["device"]["devices_per_batch"]) == (jax.__version__, 1)
    assert [path.exists() for path in (*own, left)] == [True, True, True, False]


@pytest.mark.soak
def test_how_many_devices_share_a_batch_is_kept_for_each_stretch_of_steps(tmp_path):
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    told = []
    for steps, devices in ((4, 2), (8, None), (12, None)):
        options = {"steps": steps, "devices": devices}
        result = run(tmp_path / "run", kind="drift", options=options, environment=two)
        assert result.status == 0, result
        told.append([line for line in result.err.splitlines() if line.startswith("warning: device.")])
    warning = "warning: device.devices_per_batch was 2, is 1; the last bits may come out differently"
    assert told == [[], [warning], []]
    record = read_run_json(tmp_path / "run")
    stretches = [(each["until"], each["device"]["devices_per_batch"]) for each in record["earlier_environments"]]
    assert (stretches, record["device"]["devices_per_batch"]) == ([(4, 2)], 1)


@pytest.mark.soak
def test_trainings_in_threads_of_one_process_give_the_bits_of_each_alone(whole, tmp_path):
    """Each saves after every step, so that all are saving at once."""

    def train_in_thread(folder):
        with jax.debug_key_reuse(False):
            return train(folder, quiet=True, steps=12, checkpoint_every=1)

    with ThreadPoolExecutor(2) as pool:
        for folder in pool.map(train_in_thread, (tmp_path / "first", tmp_path / "second")):
            assert read_run_json(folder)["epochs"] == read_run_json(whole)["epochs"][:1]
            assert checkpoint_steps(folder / "checkpoints") == [11, 12]
