"""The scripts as a user runs them, and the files they leave."""

import json
import os
import re
import shlex
import subprocess
import sys

import jax
import numpy as np
import pytest
from in_process import EXPERIMENTS, assert_mistake, script
from PIL import Image
from waiting import PATIENCE

from gan_jax import GanConfig, load_dataset, load_run

SMALL = ["--dataset", "digits", "--width", "2", "--latent-dim", "8", "--batch-size", "100", "--log-every", "10"]
STEPS = 20  # an epoch of fifteen batches and a third


class Result:
    def __init__(self, name, folder):
        self.script, self.folder = name, folder
        self.status, self.out, self.err = script(name, *SMALL, "--steps", STEPS, "--output-dir", folder)

    def grid(self, step):
        return np.asarray(Image.open(self.folder / "grids" / f"step_{step:07d}.png"))


# The metrics on the screen, the signs of health, and the steps that are drawn.
SHOWN = {
    "train_gan": (
        ["d_loss", "g_loss", "d_x", "d_g_z1", "d_g_z2"],
        ["d_gradient_norm", "g_gradient_norm", "fake_std"],
        [0, 15, 20],
    ),
    "standalone_generator": (["g_loss", "d_g_z2"], ["g_gradient_norm", "fake_std"], [0, 10, 15, 20]),
}


@pytest.fixture(scope="module", params=["train_gan", pytest.param("standalone_generator", marks=pytest.mark.soak)])
def result(request, tmp_path_factory):
    return Result(request.param, tmp_path_factory.mktemp(request.param) / "run")


def test_a_script_leaves_its_files_and_prints_a_line_a_window_and_no_bar(result):
    assert result.status == 0, result.err
    assert {path.name for path in result.folder.iterdir()} == {
        *("run.json", "epochs.jsonl", "metrics.jsonl", "history.npz", "weights.npz", "grids", "checkpoints", ".lock"),
        *("losses.png", "scores.png", "progress.gif", "real_vs_fake.png"),
    }
    assert str(result.folder) in result.out
    lines = re.findall(r"^epoch (\d)/2  batch (\d+)/15  (.*)$", result.out, re.MULTILINE)
    assert [(epoch, batch) for epoch, batch, _ in lines] == [("1", "10"), ("1", "15"), ("2", "5")]
    assert all(len(re.findall(r"\d\.\d{3}", values)) == len(SHOWN[result.script][0]) for _, _, values in lines)
    assert "%|" not in result.err
    scored = result.script == "standalone_generator"
    assert scored == bool(re.search(r"^before the first batch  d_g_z2 0\.\d{3}$", result.out, re.MULTILINE))


def test_metrics_and_history_tell_the_same_story(result):
    windows = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert [(window["step"], window["epoch"]) for window in windows] == [(10, 1), (15, 1), (20, 2)]
    metrics, signs, _ = SHOWN[result.script]
    assert list(windows[0]) == ["step", "epoch", *metrics, *signs]
    with np.load(result.folder / "history.npz") as archive:
        history = dict(archive)
    assert set(history) == {*metrics, *signs}
    assert {values.shape for values in history.values()} == {(STEPS,)}
    for name, values in history.items():
        assert windows[1][name] == pytest.approx(values[10:15].mean(), rel=1e-5)


def test_the_record_repeats_the_run(result):
    record = json.loads((result.folder / "run.json").read_text())
    assert record["dataset"]["sha256"] == load_dataset("digits").content_hash
    assert record["versions"].keys() >= {"python", "jax", "gan_jax"}
    assert record["device"]["platform"] == "cpu"
    trained, initializer = load_run(result.folder), record["run"]["gan"]["initializer"]
    assert trained.state.step == STEPS
    expected = {"image_shape": (28, 28, 1), "latent_dim": 8, "width": 2, "batch_size": 100, "initializer": initializer}
    assert trained.config == GanConfig(**expected)
    assert initializer == ("he" if result.script == "standalone_generator" else "dcgan")


def test_grids_show_what_changed(result):
    steps = SHOWN[result.script][2]
    names = sorted(path.name for path in (result.folder / "grids").iterdir())
    assert names == [f"step_{step:07d}.png" for step in steps]
    first, last = result.grid(0), result.grid(20)
    assert first.shape == last.shape
    assert first[60:].std() > 5
    assert (first != last).mean() > 0.2
    with Image.open(result.folder / "progress.gif") as animation:
        assert animation.n_frames == len(steps)


@pytest.mark.parametrize(
    ("name", "flags", "complaint"),
    [
        ("train_gan", ["--width", "0"], "width is 0"),
        ("compare_recipes", ["--arms", "resnet"], "arms has resnet; there are course, control,"),
        ("lesson", ["--num-images", "3"], "num_images is 3; it must be at least 8."),
        ("lesson", ["--seeds"], "seeds is (); it must be at least one."),
        ("plane_dynamics", ["--points", "0"], "points is 0; it must be a whole number of at least 1"),
    ],
)
def test_a_study_that_cannot_be_made_is_refused_at_once(name, flags, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_mistake(script(name, *flags), complaint)
    assert not list(tmp_path.iterdir())


@pytest.mark.soak
def test_64_bit_mode_is_left_aside_and_the_umask_is_kept(tmp_path):
    environment = os.environ | {"JAX_ENABLE_X64": "1", "PYTHONIOENCODING": "ascii"}
    train = [sys.executable, str(EXPERIMENTS / "train_gan.py"), *SMALL, "--steps", "2", "--output-dir", "run"]
    pipe = f"umask 077; {shlex.join(train)}"
    options = {"capture_output": True, "text": True, "timeout": PATIENCE, "env": environment, "cwd": tmp_path}
    process = subprocess.run(["bash", "-c", pipe], **options)
    assert process.returncode == 0, process.stderr
    assert "JAX_ENABLE_X64 is set" in process.stderr
    for name in ("run.json", "weights.npz", "losses.png", "metrics.jsonl"):
        assert (tmp_path / "run" / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.soak
def test_a_run_to_ship_has_half_the_bytes_and_no_folder_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = ("--dataset", "digits", "--epochs", 1, "--run-dir", tmp_path / "run", "--output", tmp_path / "shipped")
    made = script("train_pretrained", "fashion_mnist", *flags)
    assert made.status == 0, made.err
    trained, shipped = load_run(tmp_path / "run"), load_run(tmp_path / "shipped")
    assert shipped.config == trained.config
    for found, wanted in zip(*(jax.tree.leaves(run.generator) for run in (shipped, trained)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    sizes = [(tmp_path / name / "weights.npz").stat().st_size for name in ("run", "shipped")]
    assert sizes[1] < 0.6 * sizes[0]
    assert str(tmp_path) not in (tmp_path / "shipped" / "run.json").read_text()
    assert "UCI Machine Learning Repository" in (tmp_path / "shipped" / "NOTICE.txt").read_text()
