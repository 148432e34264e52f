"""The scripts of the plane as a user runs them, and the files they leave."""

import json
import subprocess
import sys

import numpy as np
import pytest
from in_process import EXPERIMENTS, assert_mistake, script
from PIL import Image
from waiting import PATIENCE

from gan_jax.plane import plane_recipes


def count_modes(*flags):
    """In a process of its own, since it decides how many devices JAX has."""
    command = [sys.executable, EXPERIMENTS / "plane_modes.py", *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.soak
def test_a_file_of_points_becomes_pictures_and_arrays(tmp_path):
    angles = np.linspace(0, 6, 300)
    np.savetxt(tmp_path / "points.csv", np.stack([np.cos(angles), np.sin(angles)], axis=1), delimiter=",")
    flags = ("--target", tmp_path / "points.csv", "--recipe", "r3gan-dcgan", "--steps", 60, "--frames", 4, "--width", 8)
    done = script("plane", *flags, "--output-dir", tmp_path / "run")
    assert (done.status, done.err) == (0, "")
    with Image.open(tmp_path / "run" / "plane.gif") as picture:
        assert picture.n_frames == 4
    figure = np.asarray(Image.open(tmp_path / "run" / "plane.png").convert("RGB"))
    assert figure.std() > 20
    with np.load(tmp_path / "run" / "frames.npz") as frames:
        assert frames["steps"][[0, -1]].tolist() == [0, 60]
        assert frames["landscape"].shape == (4, 96, 96)
        assert len(frames["metrics/penalty"]) == 60
        assert not np.allclose(frames["points"][0], frames["points"][-1])


def test_what_cannot_be_counted_is_refused_before_anything_is_trained(tmp_path):
    done = count_modes("--recipes", "dcgan", "lucid", "--output-dir", tmp_path / "run")
    complaint = f"recipes has lucid; in the plane there are {', '.join(plane_recipes())}."
    assert (done.returncode, done.stderr) == (2, f"error: {complaint}\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--target", "square"), "target is 'square'; it must be one of ring, grid, moons, spiral, or a file"),
        (("--recipe", "diffaugment"), "the recipe changes images"),
    ],
)
def test_a_mistake_gets_one_line(flags, complaint, tmp_path):
    assert_mistake(script("plane", *flags, "--output-dir", tmp_path / "run"), complaint)
    assert not (tmp_path / "run").exists()


@pytest.mark.soak
def test_the_lesson_in_the_plane(tmp_path):
    done = script("plane_lesson", "--steps", 1500, "--frames", 5, "--output-dir", tmp_path)
    assert (done.status, done.err) == (0, "")
    arms = {path.stem: dict(np.load(path)) for path in tmp_path.glob("*.npz")}
    assert set(arms) == {"joint", "untrained_critic", "trained_critic", "discriminator"}
    for name, constant in {"joint": False, "untrained_critic": True, "trained_critic": True}.items():
        landscape = arms[name]["landscape"]
        assert np.array_equal(landscape[0], landscape[-1]) == constant
    np.testing.assert_array_equal(arms["trained_critic"]["landscape"][0], arms["joint"]["landscape"][-1])
    np.testing.assert_array_equal(arms["discriminator"]["points"][0], arms["discriminator"]["points"][-1])
    assert arms["untrained_critic"]["metrics/d_g_z2"][-1] > 0.99
    assert arms["untrained_critic"]["near"][-1] == 0
    assert arms["joint"]["divergence"][-1] < 0.2 < arms["untrained_critic"]["divergence"][-1]
    with Image.open(tmp_path / "lesson.gif") as picture:
        assert picture.n_frames == 5


@pytest.mark.soak
def test_modes_are_counted_and_counting_resumes(tmp_path):
    flags = ("--seeds", 2, "--steps", 1000, "--targets", "ring", "--output-dir", tmp_path)
    first = count_modes("--recipes", "dcgan", *flags)
    both = count_modes("--recipes", "dcgan", "r1", *flags)
    assert (first.returncode, both.returncode) == (0, 0)
    assert "dcgan" not in both.stdout
    rows = json.loads((tmp_path / "modes.json").read_text())["rows"]
    assert [row["recipe"] for row in rows] == ["dcgan", "r1"]
    assert all(len(row["near"]) == 2 and row["modes"] == 8 for row in rows)
    other = count_modes("--recipes", "dcgan", "--seeds", 3, *flags[2:])
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert "is of other settings" in other.stderr


@pytest.mark.soak
def test_the_games_fields_and_eigenvalues(tmp_path, monkeypatch):
    two = {name: config for name, config in plane_recipes().items() if name in ("r1", "r3gan-dcgan")}
    monkeypatch.setattr("gan_jax.plane.plane_recipes", lambda: two)
    done = script("plane_dynamics", "--steps", 200, "--width", 4, "--points", 64, "--output-dir", tmp_path)
    assert (done.status, done.err) == (0, "")
    found = json.loads((tmp_path / "dynamics.json").read_text())
    assert found["dirac"]["relativistic, R1 + R2"]["distance"] < 1e-4 < 1 < found["dirac"]["Wasserstein"]["distance"]
    assert found["plane"]["r1"]["parameters"] == 42 + 37
    for name in ("dirac", "decay", "eigenvalues", "ends"):
        assert np.asarray(Image.open(tmp_path / f"{name}.png").convert("L")).std() > 10
