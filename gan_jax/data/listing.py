"""The files of a folder or a zip, in the order of their names."""

import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gan_jax.errors import InputError
from gan_jax.files import RUN_DATA, SWEEP_DATA, first_line, require_unpackable


class File(NamedTuple):
    """A file in a folder or zip."""

    parts: tuple[str, ...]  # of its path, below the folder or in the zip
    name: str  # for errors
    ending: str  # what its name ends in, in lower case, or else what it is
    open: Callable[[], Path | BytesIO]  # what read_pixels takes


def list_files(path: Path) -> list[File]:
    """The files in a folder or zip, in the order of their names; hidden ones, and runs in a folder, are left out.

    Linked folders are entered, unless the link leads to a folder that it lies in. Backslashes in a zip's names, which
    some programs write, separate folders.

    Raises:
      InputError: there is neither, or it cannot be read.
    """
    try:
        if path.is_dir():
            return [_of_folder(path, file) for file in _walk(path)]
        if path.suffix.lower() == ".zip" and path.is_file():
            return _zipped(path)
    except Exception as error:  # zipfile raises whatever its parser meets
        place = getattr(error, "filename", None) or path
        raise InputError(f"{place} cannot be read ({first_line(error)}); give a good copy.") from error
    problem, moved = ("is no folder, .zip or .npz", "") if path.exists() else ("is not there", ", at its new place")
    raise InputError(f"{path} {problem}; give --dataset a folder of images, a zip of one, or an .npz{moved}.")


def _of_folder(folder: Path, path: Path) -> File:
    odd = "that are folders of runs" if path.is_dir() else "that are no regular files"
    ending = _ending(path.name) if path.is_file() else odd
    return File(path.relative_to(folder).parts, str(path), ending, lambda: path)


def _walk(folder: Path) -> list[Path]:
    """All that is below a folder: files, and the folders of runs, whose pictures are no images to train on."""

    def below(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
        place = folder.resolve()
        for path in folder.iterdir() if place not in above else ():
            if not _is_hidden(path.name):
                is_entered = path.is_dir() and not _holds_runs(path)
                yield from below(path, (*above, place)) if is_entered else [path]

    return sorted(below(folder, tuple(folder.resolve().parents)))


def _holds_runs(folder: Path) -> bool:
    return any((folder / names[0]).exists() for names in (RUN_DATA, SWEEP_DATA))


def _zipped(path: Path) -> list[File]:
    archive = zipfile.ZipFile(path)
    require_unpackable(path, sum(info.file_size for info in archive.infolist()))
    names = {info.filename: info.filename.replace("\\", "/") for info in archive.infolist()}
    return [
        File(parts, f"{path}: {name}", _ending(parts[-1]), lambda name=name: BytesIO(archive.read(name)))
        for name, parted in sorted(names.items(), key=lambda both: both[1])
        if not parted.endswith("/") and (parts := PurePosixPath(parted).parts) and not any(map(_is_hidden, parts))
    ]


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower() or "without an ending"


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))
