"""Files that are written whole or not at all, so that an interrupted run leaves no half one, and where caches go."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; what is written there replaces ``path`` when the block ends well."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named arrays as an uncompressed ``.npz``."""
    with whole_file(path) as temporary:
        np.savez(temporary, **arrays)


def user_cache() -> Path:
    """The package's folder for what can be made anew: ``$XDG_CACHE_HOME/gan_jax``, by default under ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_jax"
