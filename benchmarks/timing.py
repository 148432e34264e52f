"""Time several forms of the same work in turns. Imports neither JAX nor PyTorch."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PAUSE_S = 0.1  # between turns, so that threads that still spin while they wait for work do not slow the next form down


class Form(NamedTuple):
    """One way to do the work; ``run`` takes ``steps`` steps and returns when they are done."""

    run: Callable[[], Any]
    steps: int


class Timing(NamedTuple):
    """One figure per turn."""

    wall: list[float]  # milliseconds per step
    cpu: list[float]  # milliseconds per step, of all threads together
    others: list[float]  # share of all processors' time that other programs used meanwhile; nan if not known

    @property
    def median(self) -> float:
        """The median turn, in milliseconds per step."""
        return float(np.median(self.wall))

    @property
    def least(self) -> float:
        """The fastest turn, in milliseconds per step."""
        return min(self.wall)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The first and third quartile of the turns, in milliseconds per step."""
        low, high = np.percentile(self.wall, [25, 75])
        return float(low), float(high)

    def as_dict(self) -> dict[str, Any]:
        """All figures, by name."""
        return {
            "median_ms": self.median,
            "min_ms": self.least,
            "quartiles_ms": self.quartiles,
            "cpu_median_ms": float(np.median(self.cpu)),
            "turns_ms": self.wall,
            "others_share": None if np.isnan(self.others).any() else self.others,
        }


def race(forms: dict[str, Form], rounds: int) -> dict[str, Timing]:
    """Time the forms in turns, A B C A B C …, under the same conditions. A first, untimed round warms up."""
    timings = {name: Timing([], [], []) for name in forms}
    for turn in range(rounds + 1):
        for name, form in forms.items():
            time.sleep(PAUSE_S)
            figures = _time_turn(form)
            if turn > 0:
                for values, figure in zip(timings[name], figures, strict=True):
                    values.append(figure)
    return timings


def _time_turn(form: Form) -> tuple[float, float, float]:
    busy, idle = _processors()
    wall, cpu = time.perf_counter(), time.process_time()
    form.run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    busy, idle = (after - before for after, before in zip(_processors(), (busy, idle), strict=True))
    # The system counts in hundredths of a second.
    return 1000 * wall / form.steps, 1000 * cpu / form.steps, max(0.0, busy - cpu) / max(busy + idle, 0.01)


def _processors() -> tuple[float, float]:
    """Seconds that the processors were busy and idle since the machine started; nan where the system does not say."""
    path = Path("/proc/stat")
    if not path.exists():
        return float("nan"), float("nan")
    user, nice, system, idle, waiting, *rest = (int(part) for part in path.read_text().split("\n")[0].split()[1:9])
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + sum(rest)) / tick, (idle + waiting) / tick


def neighbours(races: Iterable[dict[str, Timing]]) -> str:
    """A sentence on how much other programs disturbed these timings."""
    share = np.mean([other for timings in races for timing in timings.values() for other in timing.others])
    if np.isnan(share):
        return "The load of other programs during the timing is not known."
    advice = "; measure again when the machine is idle, since PyTorch's threads suffer most" if share > 0.03 else ""
    return f"Other programs used {share:.0%} of the processors during the timing{advice}."


def timed_lines(command: list[str], **environment: str) -> tuple[list[tuple[float, str]], float]:
    """Run a program; return its printed lines, each with the seconds from its start, and the seconds to its end.

    Raises:
      RuntimeError: the program did not end with status 0.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | environment
    ) as process:
        assert process.stdout is not None
        lines = [(time.perf_counter() - start, line) for line in process.stdout]
    if process.returncode != 0:
        raise RuntimeError(f"{Path(command[1]).name} ended with status {process.returncode}")
    return lines, time.perf_counter() - start


def random_data(config: Any, steps: int, count: int = 4096) -> tuple[np.ndarray, np.ndarray]:
    """Random images, and the images of each step's batch. No form's time depends on the images' content.

    Returns:
      ``[count, height, width, channels]`` uint8, and ``[steps, batch]`` int32 indices of images.
    """
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, *config.image_shape), dtype=np.uint8)
    return images, generator.integers(0, count, (steps, config.images_per_step), dtype=np.int32)


def thread_count() -> int:
    """The number of processors that this process may use, which is also XLA's number of threads."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
