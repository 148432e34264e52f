"""From flags to a configuration, and from a user's mistake to one line."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import jax
import tyro

from gan_jax.config import RunConfig
from gan_jax.errors import InputError

INTERRUPTED = 130  # the shell's status for Ctrl-C


def run_script(main: Callable[[RunConfig], None], defaults: RunConfig) -> None:
    """Run a script on its flags, and exit: 0 when it ends, 2 after a user's mistake, 130 after Ctrl-C.

    Args:
      main: the script.
      defaults: what each flag is when it is not given.
    """
    keep_compiled_programs()
    try:
        main(
            tyro.cli(
                RunConfig,
                default=defaults,
                description=sys.modules["__main__"].__doc__,
                config=(tyro.conf.OmitArgPrefixes,),
            )
        )
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (InputError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


def keep_compiled_programs() -> None:
    """Let JAX keep what it compiles in the user's cache folder, so that only the first run of a kind waits for it.

    ``JAX_COMPILATION_CACHE_DIR`` names another folder.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(cache / "gan_jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
