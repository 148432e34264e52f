"""``gan-jax``: its subcommands. What one needs is imported when it is named, so that the others answer at once."""

import platform
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from keyword import iskeyword
from typing import Any

from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.errors import InputError

TRAININGS = {
    "train": "Train a generator and a discriminator together.",
    "standalone-generator": "Train a generator alone; D stays constant.",
    "standalone-discriminator": "Train a discriminator alone; G stays constant.",
}
COMMANDS = TRAININGS | {
    "recipes": "List the recipes that gan-jax train --recipe takes.",
    "sample": "Draw images from a trained generator.",
    "interpolate": "Walk from latent to latent: a picture or a GIF.",
    "evaluate": "Score a generator's images, or those of a file.",
    "report": "Write one page of a run, or of many.",
    "playground": "Make a page in which the generator runs.",
    "project": "Find the latent whose image is nearest to yours.",
    "export": "Write networks for other programs.",
    "import": "Make a run of another program's weights.",
    "track": "Show a finished run in TensorBoard or W&B.",
    "verify": "Train a run again and compare it bit for bit.",
    "replay": "Take one step of a run again and look into it.",
    "reals": "Write real images, for tools that compare sets.",
}

_WITHOUT_JAX = ("recipes",)


def run_command() -> None:
    """Do what the command line asks for; ``exit_on_errors`` says how it ends."""
    with exit_on_errors():
        name, *args = sys.argv[1:] or ["--help"]
        if name in ("--help", "-h"):
            print(_help())
        elif name == "--version":
            print(f"gan-jax {version('gan_jax')} (jax {version('jax')}, Python {platform.python_version()})")
        elif name in COMMANDS:
            _run(name, args)
        else:
            what = "flag" if name.startswith("-") else "subcommand"
            raise InputError(f"there is no {what} {name!r}; give one of {', '.join(COMMANDS)}, or --help.")


def _help() -> str:
    width = max(map(len, COMMANDS))
    listed = (f"  {name:{width}}  {text}" for name, text in COMMANDS.items())
    return "\n".join(
        [
            "usage: gan-jax SUBCOMMAND [FLAGS]",
            "",
            "Train GANs, and use what was trained.",
            "gan-jax SUBCOMMAND --help explains a subcommand and its flags.",
            "",
            *listed,
            "",
            "  --help     Show this list.",
            "  --version  Show the versions of gan-jax, JAX and Python.",
            "  --import   In any subcommand: a file or module that adds parts of your own.",
        ]
    )


def _run(name: str, args: list[str]) -> None:
    if name in TRAININGS:
        import_module("gan_jax.cli.train").train(name, args, TRAININGS[name])
        return
    from gan_jax.cli.parsing import parse_call

    call = parse_call(find_command(name), args, prog=f"gan-jax {name}")
    if name not in _WITHOUT_JAX:
        prepare_libraries()
    call()


def find_command(name: str) -> Callable[..., Any]:
    """The function of a subcommand that is no training; one whose name is a word of Python ends with an underscore."""
    name += "_" * iskeyword(name)
    return getattr(import_module(f"gan_jax.cli.{name}"), name)
