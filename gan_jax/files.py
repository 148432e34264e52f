"""Files that are written completely or not at all, and the user's cache folder."""

import errno
import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.errors import InputError

_PARTIAL = re.compile(r"\..+\.partial-[0-9a-f]{16}(\.\w+)?")


def prepare_output(path: Path) -> None:
    """Make the folder that a file goes into, and try to write there, before the work that the file is for.

    Raises:
      InputError: the file cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); give another place.") from None


@contextmanager
def atomic_write(path: Path) -> Generator[Path]:
    """Give a temporary name beside ``path``; what is written there replaces ``path`` if the block succeeds.

    Raises:
      OSError: the file cannot be written; it names ``path``.
    """
    temporary = path.with_name(f".{path.stem}.partial-{secrets.token_hex(8)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise type(error)(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def is_partial(path: Path) -> bool:
    """Whether this is what an ``atomic_write`` that was killed has left."""
    return path.is_file() and _PARTIAL.fullmatch(path.name) is not None


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named arrays as an uncompressed ``.npz``."""
    with atomic_write(path) as temporary:
        np.savez(temporary, **arrays)


def write_text(path: Path, text: str) -> None:
    """Write a text with a final newline, as UTF-8."""
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write plain values as indented JSON."""
    write_text(path, json.dumps(content, indent=1))


def warn(message: str) -> None:
    """Print a warning of one line to standard error."""
    print(f"warning: {' '.join(message.split())}", file=sys.stderr, flush=True)


def user_cache() -> Path:
    """The package's folder for what can be made again: ``$XDG_CACHE_HOME/gan_jax``, by default under ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_jax"
