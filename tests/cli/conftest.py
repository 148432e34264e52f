"""What these tests share."""

import sys

import pytest

from gan_jax.cli.commands import run_command


@pytest.fixture(scope="module", autouse=True)
def scored_runs(preview_keys_are_used_again, fresh_critics_see_little):
    """They train whole runs and score them."""


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
