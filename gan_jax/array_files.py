"""Named arrays in files, which may come from anywhere."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.errors import InputError
from gan_jax.files import atomic_write, first_line, require_regular, require_unpackable


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named arrays as an uncompressed ``.npz``."""
    with atomic_write(path) as temporary:
        np.savez(temporary, **arrays)


def read_arrays(
    path: Path, content: str, advice: str, wanted: Callable[[str], bool] = lambda name: True
) -> dict[str, np.ndarray]:
    """Read the arrays of an ``.npz`` by their names, or that of a ``.npy`` as ``arr_0``; nothing is ever unpickled.

    Args:
      path: a file from anywhere.
      content: what it should hold, for the error.
      advice: what to do where it does not, for the error.
      wanted: whether to read the array of a name.

    Raises:
      InputError: it is missing, damaged or something else, or would unpack to much more than its size.
    """
    try:
        return unpack_arrays(path, wanted)
    except Exception as error:  # NumPy, zipfile and zlib raise whatever their parsers meet
        reason = first_line(error)
        if "pickle" in reason:  # NumPy's own words tell how to unpickle it all the same
            reason = "it is no array, or one of Python objects"
        raise InputError(f"{path} cannot be read as {content} ({reason}); {advice}.") from None


def unpack_arrays(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, np.ndarray]:
    """``read_arrays`` that raises whatever NumPy, zipfile and zlib do."""
    require_regular(path)
    with path.open("rb") as file:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"arr_0": loaded}
        with loaded:
            require_unpackable(path, sum(info.file_size for info in loaded.zip.infolist()))
            arrays = {name: loaded[name] for name in loaded.files if wanted(name)}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy gives the bytes of a member that is no array
            raise ValueError(f"{name} in it is no array")
    return arrays
