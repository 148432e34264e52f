import numpy as np
import pytest
from PIL import Image

from gan_jax.pictures import grids

random = np.random.default_rng(0)
GREY = random.integers(0, 256, (64, 28, 28, 1), np.uint8)
COLOUR = random.integers(0, 256, (64, 32, 32, 3), np.uint8)


BOTH = pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])


def pixels(path):
    with Image.open(path) as picture:
        found = np.asarray(picture)
        return found.reshape(*found.shape[:2], -1)


def test_tiles_lie_row_by_row_with_white_between_and_after():
    tiles = grids.tile_images(GREY[:5], columns=3, padding=2)
    assert tiles.shape == (2 * 30 - 2, 3 * 30 - 2, 1)
    np.testing.assert_array_equal(tiles[:28, 30:58], GREY[1])
    np.testing.assert_array_equal(tiles[30:, :28], GREY[3])
    assert (tiles[28:30] == 255).all()
    assert (tiles[30:, 60:] == 255).all()


@BOTH
def test_a_grid_shows_every_image_enlarged_without_smoothing(images, tmp_path):
    grids.save_grid(tmp_path / "grid.png", images, "epoch 3   step 1404")
    picture = pixels(tmp_path / "grid.png")
    assert picture.shape[2] == images.shape[3]
    scale = 96 // images.shape[1]
    pitch = images.shape[1] * scale + 3
    top, left = 48, 14
    for index in (0, 7, 8, 63):
        row, column = divmod(index, 8)
        tile = picture[top + row * pitch :, left + column * pitch :][: pitch - 3, : pitch - 3]
        np.testing.assert_array_equal(tile[::scale, ::scale], images[index])
        np.testing.assert_array_equal(tile[scale - 1 :: scale, scale - 1 :: scale], images[index])


def test_grids_side_by_side_are_in_order_and_of_equal_numbers(tmp_path):
    levels = {"black": 0, "grey": 100, "light": 200}
    counts = {"black": 16, "grey": 20, "light": 16}
    images = {title: np.full_like(GREY[:1], level).repeat(counts[title], axis=0) for title, level in levels.items()}
    grids.save_side_by_side(tmp_path / "grids.png", images, columns=4)
    for part, level in zip(np.split(pixels(tmp_path / "grids.png")[60:-20], 3, axis=1), levels.values(), strict=True):
        assert (part == level).mean() > 0.8


@BOTH
def test_pairs_stand_above_each_other_and_apart_from_the_next(images, tmp_path):
    grids.save_pairs(tmp_path / "pairs.png", images[:20], images[20:40], "upper, above lower")
    picture = pixels(tmp_path / "pairs.png")
    side = images.shape[1] * (scale := 96 // images.shape[1])
    for index in (0, 15, 16, 19):
        row, column = divmod(index, 16)
        top, left = 48 + row * (2 * side + 17), 14 + column * (side + 3)
        cell = picture[top : top + 2 * side, left : left + side][::scale, ::scale]
        np.testing.assert_array_equal(cell, np.concatenate([images[index], images[20 + index]]))
        assert (picture[top + 2 * side : top + 2 * side + 17, left : left + side] == 255).all()


@BOTH
def test_strips_are_rows_with_their_names_before_them(images, tmp_path):
    grids.save_strips(tmp_path / "strips.png", {"a": images[:4], "a longer name": images[4:8]})
    picture = pixels(tmp_path / "strips.png")
    scale = 56 // images.shape[1]
    pitch = images.shape[1] * scale + 3
    left = picture.shape[1] - (4 * pitch - 3)
    assert picture.shape[0] == 2 * pitch
    assert (picture[:, :left] < 255).any()
    np.testing.assert_array_equal(
        picture[pitch::scale, left + pitch :: scale][: images.shape[1], : images.shape[1]], images[5]
    )


def test_an_animation_has_the_grids_in_order_and_rests_on_the_last(tmp_path):
    paths = []
    for level in (0, 80, 160):
        paths.append(tmp_path / f"{level}.png")
        grids.save_grid(paths[-1], np.full_like(GREY, level), f"{level}")
    grids.save_animation(tmp_path / "progress.gif", paths)
    with Image.open(tmp_path / "progress.gif") as animation:
        assert animation.info["loop"] == 0
        frames = []
        for index in range(animation.n_frames):
            animation.seek(index)
            frames.append((int(np.median(np.asarray(animation.convert("L")))), animation.info["duration"]))
    assert [level for level, _ in frames] == [0, 80, 160]
    assert frames[0][1] < frames[-1][1] == 2000


def test_a_long_animation_keeps_first_and_last(tmp_path):
    paths = []
    for level in range(120):
        paths.append(tmp_path / f"{level}.png")
        Image.fromarray(np.full((4, 4), 2 * level, np.uint8)).save(paths[-1])
    grids.save_animation(tmp_path / "progress.gif", paths)
    with Image.open(tmp_path / "progress.gif") as animation:
        assert animation.n_frames == 24
        assert np.asarray(animation.convert("L")).max() == 0
        animation.seek(23)
        assert np.asarray(animation.convert("L")).max() == 232  # 238 in 32 levels


@pytest.mark.parametrize("images", [GREY[:20], COLOUR[:20] // 64 * 85], ids=["grey", "colour"])
def test_a_loop_plays_every_image_at_one_pace_for_ever(images, tmp_path):
    grids.save_loop(tmp_path / "loop.gif", images)
    scale = 192 // images.shape[1]
    with Image.open(tmp_path / "loop.gif") as animation:
        assert animation.info["loop"] == 0
        assert animation.n_frames == 20
        for index, image in enumerate(images):
            animation.seek(index)
            assert animation.info["duration"] == 400
            expected = np.broadcast_to(image, (*image.shape[:2], 3)).repeat(scale, axis=0).repeat(scale, axis=1)
            np.testing.assert_array_equal(animation.convert("RGB"), expected)
