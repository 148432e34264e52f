"""From the words of a command line to a call; a word that does not fit is one line.

Every command takes ``--import``, which is read here and nowhere else.
"""

import contextlib
import functools
import io
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import tyro

from gan_jax.cli.exit_codes import prepare_libraries
from gan_jax.cli.home_paths import HOME_PATHS
from gan_jax.errors import InputError
from gan_jax.parts import import_parts

_IMPORT = "--import"
_HELP = """
In every command, any number of times:

  --import FILE_OR_MODULE  Import a Python file, or an installed module, that adds parts of your own, such as a network
                           or an objective."""


def import_named(args: Sequence[str]) -> list[str]:
    """Import what ``--import`` names, and return the other words.

    Raises:
      InputError: nothing is named, or it cannot be imported.
    """
    words, others = iter(args), []
    for word in words:
        flag, separator, value = word.partition("=")
        if flag != _IMPORT:
            others.append(word)
            continue
        name = value if separator else next(words, "")
        if not name:
            raise InputError(f"{_IMPORT} names nothing; give it a Python file or a module.")
        prepare_libraries()  # what is imported may use JAX
        import_parts(name)
    return others


def parse(asked: Callable[..., Any], args: Sequence[str] | None = None, **options: Any) -> Any:
    """What a command line asks for; ``--help`` is printed and ends the process.

    Args:
      asked: a dataclass whose fields, or a function whose parameters, are the flags.
      args: the command line without the program's name; by default the process's.
      options: passed on to ``tyro.cli``.

    Raises:
      InputError: a flag is unknown, is missing, or has a value that does not fit.
    """
    args, said = import_named(sys.argv[1:] if args is None else args), io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(asked, args=args, config=(tyro.conf.OmitArgPrefixes,), registry=HOME_PATHS, **options)
    except SystemExit as ended:
        if not ended.code:
            print(_HELP)
            raise
    raise InputError(f"{_in_one_line(said.getvalue())}; --help explains the flags.")


def parse_call(function: Callable[..., Any], args: Sequence[str] | None = None, **options: Any) -> Callable[[], Any]:
    """The call of a function that a command line asks for; the arguments are those of ``parse``."""
    return parse(functools.wraps(function)(lambda *given, **named: lambda: function(*given, **named)), args, **options)


_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_FLAG = re.compile(r"^ {4}(?:-[^\s,]+, (?!--no-))*(-[^\s,]+|[A-Z]+)", re.MULTILINE)  # the last of a flag's names


def _in_one_line(box: str) -> str:
    """The error in tyro's message without its explanations, and the flags that it suggests, as one line."""
    rows = [line[2:].rstrip(" │╯─-") for line in _STYLE.sub("", box).splitlines()[1:]]  # with or without a frame
    said, _, rest = "\n".join(rows).strip("\n").partition("\n\n")  # a rule parts the box
    head, listed, suggested = _FLAG.split(said, maxsplit=1)[0], _FLAG.findall(said), _FLAG.findall(rest)
    similar = (
        f"; similar: {', '.join(suggested)}" if rest.startswith(("Perhaps you meant", "Arguments similar")) else ""
    )
    return " ".join(f"{head} {', '.join(listed)}".split()).removesuffix(".") + similar
