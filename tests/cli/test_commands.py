"""The subcommands on a small run."""

import dataclasses
import io
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
import pytest
from in_process import assert_mistake, flags_of, require_own_flags
from PIL import Image
from small_runs import LINE_MEANS
from waiting import PATIENCE

from gan_jax import load_dataset
from gan_jax.cli import commands
from gan_jax.cli.commands import COMMANDS
from gan_jax.cli.evaluate import evaluate
from gan_jax.cli.shared_flags import MeasuringFlags, ReadingFlags


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help_lists_every_subcommand_on_a_line_of_its_own(arguments, gan_jax):
    status, out, err = gan_jax(*arguments)
    assert (status, err) == (0, "")
    listed = re.findall(r"^  ([a-z][a-z-]*)  +[A-Z].*\.$", out, re.MULTILINE)
    no_commands = {"__init__", "commands", "exit_codes", "flags", "home_paths", "next_command", "parsing", "scoring"}
    no_commands |= {"sources", "trainings", "completion", "shared_flags", "report_page"}
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")} - no_commands
    assert listed[0] == "train"
    assert sorted(listed) == sorted(
        {*(name.removesuffix("_") for name in files), "standalone-generator", "standalone-discriminator"}
    )
    assert max(map(len, out.splitlines())) <= 80


def test_help_of_a_subcommand_says_what_it_does_with_an_example(gan_jax):
    for name, text in commands.COMMANDS.items():
        status, out, _ = gan_jax(name, "--help")
        assert (status, f"usage: gan-jax {name} ") == (0, out[: len(f"usage: gan-jax {name} ")])
        assert (text if name in commands.TRAININGS else "Example: gan-jax ") in out


def test_version_is_one_line(gan_jax):
    python = ".".join(map(str, sys.version_info[:3]))
    line = f"gan-jax {version('gan_jax')} (jax {jax.__version__}, Python {python})\n"
    assert gan_jax("--version") == (0, line, "")


def test_every_command_that_reads_a_data_set_has_the_flags_of_reading_one():
    reading = {f"--{field.name.replace('_', '-')}" for field in dataclasses.fields(ReadingFlags)}
    readers = {name for name in COMMANDS if "--dataset" in flags_of(name)}
    assert readers >= {"train", "evaluate", "report", "verify", "replay", "playground", "reals"}
    assert not {name: missing for name in readers if (missing := {*reading, "--data-dir"} - flags_of(name))}


def test_flags_that_a_command_does_not_have_are_found_in_what_it_says():
    require_own_flags("error: x is broken; --skip-broken leaves it out. Give another --output.\n", ["reals"])
    require_own_flags("error: continue the training with --resume.\n", ["sample", "x"])
    with pytest.raises(AssertionError, match="--resume"):
        require_own_flags("error: the training was killed; continue with --resume.\n", ["sample", "x"])


def test_the_module_is_the_command_and_its_help_loads_no_jax():
    program = [sys.executable, "-X", "importtime", "-m", "gan_jax", "--help"]
    process = subprocess.run(program, capture_output=True, text=True, timeout=PATIENCE)
    assert process.returncode == 0
    assert "  train  " in process.stdout
    loaded = {line.rpartition("|")[2].strip() for line in process.stderr.splitlines()}
    assert "gan_jax.cli.commands" in loaded
    assert not {"jax", "tyro"} & loaded


def test_samples_from_a_run_and_from_its_weights_are_the_same(trained, gan_jax, tmp_path):
    for source, name in ((trained, "run.npz"), (trained / "weights.npz", "weights.npz")):
        assert gan_jax("sample", source, "--num-images", 5, "--seed", 1, "--output", tmp_path / name)[0] == 0
    archives = [np.load(tmp_path / name)["arr_0"] for name in ("run.npz", "weights.npz")]
    np.testing.assert_array_equal(*archives)
    assert archives[0].shape == (5, 28, 28, 3)


def test_a_walk_and_an_export_are_written(trained, gan_jax, tmp_path):
    for name in ("walk.png", "walk.gif"):
        assert gan_jax("interpolate", trained, "--rows", 2, "--columns", 3, "--output", tmp_path / name)[0] == 0
    with Image.open(tmp_path / "walk.gif") as animation, Image.open(tmp_path / "walk.png") as picture:
        assert animation.size == (168, 168)
        assert picture.size[0] > 3 * 84
    assert gan_jax("export", trained, "--output", tmp_path / "deep" / "generator.jax")[0] == 0
    assert (tmp_path / "deep" / "generator.jax").stat().st_size > 1000


def test_reals_are_the_data_sets(gan_jax, tmp_path):
    assert gan_jax("reals", "--dataset", "digits", "--num-images", 20, "--output", tmp_path / "reals.npz")[0] == 0
    digits, found = load_dataset("digits"), np.load(tmp_path / "reals.npz")
    assert np.bincount(found["arr_1"]).tolist() == [2] * 10
    rows = [np.flatnonzero((digits.test_images == image[..., :1]).all((1, 2, 3)))[0] for image in found["arr_0"]]
    assert len(set(rows)) == 20
    assert max(rows) > 100
    np.testing.assert_array_equal(digits.test_labels[rows], found["arr_1"])


@pytest.mark.soak
def test_reals_that_were_resized_can_be_scored(gan_jax, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (90, 48, 48, 3), np.uint8)):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    (tmp_path / "photos" / "broken.png").write_bytes(b"broken")
    flags = ["--image-size", 32, "--skip-broken"]
    cheap = ["--features", LINE_MEANS, "--split", "train"]
    assert gan_jax("reals", "--dataset", "photos", "--train", "--num-images", 20, "--output", "reals", *flags)[0] == 0
    assert_mistake(gan_jax("evaluate", "reals", "--dataset", "photos"), "--skip-broken leaves such files out")
    (tmp_path / "photos" / "broken.png").unlink()
    complaint = "name its --dataset, or give --image-size 32"
    assert_mistake(gan_jax("evaluate", "reals", "--dataset", "photos", "--skip-broken"), complaint)
    assert gan_jax("evaluate", "reals", "--dataset", "photos", *flags, *cheap)[0] == 0
    assert {"reals", "evaluation.png", "nearest.png"} < {path.name for path in tmp_path.iterdir()}


@pytest.mark.soak
def test_scores_are_written_though_nobody_reads_the_table(tmp_path, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    np.save(tmp_path / "samples.npy", load_dataset("digits").train_images[:20])
    monkeypatch.setattr(sys, "stdout", Closed())
    cheap = MeasuringFlags(LINE_MEANS, split="train")
    with pytest.raises(BrokenPipeError):
        evaluate(tmp_path / "samples.npy", dataset="digits", json=tmp_path / "scores.json", measuring=cheap)
    assert "samples.npy" in json.loads((tmp_path / "scores.json").read_text())["scores"]
    assert (tmp_path / "nearest.png").exists()


@pytest.mark.soak
def test_a_run_is_scored_between_its_anchors(trained, gan_jax, tmp_path):
    folder, label = shutil.copytree(trained, tmp_path / "noise"), "noise (scored)"
    status, out, err = gan_jax("evaluate", folder, "--num-images", 50, "--json", tmp_path / "scores.json")
    assert status == 0, err
    scores = json.loads((tmp_path / "scores.json").read_text())["scores"]
    assert list(scores) == ["real", label, "blurred", "one class left out", "mean image", "noise"]
    assert scores[label]["num_fakes"] == 50
    assert scores["noise"]["num_fakes"] > 50
    assert scores["real"]["frechet_distance"] < min(
        scores["blurred"]["frechet_distance"], scores[label]["frechet_distance"]
    )
    assert re.search(rf"^{re.escape(label)}  +{scores[label]['frechet_distance']:.3g}  ", out, re.MULTILINE)
    assert f"Fréchet floor of 50 fakes: {scores[label]['frechet_floor']:.3g}" in out
    assert scores[label]["frechet_floor"] > scores["real"]["frechet_floor"]
    for picture in ("evaluation.png", "nearest.png"):
        assert (folder / picture).stat().st_size > 10_000


def test_a_difference_has_a_status_of_its_own(trained, gan_jax, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    record["run"]["gan"]["learning_rate"] = 3e-4
    (folder / "run.json").write_text(json.dumps(record))
    status, out, _ = gan_jax("verify", folder)
    assert status == 3
    assert out.startswith("different: epoch 1 is the first")
    assert gan_jax("replay", folder, "--step", 3, "--output", tmp_path / "step.npz")[0] == 3


def test_reals_takes_the_number_of_images_by_the_names_of_other_tools(gan_jax, tmp_path):
    for flag in ("--num-images", "--num-samples", "--num"):
        assert gan_jax("reals", "--dataset", "digits", flag, 3, "--output", tmp_path / "reals.npz")[0] == 0
        assert len(np.load(tmp_path / "reals.npz")["arr_0"]) == 3
