"""Classes by their names, what a training says of its images, and paths below the home folder."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax.files import user_cache

CONDITIONAL = ["--recipe", "conditional", "--width", 2, "--latent-dim", 4, "--batch-size", 6, "--steps", 2]


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pets") / "pets"
    random = np.random.default_rng(0)
    for place in ("train/owl", "train/cat", "val/owl", "val/cat"):
        (folder / place).mkdir(parents=True)
        for index in range(6):
            Image.fromarray(random.integers(0, 256, (28, 28, 3), np.uint8)).save(folder / place / f"{index}.png")
    (folder / "notes.txt").write_text("x")
    return folder


TOLD = (
    "pets: 12 training images and 12 for tests, 28×28, RGB; 2 classes: cat (6), owl (6); held out: val; "
    "other files: 1 .txt"
)


def test_train_tells_and_records_classes_and_others_take_their_names(pets, gan_jax, tmp_path):
    run = tmp_path / "run"
    status, out, err = gan_jax("train", "--dataset", pets, *CONDITIONAL, "--output-dir", run)
    assert (status, err) == (0, "")
    assert out.splitlines()[1] == TOLD
    assert json.loads((run / "run.json").read_text())["dataset"]["class_names"] == ["cat", "owl"]
    assert TOLD not in gan_jax("train", "--resume", "--quiet", "--steps", 3, "--output-dir", run)[1]
    arrays = []
    for label in ("owl", "1", "cat"):
        status, out, _ = gan_jax("sample", run, "--num-images", 3, "--label", label, "--output", tmp_path / "x.npz")
        assert (status, out.splitlines()[1]) == (0, "The labels from 0 on are cat, owl")
        arrays.append(np.load(tmp_path / "x.npz")["arr_0"])
    np.testing.assert_array_equal(arrays[0], arrays[1])
    assert (arrays[0] != arrays[2]).any()
    for label in ("dog", "2", "-1", "99999999999999999999"):
        status, _, err = gan_jax("sample", run, f"--label={label}", "--output", tmp_path / "x.npz")
        assert (status, err) == (
            2,
            f"error: label is '{label}'; it must be one of cat, owl or a number from 0 to 1.\n",
        )
    assert "The rows are cat, owl" in gan_jax("sample", run, "--output", tmp_path / "grid.png")[1]
    walks = [tmp_path / f"{label}.png" for label in ("owl", "cat")]
    for walk in walks:
        flags = ["--label", walk.stem, "--rows", 2, "--columns", 2, "--output", walk]
        assert gan_jax("interpolate", run, *flags)[0] == 0
    assert walks[0].read_bytes() != walks[1].read_bytes()
    project = ["project", run, pets / "val/owl/0.png", "--restarts", 2, "--steps", 2, "--label", "owl"]
    assert "of class owl differs" in gan_jax(*project, "--output", tmp_path / "p.png")[1]


def test_a_class_that_only_the_test_set_has_is_never_generated(pets, gan_jax, tmp_path):
    data, run = tmp_path / "pets", tmp_path / "run"
    shutil.copytree(pets, data)
    shutil.copytree(pets / "val" / "cat", data / "val" / "bat")
    status, out, _ = gan_jax("train", "--dataset", data, *CONDITIONAL, "--output-dir", run)
    assert (status, "3 classes: bat (0), cat (6), owl (6)" in out) == (0, True)
    assert "The rows are cat, owl" in gan_jax("sample", run, "--output", tmp_path / "grid.png")[1]
    assert gan_jax("sample", run, "--num-images", 4, "--output", tmp_path / "x.npz")[0] == 0
    assert np.load(tmp_path / "x.npz")["arr_1"].tolist() == [1, 2, 1, 2]
    walk = ["interpolate", run, "--rows", 2, "--columns", 2, "--output", tmp_path / "walk.png"]
    project = ["project", run, data / "val/owl/0.png", "--restarts", 2, "--steps", 2, "--output", tmp_path / "p.png"]
    assert [gan_jax(*command)[0] for command in (walk, project)] == [0, 0]
    refusal = "error: the run had no training images of 'bat'; choose another --label.\n"
    assert [gan_jax(*walk, "--label", label)[2] for label in ("bat", 0)] == [refusal] * 2


def test_sample_of_a_run_whose_classes_are_numbers_takes_their_names_alone(pets, gan_jax, tmp_path):
    for name, number in (("cat", "7"), ("owl", "12")):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / number).symlink_to(pets / "train" / name)
    run = tmp_path / "run"
    assert gan_jax("train", "--dataset", tmp_path / "set", *CONDITIONAL, "--output-dir", run, "--quiet")[0] == 0
    assert gan_jax("sample", run, "--label", 12, "--num-images", 1, "--output", tmp_path / "x.npz")[0] == 0
    status, _, err = gan_jax("sample", run, "--label", 1, "--num-images", 1, "--output", tmp_path / "x.npz")
    assert (status, err) == (2, "error: label is '1'; it must be one of 7, 12.\n")


def test_paths_of_flags_begin_with_the_home_folder(pets, gan_jax, tmp_path, monkeypatch):
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    (home / "images").mkdir(parents=True)
    (home / "images" / "pets").symlink_to(pets)
    assert gan_jax("reals", "--dataset=~/images/pets", "--num-images", 2, "--output=~/reals.npz")[0] == 0
    train = ["train", "--dataset=~/images/pets", *CONDITIONAL, "--output-dir=~/run"]
    assert gan_jax(*train)[0] == 0
    assert gan_jax("sample", "~/run", "--num-images", 1, "--output=~/x.npz")[0] == 0
    monkeypatch.setenv("XDG_CACHE_HOME", "~/cache")
    assert user_cache() == home / "cache" / "gan_jax"
    status, _, err = gan_jax("reals", "--dataset=~/x.npz", "--num-images", 1, "--output=~/x.npz")
    assert (status, "is one of the images that are read" in err) == (2, True)
    assert {path.name for path in home.iterdir()} == {"images", "reals.npz", "run", "x.npz"}
    assert not list(here.iterdir())
    status, _, err = gan_jax("sample", "~no_such_user/run", "--output", "x.npz")
    assert status == 2
    assert err.startswith("error: ~no_such_user/run cannot be read or written (there is no such home folder)")
    assert err.count("\n") == 1


def test_settings_of_reading_are_recorded_and_read_again(pets, gan_jax, tmp_path):
    small = ["--width", 2, "--latent-dim", 4, "--batch-size", 6, "--steps", 2, "--output-dir", tmp_path / "run"]
    reading = ["--channels", 1, "--pixel-range", 0, 200]
    assert gan_jax("train", "--dataset", pets, *small, *reading)[0] == 0
    record = json.loads((tmp_path / "run/run.json").read_text())["run"]
    assert (record["channels"], record["pixel_range"]) == (1, [0.0, 200.0])
    assert gan_jax("verify", tmp_path / "run")[0] == 0
    assert gan_jax("train", "--resume", "--steps", 3, "--output-dir", tmp_path / "run")[0] == 0
    changed = gan_jax("train", "--resume", "--pixel-range", 0, 255, "--output-dir", tmp_path / "run")
    assert changed[0] == 2


def test_a_file_that_breaks_and_pictures_of_runs_are_left_out(pets, gan_jax, tmp_path):
    shutil.copytree(pets / "train", tmp_path / "pets")
    small = ["--width", 2, "--latent-dim", 4, "--batch-size", 6, "--steps", 2]
    run = tmp_path / "pets" / "runs" / "pets"
    assert gan_jax("train", "--dataset", tmp_path / "pets", *small, "--output-dir", run)[0] == 0
    assert gan_jax("verify", run)[0] == 0
    (tmp_path / "pets" / "owl" / "broken.png").write_text("x")
    for words in (["verify", run], ["replay", run, "--step", 1, "--output", tmp_path / "step.npz"]):
        status, _, err = gan_jax(*words)
        assert (status, "--skip-broken leaves such files out" in err) == (2, True)
        assert gan_jax(*words, "--skip-broken")[0] == 0
    status, _, err = gan_jax("report", run)
    assert (status, "--skip-broken leaves such files out" in err) == (2, True)


def test_reals_do_not_replace_an_image_that_they_are_of(pets, gan_jax):
    for output in (pets / "train" / "owl" / "0.png", pets / "notes.txt"):
        status, _, err = gan_jax("reals", "--dataset", pets, "--num-images", 4, "--output", output)
        assert (status, "is one of the images that are read" in err) == (2, True)
