"""The processor cores that this process may use."""

import os


def usable_cores() -> int:
    """How many cores the process may use, at least 1; ``taskset`` or a container may leave it fewer than there are.

    XLA has as many threads on a CPU.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
