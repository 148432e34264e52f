"""Time and memory against batch and width, and the cost of a first step: gan_jax beside PyTorch's eager forms."""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from jax_forms import scan_form
from peak_memory import STEPS as MEMORY_STEPS
from timing import Timing, neighbours, race, random_data, table, thread_count
from torch_peer import Peer, set_threads

from gan_jax import GanConfig

BATCHES = (32, 64, 128, 256, 512)
WIDTHS = (16, 32, 64, 128)
FORMS = ("gan_jax", "PyTorch eager", "PyTorch eager, best form")
ROUNDS = 3
STEPS = 2
WARM_STARTS = 3
HERE = Path(__file__).parent
TRAIN = HERE.parent / "experiments" / "train_gan.py"


def measure(config: GanConfig) -> dict[str, Any]:
    """Print the tables of memory, start-up, and time against batch and width."""
    memory = {name: _memory(name, config) for name in FORMS}
    print(f"### Peak memory, and the first call\n\n{_memory_text(memory)}", flush=True)
    start = _start_times()
    print(f"\n### From the start of experiments/train_gan.py to its first step\n\n{_start_table(start)}", flush=True)
    set_threads(thread_count())
    print(f"\n### Joint step against batch, width {config.width}\n", flush=True)
    batch = {size: _race(dataclasses.replace(config, batch_size=size)) for size in BATCHES}
    print(_sweep_text("batch", batch), flush=True)
    print(f"\n### Joint step against width, batch {config.batch_size}\n", flush=True)
    width = {size: _race(dataclasses.replace(config, width=size)) for size in WIDTHS}
    print(_sweep_text("width", width), flush=True)
    print(f"\n{neighbours([*batch.values(), *width.values()])}")
    return {"memory": memory, "start": start, "batch": _figures(batch), "width": _figures(width)}


def _race(config: GanConfig) -> dict[str, Timing]:
    images, order = random_data(config, STEPS)
    forms = (
        scan_form(config, "joint", images, order),
        *(Peer(config, images, best=best).form("joint", order) for best in (False, True)),
    )
    return race(dict(zip(FORMS, forms, strict=True)), ROUNDS)


def _figures(sweep: dict[int, dict[str, Timing]]) -> dict[int, dict[str, Any]]:
    return {size: {name: timing.as_dict() for name, timing in timings.items()} for size, timings in sweep.items()}


def _sweep_text(what: str, sweep: dict[int, dict[str, Timing]]) -> str:
    rows = []
    for size, timings in sweep.items():
        own, *others = (timing.median for timing in timings.values())
        rows.append([str(size), *(f"{median:.1f}" for median in (own, *others)), f"{own / min(others):.2f}"])
    header = [what, *FORMS, "gan_jax / the faster PyTorch"]
    return f"Milliseconds per step, median of {ROUNDS} turns of {STEPS} steps.\n\n{table(header, rows)}"


def _memory(name: str, config: GanConfig) -> dict[str, float]:
    environment = {key: value for key, value in os.environ.items() if key != "JAX_COMPILATION_CACHE_DIR"}
    command = [sys.executable, str(HERE / "peak_memory.py"), name, json.dumps(dataclasses.asdict(config))]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout)


def _memory_text(memory: dict[str, dict[str, float]]) -> str:
    rows = []
    for name, values in memory.items():
        compilation = values["first_call_s"] - values["second_call_s"]
        rows.append([name, f"{values['built_mib']:.0f}", f"{values['peak_mib']:.0f}", f"{compilation:.1f}"])
    return (
        f"{MEMORY_STEPS} joint steps, each form in a process of its own. The last column is the time of tracing and\n"
        "compiling without a cache (in PyTorch, of the library's warm-up).\n\n"
        + table(["form", "MiB once imported and built", "MiB at most", "first call less second, s"], rows)
    )


def _start_times() -> dict[str, list[float]]:
    """Seconds to the first step with an empty compilation cache, and with the cache that this run filled."""
    with tempfile.TemporaryDirectory() as folder:
        times = [_seconds_to_first_step(Path(folder)) for _ in range(1 + WARM_STARTS)]
    return {"cold_s": times[:1], "warm_s": times[1:]}


def _seconds_to_first_step(folder: Path) -> float:
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, str(TRAIN), "--dataset", "digits", "--steps", "1", "--overwrite"]
    command += ["--output-dir", str(folder / "run")]
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        lines = [(time.perf_counter() - start, line) for line in process.stdout]
    if process.returncode != 0:
        raise RuntimeError(f"{TRAIN.name} ended with status {process.returncode}")
    return next(seconds for seconds, line in lines if line.startswith("epoch "))


def _start_table(start: dict[str, list[float]]) -> str:
    rows = [
        ["empty: the first run ever", f"{start['cold_s'][0]:.1f}"],
        ["filled by an earlier run", f"{sorted(start['warm_s'])[WARM_STARTS // 2]:.1f}"],
    ]
    return table(["compilation cache", "seconds"], rows)
