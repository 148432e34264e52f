"""Train a run through many interruptions beside one that nothing interrupts, and watch what grows.

The interrupted run is killed, asked to stop, given one core, and left without room on its disk, again and again, and
each time resumed, in turn with every interpreter of --python. At the end both runs must have the same bits after every
epoch. After each epoch the figures have the process's memory, handles and mappings, the run's size, and the time on the
clock and of the processor since the last.

python experiments/long_run.py --dataset cifar10 --json docs/results/long_run.json

--small-disk names a folder on a small file system of its own, such as a tmpfs of 64 MiB, which is filled to the brim;
without it no disk is filled. The command itself can be stopped and run again: it goes on where it was.
"""

import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import tyro

from gan_jax.files import append_line, read_json_lines

SECONDS = 0.5  # from one look at a process to the next
KINDS = ("killed", "stopped", "interrupted", "without room")
SIGNALS = {"killed": signal.SIGKILL, "stopped": signal.SIGTERM, "interrupted": signal.SIGINT}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is trained, and how often it is interrupted."""

    dataset: str = "cifar10"
    """As gan-jax train --dataset takes it."""
    width: int = 16
    """The networks' width."""
    epochs: int = 40
    """Passes over the images."""
    every: float = 60.0
    """Seconds that the interrupted run trains at most before it is interrupted."""
    python: tuple[Path, ...] = (Path(sys.executable),)
    """Interpreters that resume the run in turn; of one version of JAX, since another has other bits."""
    output_dir: Path = Path("runs/long_run")
    """The folder of both runs."""
    small_disk: Path | None = None
    """A folder on a small file system of its own, for the interrupted run."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # processes in the background begin without one
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    whole = Watched(settings, settings.output_dir, "whole")
    whole.train(settings.python[0])
    interrupted = Watched(settings, settings.small_disk or settings.output_dir, "interrupted")
    interruptions = interrupt_often(settings, interrupted)
    same = whole.digests() == interrupted.digests()
    print(f"{settings.epochs} epochs, {len(interruptions)} interruptions: {'the same' if same else 'OTHER'} bits")
    counts = {kind: sum(kind in each["how"] for each in interruptions) for kind in (*KINDS, "on one core")}
    rows = {run.name: read_json_lines(run.seen) for run in (whole, interrupted)}
    if settings.json:
        settings.json.write_text(json.dumps({"same_bits": same, "interruptions": counts, "epochs": rows}) + "\n")
    sys.exit(0 if same else 1)


def interrupt_often(settings: Settings, run: "Watched") -> list[Any]:
    """Train a run to its end through interruptions; how each of them was."""
    draw = random.Random(0)
    path = settings.output_dir / "interruptions.jsonl"
    kinds = KINDS if settings.small_disk else KINDS[:-1]
    for start in range(10_000):
        kind, after = kinds[start % len(kinds)], draw.uniform(0.2, 1) * settings.every
        one_core = start % 3 == 2
        status = run.train(settings.python[start % len(settings.python)], (after, kind), {0} if one_core else None)
        if status == 0:
            return read_json_lines(path) if path.exists() else []
        append_line(path, {"how": [kind, "on one core"] if one_core else [kind], "status": status})
    raise SystemExit("error: the run does not end; give a longer --every.")


class Watched:
    """A run, and what was seen of its processes."""

    def __init__(self, settings: Settings, parent: Path, name: str) -> None:
        self.settings, self.name, self.folder = settings, name, parent / name
        self.seen = settings.output_dir / f"{name}.jsonl"

    def train(self, python: Path, interruption: tuple[float, str] | None = None, cores: set[int] | None = None) -> int:
        """Begin or resume the run in a process and wait for its end; its exit status."""
        command = [
            *(str(python.absolute()), "-m", "gan_jax", "train", "--dataset", self.settings.dataset, "--quiet"),
            *("--width", str(self.settings.width), "--epochs", str(self.settings.epochs), "--threads", "2"),
            *("--output-dir", str(self.folder), "--checkpoint-every", "100"),
            *(["--resume"] if (self.folder / "run.json").exists() else ["--overwrite"]),
        ]
        usual = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores or usual)
        process = subprocess.Popen(command)
        os.sched_setaffinity(0, usual)
        began = since = time.monotonic()
        epochs, interrupted, used = len(self.digests()), False, 0.0
        while process.poll() is None:
            time.sleep(SECONDS)
            now, passed = time.monotonic(), len(self.digests())
            if passed > epochs:
                used = self.look(process.pid, passed, now - since, used)
                epochs, since = passed, now
            if interruption and now - began > interruption[0]:
                self.interrupt(process, interruption[1])
                interrupted = True
        if process.returncode and not interrupted:
            raise SystemExit(f"error: the training ended by itself, with {process.returncode}.")
        return process.returncode

    def interrupt(self, process: subprocess.Popen[bytes], kind: str) -> None:
        """End a process in one of the ways."""
        if kind in SIGNALS:
            process.send_signal(SIGNALS[kind])
            process.wait()
            return
        with full_disk(self.folder.parent):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=self.settings.every)
            process.kill()
            process.wait()

    def digests(self) -> list[str]:
        """The lines of the finished epochs, each with the digests of all arrays."""
        path = self.folder / "epochs.jsonl"
        return path.read_text().splitlines() if path.exists() else []

    def look(self, pid: int, epoch: int, seconds: float, used: float) -> float:
        """Add a line about a process and its run; one that has just ended adds none.

        Args:
          pid: the process.
          epoch: the epochs that have passed.
          seconds: since the last epoch's end, on the clock.
          used: the processor seconds of the process until then.

        Returns:
          its processor seconds until now.
        """
        with contextlib.suppress(OSError, StopIteration):
            process = Path("/proc", str(pid))
            ticks = process.joinpath("stat").read_text().rpartition(")")[2].split()[11:13]  # user's and system's
            processor = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            status = process.joinpath("status").read_text().splitlines()
            memory = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
            handles, mappings = len(list(process.joinpath("fd").iterdir())), process.joinpath("maps").read_bytes()
            size = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) / 2**20
            found = {"epoch": epoch, "seconds": round(seconds, 2), "processor_seconds": round(processor - used, 2)}
            found |= {
                "memory_mib": round(memory, 1),
                "handles": handles,
                "mappings": mappings.count(b"\n"),
                "folder_mib": round(size, 2),
            }
            append_line(self.seen, found)
            return processor
        return used


@contextlib.contextmanager
def full_disk(folder: Path) -> Generator[None]:
    """Leave no room on a small file system meanwhile."""
    ballast = folder / "ballast"
    try:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        yield
    finally:
        ballast.unlink(missing_ok=True)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
