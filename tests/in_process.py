"""The command line, called in this process: one of its own takes seconds to load."""

import contextlib
import io
import sys
from typing import NamedTuple
from unittest import mock

from gan_jax.cli.commands import run_command


class Result(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


def command(*arguments) -> Result:
    """Run ``gan-jax``; what is no exit is raised."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with (
        mock.patch.object(sys, "argv", ["gan-jax", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            run_command()
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
