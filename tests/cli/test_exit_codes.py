"""How a command ends when its streams, its memory or its device fail."""

import io
import os
import signal
import sys
import warnings
from pathlib import Path

import jax
import pytest
from jax.errors import JaxRuntimeError

from gan_jax import InputError
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.files import atomic_write, user_cache, warn


def ended(capsys, error: BaseException | None = None):
    """The status of a command that raises this, and what it printed to standard error."""
    with pytest.raises(SystemExit) as end, exit_on_errors():
        raise error or InputError("wrong")
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_unwinds_what_is_being_written_and_gives_its_handler_back(number, tmp_path):
    before = signal.getsignal(number)

    def command():
        with exit_on_errors(), atomic_write(tmp_path / "file") as temporary:
            temporary.write_text("half")
            signal.raise_signal(number)

    with pytest.raises(SystemExit) as end:
        command()
    assert end.value.code == 128 + number
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) is before


def test_a_hangup_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with exit_on_errors():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (MemoryError(), "there is too little memory"),
        (MemoryError("Unable to allocate 2 TiB"), "Unable to allocate 2 TiB"),
        (RuntimeError("can't start new thread"), "raise the limit with ulimit -u"),
        (RuntimeError("Unable to initialize backend 'x': none\nmore"), "set JAX_PLATFORMS to one that is here"),
        (JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory.\nmore"), "train with a lower --width or --batch-size"),
        (OSError(24, "Too many open files", "x.npz"), "x.npz cannot be read or written (Too many open files)"),
    ],
)
def test_what_the_machine_lacks_is_one_line(error, complaint, capsys):
    status, err = ended(capsys, error)
    assert (status, err.count("\n")) == (2, 1)
    assert complaint in err


def test_a_working_folder_that_is_gone_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gone").mkdir()
    os.chdir("gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit, match="2"), exit_on_errors():
        Path("run").absolute()
    assert capsys.readouterr().err == (
        "error: the folder that the command runs in is no longer there; repeat the command in another.\n"
    )


@pytest.mark.parametrize("kind", [RuntimeError, JaxRuntimeError])
def test_another_error_is_a_fault_of_the_package_and_keeps_its_traceback(kind):
    with pytest.raises(kind, match="INTERNAL"), exit_on_errors():
        raise kind("INTERNAL: a bug")


class Unwritable(io.RawIOBase):
    """A stream that fails as a full disk, a reader that has gone or a closed terminal does."""

    def __init__(self, error: OSError, path: Path) -> None:
        self.error, self.file = error, path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        raise self.error

    def fileno(self) -> int:
        return self.file.fileno()


@pytest.fixture
def unwritable(monkeypatch, tmp_path):
    """Make a stream fail; until it was given up, since a stream tries again what it holds."""
    made = []

    def replace(name: str, error: OSError):
        raw = Unwritable(error, tmp_path / name)
        stream = io.TextIOWrapper(io.BufferedWriter(raw))
        made.append((stream, raw))
        monkeypatch.setattr(sys, name, stream)
        return raw

    yield replace
    for stream, raw in made:
        raw.write = len
        stream.close()
        raw.file.close()


@pytest.mark.parametrize(
    ("error", "lines", "status"),
    [
        (BrokenPipeError(32, "Broken pipe"), 1, None),
        (BrokenPipeError(32, "Broken pipe"), 100_000, None),  # it goes in the middle
        (OSError(28, "No space left on device"), 1, 2),
    ],
)
def test_output_that_cannot_be_written_fails_unless_its_reader_has_gone(error, lines, status, unwritable, capsys):
    raw = unwritable("stdout", error)
    found = None
    try:
        with exit_on_errors():
            print("a line\n" * lines)
    except SystemExit as end:
        found = end.code
    assert found == status
    err = capsys.readouterr().err
    assert ("standard output cannot be read or written (No space left on device)" in err) == bool(status)
    assert status or not err
    assert os.path.samestat(os.fstat(raw.fileno()), os.stat(os.devnull))  # noqa: PTH116


def test_a_terminal_that_was_closed_changes_no_status(unwritable):
    unwritable("stderr", OSError(5, "Input/output error"))

    def command():
        with exit_on_errors():
            warn("something")
            raise InputError("wrong")

    with pytest.raises(SystemExit) as end:
        command()
    assert end.value.code == 2


def test_streams_that_are_not_there_take_what_is_printed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with exit_on_errors():
        print("out", flush=True)
        warn("err")
    sys.stdout.close()
    sys.stderr.close()


@pytest.fixture
def own_jax(monkeypatch):
    """What a command changes of JAX and of warnings is undone."""
    folder = jax.config.jax_compilation_cache_dir
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    with warnings.catch_warnings():
        yield
    jax.config.update("jax_compilation_cache_dir", folder)


def test_without_a_home_folder_there_is_no_cache(own_jax, monkeypatch, capsys):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(InputError, match="set HOME or XDG_CACHE_HOME"):
        user_cache()
    prepare_libraries()
    assert capsys.readouterr().err.startswith("warning: what is compiled cannot be kept for the next time")


def test_warnings_of_libraries_are_lines_and_those_of_the_cache_one(own_jax, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    prepare_libraries()
    warnings.simplefilter("always")
    warnings.warn("two\nlines", stacklevel=1)
    for name in ("one", "other"):
        warnings.warn(f"Error reading persistent compilation cache entry for {name!r}: damaged", stacklevel=1)
    complaint = "has damaged files or cannot be written, so programs are compiled again; delete it"
    assert capsys.readouterr().err == f"warning: two lines\nwarning: {tmp_path}/gan_jax/compiled {complaint}\n"
