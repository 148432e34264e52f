"""A folder is claimed by one process, and what is not the run's own is never touched."""

import json
import subprocess
import sys

import pytest

from gan_jax import InputError
from gan_jax.files import is_partial
from gan_jax.storage import run_folder
from gan_jax.storage.run_folder import RunFolder, claim, discard_replaced, require_claimable

RECORD = {"format": 3, "step": "gan_step", "run": {"gan": {"image_shape": [28, 28, 1]}}, "epochs": []}


def write_run(path, record=RECORD):
    (path / "grids").mkdir(parents=True)
    (path / "checkpoints" / "12").mkdir(parents=True)
    (path / "run.json").write_text(json.dumps(record))
    (path / "weights.npz").write_text("weights")
    (path / "grids" / "step_0000012.png").touch()
    return RunFolder(path)


@pytest.fixture
def folder(tmp_path):
    """A folder with a finished run in it."""
    return write_run(tmp_path / "run")


def names(path):
    return {str(found.relative_to(path)) for found in path.rglob("*") if found.name != ".lock"}


def test_a_folder_in_use_is_refused_resumed_or_replaced(folder):
    before = names(folder.path)
    with pytest.raises(InputError, match=r"not empty.*--resume.*--overwrite"):
        claim(folder)
    claim(folder, resume=True).release()
    assert names(folder.path) == before
    claim(folder, overwrite=True).release()
    discard_replaced(folder)
    assert names(folder.path) == {"grids", "checkpoints"}


def test_replacing_a_run_spares_everything_else(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "thesis.tex").touch()
    (folder.path / "link").symlink_to(tmp_path / "elsewhere")
    write_run(folder.path / "nested")
    others = ["notes.md", ".env-local", "grids/favourite.png", "grids/step_old.png", "checkpoints/notes.txt"]
    for name in others:
        (folder.path / name).touch()
    (folder.path / ".cache-x").mkdir()
    nested = {f"nested/{name}" for name in names(folder.path / "nested")}
    claim(folder, overwrite=True).release()
    discard_replaced(folder)
    assert names(folder.path) == {*others, "link", "nested", *nested, ".cache-x", "grids", "checkpoints"}
    assert (tmp_path / "elsewhere" / "thesis.tex").exists()


@pytest.fixture
def linked(folder, tmp_path):
    """The run, whose checkpoints and pictures are elsewhere."""
    for name in ("checkpoints", "grids"):
        (folder.path / name).rename(tmp_path / name)
        (folder.path / name).symlink_to(tmp_path / name)
    return folder


def test_a_linked_folder_of_a_run_is_unlinked_and_not_followed(linked, tmp_path):
    claim(linked, overwrite=True).release()
    discard_replaced(linked)
    assert names(linked.path) == {"grids"}
    assert (tmp_path / "checkpoints" / "12").exists()
    assert (tmp_path / "grids" / "step_0000012.png").exists()


def test_a_linked_folder_comes_back_with_a_run_that_was_not_replaced(linked):
    before = names(linked.path)
    claim(linked, overwrite=True).release()
    claim(linked, resume=True).release()
    assert names(linked.path) == before
    assert linked.drawn_steps() == [12]


def test_what_is_in_the_place_of_a_runs_own_is_named_before_anything_is_made(tmp_path):
    for name in ("grids", "snapshots", "trackers", "checkpoints"):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match=rf"{name} is in the place of .*; move it away"):
            require_claimable(RunFolder(tmp_path))
        (tmp_path / name).unlink()


@pytest.mark.parametrize("flag", ["overwrite", "resume"])
@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"thesis.tex": ""}, "holds files but no run"),
        ({"config.json": "{}", "model.safetensors": ""}, r"config\.json is not the record of a run"),
        ({"run.json": "no JSON", "notes": ""}, r"run\.json is not the record of a run"),
    ],
)
def test_what_is_no_run_is_spared(flag, files, complaint, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=complaint):
        claim(RunFolder(tmp_path), **{flag: True})
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        claim(RunFolder(tmp_path / "file"))


@pytest.mark.parametrize("moved", [1, 2, 3])
def test_a_process_killed_while_it_sets_a_run_aside_loses_nothing(moved, folder, monkeypatch):
    before = names(folder.path)
    move, calls = run_folder._move, []

    def killed(path, target):
        if len(calls) == moved:
            raise KeyboardInterrupt
        calls.append(path)
        move(path, target)

    monkeypatch.setattr(run_folder, "_move", killed)
    with pytest.raises(KeyboardInterrupt):
        claim(folder, overwrite=True)
    monkeypatch.undo()
    assert names(folder.path) != before
    claim(folder, resume=True).release()
    assert names(folder.path) == before


def test_once_the_new_run_has_a_record_the_old_one_goes(folder):
    claim(folder, overwrite=True).release()
    (folder.path / "run.json").write_text(json.dumps(RECORD | {"step": "generator_step"}))
    claim(folder, resume=True).release()
    assert json.loads((folder.path / "run.json").read_text())["step"] == "generator_step"
    assert not list(folder.path.glob(".replaced-*"))
    assert not folder.weights.exists()


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
