"""Files of named arrays: what is written is what other programs read, and whatever is read is right or one line."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import InputError
from gan_jax.inference.weight_files import WRITERS, read_weights, safetensors_file

ARRAYS = {
    "turned": np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1),
    "of Fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "count": np.asarray(7, np.int64),
    "none": np.zeros((0, 3), np.float32),
}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        np.testing.assert_array_equal(found[name], array)


def safetensors_of(entries, content, cut=None):
    text = json.dumps(entries).encode()
    return (len(text).to_bytes(8, "little") + text + content)[:cut]


def test_arrays_in_any_order_of_memory_keep_their_values(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(safetensors_file(ARRAYS))
    assert_same(read_weights(tmp_path / "x.safetensors"), ARRAYS)


def test_safetensors_are_those_of_its_own_package(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    assert_same(package.load(safetensors_file(ARRAYS)), ARRAYS)
    package.save_file({name: np.ascontiguousarray(array) for name, array in ARRAYS.items()}, tmp_path / "x.safetensors")
    assert_same(read_weights(tmp_path / "x.safetensors"), {**ARRAYS, "count": ARRAYS["count"].reshape(1)})


@pytest.mark.parametrize(("name", "dtype"), [("F16", np.float16), ("BF16", jnp.bfloat16), ("F64", np.float64)])
def test_every_type_of_float_is_read(name, dtype, tmp_path):
    array = np.asarray([[0.5, -3.0]], dtype)
    entry = {"dtype": name, "shape": [1, 2], "data_offsets": [0, array.nbytes]}
    (tmp_path / "x.safetensors").write_bytes(safetensors_of({"a": entry}, array.tobytes()))
    assert_same(read_weights(tmp_path / "x.safetensors"), {"a": array})


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 20,
        safetensors_of({"a": ENTRY}, bytes(8), cut=-1),
        safetensors_of({"a": ENTRY}, bytes(8), cut=12),
        safetensors_of({"a": ENTRY | {"dtype": "F8"}}, bytes(8)),
        safetensors_of({"a": ENTRY | {"shape": [3]}}, bytes(8)),
        safetensors_of({"a": ENTRY | {"shape": [-1, -2]}}, bytes(8)),
        safetensors_of({"a": ENTRY | {"shape": [2**62, 2**62], "data_offsets": [0, 0]}}, bytes(8)),
        safetensors_of({"a": ENTRY | {"data_offsets": [-8, 0]}}, bytes(8)),
        safetensors_of({"a": ENTRY | {"data_offsets": [0, 8, 16]}}, bytes(8)),
        safetensors_of({"a": [ENTRY]}, bytes(8)),
        safetensors_of([ENTRY], bytes(8)),
    ],
)
def test_a_damaged_file_is_one_line(content, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.safetensors cannot be read as weights .*; give the \.safetensors"):
        read_weights(tmp_path / "x.safetensors")


def test_what_pytorch_writes_and_reads_is_the_same(tmp_path):
    torch = pytest.importorskip("torch")
    (tmp_path / "x.pt").write_bytes(WRITERS["pytorch"](ARRAYS))
    assert_same(read_weights(tmp_path / "x.pt"), ARRAYS)
    assert torch.equal(torch.load(tmp_path / "x.pt", weights_only=True)["turned"], torch.from_numpy(ARRAYS["turned"]))
    kernel = torch.arange(4.0).reshape(2, 2).T.to(torch.bfloat16).requires_grad_()
    torch.save({"G": {"0.weight": kernel}, "epoch": 3}, tmp_path / "x.pth")
    assert_same(read_weights(tmp_path / "x.pth"), {"G.0.weight": np.asarray([[0, 2], [1, 3]], np.float32)})


def test_objects_of_pytorch_are_not_unpickled(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(1, 1), tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"x\.pt cannot be read as weights .* save the state_dict\(\) alone"):
        read_weights(tmp_path / "x.pt")


def test_pytorchs_files_without_pytorch_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "x.pt").write_bytes(b"")
    with pytest.raises(InputError, match=r"x\.pt needs PyTorch, which is not here; install torch"):
        read_weights(tmp_path / "x.pt")
    with pytest.raises(InputError, match="--format pytorch needs PyTorch"):
        WRITERS["pytorch"]({})
