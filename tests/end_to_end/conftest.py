"""What these tests share."""

import pytest
from probes import SHORT, run


@pytest.fixture(scope="module", autouse=True)
def runs(preview_keys_are_used_again):
    """They train whole runs."""


@pytest.fixture(scope="session")
def short_run(tmp_path_factory):
    """A short training in peace, in a process of its own."""
    folder = tmp_path_factory.mktemp("peace") / "run"
    assert run(folder, options=SHORT).status == 0
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run with networks that make images."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert run(folder, kind="joint", options={"steps": 4}).status == 0
    return folder
