"""A run draws from its preview key again and again, on purpose; inside a step no key may be used twice."""

import sys

import jax
import pytest

from gan_jax.cli.commands import run_command
from gan_jax.evaluation import c2st


@pytest.fixture(scope="module", autouse=True)
def preview_keys_are_used_again():
    with jax.debug_key_reuse(False):
        yield


@pytest.fixture(scope="module", autouse=True)
def fresh_critics_see_little():
    """What a fresh critic learns is tested with the scores; here it only costs time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c2st, "_STEPS", 10)
        yield


@pytest.fixture
def gan_jax(monkeypatch, capsys):
    """Call the command in this process: its status, standard output and standard error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["gan-jax", *map(str, arguments)])
        capsys.readouterr()
        try:
            run_command()
            status = 0
        except SystemExit as exit_:
            status = exit_.code or 0
        return status, *capsys.readouterr()

    return call
