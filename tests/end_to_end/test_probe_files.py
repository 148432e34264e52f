"""Each file of a run is damaged in each way: a command does without it, or names it in one line and changes nothing."""

import shutil

import numpy as np
import pytest
from in_process import assert_fine, assert_mistake, command
from run_damage import dangle, delete, empty, everything, flip, garble, link, loop, replace_by_folder, truncate
from small_runs import content, settings

from gan_jax import run_experiment

STEPS, LONGER = 12, 16
NEWEST = f"checkpoints/{STEPS}"


def train(folder, **options):
    run_experiment(settings(folder, steps=STEPS, **options, game="drift"))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run of a step that is quick to compile."""
    return train(tmp_path_factory.mktemp("trained") / "run")


@pytest.fixture(scope="module")
def longer(trained, tmp_path_factory):
    """The same run, resumed without damage."""
    run = shutil.copytree(trained, tmp_path_factory.mktemp("longer") / "run")
    assert_fine(go_on(run))
    return run


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A run from another seed."""
    return train(tmp_path_factory.mktemp("other") / "run", seed=1)


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the finished run, to be damaged."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture(scope="module")
def images(trained, tmp_path_factory):
    """What the undamaged run's generator makes."""
    return sample(trained, tmp_path_factory.mktemp("images"))[1]


def sample(run, folder):
    result = command("sample", run, "--num-images", 4, "--output", folder / "samples.npz")
    return result, np.load(folder / "samples.npz")["arr_0"] if result.status == 0 else None


def go_on(run):
    return command("train", "--resume", "--output-dir", run, "--steps", LONGER, "--quiet")


def soak(*values):
    return pytest.param(*values, marks=pytest.mark.soak)


@pytest.mark.parametrize(
    ("name", "damage", "warning"),
    [
        ("weights.npz", delete, ""),
        ("weights.npz", flip, "Using the newest checkpoint"),
        soak("weights.npz", replace_by_folder, "Using the newest checkpoint"),
        soak("weights.npz", loop, ""),
        ("run.json", link, ""),
        ("checkpoints", garble, ""),
        soak("checkpoints", dangle, ""),
        (f"{NEWEST}/state/arrays.npz", delete, ""),
        soak("history.npz", garble, ""),
    ],
)
def test_the_same_images_come_of_a_run_of_which_enough_is_left(name, damage, warning, run, images, tmp_path):
    damage(run / name)
    before = everything(tmp_path)
    result, found = sample(run, tmp_path)
    assert_fine(result, warning)
    np.testing.assert_array_equal(found, images)
    (tmp_path / "samples.npz").unlink()
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("names", "damage", "complaint"),
    [
        (["run.json"], delete, "holds no run"),
        (["run.json"], dangle, "holds no run"),
        (["run.json"], truncate, "run.json is not"),
        (["weights.npz", "checkpoints"], dangle, "has no weights.npz and no checkpoint yet"),
        (["weights.npz", f"{NEWEST}/state", "checkpoints/8/state"], garble, "neither weights nor a checkpoint"),
    ],
)
def test_a_run_of_which_too_little_is_left_is_named(names, damage, complaint, run, tmp_path):
    for name in names:
        damage(run / name)
    before = everything(tmp_path)
    assert_mistake(sample(run, tmp_path)[0], complaint)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
@pytest.mark.parametrize(
    ("name", "damage", "complaint"),
    [
        ("weights.npz", replace_by_folder, "weights.npz is in the place of"),
        ("checkpoints", garble, "checkpoints is in the place of"),
        ("checkpoints", dangle, "checkpoints is in the place of"),
        ("run.json", empty, "run.json is not"),
        ("run.json", delete, "holds files but no run"),
        ("run.json", dangle, "holds files but no run"),
    ],
)
def test_a_training_does_not_begin_where_it_would_lose_something(flag, name, damage, complaint, run):
    damage(run / name)
    before = everything(run)
    assert_mistake(command("train", flag, "--output-dir", run), complaint)
    assert everything(run) == before


@pytest.mark.parametrize("damage", [delete, flip])
def test_a_report_does_without_a_picture(damage, run, tmp_path):
    for name in ("losses.png", "progress.gif", "metrics.jsonl", "history.npz"):
        damage(run / name)
    assert_fine(command("report", run, "--no-scores", "--output", tmp_path / "page.html"))


def test_a_tracker_is_shown_what_can_be_read(run):
    garble(run / f"grids/step_{STEPS:07d}.png")
    assert_fine(command("track", run), "is left out")


@pytest.mark.soak
def test_a_page_names_the_history_that_it_cannot_read(run, tmp_path):
    truncate(run / "history.npz")
    page = tmp_path / "page.html"
    assert_mistake(command("playground", run, "--images", 0, "--output", page), "history.npz cannot be read")


def flip_arrays(checkpoint):
    for path in checkpoint.rglob("arrays.npz"):
        if path.is_file():
            flip(path)


@pytest.mark.parametrize(
    ("name", "damage", "warning"),
    [
        (NEWEST, flip_arrays, f"{NEWEST} "),
        soak("weights.npz", flip, ""),
        soak("history.npz", loop, ""),
        soak(NEWEST, empty, f"{NEWEST} cannot be read"),
        soak(f"{NEWEST}/record/metadata", garble, f"{NEWEST} cannot be read"),
        soak("losses.png", link, ""),
        soak("progress.gif", dangle, ""),
    ],
)
def test_a_training_goes_on_to_the_same_bits(name, damage, warning, run, longer):
    damage(run / name)
    elsewhere = {path.name: path.read_bytes() for path in run.parent.glob("elsewhere_*")}
    result = go_on(run)
    assert_fine(result, warning)
    assert content(run) == content(longer)
    assert {path.name: path.read_bytes() for path in run.parent.glob("elsewhere_*")} == elsewhere


def test_checkpoints_of_which_none_can_be_used_are_left_alone(run, longer):
    for checkpoint in (run / "checkpoints").iterdir():
        flip_arrays(checkpoint)
    before = everything(run)
    result = go_on(run)
    assert_mistake(result, "no checkpoint can be used")
    assert "to train from step 0" in result.err
    assert everything(run) == before
    shutil.rmtree(run / "checkpoints")
    assert_fine(go_on(run), "no checkpoint to resume from; training starts again from step 0")
    assert content(run) == content(longer)


@pytest.mark.soak
def test_a_training_leaves_out_a_picture_that_cannot_be_read(run, longer):
    garble(run / "grids" / "step_0000000.png")
    shutil.copy(run / "losses.png", run / "grids" / "step_0000012.png")  # it has another size
    result = go_on(run)
    assert_fine(result, "step_0000000.png is left out")
    assert "step_0000012.png is left out" in result.err
    assert content(run)["weights.npz"] == content(longer)["weights.npz"]


@pytest.mark.soak
def test_replacing_a_run_with_linked_folders_begins_anew_and_leaves_what_they_lead_to(run, tmp_path):
    for name in ("checkpoints", "grids"):
        link(run / name)
    before = {path.name: everything(path) for path in tmp_path.glob("elsewhere_*")}
    networks = ("--dataset", "digits", "--width", 2, "--latent-dim", 4, "--batch-size", 120)
    counts = ("--log-every", 4, "--checkpoint-every", 4, "--steps", 4)
    assert_fine(command("train", *networks, *counts, "--quiet", "--overwrite", "--output-dir", run))
    assert np.load(run / "weights.npz")["step"] == 4
    assert {path.name: everything(path) for path in tmp_path.glob("elsewhere_*")} == before
    assert not any(path.is_symlink() for path in run.iterdir())


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "damage", "status", "text"),
    [
        ("weights.npz", flip, 2, "weights.npz cannot be read as weights"),
        ("weights.npz", "other", 2, "weights.npz does not hold the weights that the run recorded"),
        ("history.npz", delete, 0, "identical: 1 epochs"),
        ("history.npz", "other", 3, "different: epoch 1 is the first, step 1 the first"),
        ("run.json", "other", 3, "different: epoch 1 is the first"),
    ],
)
def test_verify_tells_a_damaged_run_from_a_different_one(name, damage, status, text, run, other):
    if damage == "other":
        shutil.copy(other / name, run / name)
    else:
        damage(run / name)
    before = everything(run)
    result = command("verify", run)
    assert (result.status, text in result.out + result.err) == (status, True), result
    assert everything(run) == before
