"""Files that are written completely or not at all, files that may hold anything, and the user's cache folder."""

import contextlib
import errno
import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from gan_jax.errors import InputError

# What an archive may unpack to: so many times its size (dSprites, which packs well, is over 100), or so many bytes.
_UNPACKED_TIMES, _ALWAYS_UNPACKED = 200, 2**28

# The files of a run, and of a folder of many, that nothing makes again; the first of each is in every such folder.
RUN_DATA = ("run.json", "epochs.jsonl", "metrics.jsonl", "history.npz", "weights.npz", "outcome.json")
SWEEP_DATA = ("runs.json", "summary.json")

_PARTIAL = re.compile(r"\..+\.partial-[0-9a-f]{16}(\.\w+)?")


def prepare_output(path: Path) -> None:
    """Make the folder that a file goes into, and try to write there, before the work that the file is for.

    Raises:
      InputError: the file cannot be written there, or a run's data would be lost.
    """
    own = any(path.name in names and (path.parent / names[0]).exists() for names in (RUN_DATA, SWEEP_DATA))
    if own and path.exists():
        raise InputError(f"{path} is a run's own file, which would be lost; give another place.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise FileExistsError(errno.EEXIST, "it is a link or a device, which a file would replace")
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


def require_regular(path: Path) -> None:
    """Refuse a pipe or device, on which reading would wait or never end.

    Raises:
      ValueError: it is one, or a folder.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is no regular file")


def most_unpacked(path: Path) -> int:
    """How many bytes an archive may unpack to: 200 times its size, or 256 MiB if that is more."""
    return max(_ALWAYS_UNPACKED, _UNPACKED_TIMES * path.stat().st_size)


def require_unpackable(path: Path, size: int) -> None:
    """Check what an archive says that it unpacks to, before it is unpacked.

    Raises:
      ValueError: it is more than ``most_unpacked``.
    """
    if size > most_unpacked(path):
        raise ValueError(f"it would unpack to {size:,} bytes, {size // max(1, path.stat().st_size):,} times its size")


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
      ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def first_line(error: Exception) -> str:
    """What an error of another library says, short enough for a line; of the system's errors without their numbers."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def expand_home(path: Path) -> Path:
    """The path with a leading ``~`` or ``~user`` replaced.

    Raises:
      InputError: there is no home folder to be found.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise InputError(f"{path} has no home folder to begin with; give the whole path.") from error


def write_text(path: Path, text: str) -> None:
    """Write a text with a final newline, as UTF-8."""
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write plain values as indented JSON."""
    write_text(path, json.dumps(content, indent=1))


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write plain values as lines of JSON."""
    with atomic_write(path) as temporary:
        temporary.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


def append_line(path: Path, value: Any) -> None:
    """Append a plain value as a line of JSON.

    Raises:
      OSError: it cannot be written; it names ``path``.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(value) + "\n")
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from error


def read_json_lines(path: Path) -> list[Any]:
    """The values of a file of JSON lines, None for a damaged one; none where there is no such file.

    A last line that was cut off while it was written is left out.
    """
    if not path.is_file():
        return []
    *lines, last = path.read_text(encoding="utf-8", errors="replace").split("\n")
    unfinished = _parsed(last)
    return [_parsed(line) for line in lines] + ([] if unfinished is None else [unfinished])


def _parsed(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return None


def warn(message: str) -> None:
    """Print a warning of one line to standard error."""
    with contextlib.suppress(OSError):  # of a terminal that was closed
        start = "\r\x1b[K" if sys.stderr.isatty() else ""  # of the line, where there may be a progress bar
        print(f"{start}warning: {' '.join(message.split())}", file=sys.stderr, flush=True)


def discard_output(stream: TextIO) -> None:
    """Print nowhere from now on, since this stream cannot be written; what it still holds goes there too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def user_cache() -> Path:
    """The package's folder for what can be made again: ``$XDG_CACHE_HOME/gan_jax``, by default under ``~/.cache``.

    Raises:
      InputError: the system knows no home folder.
    """
    try:
        return expand_home(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")) / "gan_jax"
    except RuntimeError:
        raise InputError("there is no home folder to keep a cache in; set HOME or XDG_CACHE_HOME.") from None


def try_to_cache(path: Path, write: Callable[[], None]) -> None:
    """Write into the cache; what cannot be kept there is computed again the next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write()
    except OSError as error:
        warn(f"{path} cannot be written ({error.strerror}); it will be computed again the next time")
