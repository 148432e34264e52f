"""From flags to a configuration, and from a user's mistake to one line."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import jax
import tyro

from gan_jax.config import RunConfig
from gan_jax.errors import InputError
from gan_jax.experiment import Experiment, run_experiment
from gan_jax.files import user_cache
from gan_jax.many import run_many
from gan_jax.stopping import Stopped

INTERRUPTED = 130  # the shell's status for Ctrl-C


def run_script(experiment: Experiment, defaults: RunConfig) -> None:
    """Run an experiment on the command line's flags; see ``exit_statuses``.

    Args:
      experiment: what the script asks.
      defaults: what each flag is when it is not given.
    """
    description = sys.modules["__main__"].__doc__
    keep_compiled_programs()
    with exit_statuses():
        flags = tyro.cli(RunConfig, default=defaults, description=description, config=(tyro.conf.OmitArgPrefixes,))
        (run_many if flags.seeds or flags.sweep else run_experiment)(experiment, flags)


@contextmanager
def exit_statuses() -> Iterator[None]:
    """Exit with 2 and one line after a user's mistake or a file that cannot be written.

    The status is 130 after Ctrl-C and 143 after SIGTERM, as a shell has it.
    """
    try:
        yield
    except Stopped as stopped:
        sys.exit(stopped.status)
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
        jax.config.update("jax_compilation_cache_dir", str(user_cache() / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
