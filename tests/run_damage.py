"""Ways to damage a file or folder of a run, and all that is in a folder, to be compared."""

import shutil
from pathlib import Path


def delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def empty(path: Path) -> None:
    folder = path.is_dir()
    delete(path)
    path.mkdir() if folder else path.touch()


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(0, len(data), 50):  # so many that one is in an array
        data[place] ^= 0x10
    path.write_bytes(data)


def garble(path: Path) -> None:
    delete(path)
    path.write_bytes(b"\xff\xfe\0 garbage\n" * 5)


def replace_by_folder(path: Path) -> None:
    delete(path)
    path.mkdir()
    (path / "thesis.tex").touch()


def link(path: Path) -> None:
    elsewhere = path.parents[1] / f"elsewhere_{path.name}"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def dangle(path: Path) -> None:
    delete(path)
    path.symlink_to("nowhere")


def loop(path: Path) -> None:
    delete(path)
    path.symlink_to(path.name)


def everything(folder: Path) -> dict[str, object]:
    """Every file's bytes, every link's target, and every folder."""
    found = {}
    for path in folder.rglob("*"):
        kind = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = kind
    return found
