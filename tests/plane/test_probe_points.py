"""Files of points, and what experiments recorded, that hold what they should not."""

import numpy as np
import pytest
from damaged import npy, npy_header
from PIL import Image

from gan_jax import InputError
from gan_jax.plane import load_target
from gan_jax.playground.recordings import read_lesson, read_plane

FRAMES = {
    **{"steps": np.arange(2), "reals": np.zeros((3, 2)), "half_width": np.float64(1)},
    **{"landscape": np.zeros((2, 6, 6)), "points": np.zeros((2, 3, 2)), "arrows": np.zeros((2, 3, 2))},
}


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("half_width", np.zeros(3)),
        ("half_width", np.array("x")),
        ("landscape", np.zeros(2)),
        ("points", np.zeros(())),
        ("arrows", np.array(["a"])),
        ("steps", np.zeros(())),
    ],
)
def test_frames_of_another_shape_are_refused(name, array, tmp_path):
    np.savez(tmp_path / "frames.npz", **FRAMES)
    assert len(read_plane(tmp_path)["arms"]) == 1
    np.savez(tmp_path / "frames.npz", **FRAMES | {name: array})
    with pytest.raises(InputError, match="holds no frames"):
        read_plane(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "3", '{"labels": []}', '{"labels": {"a": "A"}}', "[" * 9999, "\ufeff{}"], ids=ascii
)
def test_a_lesson_of_another_form_is_refused(text, tmp_path):
    (tmp_path / "lesson.json").write_text(text, encoding="utf-8")
    np.savez(tmp_path / "strips.npz", a=np.zeros(2))
    with pytest.raises(InputError, match=r"holds no lesson .*; give a folder of experiments/lesson\.py"):
        read_lesson(tmp_path)


POINTS = np.array([[0, 0], [1, 2], [4, 2]])
SCALED = (POINTS - [2, 1]) / 2  # centred, and both axes by one factor


@pytest.mark.parametrize("dtype", ["u1", ">i4", "<f2", ">f8", "<i8"])
def test_points_of_any_real_type_are_points(dtype, tmp_path):
    np.save(tmp_path / "points.npy", np.asfortranarray(POINTS.astype(dtype)))
    np.testing.assert_allclose(load_target(str(tmp_path / "points.npy")).points, SCALED, atol=1e-7)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"x,y\n", b"\xef\xbb\xbfx,y\n"])
def test_the_first_point_of_a_table_counts(start, tmp_path):
    (tmp_path / "points.csv").write_bytes(start + b"0,0\n1,2\n4,2\n")
    np.testing.assert_allclose(load_target(str(tmp_path / "points.csv")).points, SCALED, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.csv", b"x,y\n", "it is empty"),
        ("x.csv", b"# only\n# remarks\n", "it is empty"),
        ("x.csv", b"\n\n", "it is empty"),
        ("x.csv", b"1;2\n3;4\n", "cannot be read as points"),
        ("x.csv", b"1,2\n3\n", "cannot be read as points"),
        ("x.csv", b"1,2\n3,\x00\n", "cannot be read as points"),
        ("x.csv", "1,2\n3,4\n".encode("utf-16"), "cannot be read as points"),
        ("x.csv", b"1,2\nnan,4\n", "not finite"),
        ("x.csv", b"1,2\n1e999,4\n", "not finite"),
        ("x.csv", b"1,2\n1j,4\n", "cannot be read as points"),
        ("x.npy", npy(POINTS.astype(complex)), "it must be two or more points"),
        ("x.npy", npy(POINTS.astype(bool)), "it must be two or more points"),
        ("x.npy", npy(POINTS.astype("U1")), "it must be two or more points"),
        ("x.npy", npy(POINTS.T), "it must be two or more points"),
        ("x.npy", npy(POINTS[:0]), "it must be two or more points"),
        ("x.npy", npy_header((10**15, 2), "'<f8'"), "cannot be read as points"),
        ("x.npy", b"\x80\x04.", "Python objects"),
    ],
)
def test_what_are_no_points_is_refused(name, content, complaint, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=complaint) as error:
        load_target(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_dark_parts_of_16_bits_are_dark(tmp_path):
    pixels = np.full((20, 20), 60_000, np.uint16)
    pixels[:5, :5] = 10_000
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    Image.fromarray((pixels >> 8).astype(np.uint8)).save(tmp_path / "bytes.png")
    points = [load_target(str(tmp_path / name), 100).points for name in ("picture.png", "bytes.png")]
    np.testing.assert_array_equal(*points)
