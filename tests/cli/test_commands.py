"""The subcommands on a run of an untrained generator."""

import json
import subprocess
import sys

import numpy as np
import pytest

from gan_jax import RunConfig, gan_step, init_state, load_dataset, run_keys, save_weights
from gan_jax.config import GanConfig
from gan_jax.runs.interrupts import StopRequest
from gan_jax.runs.run import Run

CONFIG = GanConfig(latent_dim=8, width=4, batch_size=100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    Run(RunConfig(CONFIG, dataset="digits", output_dir=folder), CONFIG, load_dataset("digits"), gan_step, StopRequest())
    save_weights(folder / "weights.npz", init_state(CONFIG, run_keys(0).init))
    return folder


def gan_jax(*arguments):
    command = [sys.executable, "-m", "gan_jax", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_help_lists_the_subcommands_with_examples():
    text = gan_jax("--help").stdout
    for name in ("evaluate", "sample", "reals"):
        assert name in text
        assert f"Example: gan-jax {name}" in " ".join(gan_jax(name, "--help").stdout.split())


def test_samples_from_a_run_and_from_its_weights_are_the_same(folder, tmp_path):
    for source, name in ((folder, "run.npz"), (folder / "weights.npz", "weights.npz")):
        process = gan_jax("sample", source, "--num", 5, "--seed", 1, "--output", tmp_path / name)
        assert process.returncode == 0, process.stderr
    archives = [np.load(tmp_path / name)["arr_0"] for name in ("run.npz", "weights.npz")]
    np.testing.assert_array_equal(*archives)
    assert archives[0].shape == (5, 28, 28, 3)


def test_reals_are_the_data_sets(tmp_path):
    process = gan_jax("reals", "--dataset", "digits", "--num", 4, "--output", tmp_path / "reals.npz")
    assert process.returncode == 0, process.stderr
    expected = load_dataset("digits").test_images[:4].repeat(3, axis=3)
    np.testing.assert_array_equal(np.load(tmp_path / "reals.npz")["arr_0"], expected)


def test_a_run_is_scored_between_its_anchors(folder, tmp_path):
    process = gan_jax("evaluate", folder, "--num-samples", 200, "--json", tmp_path / "scores.json")
    assert process.returncode == 0, process.stderr
    scores = json.loads((tmp_path / "scores.json").read_text())["scores"]
    assert list(scores) == ["real", "run", "blurred", "one class left out", "mean image", "noise"]
    assert scores["run"]["num_fakes"] == 200
    assert scores["real"]["frechet_distance"] < scores["blurred"]["frechet_distance"]
    assert scores["real"]["frechet_distance"] < scores["run"]["frechet_distance"]
    assert f"| run | {scores['run']['frechet_distance']:.3g} |" in process.stdout
    assert scores["run"]["evaluator"] in process.stdout
    for name in ("evaluation.png", "nearest.png"):
        assert (folder / name).stat().st_size > 10_000

    again = gan_jax("sample", folder, "--num", 200, "--output", tmp_path / "samples.npz")
    assert again.returncode == 0
    process = gan_jax("evaluate", tmp_path / "samples.npz", "--dataset", "digits", "--json", tmp_path / "again.json")
    assert process.returncode == 0, process.stderr
    assert json.loads((tmp_path / "again.json").read_text())["scores"]["samples.npz"] == scores["run"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["evaluate", "nowhere"], "nowhere holds no run"),
        (["sample", "{run}", "--num", "0", "--output", "x.npz"], "num is 0"),
        (["sample", "{run}", "--output", "x.jpg"], "ends in .jpg"),
        (["evaluate", "{run}/weights.npz"], "give --dataset"),
        (["evaluate", "{run}/run.json"], "cannot be read as weights"),
    ],
)
def test_mistakes_get_a_line(arguments, complaint, folder):
    process = gan_jax(*(argument.replace("{run}", str(folder)) for argument in arguments))
    assert process.returncode == 2
    assert complaint in process.stderr
    assert "Traceback" not in process.stderr
