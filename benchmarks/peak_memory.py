"""Measure one form of the joint step in a process of its own: peak memory, and the time of its first call.

It imports only the library that it measures, so that the memory of the other is not counted. ``sweep.py`` runs it.
"""

import json
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from timing import Form, random_data, thread_count

STEPS = 10


def main(name: str, settings: dict[str, Any]) -> None:
    form = build(name, settings)
    built = peak_mib()
    calls = []
    for _ in range(2):
        start = time.perf_counter()
        form.run()
        calls.append(time.perf_counter() - start)
    result = {"built_mib": built, "peak_mib": peak_mib(), "first_call_s": calls[0], "second_call_s": calls[1]}
    print(json.dumps(result))


def build(name: str, settings: dict[str, Any]) -> Form:
    settings["image_shape"] = tuple(settings["image_shape"])
    if name == "gan_jax":
        from jax_forms import scan_form

        from gan_jax import GanConfig

        config = GanConfig(**settings)
        return scan_form(config, "joint", *random_data(config, STEPS))
    from torch_peer import Peer, set_threads

    set_threads(thread_count())
    config: Any = SimpleNamespace(**settings)
    images, order = random_data(config, STEPS)
    return Peer(config, images, best="best" in name).form("joint", order)


def peak_mib() -> float:
    """This process's highest resident memory; on Linux, ru_maxrss would include its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
