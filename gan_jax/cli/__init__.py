"""The command line: one file per subcommand, each a thin call. Nothing imports this room but scripts."""

import sys


def main() -> None:
    """Run ``gan-jax``; Ctrl-C while it still loads ends it quietly."""
    try:
        from gan_jax.cli.commands import run_command
    except KeyboardInterrupt:
        sys.exit(130)
    run_command()
