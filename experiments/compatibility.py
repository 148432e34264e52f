"""Train runs under several versions of JAX, and use each under every other.

Each interpreter has this package, and its dependencies in versions of its own: --python names them, oldest first. Every
run is trained under each of them and then sampled, evaluated, verified, replayed, exported, resumed and turned into a
page under each. The figures say how a command ended and how far its images are from those of the first interpreter.

python experiments/compatibility.py --python old/bin/python new/bin/python --json docs/results/compatibility.json

--small instead writes the small runs that the tests read, one of each interpreter.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from gan_jax import InputError
from gan_jax.cli.exit_codes import exit_on_errors

TRAIN = ("train", "--dataset", "digits", "--batch-size", "32", "--width", "8", "--threads", "2", "--quiet")
KEPT = ("--ema-half-life", "320", "--snapshots", "2", "--tracker", "tensorboard")
EPOCHS = 2
RUNS: dict[str, tuple[str, ...]] = {
    "course": KEPT,
    "r1": ("--recipe", "r1", *KEPT),
    "conditional": ("--recipe", "conditional", *KEPT),
    "r3gan": ("--recipe", "r3gan", *KEPT),
    "two seeds": ("--seeds", "0:2"),
}
COMMANDS = ("sample", "evaluate", "verify", "replay", "resume", "page", "export", "batch", "onnx")
SMALL = ("--conditional", "--width", "2", "--max-channels", "8", "--latent-dim", "4", "--epochs", "1")
SLOW, WITH_SLOW = ("evaluate", "replay", "page"), ("course", "r3gan")  # these commands are run on these runs alone
FILES = ("symbolic file", "file of a batch")  # that jax.export wrote under one version and reads under another
_READ_FILE = """
import pathlib, sys, numpy, jax
generator = jax.export.deserialize(pathlib.Path(sys.argv[1]).read_bytes())
images = generator.call(*(jax.random.normal(jax.random.key(0), (16, *each.shape[1:])) if each.dtype == "float32"
                          else jax.numpy.arange(16, dtype=each.dtype) % 10 for each in generator.in_avals))
numpy.savez(sys.argv[2], images=images)
"""
_VERSIONS = """
import importlib.metadata, json, platform
names = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
importlib.metadata.version("gan_jax")
print(json.dumps({"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}))
"""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which interpreters, and where the files go."""

    python: tuple[Path, ...]
    """Interpreters that have this package, the oldest versions first."""
    output_dir: Path = Path("runs/compatibility")
    """The folder of the runs; what is there is kept, so that the command can be run again."""
    json: Path | None = None
    """Write all figures to this file."""
    small: Path | None = None
    """Instead write a zip of a small run of each version into this folder."""


@dataclasses.dataclass(frozen=True)
class Version:
    """An interpreter, and the folder of what it makes."""

    python: Path
    folder: Path
    packages: dict[str, str]

    def run(self, *arguments: str | Path, code: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of gan-jax, or some code."""
        given = ("-c", code) if code else ("-m", "gan_jax")
        command = [self.python.absolute(), *given, *map(str, arguments)]
        environment = os.environ | {"JAX_PLATFORMS": "cpu"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    def make(self, *arguments: str | Path) -> None:
        """Run a command of gan-jax that must succeed."""
        done = self.run(*arguments)
        if done.returncode:
            raise SystemExit(f"error: {done.args}: {done.stderr}")


def main(settings: Settings) -> None:
    versions = list(read_versions(settings))
    if settings.small:
        for version in versions:
            write_small_run(version, settings.small)
        return
    for version in versions:
        for name in RUNS:
            train(version, name)
    uses = [
        {"trained": writer.folder.name, "used": reader.folder.name, "run": name, "outcomes": use(writer, reader, name)}
        for writer in versions
        for reader in versions
        for name in RUNS
    ]
    bits = [
        {"versions": [first.folder.name, second.folder.name], "run": name, **compare_trainings(first, second, name)}
        for index, first in enumerate(versions)
        for second in versions[index + 1 :]
        for name in RUNS
    ]
    figures = {"versions": {each.folder.name: each.packages for each in versions}, "uses": uses, "bits": bits}
    if settings.json:
        settings.json.write_text(json.dumps(figures, indent=1) + "\n")


def read_versions(settings: Settings) -> Iterator[Version]:
    """The interpreters with the versions of their packages."""
    for python in settings.python:
        printed = subprocess.run([python.absolute(), "-c", _VERSIONS], capture_output=True, text=True, check=False)
        if printed.returncode:
            raise InputError(f"{python} lacks a package ({printed.stderr.splitlines()[-1]}); install gan_jax there.")
        packages = json.loads(printed.stdout)
        yield Version(python, settings.output_dir / f"jax {packages['jax']}", packages)


def train(version: Version, name: str) -> None:
    """A run and the files that are exported of it."""
    folder = version.folder / name
    if (version.folder / f"{name}.npz").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    version.make(*TRAIN, *RUNS[name], "--epochs", str(EPOCHS), "--output-dir", folder)
    single = one_run(folder)
    for command in ("export", "batch", "sample"):
        version.make(*arguments(command, single, version.folder / name))


def write_small_run(version: Version, folder: Path) -> None:
    """A zip of a small run without its pictures, and of some images that it makes."""
    run = version.folder / "small"
    shutil.rmtree(run, ignore_errors=True)
    version.make(*TRAIN, *KEPT[:2], *SMALL, "--output-dir", run)
    version.make("sample", run, "--num-images", "16", "--output", run / "images.npz")
    for path in [*run.glob("*.png"), run / "progress.gif"]:
        path.unlink()
    shutil.rmtree(run / "grids")
    shutil.make_archive(str(folder / version.folder.name.replace(" ", "-")), "zip", run)


def one_run(folder: Path) -> Path:
    """The folder of a run, the first of several seeds."""
    return folder / "seed_0" if (folder / "seed_0").exists() else folder


def arguments(command: str, run: Path, output: Path) -> list[str | Path]:
    """What gan-jax is given; ``output`` has no suffix."""
    few = ("--num-images", "16")
    return {
        "sample": ["sample", run, *few, "--output", f"{output}.npz"],
        "evaluate": ["evaluate", run, "--num-images", "200", "--json", f"{output}.json", "--figure", f"{output}.png"],
        "verify": ["verify", run],
        "replay": ["replay", run, "--step", "20", "--output", f"{output} step.npz"],
        "resume": [*TRAIN[:3], "--resume", "--quiet", "--epochs", str(EPOCHS + 1), "--output-dir", run],
        "page": ["playground", run, "--output", f"{output}.html"],
        "export": ["export", run, "--output", f"{output}.jax"],
        "batch": ["export", run, "--batch", "16", "--output", f"{output} batch.jax"],
        "onnx": ["export", run, "--format", "onnx", "--output", f"{output}.onnx"],
    }[command]


def use(writer: Version, reader: Version, name: str) -> dict[str, Any]:
    """How every command ends on a copy of a run, and on the files that were exported of it."""
    folder = reader.folder / f"of {writer.folder.name}"
    known = folder / f"{name} outcomes.json"
    if known.exists():
        return json.loads(known.read_text())
    copy = folder / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(writer.folder / name, copy)
    several = one_run(copy) != copy
    outcomes = {}
    for command in (each for each in COMMANDS if each not in SLOW or name in WITH_SLOW):
        run = copy if several and command == "resume" else one_run(copy)
        seeds = ("--seeds", "0:2") if several and command == "resume" else ()
        outcomes[command] = outcome(reader.run(*arguments(command, run, folder / name), *seeds))
    outcomes["sample"]["difference"] = difference(writer.folder / f"{name}.npz", folder / f"{name}.npz")
    for file, suffix in zip(FILES, (".jax", " batch.jax"), strict=True):
        path = writer.folder / f"{name}{suffix}"
        outcomes[file] = outcome(reader.run(path, folder / f"{name} called.npz", code=_READ_FILE))
    known.write_text(json.dumps(outcomes))
    print(f"{writer.folder.name} under {reader.folder.name}: {name}: {outcomes}", flush=True)
    return outcomes


def outcome(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The status, and the error if there was one: 3 is that a repeated training differs."""
    lines = done.stderr.strip().splitlines() if done.returncode not in (0, 3) else []
    errors = [line for line in lines if re.match(r"error: |[\w.]+(Error|Exception): ", line)]
    return {"status": done.returncode} | ({"error": ([*lines[-1:], *errors] or [""])[-1]} if lines else {})


def difference(first: Path, second: Path) -> float | None:
    """How far arrays of two files are from one another at most, if both are there."""
    if not (first.exists() and second.exists()):
        return None
    with np.load(first) as one, np.load(second) as other:
        return max(float(np.abs(one[name].astype(float) - other[name].astype(float)).max()) for name in one.files)


def compare_trainings(first: Version, second: Version, name: str) -> dict[str, Any]:
    """The first step whose metrics differ under two versions, and by how much they do there and after each epoch."""
    one, other = (np.load(one_run(each.folder / name) / "history.npz") for each in (first, second))
    metrics = [key for key in one.files if one[key].ndim == 1 and one[key].dtype == np.float32]
    apart = np.max([np.abs(one[key] - other[key]) for key in metrics], axis=0)
    differs = np.flatnonzero(apart)
    return {
        "first_different_step": int(differs[0]) + 1 if len(differs) else None,
        "steps": len(apart),
        "at_first": float(apart[differs[0]]) if len(differs) else 0.0,
        "after_an_epoch": float(apart[len(apart) // EPOCHS - 1]),
        "at_the_end": float(apart[-1]),
    }


if __name__ == "__main__":
    with exit_on_errors():
        main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
