"""How a test waits for another process: for what it does, however long that takes."""

import time

PATIENCE = 1200  # seconds, after which a process counts as hanging: far more than any needs on one busy core


def wait_for(condition, process):
    """Wait until something holds that a running process brings about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.is_alive(), "ended early"
        assert time.monotonic() < end, "nothing happened"
        process.join(0.005)
