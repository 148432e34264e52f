"""Named arrays in the files of other programs: safetensors, NumPy's archives, and PyTorch's where it is installed.

A safetensors file is the length of a header (8 bytes), the header as JSON (each array's type, shape, and place in what
follows), and the arrays in C's order, little-endian.
"""

import importlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from gan_jax.array_files import read_arrays
from gan_jax.errors import InputError
from gan_jax.files import first_line, parse_json, require_regular

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": jnp.bfloat16, "I64": "<i8", "I32": "<i4"}
_LONGEST_HEADER = 100_000_000  # bytes, as the package safetensors allows
_ADVICE = "give the .safetensors, .npz, .pt or .pth file of another program's weights"


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a file by their names; nothing is unpickled.

    Args:
      path: of which the ending tells the kind. What PyTorch saved may have dictionaries in dictionaries, whose keys are
        then joined by dots.

    Raises:
      InputError: it is missing, damaged or something else, or PyTorch is needed and not here.
    """
    if path.suffix == ".npz":
        return read_arrays(path, "weights", _ADVICE)
    if path.suffix not in _READERS:
        raise InputError(f"{path} has another ending; {_ADVICE}.")
    torch = _torch(path.name) if path.suffix != ".safetensors" else None
    try:
        require_regular(path)
        return _READERS[path.suffix](path, torch)
    except Exception as error:  # PyTorch raises whatever its parser meets
        reason = first_line(error)
        if "weights_only" in str(error):  # PyTorch's own words tell how to unpickle it all the same
            reason = "it has Python objects beside arrays: save the state_dict() alone"
        raise InputError(f"{path} cannot be read as weights ({reason}); {_ADVICE}.") from None


def _torch(what: str) -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError:
        raise InputError(f"{what} needs PyTorch, which is not here; install torch, or use .safetensors.") from None


def _read_safetensors(path: Path, torch: None) -> dict[str, np.ndarray]:
    file = np.memmap(path, np.uint8, "r")
    length = int.from_bytes(file[:8].tobytes(), "little")
    if length > min(_LONGEST_HEADER, len(file) - 8):
        raise ValueError("its header is longer than it may be")
    header = parse_json(file[8 : 8 + length].tobytes().decode())
    content = file[8 + length :]
    return {name: _array_of(name, entry, content) for name, entry in header.items() if name != "__metadata__"}


def _array_of(name: str, entry: Any, content: np.ndarray) -> np.ndarray:
    if entry["dtype"] not in _TYPES:
        raise ValueError(f"{name} is of type {entry['dtype']}, which is not one of {', '.join(_TYPES)}")
    dtype, shape, (start, end) = np.dtype(_TYPES[entry["dtype"]]), entry["shape"], entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
        raise ValueError(f"{name} has no shape or place")
    size = dtype.itemsize
    for count in shape:  # as Python's integers, which do not overflow
        size *= count
    if end - start != size or end > len(content):
        raise ValueError(f"{name} is not of the size that its shape tells")
    return np.array(content[start:end]).view(dtype).reshape(shape)


def _read_pytorch(path: Path, torch: Any) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}

    def gather(prefix: str, found: Any) -> None:
        if isinstance(found, Mapping):
            for name, inner in found.items():
                gather(f"{prefix}{name}.", inner)
        elif isinstance(found, torch.Tensor):
            tensor = found.detach()
            arrays[prefix[:-1]] = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()

    gather("", torch.load(path, map_location="cpu", weights_only=True))
    return arrays


_READERS: dict[str, Callable[[Path, Any], dict[str, np.ndarray]]] = {
    ".safetensors": _read_safetensors,
    ".pt": _read_pytorch,
    ".pth": _read_pytorch,
}


def safetensors_file(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of a safetensors file.

    Args:
      arrays: float32 or int64, by their names, with their values in any order of memory.

    Examples:
      >>> content = safetensors_file({"0.bias": np.zeros(2, np.float32)})
      >>> len(content), content[8:19]
      (112, b'{"__metadat')
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    names, data, at = {np.dtype(_TYPES[name]): name for name in ("F32", "I64")}, [], 0
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):  # so that each is aligned
        content = array.tobytes()  # in C's order, whatever that of the memory
        place = [at, at := at + len(content)]
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": place}
        data.append(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *data])


def pytorch_file(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of a file from which ``torch.load`` gives a dictionary of tensors.

    Args:
      arrays: by their names.

    Raises:
      InputError: PyTorch is not installed.
    """
    torch, buffer = _torch("--format pytorch"), io.BytesIO()
    torch.save({name: torch.from_numpy(np.array(array, order="C")) for name, array in arrays.items()}, buffer)
    return buffer.getvalue()


WRITERS = {"safetensors": safetensors_file, "pytorch": pytorch_file}
"""By the formats of ``gan-jax export``."""
