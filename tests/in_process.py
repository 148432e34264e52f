"""The command line, called in this process: one of its own takes seconds to load."""

import contextlib
import functools
import io
import re
import runpy
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from gan_jax.cli.commands import run_command

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
_FLAG = r"(?<![\w-])--[a-z][\w-]*"


class Result(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


def command(*arguments) -> Result:
    """Run ``gan-jax``, which advises flags of its own alone; what is no exit is raised."""
    result = _run(*arguments)
    require_own_flags(result.err, [str(word) for word in arguments])
    return result


def require_own_flags(told: str, typed: list[str]) -> None:
    """Each flag in what a command told is one of its own, unless its clause is about the training."""
    clauses = (clause for clause in re.split(r"[;:.]\s|\n", told) if not re.search(r"\btrain", clause))
    advised = {flag for clause in clauses for flag in re.findall(_FLAG, clause)}
    others = advised - {word.partition("=")[0] for word in typed} - {"--help"}
    assert not others or others <= flags_of(typed[0]), told


@functools.cache
def flags_of(name: str) -> set[str]:
    """The flags of a subcommand, as its help lists them."""
    rows = re.findall(r"^\W{0,2}(-.*)", _run(name, "--help").out, re.MULTILINE)
    return set(re.findall(_FLAG, " ".join(rows)))


def script(name, *arguments) -> Result:
    """Run a script of ``experiments/`` in the same way."""

    def run() -> None:
        runpy.run_path(str(EXPERIMENTS / f"{name}.py"), run_name="__main__")

    with mock.patch.object(sys, "path", [str(EXPERIMENTS), *sys.path]):
        return _run(*arguments, program=f"{name}.py", function=run)


def _run(*arguments, program="gan-jax", function=run_command) -> Result:
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with (
        mock.patch.object(sys, "argv", [program, *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            function()
        except SystemExit as ended:
            status = int(ended.code or 0)
    return Result(status, out.getvalue(), err.getvalue())


def assert_mistake(result: Result, complaint: str) -> None:
    """One line says what is wrong, after none but warnings; no error of the system is shown raw."""
    assert result.status == 2, result
    *warnings, line = result.err.splitlines()
    assert all(warning.startswith("warning: ") for warning in warnings), result.err
    assert line.startswith("error: ")
    assert complaint in line
    assert "[Errno" not in line


def assert_fine(result: Result, warning: str = "") -> None:
    """The command did its work, and said no more than this on standard error."""
    assert result.status == 0, result
    lines = result.err.splitlines()
    assert all(line.startswith("warning: ") for line in lines), result.err
    assert warning in result.err if warning else not lines
