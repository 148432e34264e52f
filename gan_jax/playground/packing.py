"""Arrays and networks as one compressed text in a page."""

import base64
import gzip
from collections.abc import Sequence
from typing import Any

import numpy as np

from gan_jax.inference.operations import Operation

_ALIGNMENT = 4  # where the page may begin to read numbers of up to four bytes
_CODES = 127  # of an int8, on each side of zero


class Pack:
    """Arrays under names, in one buffer. ``manifest`` says what each one is and where it begins."""

    def __init__(self) -> None:
        self.manifest: dict[str, dict[str, Any]] = {}
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, name: str, array: Any, dtype: str = "float32") -> str:
        """Add an array as float32, float16 or uint8, or as int8 with a scale for each last index.

        Returns:
          The name.
        """
        values = np.asarray(array)
        entry: dict[str, Any] = {"dtype": dtype, "shape": list(values.shape)}
        if dtype == "int8":
            scale = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0) / _CODES
            scale = np.where(scale == 0, 1, scale).astype(np.float32)
            entry["scale"] = self.add(f"{name}/scale", scale)
            values = np.rint(values / scale)
        self.manifest[name] = {**entry, "offset": self._size}
        content = values.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
        self._parts.append(content + bytes(-len(content) % _ALIGNMENT))
        self._size += len(self._parts[-1])
        return name

    def network(self, name: str, operations: Sequence[Operation], dtype: str) -> list[dict[str, Any]]:
        """Add a network's arrays, matrices and kernels as ``dtype``, and describe its operations for the page."""
        described = []
        for index, operation in enumerate(operations):
            place = f"{name}/{index}"
            arrays = {
                key: self.add(f"{place}/{key}", array, dtype if array.ndim > 1 else "float32")
                for key, array in operation.arrays.items()
            }
            inner = self.network(place, operation.inner, dtype)
            described.append({"name": operation.name, "arrays": arrays, "options": operation.options, "inner": inner})
        return described

    def text(self) -> str:
        """All arrays, compressed, as base64; equal for equal arrays."""
        return base64.b64encode(gzip.compress(b"".join(self._parts), compresslevel=9, mtime=0)).decode()
