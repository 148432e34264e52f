"""The targets' points, and files of one's own."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.plane import TARGETS, load_target


@pytest.mark.parametrize("name", TARGETS)
def test_a_targets_points_are_always_the_same_and_within_its_square(name):
    target = load_target(name, 1000)
    assert target.points.shape == (1000, 2)
    assert target.points.dtype == np.float32
    assert np.abs(target.points).max() < target.half_width
    np.testing.assert_array_equal(target.points, load_target(name, 1000).points)


@pytest.mark.parametrize(("name", "count"), [("ring", 8), ("grid", 25)])
def test_the_points_of_a_mixture_lie_around_its_modes_in_equal_parts(name, count):
    points, _, modes = load_target(name, 20_000)
    assert len(modes.centres) == count
    offsets = points[:, None] - modes.centres
    distances = np.linalg.norm(offsets, axis=-1)
    shares = np.bincount(distances.argmin(axis=1), minlength=count) / len(points)
    np.testing.assert_allclose(shares, 1 / count, rtol=0.15)
    nearest = np.take_along_axis(offsets, distances.argmin(axis=1)[:, None, None], axis=1)
    assert nearest.std() == pytest.approx(modes.std, rel=0.02)


def test_a_pictures_dark_pixels_are_drawn_upright(tmp_path, monkeypatch):
    pixels = np.full((40, 20), 255, np.uint8)
    pixels[:10, :10] = 0  # above, at the left
    pixels[30:, 10:] = 100  # below, at the right, half as dark or less
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    points = load_target("~/picture.png", 4000).points
    above_left = (points[:, 0] < 0) & (points[:, 1] > 0)
    below_right = (points[:, 0] > 0) & (points[:, 1] < 0)
    assert (above_left | below_right).all()
    assert above_left.sum() > 3 * below_right.sum() > 0
    assert np.abs(points).max() == pytest.approx(1, rel=1e-5)
