"""Time what a person waits for at the shell: help, an error, a picture, and the first step of a training.

python benchmarks/door_time.py --before CHECKOUT --json docs/results/door_time.json

Each is a process of its own. They take turns, with ``import jax`` among them. A training starts with an empty
compilation cache and then with what that start left there.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tyro
from machine import describe_machine, write_figures
from tables import door_table, start_table

HERE = Path(__file__).parents[1]
GAN_JAX = ["-m", "gan_jax"]
SAMPLE = [*GAN_JAX, "sample", "fashion_mnist", "--output", "grid.png"]
PROGRAMS = {
    "`python -c 'import jax'`": ["-c", "import jax"],
    "`gan-jax --help`": [*GAN_JAX, "--help"],
    "`gan-jax --version`": [*GAN_JAX, "--version"],
    "`gan-jax recipes`": [*GAN_JAX, "recipes"],
    "`gan-jax train --help`": [*GAN_JAX, "train", "--help"],
    "`gan-jax sample --help`": [*GAN_JAX, "sample", "--help"],
    "`gan-jax train` with a wrong flag": [*GAN_JAX, "train", "--widht", "8"],
    "`gan-jax sample fashion_mnist`": SAMPLE,
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """How often, and beside which version."""

    rounds: int = 7
    """Turns of everything."""
    before: Path | None = None
    """A checkout of another version, whose trainings start in turns with this one's."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    versions = {"now": HERE} | ({"before": settings.before.resolve()} if settings.before else {})
    figures: dict[str, Any] = {
        "commands_s": {name: [] for name in PROGRAMS},
        "starts_s": {version: {"cold": [], "warm": []} for version in versions},
    }
    with tempfile.TemporaryDirectory() as folder:
        seconds_of(SAMPLE, folder)  # compiles what is kept
        for _ in range(settings.rounds):
            for name, words in PROGRAMS.items():
                figures["commands_s"][name].append(seconds_of(words, folder))
            for version, checkout in versions.items():
                with tempfile.TemporaryDirectory() as empty:
                    for kind in ("cold", "warm"):
                        figures["starts_s"][version][kind].append(seconds_to_first_step(checkout, Path(empty)))
    print(describe_machine(), door_table(figures), start_table(figures), sep="\n\n")
    write_figures(settings, **figures)


def seconds_of(words: list[str], folder: str) -> float:
    """The time of a program of Python, from its start to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, env=environment(HERE), check=False)
    return time.perf_counter() - start


def seconds_to_first_step(checkout: Path, folder: Path) -> float:
    """Start a training of the embedded digits at the default size, and wait for its first line."""
    command = [sys.executable, *GAN_JAX, "train", "--dataset", "digits", "--steps", "1", "--overwrite"]
    command += ["--output-dir", str(folder / "run")]
    variables = environment(checkout) | {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache")}
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=variables
    ) as process:
        assert process.stdout is not None
        seconds = next(time.perf_counter() - start for line in process.stdout if line.startswith("epoch "))
        process.kill()  # what a training does after its last step is not timed
    return seconds


def environment(checkout: Path) -> dict[str, str]:
    """The process's, with the package of a checkout."""
    return {**os.environ, "PYTHONPATH": str(checkout)}


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
