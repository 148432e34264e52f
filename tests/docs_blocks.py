"""The commands of a page: bash itself reads them, and each program that it would start is only written down."""

import re
import subprocess
from pathlib import Path

from docs_pages import ROOT

LEFT_OUT = {"git", "pip", "tensorboard", "tfds"}  # they install, fetch, or wait for a browser
PLACES = {"NAME", "S", "cifar10", "svhn_cropped"}  # what a reader fills in, and what is only to be had from the network

_BLOCK = re.compile(r"^( *)```(bash|python)(?: title=\"(\S+)\")?\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_READ = """
command_not_found_handle() { printf '%s\\0' "$#" "$@"; }
cd() { :; }
source() { :; }
set -e
"""


def blocks_of(page: Path) -> list[tuple[str, str]]:
    """The language, or the file that it is a part of, and the text of each block of a page, in order."""
    return [(title or language, text) for _, language, title, text in _BLOCK.findall(page.read_text())]


def write_files_of(page: Path, folder: Path) -> None:
    """Write the files whose parts a page shows."""
    for title, text in blocks_of(page):
        if "." in title:
            with (folder / title).open("a") as file:
                file.write(text)


def commands_of(block: str, folder: Path) -> list[list[str]]:
    """The words of each ``gan-jax`` and ``python`` of a bash block; ``make demo`` is what the Makefile says."""
    reader = ["/bin/bash", "-c", f"{_READ}\n{block}\nwait"]
    done = subprocess.run(reader, capture_output=True, text=True, cwd=folder, env={"PATH": "/nowhere"}, check=True)
    assert not done.stderr, done.stderr
    words, commands = iter(done.stdout.split("\0")[:-1]), []
    for count in words:
        command = [next(words) for _ in range(int(count))]
        if command[0] == "taskset":
            command = command[3:]
        if command[0] == "make":
            commands += commands_of(_recipe_of(command[1]), folder) if command[1] == "demo" else []
        elif command[0] not in LEFT_OUT and not PLACES & set(command):
            assert command[0] in ("gan-jax", "python"), f"nothing is known of {command[0]}"
            commands.append(command)
    return commands


def _recipe_of(target: str) -> str:
    rule = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule, f"the Makefile has no {target}"
    return rule[1].replace("$(BIN)/", "")
