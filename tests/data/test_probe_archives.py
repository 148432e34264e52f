"""Zips of images, IDX files and archives of published sets that hold what they should not."""

import gzip
import io
import struct
import tarfile

import numpy as np
import pytest
from damaged import EXAMPLES, change_headers, claim_size, mutated, write_zip
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from gan_jax import InputError, load_dataset
from gan_jax.data import published
from gan_jax.data.folders import read_image_set


def encoded(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


IMAGES = [encoded(pixels) for pixels in np.random.default_rng(1).integers(0, 256, (20, 28, 28), np.uint8)]


def named(names):
    return [(name, IMAGES[index % len(IMAGES)]) for index, name in enumerate(names)]


def test_names_that_lead_elsewhere_are_names_alone(tmp_path):
    members = named([f"a/{index}.png" for index in range(20)])
    places = ["../../escaped.png", "/escaped.png", "a/../../escaped.png", "..\\escaped.png", "nested.zip"]
    write_zip(tmp_path / "set.zip", [*members, *((place, IMAGES[0]) for place in places)])
    found = read_image_set(tmp_path / "set.zip")
    assert found.train_images.shape[1:] == (28, 28, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]
    assert not list(tmp_path.parent.glob("escaped*"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda path: change_headers(path, flags=1), r"0\.png cannot be read .*encrypted"),
        (lambda path: change_headers(path, method=9), r"0\.png cannot be read .*not supported"),
        (lambda path: change_headers(path, method=14), r"0\.png cannot be read"),
        (lambda path: claim_size(path, 2**32 - 2), r"set\.zip cannot be read \(it would unpack to 4,294,"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), r"set\.zip cannot be read"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"\xc3\xa9", b"\xff\xff")),
            r"set\.zip cannot be read",
        ),
    ],
)
def test_a_zip_that_cannot_be_read_is_refused_in_a_line(change, complaint, tmp_path):
    change(write_zip(tmp_path / "set.zip", named([*(f"{index}.png" for index in range(5)), "é.png"])))
    with pytest.raises(InputError, match=complaint) as error:
        read_image_set(tmp_path / "set.zip")
    assert "\n" not in str(error.value)


def idx(shape, content, kind=8):
    return bytes((0, 0, kind, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + content


def read_idx(content, folder, dimensions=3):
    (folder / "x").write_bytes(content)
    return published._read_idx(folder / "x", dimensions)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (lambda: idx((2**32 - 1,) * 3, b""), "has 16 bytes where its header says 79228162458924105"),
        (lambda: idx((2, 2, 2), b"\0" * 8, kind=0x0D), "starts with 00000d03"),
        (lambda: idx((2, 2), b"\0" * 4), "starts with 00000802"),
        (lambda: idx((0, 28, 28), b"\0"), "has 17 bytes where its header says 16"),
        (lambda: gzip.compress(idx((2, 2, 2), b"\0" * 8)) + b"x", "truncated or damaged gzip"),
        (lambda: gzip.compress(b"\0" * 2**28 + b"\0", 1), "unpacks to more than 268,435,456 bytes"),
    ],
    ids=["too large", "another type", "another shape", "too long", "after the gzip", "a bomb"],
)
def test_idx_files_whose_headers_lie_are_refused(content, complaint, tmp_path):
    with pytest.raises(InputError, match=complaint):
        read_idx(content(), tmp_path)


@EXAMPLES
def test_any_bytes_are_an_idx_array_or_refused_and_arrays_are_read_back(examples, tmp_path):
    @settings(max_examples=examples)
    @given(
        st.lists(st.integers(0, 3), min_size=3, max_size=3),
        st.booleans(),
        st.lists(st.tuples(st.integers(0, 40), st.integers(0, 255)), max_size=2),
        st.none() | st.integers(0, 40),
    )
    @example([1, 1, 1], True, [(3, 0)], None)
    def holds(shape, zipped, changes, cut):
        array = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)
        content = idx(shape, array.tobytes())
        content = gzip.compress(content, mtime=0) if zipped else content
        damaged = mutated(content, changes, cut)
        try:
            found = read_idx(damaged, tmp_path)
        except InputError as error:
            assert damaged != content
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert found.ndim == 3
            assert damaged != content or (found == array).all()

    holds()


def _tar(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, size, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            if size is not None:
                info.size = size
                archive.fileobj.write(info.tobuf())


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ([("../../data_batch_1.bin", None, b"x" * 3073)], "data_batch_2.bin"),
        ([("data_batch_1.bin", 2**40, b"")], "it would unpack to 1,099,511"),
    ],
)
def test_an_archive_of_cifar_that_leads_elsewhere_or_claims_too_much_is_refused(members, complaint, tmp_path):
    _tar(tmp_path / "cifar-10-binary.tar.gz", members)
    with pytest.raises(InputError, match=complaint):
        load_dataset("cifar10", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cifar-10-binary.tar.gz"]


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"X": np.zeros((2, 2, 3, 4)), "y": np.ones(4)}, "X is double"),
        ({"X": {"a": 1}, "y": np.ones(4)}, "X is struct"),
        ({"X": np.zeros((2, 2, 3, 4), np.uint8), "y": np.array(list("abcd"))}, "for 4 labels|holds"),
        ({"X": np.zeros((2, 2, 3, 4), np.uint8), "y": np.ones(3)}, "for 3 labels"),
        ({"X": np.zeros((2, 2, 3, 4), np.uint8)}, "no MATLAB file with X and y"),
    ],
)
def test_a_matlab_file_of_something_else_is_refused(arrays, complaint, tmp_path):
    for name in ("train_32x32.mat", "test_32x32.mat"):
        savemat(tmp_path / name, arrays)
    with pytest.raises(InputError, match=complaint) as error:
        load_dataset("svhn_cropped", tmp_path)
    assert "\n" not in str(error.value)
