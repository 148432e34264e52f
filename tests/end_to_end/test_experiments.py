"""The scripts as a user runs them, and the files they leave."""

import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from in_process import EXPERIMENTS, assert_mistake, script
from PIL import Image
from small_runs import settings
from waiting import PATIENCE

from gan_jax import GanConfig, load_dataset, load_run, run_experiment

SMALL = ["--dataset", "digits", "--width", "4", "--latent-dim", "8", "--batch-size", "100", "--log-every", "10"]
STEPS = 20  # an epoch of fifteen batches and a third


class Result:
    def __init__(self, name, folder):
        self.script, self.folder = name, folder
        self.status, self.out, self.err = script(name, *SMALL, "--steps", STEPS, "--output-dir", folder)

    def grid(self, step):
        return np.asarray(Image.open(self.folder / "grids" / f"step_{step:07d}.png"))


METRICS = {
    "train_gan": ["d_loss", "g_loss", "d_x", "d_g_z1", "d_g_z2"],
    "standalone_generator": ["g_loss", "d_g_z2"],
}
SIGNS = {
    "train_gan": ["d_gradient_norm", "g_gradient_norm", "fake_std"],
    "standalone_generator": ["g_gradient_norm", "fake_std"],
}
GRIDS = {
    "train_gan": [0, 15, 20],
    "standalone_generator": [0, 10, 15, 20],
}


SCRIPTS = ["train_gan", pytest.param("standalone_generator", marks=pytest.mark.soak)]


@pytest.fixture(scope="module", params=SCRIPTS)
def result(request, tmp_path_factory):
    return Result(request.param, tmp_path_factory.mktemp(request.param) / "run")


def test_a_script_ends_well_and_leaves_its_files(result):
    assert result.status == 0, result.err
    assert {path.name for path in result.folder.iterdir()} == {
        *("run.json", "epochs.jsonl", "metrics.jsonl", "history.npz", "weights.npz", "grids", "checkpoints", ".lock"),
        *("losses.png", "scores.png", "progress.gif", "real_vs_fake.png"),
    }
    assert str(result.folder) in result.out


def test_it_prints_a_line_a_window_and_no_bar(result):
    lines = re.findall(r"^epoch (\d)/2  batch (\d+)/15  (.*)$", result.out, re.MULTILINE)
    assert [(epoch, batch) for epoch, batch, _ in lines] == [("1", "10"), ("1", "15"), ("2", "5")]
    assert all(len(re.findall(r"\d\.\d{3}", values)) == len(METRICS[result.script]) for _, _, values in lines)
    assert "%|" not in result.err


def test_metrics_and_history_tell_the_same_story(result):
    windows = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert [window["step"] for window in windows] == [10, 15, 20]
    assert [window["epoch"] for window in windows] == [1, 1, 2]
    assert list(windows[0]) == ["step", "epoch", *METRICS[result.script], *SIGNS[result.script]]
    with np.load(result.folder / "history.npz") as archive:
        history = dict(archive)
    names = {*METRICS[result.script], *SIGNS[result.script]}
    assert set(history) == names
    assert {values.shape for values in history.values()} == {(STEPS,)}
    for name in names:
        assert windows[1][name] == pytest.approx(history[name][10:15].mean(), rel=1e-5)


def test_the_record_repeats_the_run(result, tmp_path):
    record = json.loads((result.folder / "run.json").read_text())
    assert record["dataset"]["sha256"] == load_dataset("digits").content_hash
    assert record["versions"].keys() >= {"python", "jax", "gan_jax"}
    assert record["device"]["platform"] == "cpu"
    gan = record["run"]["gan"]
    trained = load_run(result.folder)
    assert trained.state.step == STEPS
    assert trained.config == GanConfig(
        image_shape=(28, 28, 1), latent_dim=8, width=4, batch_size=100, initializer=gan["initializer"]
    )
    assert gan["initializer"] == ("he" if result.script == "standalone_generator" else "dcgan")


def test_grids_show_what_changed(result):
    assert sorted(path.name for path in (result.folder / "grids").iterdir()) == [
        f"step_{step:07d}.png" for step in GRIDS[result.script]
    ]
    first, last = result.grid(0), result.grid(20)
    assert first.shape == last.shape
    assert first[60:].std() > 5
    assert (first != last).mean() > 0.2
    with Image.open(result.folder / "progress.gif") as animation:
        assert animation.n_frames == len(GRIDS[result.script])


def test_an_untrained_generator_is_scored_before_its_first_batch(result):
    scored = result.script == "standalone_generator"
    assert scored == bool(re.search(r"^before the first batch  d_g_z2 0\.\d{3}$", result.out, re.MULTILINE))


@pytest.mark.soak
def test_scores_join_the_metrics_while_it_trains(tmp_path, scores_cost_little):
    run_experiment(settings(tmp_path / "run", steps=None, epochs=2, evaluate_every=2, game="drift"))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    (scores,) = [line for line in lines if "frechet_distance" in line]
    assert (scores["epoch"], scores["step"], scores["num_fakes"]) == (2, 24, 1_000)
    assert (tmp_path / "run" / "evaluation.png").stat().st_size > 10_000


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
