"""``--features``, ``--split`` and ``--reference`` of the commands that score."""

import json
import shutil
import sys

import numpy as np
import pytest
from line_means import rows
from small_runs import LINE_MEANS

from gan_jax import load_dataset
from gan_jax.evaluation import feature_statistics, frechet_distance, read_statistics, statistics_distance


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own_means", raising=False)
    shutil.copy(LINE_MEANS.removesuffix(":rows"), tmp_path / "own_means.py")
    np.save(tmp_path / "fakes.npy", load_dataset("digits").train_images[:60])
    return tmp_path


def test_evaluate_scores_in_the_features_of_a_function_beside_the_training_images(folder, gan_jax):
    status, out, err = gan_jax("reals", "--dataset", "digits", "--features", "own_means.py:rows", "--output", "s.npz")
    assert status == 0, err
    digits, fakes = load_dataset("digits"), np.load("fakes.npy")
    statistics, digest = read_statistics(folder / "s.npz")
    assert "297 real images" in out
    np.testing.assert_allclose(statistics.mean, rows(digits.test_images).mean(axis=0))

    flags = ["--features", "own_means.py:rows", "--split", "train", "--reference", "s.npz", "--json", "scores.json"]
    status, out, err = gan_jax("evaluate", "fakes.npy", "--dataset", "digits", *flags)
    assert status == 0, err
    found = json.loads((folder / "scores.json").read_text())["scores"]
    assert list(found) == ["real", "fakes.npy"]
    scores = found["fakes.npy"]
    assert scores["frechet_distance"] == pytest.approx(frechet_distance(rows(digits.train_images), rows(fakes)))
    assert scores["reference_distance"] == pytest.approx(
        statistics_distance(statistics, feature_statistics(rows(fakes)))
    )
    assert scores["reference_sha256"] == digest
    assert (scores["evaluator"], scores["num_reals"]) == ("own_means.py:rows", len(digits.train_images))
    assert f"features own_means.py:rows (sha256 {scores['evaluator_sha256'][:12]})" in out
    assert "1,500 training images" in out
    assert "By Fréchet ∞ (95 % interval): " in out


@pytest.mark.soak
def test_a_training_is_scored_in_the_features_that_it_names(folder, gan_jax):
    flags = ["--dataset", "digits", "--width", 2, "--batch-size", 500, "--game", "drift", "--output-dir", "run"]
    flags += ["--epochs", 2, "--evaluate-every", 2, "--features", "own_means.py:rows"]
    status, out, err = gan_jax("train", *flags)
    assert status == 0, err
    lines = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    (scores,) = [line for line in lines if "frechet_distance" in line]
    assert (scores["epoch"], scores["step"], scores["num_fakes"]) == (2, 6, 1_000)
    assert scores["evaluator"] == "own_means.py:rows"
    assert f"features own_means.py:rows {scores['evaluator_sha256'][:12]}" in out + err
    assert json.loads((folder / "run" / "run.json").read_text())["run"]["features"] == "own_means.py:rows"
    assert (folder / "run" / "evaluation.png").stat().st_size > 10_000
    (folder / "own_means.py").unlink()
    assert gan_jax("sample", "run", "--num-images", 4, "--output", "four.npz")[0] == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--features", "none"], "features is 'none'; it must be one of classifier, inception"),
        (["--features", "onnx:absent.onnx"], "there is no file absent.onnx"),
        (["--reference", "fakes.npy"], "has no 'mu'; give an .npz with mu and sigma"),
    ],
)
def test_features_and_references_that_are_not_there_are_one_line(flags, message, folder, gan_jax):
    status, _, err = gan_jax("evaluate", "fakes.npy", "--dataset", "digits", *flags)
    assert status == 2
    assert message in err
