"""How a command ends: its exit status, and one line about a mistake that the user can correct."""

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import jax

from gan_jax.errors import DivergedError, InputError, StoppedError
from gan_jax.files import user_cache, warn

MISTAKE = 2  # the status after a mistake of the user, a file that cannot be written, or a run that diverged
DIFFERENT = 3  # what was repeated is not what was recorded
INTERRUPTED = 130  # Ctrl-C, as a shell has it


@contextmanager
def exit_statuses() -> Generator[None]:
    """Exit with ``MISTAKE`` and one line after an error that the user can mend.

    The status is 130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP, as a shell has them.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        yield
    except StoppedError as stopped:
        sys.exit(stopped.status)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (InputError, DivergedError) as error:
        _end(str(error))
    except OSError as error:
        reason = f"{error.filename} cannot be read or written ({error.strerror}); correct that and repeat the command."
        _end(reason if error.filename else str(error))
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        _end(f"the device has too little memory ({str(error).splitlines()[0]}); lower --width or --batch-size.")


def _end(message: str) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(MISTAKE)


def prepare_jax() -> None:
    """Let JAX keep what it compiles in the user's cache, so that only the first run of a kind waits for it.

    ``JAX_COMPILATION_CACHE_DIR`` names another folder. 64-bit mode, which training does not use, is switched off.
    """
    if jax.config.read("jax_enable_x64"):
        warn("JAX_ENABLE_X64 is set; commands train in 32-bit mode all the same")
        jax.config.update("jax_enable_x64", False)
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(user_cache() / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
