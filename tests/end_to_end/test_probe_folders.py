"""A folder that others read, want to write in, move or delete while a run trains in it."""

from pathlib import Path

import pytest
from probes import run, start
from waiting import PATIENCE, wait_for

from gan_jax.storage.checkpoints import checkpoint_steps


def training(folder: Path, **options):
    """A training that lasts, after its first lines."""
    process = start(folder, options={"steps": 100_000, "checkpoint_every": None, **options})
    lines = folder / "metrics.jsonl"
    wait_for(lambda: lines.exists() and lines.stat().st_size, process)
    return process


@pytest.mark.soak
@pytest.mark.parametrize("how", ["moved", "replaced"])
def test_a_folder_that_goes_away_ends_its_training_and_nothing_comes_in_its_place(how, tmp_path):
    folder, aside = tmp_path / "run", tmp_path / "aside"
    process = training(folder)
    folder.rename(aside)  # at once, whatever is being written there
    if how == "replaced":
        folder.mkdir()
        (folder / "own.txt").touch()
    process.join(PATIENCE)
    err = (tmp_path / "run.err").read_text()
    assert process.exitcode == 2, err
    assert str(folder) in err
    assert err.count("\n") == 1
    assert [path.name for path in folder.glob("*")] == (["own.txt"] if how == "replaced" else [])
    if how == "moved":
        steps = max([12, *checkpoint_steps(aside / "checkpoints")])
        assert run(aside, options={"steps": steps, "checkpoint_every": None}).status == 0


@pytest.mark.soak
def test_a_folder_in_use_is_read_and_not_written_by_others(tmp_path):
    folder = tmp_path / "run"
    process = training(folder, checkpoint_every=1, keep_checkpoints=1)
    try:
        wait_for(lambda: checkpoint_steps(folder / "checkpoints"), process)
        for _ in range(2):
            status, _, err = run(tmp_path / "other", "sample", folder, "--output", "s.png")
            assert (status, err) == (0, "")
        for flags in (["--resume"], ["--overwrite"]):
            status, _, err = run(tmp_path / "other", "train", "--dataset", "digits", "--output-dir", folder, *flags)
            assert status == 2
            assert err.count("\n") == 1
    finally:
        process.terminate()
        process.join(PATIENCE)
    assert process.exitcode == 143
