"""``gan-jax``: train, and work on finished runs."""

import sys

import tyro

from gan_jax.cli.evaluate import evaluate
from gan_jax.cli.export import export
from gan_jax.cli.interpolate import interpolate
from gan_jax.cli.playground import playground
from gan_jax.cli.project import project
from gan_jax.cli.reals import reals
from gan_jax.cli.recipes import recipes
from gan_jax.cli.replay import replay
from gan_jax.cli.report import report
from gan_jax.cli.sample import sample
from gan_jax.cli.statuses import exit_statuses, prepare_libraries
from gan_jax.cli.track import track
from gan_jax.cli.train import TRAININGS, train
from gan_jax.cli.verify import verify
from gan_jax.errors import InputError

COMMANDS = (evaluate, report, sample, interpolate, playground, project, export, verify, replay, track, recipes, reals)


def run_command() -> None:
    """Run the subcommand that the command line names."""
    prepare_libraries()
    with exit_statuses():
        name, *args = sys.argv[1:] or ["--help"]
        if name in TRAININGS:
            return train(name, args)
        described = "\n".join(f"  gan-jax {name} --help: {text}" for name, (*_, text) in TRAININGS.items())
        named = {command.__name__: command for command in COMMANDS}
        if name not in named and not name.startswith("-"):
            raise InputError(f"there is no subcommand {name!r}; give one of {', '.join((*TRAININGS, *named))}.")
        description = f"Train GANs, and use what was trained.\n\n{described}"
        tyro.extras.subcommand_cli_from_dict(named, prog="gan-jax", description=description)
