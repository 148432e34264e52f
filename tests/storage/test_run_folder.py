"""A folder is claimed by one process, and what is not the run's own is never touched."""

import json
import subprocess
import sys
from unittest import mock

import pytest
from run_damage import everything

from gan_jax import InputError, load_run
from gan_jax.files import is_partial
from gan_jax.storage import run_folder
from gan_jax.storage.run_folder import RunFolder, claim, remove_run, replace_run, require_claimable
from gan_jax.storage.run_json import FORMAT, read_run_json

TOLD = {"script": "s.py", "dataset": {}, "versions": {}, "imports": {}, "device": {}}
RECORD = {"format": FORMAT, **TOLD, "run": {"gan": {"image_shape": [28, 28, 1]}}}
EPOCH = {"epoch": 1, "step": 12, "arrays": {"step": "0" * 16}}
NEW = {**RECORD, "script": "other.py", "epochs": []}


def write_run(path, record=RECORD):
    (path / "grids").mkdir(parents=True)
    (path / "checkpoints" / "12").mkdir(parents=True)
    (path / "run.json").write_text(json.dumps(record))
    (path / "epochs.jsonl").write_text(json.dumps(EPOCH) + "\n")
    (path / "weights.npz").write_text("weights")
    (path / "grids" / "step_0000012.png").touch()
    return RunFolder(path)


@pytest.fixture
def folder(tmp_path):
    """A folder with a finished run in it."""
    return write_run(tmp_path / "run")


def names(path):
    return {str(found.relative_to(path)) for found in path.rglob("*") if found.name != ".lock"}


def replace(folder):
    replace_run(folder, NEW)


def test_a_folder_in_use_is_refused_resumed_or_replaced(folder):
    before = names(folder.path)
    with pytest.raises(InputError, match=r"not empty.*--resume.*--overwrite"):
        claim(folder)
    claim(folder, resume=True).release()
    assert names(folder.path) == before
    claim(folder, overwrite=True).release()
    assert names(folder.path) == before
    replace_run(folder, NEW)
    assert names(folder.path) == {"grids", "checkpoints", "run.json", "epochs.jsonl"}
    assert read_run_json(folder.path) == NEW


@pytest.mark.parametrize("work", [replace, remove_run])
def test_replacing_or_removing_a_run_spares_everything_else(work, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "thesis.tex").touch()
    (folder.path / "link").symlink_to(tmp_path / "elsewhere")
    write_run(folder.path / "nested")
    others = ["notes.md", ".env-local", "grids/favourite.png", "grids/step_old.png", "checkpoints/notes.txt"]
    for name in others:
        (folder.path / name).touch()
    (folder.path / ".cache-x").mkdir()
    nested = {f"nested/{name}" for name in names(folder.path / "nested")}
    work(folder)
    left = names(folder.path) - {"run.json", "epochs.jsonl"}
    assert left == {*others, "link", "nested", *nested, ".cache-x", "grids", "checkpoints"}
    assert (tmp_path / "elsewhere" / "thesis.tex").exists()


def test_a_linked_folder_of_a_run_is_unlinked_and_not_followed(folder, tmp_path):
    for name in ("checkpoints", "grids"):
        (folder.path / name).rename(tmp_path / name)
        (folder.path / name).symlink_to(tmp_path / name)
    replace_run(folder, NEW)
    assert names(folder.path) == {"run.json", "epochs.jsonl"}
    assert (tmp_path / "checkpoints" / "12").exists()
    assert (tmp_path / "grids" / "step_0000012.png").exists()


def killed_at(name, calls=0):
    """Let one of the writing functions end the process at one of its calls."""
    ends = [mock.DEFAULT] * calls + [KeyboardInterrupt]
    return mock.patch.object(run_folder, name, wraps=getattr(run_folder, name), side_effect=ends)


def test_a_run_is_whole_until_the_one_that_replaces_it_has_a_record(folder):
    before = everything(folder.path)
    with killed_at("write_run_json"), pytest.raises(KeyboardInterrupt):
        replace(folder)
    assert everything(folder.path) == before
    assert read_run_json(folder.path)["epochs"] == [EPOCH]


def test_a_full_disk_leaves_the_run_that_was_to_be_replaced(folder, monkeypatch):
    before = everything(folder.path)
    full = mock.Mock(side_effect=OSError(28, "No space left on device", "run.json"))
    monkeypatch.setattr("gan_jax.storage.run_json.write_json", full)
    with pytest.raises(OSError, match="No space"):
        replace(folder)
    assert everything(folder.path) == before


@pytest.mark.parametrize(
    ("work", "name", "calls"), [(replace, "_delete", 0), (replace, "write_run_json", 1), (remove_run, "_delete", 0)]
)
def test_a_replacement_that_was_killed_is_told_to_every_reader_and_ended_by_the_next(work, name, calls, folder):
    with killed_at(name, calls), pytest.raises(KeyboardInterrupt):
        work(folder)
    with pytest.raises(InputError, match=r"replacing the run in .* was interrupted; repeat it, or .* --resume"):
        load_run(folder.path)
    claim(folder, resume=True).release()
    replace(folder)
    assert names(folder.path) == {"grids", "checkpoints", "run.json", "epochs.jsonl"}
    assert read_run_json(folder.path) == NEW


def test_only_what_an_interrupted_write_left_is_partial(folder):
    ours = folder.path / ".weights.partial-0123456789abcdef.npz"
    for name in (ours.name, ".env-local", ".partial-notes", ".a.partial-0123.npz"):
        (folder.path / name).touch()
    (folder.path / ".x.partial-0123456789abcdef").mkdir()
    assert folder.partial_files() == [ours]
    assert is_partial(ours)


def test_two_processes_cannot_hold_one_folder_and_a_dead_one_holds_none(folder):
    program = (
        "import pathlib, sys; from gan_jax.storage.run_folder import RunFolder, claim; "
        f"lock = claim(RunFolder(pathlib.Path({str(folder.path)!r})), resume=True); "
        "print('held', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], **pipes, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        before = names(folder.path)
        with pytest.raises(InputError, match="another process is at work"):
            claim(folder, overwrite=True)
        assert names(folder.path) == before
        process.kill()
    claim(folder, resume=True).release()


def test_what_is_in_the_place_of_a_runs_own_is_named_before_anything_is_made(tmp_path):
    for name in ("grids", "snapshots", "trackers", "checkpoints"):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match=rf"{name} is in the place of .*; move it away"):
            require_claimable(RunFolder(tmp_path))
        (tmp_path / name).unlink()
