"""How a command ends: its exit status, and one line about a mistake that the user can correct."""

import contextlib
import functools
import gc
import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from gan_jax.errors import DivergedError, InputError, StoppedError
from gan_jax.files import discard_output, user_cache, warn
from gan_jax.runs.interrupts import SIGNALS

MISTAKE = 2  # the status after a mistake of the user, a file that cannot be written, or a run that diverged
DIFFERENT = 3  # what was repeated is not what was recorded
INTERRUPTED = 130  # Ctrl-C, as a shell has it

_LACKS = {  # what an error of JAX or Python says, and what the user can do
    "RESOURCE_EXHAUSTED": "the device has too little memory ({}); train with a lower --width or --batch-size.",
    "Unable to initialize backend": "JAX cannot use a device ({}); set JAX_PLATFORMS to one that is here, such as cpu.",
    "can't start new thread": "the system allows no more threads ({}); raise the limit with ulimit -u.",
}


@contextmanager
def exit_on_errors() -> Generator[None]:
    """Exit with ``MISTAKE`` and one line after an error that the user can mend.

    The status is 130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP, as a shell has them. Each of these unwinds
    what is under way, so that no half-written file stays behind.
    """
    _prepare_streams()
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number, handler in handlers.items() if handler is signal.SIG_DFL]  # nohup ignores SIGHUP
    for number in taken:
        signal.signal(number, _leave)
    try:
        yield
        _flush_output()
    except StoppedError as stopped:
        sys.exit(stopped.status)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (InputError, DivergedError) as error:
        _end(str(error))
    except BrokenPipeError:  # as in _flush_output, of more than a buffer holds
        discard_output(sys.stdout)
    except OSError as error:
        _end(_of_system(error))
    except MemoryError as error:
        _end(f"there is too little memory ({str(error) or 'for Python'}); ask for fewer or smaller images.")
    except RuntimeError as error:
        advice = next((advice for lack, advice in _LACKS.items() if lack in str(error)), None)
        if advice is None:
            raise
        _end(advice.format(str(error).splitlines()[0]))
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
        _discard_unwritten()


def _of_system(error: OSError) -> str:
    """An error of the operating system as one line."""
    if error.filename:
        return f"{error.filename} cannot be read or written ({error.strerror}); correct that and repeat the command."
    try:
        Path.cwd()
    except FileNotFoundError:
        return "the folder that the command runs in is no longer there; repeat the command in another."
    return str(error)


def _leave(number: int, frame: Any) -> NoReturn:
    sys.exit(128 + number)


def _prepare_streams() -> None:
    """Print characters that the encoding lacks as question marks; without a stream, print nothing."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # else the next file that is opened would become standard output, and get what libraries print
    os.close(handle)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 (as long as the process)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _flush_output() -> None:
    """Print what is still in the buffer; it is no error if the reader, such as ``head``, has ended."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output(sys.stdout)
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from None


def _discard_unwritten() -> None:
    """Discard output that cannot be printed; Python would otherwise try again when it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            discard_output(stream)


def _end(message: str) -> NoReturn:
    with contextlib.suppress(OSError):  # of a terminal that was closed
        print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    sys.exit(MISTAKE)


def prepare_libraries() -> None:
    """Set up JAX and what libraries print, once for a process.

    JAX keeps what it compiles in the user's cache, so that only the first run of a kind waits for it;
    ``JAX_COMPILATION_CACHE_DIR`` names another folder. 64-bit mode, which training does not use, is switched off.
    Libraries' warnings are printed as one line each, and Matplotlib's about its own cache not at all.
    """
    _import_libraries()
    import jax

    if jax.config.read("jax_enable_x64"):
        warn("JAX_ENABLE_X64 is set; commands train in 32-bit mode all the same")
        jax.config.update("jax_enable_x64", False)
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        try:
            folder = user_cache() / "compiled"
            folder.mkdir(parents=True, exist_ok=True)
            jax.config.update("jax_compilation_cache_dir", str(folder))
        except (InputError, OSError) as error:
            warn(f"what is compiled cannot be kept for the next time ({error})")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    warnings.showwarning = _show_warning
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # what Orbax's tasks meet is raised too
    sys.unraisablehook = _show_unraisable


def _import_libraries() -> None:
    """Import JAX and what is built on it, without a search for garbage among what stays until the process ends."""
    if "jax" in sys.modules:
        return
    was_enabled = gc.isenabled()
    gc.disable()
    for name in ("flax.linen", "optax"):
        import_module(name)
    gc.freeze()
    if was_enabled:
        gc.enable()


def _show_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Print an error of a thread that nobody waits for, unless an error of Orbax's that is raised has caused it."""
    if str(unraisable.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(unraisable)


def _show_warning(message: Warning | str, category: type[Warning], *place: Any) -> None:
    """Print a library's warning as one line; JAX has one for each program that it cannot read from its cache."""
    if "persistent compilation cache" in str(message):
        import jax

        folder = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
        _warn_once(f"{folder} has damaged files or cannot be written, so programs are compiled again; delete it")
    else:
        warn(str(message))


@functools.cache
def _warn_once(message: str) -> None:
    warn(message)
