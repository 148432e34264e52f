"""The scripts as a user runs them, and the files they leave."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_runs import settings
from waiting import PATIENCE

from gan_jax import GanConfig, load_dataset, load_run, run_experiment

ROOT = Path(__file__).parents[2]
SMALL = ["--dataset", "digits", "--width", "4", "--latent-dim", "8", "--batch-size", "100", "--log-every", "10"]
STEPS = 20  # an epoch of fifteen batches and a third


def command(script, *flags):
    return [sys.executable, ROOT / "experiments" / f"{script}.py", *SMALL, *map(str, flags)]


def run(script, *flags):
    return subprocess.run(command(script, *flags), capture_output=True, text=True, timeout=PATIENCE)


class Result:
    def __init__(self, script, folder):
        self.script, self.folder = script, folder
        self.process = run(script, "--steps", STEPS, "--output-dir", folder)

    def grid(self, step):
        return np.asarray(Image.open(self.folder / "grids" / f"step_{step:07d}.png"))


METRICS = {
    "train_gan": ["d_loss", "g_loss", "d_x", "d_g_z1", "d_g_z2"],
    "standalone_generator": ["g_loss", "d_g_z2"],
    "standalone_discriminator": ["d_loss", "d_x", "d_g_z1"],
}
SIGNS = {
    "train_gan": ["d_gradient_norm", "g_gradient_norm", "fake_spread"],
    "standalone_generator": ["g_gradient_norm", "fake_spread"],
    "standalone_discriminator": ["d_gradient_norm", "fake_spread"],
}
GRIDS = {
    "train_gan": [0, 15, 20],
    "standalone_generator": [0, 10, 15, 20],
    "standalone_discriminator": [0, 10, 15, 20],
}


# One standalone training stands for both before every commit.
SCRIPTS = [pytest.param(name, marks=pytest.mark.soak) if name != "train_gan" else name for name in METRICS]


@pytest.fixture(scope="module", params=SCRIPTS)
def result(request, tmp_path_factory):
    return Result(request.param, tmp_path_factory.mktemp(request.param) / "run")


def test_a_script_ends_well_and_leaves_its_files(result):
    assert result.process.returncode == 0, result.process.stderr
    assert {path.name for path in result.folder.iterdir()} == {
        *("run.json", "epochs.jsonl", "metrics.jsonl", "history.npz", "weights.npz", "grids", "checkpoints", ".lock"),
        *("losses.png", "scores.png", "progress.gif", "real_vs_fake.png"),
    }
    assert str(result.folder) in result.process.stdout


def test_it_prints_a_line_a_window_and_no_bar(result):
    lines = re.findall(r"^epoch (\d)/2  batch (\d+)/15  (.*)$", result.process.stdout, re.MULTILINE)
    assert [(epoch, batch) for epoch, batch, _ in lines] == [("1", "10"), ("1", "15"), ("2", "5")]
    assert all(len(re.findall(r"\d\.\d{3}", values)) == len(METRICS[result.script]) for _, _, values in lines)
    assert "%|" not in result.process.stderr


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


@pytest.mark.soak
def test_the_same_command_gives_the_same_bits(result, tmp_path):
    again = Result(result.script, tmp_path / "again")
    for name in ("metrics.jsonl", "weights.npz", "grids/step_0000020.png"):
        assert (again.folder / name).read_bytes() == (result.folder / name).read_bytes()


def test_an_untrained_generator_is_scored_before_its_first_batch(result):
    scored = result.script == "standalone_generator"
    assert scored == bool(re.search(r"^before the first batch  d_g_z2 0\.\d{3}$", result.process.stdout, re.MULTILINE))


@pytest.mark.soak
def test_scores_join_the_metrics_while_it_trains(tmp_path, fresh_critics_see_little):
    run_experiment(settings(tmp_path / "run", steps=None, epochs=2, evaluate_every=2, game="drift"))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    (scores,) = [line for line in lines if "frechet_distance" in line]
    assert (scores["epoch"], scores["step"], scores["num_fakes"]) == (2, 24, 1_000)
    assert (tmp_path / "run" / "evaluation.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--width", "0"], "width is 0"),
        (["--batch-size", "2000"], "batch_size is 2000"),
        (["--devices", "3"], "devices is 3, but there are 1"),
    ],
)
def test_a_mistake_gets_a_line_and_leaves_nothing(flags, complaint, tmp_path):
    process = run("train_gan", "--output-dir", tmp_path / "run", *flags)
    assert process.returncode == 2
    assert complaint in process.stderr
    assert process.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("script", "flags", "complaint"),
    [
        ("compare_recipes", ["--arms", "resnet"], "arms has resnet; there are course, control,"),
        ("lesson", ["--num-samples", "3"], "num_samples is 3; it must be at least 8."),
        ("lesson", ["--seeds"], "seeds is (); it must be at least one."),
        ("plane_dynamics", ["--points", "0"], "points is 0; it must be a whole number of at least 1"),
    ],
)
def test_a_study_that_cannot_be_made_is_refused_at_once(script, flags, complaint, tmp_path):
    words = [sys.executable, ROOT / "experiments" / f"{script}.py", *flags]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n"), list(tmp_path.iterdir())) == (2, 1, [])
    assert done.stderr.startswith(f"error: {complaint}")


@pytest.mark.soak
def test_losses_that_are_not_finite_stop_the_run_by_name(tmp_path):
    process = run("train_gan", "--output-dir", tmp_path / "run", "--learning-rate", "1e30", "--epochs", "1")
    assert process.returncode == 2
    assert re.search(r"error: \w+ is not finite at step \d+; the state before it is saved", process.stderr)
    assert (tmp_path / "run" / "grids" / "step_0000000.png").exists()


@pytest.mark.soak
def test_a_reader_that_goes_away_does_not_end_the_training(tmp_path):
    arguments = [str(argument) for argument in command("train_gan", "--steps", 20, "--output-dir", tmp_path / "run")]
    pipe = f"set -o pipefail; {shlex.join(arguments)} | head -n 1"
    process = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, timeout=PATIENCE)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("Output folder: ")
    assert load_run(tmp_path / "run").state.step == 20


@pytest.mark.soak
def test_64_bit_mode_is_left_aside_and_the_umask_is_kept(tmp_path):
    environment = os.environ | {"JAX_ENABLE_X64": "1", "PYTHONIOENCODING": "ascii"}
    arguments = [str(argument) for argument in command("train_gan", "--steps", 2, "--output-dir", tmp_path / "run")]
    pipe = f"umask 077; {shlex.join(arguments)}"
    process = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, timeout=PATIENCE, env=environment)
    assert process.returncode == 0, process.stderr
    assert "JAX_ENABLE_X64 is set" in process.stderr
    for name in ("run.json", "weights.npz", "losses.png", "metrics.jsonl"):
        assert (tmp_path / "run" / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.soak
def test_ctrl_c_keeps_what_was_drawn_and_logged(tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        command("train_gan", "--epochs", 1000, "--output-dir", folder), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 2/1000"):
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    steps = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    with np.load(folder / "history.npz") as archive:
        assert len(archive["d_loss"]) >= steps[-1] > 15
    for name in ("losses.png", "progress.gif", "weights.npz", "grids/step_0000015.png"):
        assert (folder / name).stat().st_size > 0
