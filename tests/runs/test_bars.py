"""The progress bar is on terminals alone."""

import io
import sys

import pytest
from terminals import Terminal

from gan_jax.files import warn
from gan_jax.runs.bars import progress_bar, show_part


@pytest.mark.parametrize(
    ("stream", "quiet", "shown"), [(Terminal, False, True), (Terminal, True, False), (io.StringIO, False, False)]
)
def test_a_bar_names_the_part_that_is_under_way_on_a_terminal_unless_quiet(stream, quiet, shown, monkeypatch):
    monkeypatch.setattr("sys.stderr", stream())
    with progress_bar(7, "part", quiet=quiet, leave=False) as bar:
        show_part(bar, "authenticity")
        assert ("authenticity: " in sys.stderr.getvalue()) == shown
        assert (" 1/7 " in sys.stderr.getvalue()) == shown


@pytest.mark.parametrize(("stream", "start"), [(Terminal, "\r\x1b[K"), (io.StringIO, "")])
def test_a_warning_takes_the_line_of_a_bar(stream, start, monkeypatch):
    monkeypatch.setattr("sys.stderr", stream())
    warn("a file\nis missing")
    assert sys.stderr.getvalue() == f"{start}warning: a file is missing\n"
