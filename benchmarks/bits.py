"""Compare the bits of one training in different circumstances on a CPU: cores, threads, instructions, processes.

Each circumstance is a process of its own, or two, that takes the same 40 steps on random images, without a cache. The
figures are the first step whose metrics differ from those of the first circumstance, the difference of D's loss at the
end, the first circumstance with the same weights, and the time of a step. ``--python`` names other interpreters, with
other versions of JAX.

python benchmarks/bits.py --json ../docs/results/bits.json
"""

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tyro

STEPS = 40
VIRTUAL = "--xla_force_host_platform_device_count"
CIRCUMSTANCES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "again": {},
    "one core": {"cores": 1},
    "one core, 2 threads": {"cores": 1, "threads": 2},
    "1 thread": {"threads": 1},
    "2 threads": {"threads": 2},
    "4 threads": {"threads": 4},
    "8 threads": {"threads": 8},
    "AVX2": {"flags": "--xla_cpu_max_isa=AVX2"},
    "without Eigen's threads": {"flags": "--xla_cpu_multi_thread_eigen=false"},
    "fast math": {"flags": "--xla_cpu_enable_fast_math=true"},
    "four virtual devices, one used": {"flags": f"{VIRTUAL}=4"},
    "four virtual devices share a batch": {"flags": f"{VIRTUAL}=4", "devices": 4},
    "two virtual devices share a batch": {"flags": f"{VIRTUAL}=2", "devices": 2},
    "two processes share a batch": {"processes": 2},
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to compare."""

    width: int = 64
    """The networks' width."""
    python: tuple[Path, ...] = ()
    """Other interpreters in which the same is done, compared with their own first circumstance."""
    only: str | None = None
    """Instead take the steps in this circumstance and print what was found; how the program calls itself."""
    coordinator: str | None = None
    """Where the processes meet, if there are several."""
    process_id: int | None = None
    """Which of them this one is."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    if settings.only:
        take_steps(settings)
        return
    from machine import write_figures

    found = {}
    for python in (Path(sys.executable), *settings.python):
        outcomes = {}
        for name in CIRCUMSTANCES:
            outcomes[name] = outcome(python, name, settings.width)
            print(name, f"{outcomes[name]['step_ms']:.0f} ms", flush=True)
        version, first = outcomes["as it comes"]["jax"], outcomes["as it comes"]["d_loss"]
        found[version] = {}
        for name, each in outcomes.items():
            differs = np.flatnonzero(np.array(each["d_loss"]) != first)
            found[version][name] = {
                "first_different_step": int(differs[0]) + 1 if len(differs) else None,
                "last_difference": abs(each["d_loss"][-1] - first[-1]),
                "same_bits_as": next(other for other in outcomes if outcomes[other]["digest"] == each["digest"]),
                "step_ms": each["step_ms"],
            }
            print(version, name, found[version][name], flush=True)
    write_figures(settings, versions=found)


def outcome(python: Path, name: str, width: int) -> dict[str, Any]:
    """What a process of its own finds in a circumstance."""
    given = CIRCUMSTANCES[name]
    environment = os.environ | {"XLA_FLAGS": given.get("flags", ""), "JAX_ENABLE_COMPILATION_CACHE": "false"}
    if "threads" in given:
        environment["NPROC"] = str(given["threads"])
    command = [str(python), __file__, "--only", name, "--width", str(width)]
    count, port = given.get("processes", 1), free_port()
    meet = [["--coordinator", f"127.0.0.1:{port}", "--process-id", str(each)] for each in range(count)]
    started = [
        subprocess.Popen([*command, *(flags if count > 1 else [])], stdout=subprocess.PIPE, text=True, env=environment)
        for flags in meet
    ]
    printed = [process.communicate()[0] for process in started]
    assert all(process.returncode == 0 for process in started), f"{name} failed"
    return json.loads(printed[0].splitlines()[-1])


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def take_steps(settings: Settings) -> None:
    """Train, and print D's losses, a digest of the weights, the time of a step and the version of JAX."""
    given = CIRCUMSTANCES[settings.only or ""]
    if "cores" in given:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given["cores"]])
    import jax

    from gan_jax import Batch, GanConfig, gan_step, init_state, run_keys
    from gan_jax.runs.processes import connect
    from gan_jax.setting_groups import DeviceConfig
    from gan_jax.storage.digests import tree_digest
    from gan_jax.training.compiled import scan_steps
    from gan_jax.training.sharding import batch_mesh, local_copy, replicate, split_batches

    if "processes" in given:
        number, count = settings.process_id, given["processes"]
        connect(DeviceConfig(coordinator=settings.coordinator, num_processes=count, process_id=number))
    config, keys = GanConfig(width=settings.width), run_keys(0)
    images = np.random.default_rng(0).integers(0, 256, (10, config.batch_size, *config.image_shape), np.uint8)
    mesh = batch_mesh(config) if {"devices", "processes"} & given.keys() else None
    state = replicate(init_state(config, keys.init), mesh)
    batches = Batch(images if mesh is None else split_batches(images.shape, mesh, images.__getitem__))
    losses, began = [], 0.0
    for _ in range(STEPS // 10):
        state, metrics = scan_steps(config, gan_step, state, batches, replicate(keys.step, mesh))
        losses += np.asarray(local_copy(metrics["d_loss"])).tolist()
        began = began or time.perf_counter()  # after the first turn, which compiles
    milliseconds = 1e3 * (time.perf_counter() - began) / (STEPS - 10)
    digest = tree_digest(jax.device_get(local_copy(state)))
    print(json.dumps({"d_loss": losses, "digest": digest, "step_ms": milliseconds, "jax": jax.__version__}))


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
