"""Time the commands of docs/learn/your-photos.md, from a folder of pictures to a page, one after the other.

python benchmarks/photos_time.py --folder FOLDER --json docs/results/photos_time.json

FOLDER holds the folder photos; pictures, scores and page are left in it.
"""

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import tyro
from machine import write_figures

COMMANDS = (
    "gan-jax train --dataset photos --snapshots 12",
    "gan-jax sample runs/photos --output grid.png",
    "gan-jax evaluate runs/photos --json scores.json",
    "gan-jax playground runs/photos --output page.html",
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where the pictures are, and where the figures go."""

    folder: Path
    """A folder that holds the folder photos."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    images = sum(path.is_file() for path in (settings.folder / "photos").rglob("*"))
    variables = os.environ | {"XDG_CACHE_HOME": str(settings.folder.resolve() / "cache")}  # empty at first, as a user's
    seconds = {}
    for command in COMMANDS:
        start = time.perf_counter()
        words = [sys.executable, "-m", "gan_jax", *command.split()[1:]]
        subprocess.run(words, cwd=settings.folder, env=variables, check=True)
        seconds[command] = time.perf_counter() - start
        print(f"{command}: {seconds[command]:.1f} s", flush=True)
    write_figures(settings, files=images, seconds=seconds)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
