"""Archives of arrays that hold what they should not: every reader gives a line, unpickles nothing, believes no size."""

import os
import zipfile

import numpy as np
import pytest
from damaged import EXAMPLES, change_headers, claim_size, mutated, npy, npy_header, write_zip
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gan_jax import InputError, load_weights
from gan_jax.array_files import read_arrays
from gan_jax.data.folders import read_image_set
from gan_jax.evaluation.store import read_evaluator
from gan_jax.pictures.image_files import load_images
from gan_jax.playground.recordings import read_frames
from gan_jax.storage.history import read_history

READERS = {  # and the name of an array that each reads
    "samples": (load_images, "arr_0"),
    "images": (read_image_set, "images"),
    "history": (read_history, "d_loss"),
    "weights": (load_weights, "step"),
    "evaluator": (read_evaluator, "metadata"),
    "frames": (read_frames, "steps"),
}
ARRAY = np.random.default_rng(0).integers(0, 256, (12, 28, 28, 1), np.uint8)


class Opens:
    """An object whose unpickling makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def with_bytes(content, method=zipfile.ZIP_STORED):
    return lambda path, name: write_zip(path, [(f"{name}.npy", content)], method)


def damaged_deflate(path, name):
    content = bytearray(with_bytes(npy(ARRAY), zipfile.ZIP_DEFLATED)(path, name).read_bytes())
    content[80:120] = b"\xff" * 40
    path.write_bytes(content)


WRONG = {  # what writes the file, and what is said of it
    "bytes that are no array": (with_bytes(b"hello"), "is no array"),
    "a member without an ending": (lambda path, name: write_zip(path, [(name, b"hello")]), "is no array"),
    "objects": (with_bytes(npy(np.array([{}], object), allow_pickle=True)), "it is no array, or one of Python objects"),
    "more entries than there is memory": (with_bytes(npy_header((10**15,))), "cannot be read"),
    "more entries than the file holds": (with_bytes(npy_header((10**6,))), "EOF"),
    "more entries than a number holds": (with_bytes(npy_header((10**30,))), "too large"),
    "entries below none": (with_bytes(npy_header((-1,))), "negative"),
    "a header of brackets": (with_bytes(npy_header("(" * 900)), "cannot be read"),
    "a header that is a formula": (with_bytes(npy_header("-" * 9000 + "1")), "cannot be read"),
    "a type that is no type": (with_bytes(npy_header((1,), "'i4,(,'")), "invalid syntax"),
    "an encrypted member": (lambda path, name: change_headers(with_bytes(npy(ARRAY))(path, name), 1), "encrypted"),
    "a method that nobody has": (
        lambda path, name: change_headers(with_bytes(npy(ARRAY))(path, name), method=9),
        "compression method is not supported",
    ),
    "another method than was used": (
        lambda path, name: change_headers(with_bytes(npy(ARRAY))(path, name), method=12),
        "cannot be read",
    ),
    "a damaged stream": (damaged_deflate, "while decompressing"),
    "a bomb": (
        lambda path, name: claim_size(with_bytes(npy(ARRAY))(path, name), 2**32 - 1),
        "it would unpack to 4,294,967,295 bytes",
    ),
    "a folder": (lambda path, name: path.mkdir(), "it is no regular file"),
    "a pipe": (lambda path, name: os.mkfifo(path), "it is no regular file|is no folder"),
}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_archive_of_arrays_is_refused_in_a_line(case, kind, tmp_path):
    (write, complaint), (read, name) = WRONG[case], READERS[kind]
    path = tmp_path / "file.npz"
    write(path, name)
    if case == "a folder" and kind == "images":
        complaint = "holds no image files"
    with pytest.raises(InputError, match=rf"file\.npz.*({complaint})") as error:
        read(path)
    assert "\n" not in str(error.value)
    assert "allow_pickle" not in str(error.value)


@pytest.mark.parametrize("kind", READERS)
def test_nothing_is_unpickled_or_written_outside(kind, tmp_path):
    read, name = READERS[kind]
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    objects = npy(np.array([Opens(tmp_path / "made")], object), allow_pickle=True)
    outside = [(place, objects) for place in ("../../made.npy", str(tmp_path / "made.npy"), "..\\..\\made.npy")]
    write_zip(folder / "file.npz", [(f"{name}.npy", objects), *outside])
    with pytest.raises(InputError):
        read(folder / "file.npz")
    (folder / "pickled.npz").write_bytes(objects[objects.index(b"\n") + 1 :])
    with pytest.raises(InputError):
        read(folder / "pickled.npz")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "er", "file.npz", "pickled.npz"]


def test_an_archive_that_packs_well_is_no_bomb(tmp_path):
    np.savez_compressed(tmp_path / "flat.npz", arr_0=np.zeros((5000, 28, 28), np.uint8))
    assert load_images(tmp_path / "flat.npz").shape == (5000, 28, 28, 1)


@EXAMPLES
def test_a_damaged_archive_is_read_or_refused(examples, tmp_path):
    whole = {method: with_bytes(npy(ARRAY[:1, :9]), method)(tmp_path / "x.npz", "a").read_bytes() for method in (0, 8)}

    @settings(max_examples=examples)
    @given(
        st.sampled_from([0, 8]),
        st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), max_size=4),
        st.none() | st.integers(0, 1000),
    )
    @example(0, [], 0)
    def holds(method, changes, cut):
        (tmp_path / "x.npz").write_bytes(mutated(whole[method], changes, cut))
        try:
            arrays = read_arrays(tmp_path / "x.npz", "arrays", "give others")
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert all(isinstance(array, np.ndarray) and not array.dtype.hasobject for array in arrays.values())

    holds()
