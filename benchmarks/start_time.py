"""Time a training from the shell to its first step, with an empty compilation cache and with a filled one.

python benchmarks/start_time.py --json docs/results/start_time.json
"""

import dataclasses
import sys
import tempfile
from pathlib import Path

import tyro
from machine import describe_machine, write_figures
from tables import start_table
from timing import timed_lines

TRAIN = Path(__file__).parents[1] / "experiments" / "train_gan.py"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How often to start."""

    rounds: int = 3
    """Times that the cache is emptied."""
    warm_starts: int = 3
    """Starts with what the first of a round left in the cache."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    cold, warm = [], []
    for _ in range(settings.rounds):
        with tempfile.TemporaryDirectory() as folder:
            first, *others = (seconds_to_first_step(Path(folder)) for _ in range(1 + settings.warm_starts))
        cold.append(first)
        warm += others
    figures = {"cold_s": cold, "warm_s": warm}
    print(f"{describe_machine()}\n\n{start_table(figures)}")
    write_figures(settings, **figures)


def seconds_to_first_step(folder: Path) -> float:
    """Start a training of the embedded digits at the default size, and wait for its first line."""
    command = [sys.executable, str(TRAIN), "--dataset", "digits", "--steps", "1", "--overwrite"]
    command += ["--output-dir", str(folder / "run")]
    lines, _ = timed_lines(command, JAX_COMPILATION_CACHE_DIR=str(folder / "cache"))
    return next(seconds for seconds, line in lines if line.startswith("epoch "))


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
