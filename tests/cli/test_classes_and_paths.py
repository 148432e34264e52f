"""Classes by their names, what a training says of its images, and paths below the home folder."""

import json
import shutil

import numpy as np
import pytest
from in_process import command
from PIL import Image

from gan_jax.files import user_cache

SMALL = ["--width", 2, "--latent-dim", 4, "--batch-size", 6, "--steps", 2, "--game", "drift"]
CONDITIONAL = ["--recipe", "conditional", *SMALL]
TOLD = (
    "pets: 12 training images and 18 for tests, 28×28, RGB; 3 classes: bat (0), cat (6), owl (6); held out: val; "
    "other files: 1 .txt"
)


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """Pictures in classes, of which one is among the test images alone."""
    folder = tmp_path_factory.mktemp("pets") / "pets"
    random = np.random.default_rng(0)
    for place in ("train/owl", "train/cat", "val/owl", "val/cat", "val/bat"):
        (folder / place).mkdir(parents=True)
        for index in range(6):
            Image.fromarray(random.integers(0, 256, (28, 28, 3), np.uint8)).save(folder / place / f"{index}.png")
    (folder / "notes.txt").write_text("x")
    return folder


@pytest.fixture(scope="module")
def trained(pets, tmp_path_factory, scored_runs):
    """A run on these pictures, and what its training said."""
    run = tmp_path_factory.mktemp("trained") / "run"
    status, out, err = command("train", "--dataset", pets, *CONDITIONAL, "--output-dir", run)
    assert (status, err) == (0, "")
    return run, out


def read_record(run):
    return json.loads((run / "run.json").read_text())


def drawn(run, tmp_path, *flags):
    """The arrays of a few samples."""
    assert command("sample", run, "--num-images", 4, *flags, "--output", tmp_path / "x.npz").status == 0
    with np.load(tmp_path / "x.npz") as archive:
        return dict(archive)


def test_train_tells_and_records_classes_once(trained, tmp_path):
    run, out = shutil.copytree(trained[0], tmp_path / "run"), trained[1]
    assert out.splitlines()[1] == TOLD
    assert read_record(run)["dataset"]["class_names"] == ["bat", "cat", "owl"]
    assert TOLD not in command("train", "--resume", "--quiet", "--steps", 3, "--output-dir", run).out


def test_commands_take_classes_by_their_names_or_numbers(trained, pets, tmp_path):
    run = trained[0]
    arrays = [drawn(run, tmp_path, "--label", label)["arr_0"] for label in ("owl", "2", "cat")]
    np.testing.assert_array_equal(arrays[0], arrays[1])
    assert (arrays[0] != arrays[2]).any()
    for label in ("dog", "3", "-1", "99999999999999999999"):
        status, _, err = command("sample", run, f"--label={label}", "--output", tmp_path / "y.npz")
        allowed = "it must be one of bat, cat, owl or a number from 0 to 2"
        assert (status, err) == (2, f"error: label is '{label}'; {allowed}.\n")
    walks = [tmp_path / f"{label}.png" for label in ("owl", "cat")]
    for walk in walks:
        flags = ["--label", walk.stem, "--rows", 2, "--columns", 2, "--output", walk]
        assert command("interpolate", run, *flags).status == 0
    assert walks[0].read_bytes() != walks[1].read_bytes()
    project = ["project", run, pets / "val/owl/0.png", "--restarts", 2, "--steps", 2, "--label", "owl"]
    assert "of class owl differs" in command(*project, "--output", tmp_path / "p.png").out


@pytest.mark.soak
def test_a_class_that_only_the_test_set_has_is_never_generated(trained, pets, tmp_path):
    run = trained[0]
    assert "The rows are cat, owl" in command("sample", run, "--output", tmp_path / "grid.png").out
    assert drawn(run, tmp_path)["arr_1"].tolist() == [1, 2, 1, 2]
    walk = ["interpolate", run, "--rows", 2, "--columns", 2, "--output", tmp_path / "walk.png"]
    project = ["project", run, pets / "val/owl/0.png", "--restarts", 2, "--steps", 2, "--output", tmp_path / "p.png"]
    assert [command(*words).status for words in (walk, project)] == [0, 0]
    alone = ["sample", run / "weights.npz", "--output", tmp_path / "x.npz"]  # which know no names
    for words, label in ((walk, "bat"), (walk, 0), (alone, 0)):
        refusal = f"error: the run had no training images of '{label}'; choose another --label.\n"
        assert command(*words, "--label", label).err == refusal


@pytest.mark.soak
def test_sample_of_a_run_whose_classes_are_numbers_takes_their_names_alone(trained, tmp_path):
    run = shutil.copytree(trained[0], tmp_path / "run")
    record = read_record(run)
    record["dataset"]["class_names"] = ["3", "7", "12"]
    (run / "run.json").write_text(json.dumps(record))
    assert drawn(run, tmp_path, "--label", 12)["arr_1"].tolist() == [2] * 4
    status, _, err = command("sample", run, "--label", 1, "--output", tmp_path / "y.npz")
    assert (status, err) == (2, "error: label is '1'; it must be one of 3, 7, 12.\n")


def test_paths_of_flags_begin_with_the_home_folder(pets, gan_jax, tmp_path, monkeypatch):
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    (home / "images").mkdir(parents=True)
    (home / "images" / "pets").symlink_to(pets)
    assert gan_jax("reals", "--dataset=~/images/pets", "--num-images", 2, "--output=~/reals.npz").status == 0
    assert gan_jax("train", "--dataset=~/images/pets", *CONDITIONAL, "--output-dir=~/run").status == 0
    assert gan_jax("sample", "~/run", "--num-images", 4, "--output=~/x.npz").status == 0
    monkeypatch.setenv("XDG_CACHE_HOME", "~/cache")
    assert user_cache() == home / "cache" / "gan_jax"
    status, _, err = gan_jax("reals", "--dataset=~/x.npz", "--num-images", 1, "--output=~/x.npz")
    assert (status, "is one of the images that are read" in err) == (2, True)
    assert {path.name for path in home.iterdir()} == {"images", "reals.npz", "run", "x.npz"}
    assert not list(here.iterdir())
    status, _, err = gan_jax("sample", "~no_such_user/run", "--output", "x.npz")
    assert (status, err.count("\n")) == (2, 1)
    assert err.startswith("error: ~no_such_user/run cannot be read or written (there is no such home folder)")


@pytest.fixture
def grey(pets, tmp_path):
    """A run that reads the pictures in its own way and lies among them."""
    shutil.copytree(pets / "train", tmp_path / "pets")
    run = tmp_path / "pets" / "runs" / "pets"
    reading = ["--dataset", tmp_path / "pets", "--channels", 1, "--pixel-range", 0, 200]
    assert command("train", *reading, *SMALL, "--output-dir", run).status == 0
    return run


@pytest.mark.soak
def test_a_file_that_breaks_and_pictures_of_runs_are_left_out(grey, gan_jax, tmp_path):
    record = read_record(grey)["run"]
    assert (record["channels"], record["pixel_range"]) == (1, [0.0, 200.0])
    assert gan_jax("verify", grey).status == 0
    (tmp_path / "pets" / "owl" / "broken.png").write_text("x")
    replay = ["replay", grey, "--step", 1, "--output", tmp_path / "step.npz"]
    for words in (["verify", grey], replay, ["report", grey]):
        status, _, err = gan_jax(*words)
        assert (status, "--skip-broken leaves such files out" in err) == (2, True)
        assert words[0] == "report" or gan_jax(*words, "--skip-broken").status == 0


@pytest.mark.soak
def test_resuming_reads_images_as_before(grey, gan_jax):
    assert gan_jax("train", "--resume", "--steps", 3, "--output-dir", grey).status == 0
    changed = gan_jax("train", "--resume", "--pixel-range", 0, 255, "--output-dir", grey)
    assert (changed.status, "the run in the folder has" in changed.err) == (2, True)


def test_reals_do_not_replace_an_image_that_they_are_of(pets, gan_jax):
    for output in (pets / "train" / "owl" / "0.png", pets / "notes.txt"):
        status, _, err = gan_jax("reals", "--dataset", pets, "--num-images", 4, "--output", output)
        assert (status, "is one of the images that are read" in err) == (2, True)
