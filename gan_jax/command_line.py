"""From flags to a configuration, and from a user's mistake to one line."""

import sys
from collections.abc import Callable

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
