"""Runs that other versions of JAX trained, which experiments/compatibility.py --small wrote: they stay of use."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from in_process import command

from gan_jax.files import read_json_lines

RUNS = sorted((Path(__file__).parent / "old_runs").glob("*.zip"))


@pytest.fixture(params=RUNS, ids=lambda path: path.stem)
def old_run(request, tmp_path, monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)  # the runs had none
    shutil.unpack_archive(request.param, tmp_path / "run")
    return tmp_path / "run"


def test_its_images_are_the_same_to_a_grey_level(old_run, tmp_path):
    made = command("sample", old_run, "--num-images", "16", "--output", tmp_path / "images.npz")
    assert made.status == 0, made.err
    with np.load(tmp_path / "images.npz") as images, np.load(old_run / "images.npz") as before:
        assert np.abs(images["arr_0"].astype(int) - before["arr_0"]).max() <= 1


def test_it_is_resumed_from_its_checkpoint(old_run):
    first = read_json_lines(old_run / "epochs.jsonl")
    resumed = command("train", "--dataset", "digits", "--resume", "--epochs", "2", "--output-dir", old_run)
    assert resumed.status == 0, resumed.err
    assert [line["step"] for line in read_json_lines(old_run / "epochs.jsonl")] == [46, 92]
    assert read_json_lines(old_run / "epochs.jsonl")[:1] == first


@pytest.mark.soak
def test_verify_says_that_the_version_of_jax_differs_before_it_says_different(old_run):
    verified = command("verify", old_run)
    assert verified.status in (0, 3), verified.err
    if json.loads((old_run / "run.json").read_text())["versions"]["jax"] != jax.__version__:
        assert "versions.jax was" in verified.err
