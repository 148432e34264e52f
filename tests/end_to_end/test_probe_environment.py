"""Surroundings as bad as they come: a right result, or one line and a status; nothing lost and nothing left."""

import errno
import fcntl
import functools
import itertools
import os
import pty
import resource
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from probes import SHORT, keep_no_programs, run
from small_runs import content
from waiting import PATIENCE

from gan_jax.pictures.image_files import save_images

HANDLES = resource.RLIMIT_NOFILE


def send_output(path: str) -> None:
    os.dup2(os.open(path, os.O_WRONLY), 1)


def break_pipe() -> None:
    """Print to a reader that has gone away."""
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)


def turn_the_clock_back() -> None:
    seconds = itertools.count(start=time.time(), step=-1)
    time.time = lambda: float(next(seconds))
    time.time_ns = lambda: int(1e9 * next(seconds))


BARE = {"TMPDIR": "/nowhere", "COLUMNS": "0", "TERM": None, "LC_ALL": "POSIX", "HOME": "/dev/null"}
SURROUNDINGS = {
    "every stream closed, and a clock that goes back": {"close": (0, 1, 2), "prepare": turn_the_clock_back},
    "a reader that has gone, and hardly a variable that is right": {"prepare": break_pipe, "environment": BARE},
    "forty handles": {"limits": {HANDLES: 40}},
}


@pytest.mark.soak
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_a_training_is_the_same_in_any_surroundings(name, short_run, tmp_path):
    status, _, err = run(tmp_path / "run", options=SHORT, **SURROUNDINGS[name])
    assert (status, err) == (0, "")
    assert content(tmp_path / "run") == content(short_run)


@pytest.mark.soak
def test_a_training_goes_on_where_its_output_has_no_room(short_run, tmp_path):
    full = functools.partial(send_output, "/dev/full")
    status, _, err = run(tmp_path / "run", options=SHORT, prepare=full)
    assert (status, err.count("\n")) == (0, 1)
    assert err.startswith("warning: standard output cannot be written (No space left on device); the training goes on")
    assert content(tmp_path / "run") == content(short_run)


def lose_terminal(folder: Path) -> None:
    """Have a terminal that is closed at the end of the first window, as when a connection breaks."""
    from gan_jax.runs.watchers.json_lines import JsonLines

    os.setsid()
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in (0, 1, 2):
        os.dup2(terminal, number)
    os.close(terminal)
    record = JsonLines.record

    def hang_up(self, entry):
        record(self, entry)
        JsonLines.record = record
        os.close(screen)

    JsonLines.record = hang_up


@pytest.mark.soak
def test_a_terminal_that_is_closed_costs_nothing(short_run, tmp_path):
    hang_up = functools.partial(lose_terminal, tmp_path / "run")
    assert run(tmp_path / "run", options=SHORT, prepare=hang_up).status == 129
    assert run(tmp_path / "run", options=SHORT).status == 0
    assert content(tmp_path / "run") == content(short_run)


@pytest.mark.soak
def test_a_damaged_cache_of_programs_is_named_once_and_not_used(trained, tmp_path):
    surroundings = {"environment": {"JAX_COMPILATION_CACHE_DIR": None, "XDG_CACHE_HOME": tmp_path / "cache"}}
    folder = tmp_path / "run"
    assert run(folder, "sample", trained, "--output", "whole.npz", **surroundings)[::2] == (0, "")
    for program in (tmp_path / "cache" / "gan_jax" / "compiled").iterdir():
        program.write_bytes(b"damaged")
    status, _, err = run(folder, "sample", trained, "--output", "s.npz", **surroundings)
    assert (status, err.count("\n")) == (0, 1)
    assert f"warning: {tmp_path}/cache/gan_jax/compiled has damaged files" in err
    assert (folder / "s.npz").read_bytes() == (folder / "whole.npz").read_bytes()


def fill_disk() -> None:
    """Let no file grow above 200 bytes; JAX would leave halves of programs in the cache of all tests."""
    keep_no_programs()
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))


def want_another_device() -> None:
    jax.config.update("jax_platforms", "nonsense")


TRAIN = "train --dataset digits --width 2 --steps 2"
REFUSED = {  # what is written where, in which surroundings: and why not
    "sample {run} --output s.npz": ({"prepare": fill_disk}, "s.npz cannot be read or written (File too large)"),
    "sample {run} --output g.npz": ({"prepare": want_another_device}, "set JAX_PLATFORMS to one that is here"),
    "evaluate {run} --json /dev/full": ({}, "/dev/full cannot be written (it is a link or a device"),
    f"{TRAIN} --output-dir /proc/run": ({}, "/proc/run cannot be read or written"),
    "sample {run} --output s.png": (
        {"prepare": functools.partial(send_output, "/dev/full")},
        "No space left on device",
    ),
}


@pytest.mark.soak
@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_written_is_one_line(line, trained, tmp_path):
    surroundings, complaint = REFUSED[line]
    status, _, err = run(tmp_path / "run", *line.replace("{run}", str(trained)).split(), **surroundings)
    assert (status, err.count("\n")) == (2, 1), err
    assert complaint in err
    assert [path.name for path in (tmp_path / "run").rglob("*") if path.is_file()] == (
        ["s.png"] if "png" in line else []
    )


@pytest.mark.soak
def test_any_name_in_utf8_is_a_name_and_another_is_refused(short_run, tmp_path):
    folder = tmp_path / "größe 中 'so' %s {x} [y] *"
    assert run(folder, options=SHORT)[::2] == (0, "")
    assert content(folder).keys() == content(short_run).keys()
    status, _, err = run(tmp_path / "run", *f"{TRAIN} --output-dir \udcff".split())
    assert (status, err.count("\n")) == (2, 1)
    assert "is not UTF-8, as checkpoints need" in err


@pytest.mark.soak
def test_an_ascii_locale_reads_and_writes_names_that_are_not(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "größe")
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "gan_jax", "sample", "größe", "--output", "中.npz"]
    process = subprocess.run(command, cwd=tmp_path, env=os.environ | variables, capture_output=True, timeout=PATIENCE)
    assert (process.returncode, process.stderr) == (0, b"")
    assert (tmp_path / "中.npz").exists()


def test_a_folder_of_pictures_is_complete_or_empty(monkeypatch, tmp_path):
    save = Image.Image.save

    def save_until_full(image, file):
        if "000001" in file.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(image, file)

    monkeypatch.setattr(Image.Image, "save", save_until_full)
    with pytest.raises(OSError, match=r"000001.png"):
        save_images(tmp_path / "pictures", np.zeros((3, 8, 8, 1), np.uint8), "title")
    assert list((tmp_path / "pictures").iterdir()) == []
