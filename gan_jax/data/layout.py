"""Which set and which class the images of a folder or zip belong to, by where they lie."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from gan_jax.data.listing import File
from gan_jax.errors import InputError
from gan_jax.files import first_line, parse_json

_SET = re.compile(  # a word of its own in a folder's name; the words are those of Hugging Face's datasets
    r"(?<![^\W\d_])(?i:(?P<train>train(?:ing)?)|(?P<test>test(?:ing)?|eval(?:uation)?)"
    r"|(?P<val>val(?:id(?:ation|ate)?)?|dev))(?![a-z])"
)
_LABELS = "dataset.json"
_STRAYS = 10  # one image in so many may lie beside the folders of the classes
_MOST_KINDS = 6


class Placed(NamedTuple):
    """An image file, and what its place says of it."""

    file: File
    label: Any = None  # its class; None where there are none
    is_test: bool | None = None  # None where nothing says so


class _Set(NamedTuple):
    """What a folder's name says of the set in it."""

    split: str  # train, test or val
    rest: str  # the name without that word


class Layout(NamedTuple):
    """The image files of a set."""

    placed: list[Placed]
    held_out: str = ""  # the folder of the images for tests
    left_out: tuple[str, ...] = ()  # images, how many and why
    notes: tuple[str, ...] = ()


def read_layout(path: Path, files: Sequence[File], endings: frozenset[str]) -> Layout:
    """Find the images among files, their sets and their classes.

    Args:
      path: of the folder or zip, for errors.
      files: what is in it.
      endings: of images.

    Raises:
      InputError: there are no images, or sets without one for training.
    """
    images = [file for file in files if file.ending in endings]
    others = [file for file in files if file.ending not in endings]
    labels = {file: read for file in others if (read := _read_labels(file)) is not None}
    above = {file.parts[:-1] for file in labels}
    if any(all(image.parts[: len(parts)] != parts for parts in above) for image in images):
        labels = {}  # they are of some folders alone
    found = Counter(file.ending for file in others if file not in labels)
    listed_others = ", ".join(f"{count:,} {ending}" for ending, count in found.most_common(_MOST_KINDS))
    if not images:
        here = f" (only {listed_others})" if listed_others else ""
        raise InputError(f"{path} holds no image files{here}; give a folder or zip with some, such as .png or .jpg.")
    try:
        layout = _arrange(path, images, by_folder=not labels)
    except RecursionError:
        raise InputError(f"the folders in {path} are nested too deeply; give it with fewer of them.") from None
    layout = _labelled(path, layout, labels) if labels else layout
    return layout._replace(notes=(*layout.notes, *([f"other files: {listed_others}"] if listed_others else [])))


def _arrange(path: Path, files: list[File], depth: int = 0, by_folder: bool = True, may_split: bool = True) -> Layout:
    """What the folders below the first ``depth`` say; ``by_folder`` if they may be classes."""
    while all(len(file.parts) > depth + 1 for file in files) and len(_folders(files, depth)) == 1:
        depth += 1
    loose = [file for file in files if len(file.parts) == depth + 1]
    plain = Layout([Placed(file) for file in files])
    if len(loose) == len(files):
        return plain
    if loose:
        inner = _arrange(path, [file for file in files if len(file.parts) > depth + 1], depth, by_folder, may_split)
        has_classes = inner.placed[0].label is not None
        if inner.held_out or (has_classes and len(loose) * _STRAYS <= len(files)):
            first = "/".join(loose[0].parts) + (", ..." if loose[1:] else "")
            return inner._replace(left_out=(*inner.left_out, f"{len(loose):,} beside the folders ({first})"))
        reason = f"no classes, since {len(loose):,} images lie in no folder of a class"
        return plain._replace(notes=(reason,) if has_classes else ())
    folders = _folders(files, depth)
    if may_split and (sets := _sets(folders)):
        return _split(path, files, depth, by_folder, sets)
    if may_split and all((found := _SET.fullmatch(folder)) and found.lastgroup != "train" for folder in folders):
        raise InputError(f"{path} has {' and '.join(sorted(folders))}, and no folder train; give one of them.")
    below = {file.parts[depth + 1] if len(file.parts) > depth + 2 else "" for file in files}
    if may_split and len(sets := _sets(below)) == len(below):  # of each class, as in cat/train and cat/test
        swapped = (file._replace(parts=_swapped(file.parts, depth)) for file in files)
        return _split(path, sorted(swapped, key=lambda file: file.parts), depth, by_folder, sets)
    if not by_folder or all(_is_in_chunk(file, depth) for file in files):
        return plain
    return Layout([Placed(file, file.parts[depth]) for file in files])


def _split(path: Path, files: list[File], depth: int, by_folder: bool, sets: dict[str, _Set]) -> Layout:
    """Files of which some lie in folders for training and for tests, at this depth."""
    counts = Counter(file.parts[depth] for file in files)
    for_tests = "test" if any(part.split == "test" for part in sets.values()) else "val"
    used = {folder: part for folder, part in sets.items() if part.split in ("train", for_tests)}
    kept = [file for file in files if file.parts[depth] in used]
    below = _arrange(path, kept, depth + 1, by_folder, may_split=False)
    found = [image._replace(is_test=used[image.file.parts[depth]].split == for_tests) for image in below.placed]
    rests = [{part.rest for part in used.values() if (part.split == "train") == is_train} for is_train in (True, False)]
    if by_folder and len(rests[0]) > 1 and rests[0] == rests[1] and found[0].label is None:
        found = [image._replace(label=used[image.file.parts[depth]].rest) for image in found]
    if len({image.is_test for image in found}) < 2:  # those of image set lie in no class
        reason = "no classes, since the images of one set lie in no folder of a class"
        below = Layout([], notes=(reason,))
        found = [Placed(file, is_test=used[file.parts[depth]].split == for_tests) for file in kept]
    names = sorted(folder for folder in used if used[folder].split == for_tests)
    unused = (f"{counts[folder]:,} in {folder}" for folder in sorted(counts) if folder not in used)
    return Layout(found, " and ".join(names), (*below.left_out, *unused), below.notes)


def _sets(folders: set[str]) -> dict[str, _Set]:
    """Those of the folders that are a training set and its test sets; none where there are not both.

    If all are named for a set, as ``Training Data`` and ``test``, all are. Beside others only those are whose names
    differ in that word alone, as ``train2017`` and ``val2017``.
    """
    found = {folder: match for folder in folders if (match := _SET.search(folder))}
    sets = {folder: _Set(str(match.lastgroup), match.re.sub("", folder, 1)) for folder, match in found.items()}
    if len(sets) < len(folders):
        trained = {part.rest for part in sets.values() if part.split == "train"}
        tested = {part.rest for part in sets.values() if part.split != "train"}
        sets = {folder: part for folder, part in sets.items() if part.rest in trained & tested}
    return sets if len({part.split == "train" for part in sets.values()}) == 2 else {}


def _swapped(parts: tuple[str, ...], depth: int) -> tuple[str, ...]:
    """Parts of a path with the folder at a depth below the next one."""
    return (*parts[:depth], parts[depth + 1], parts[depth], *parts[depth + 2 :])


def _folders(files: Iterable[File], depth: int) -> set[str]:
    return {file.parts[depth] for file in files}


def _is_in_chunk(file: File, depth: int) -> bool:
    """Whether a folder is one of a thousand consecutive files, as in FFHQ and what StyleGAN's ``dataset_tool`` writes.

    ``00001/img00001234.png`` and ``01000/01234.png`` are in such folders.
    """
    number = re.fullmatch(r"(?:img)?(\d{5,12})", PurePosixPath(file.parts[-1]).stem, re.ASCII)
    thousand = int(number[1]) // 1000 if number else None
    return thousand is not None and file.parts[depth] in (f"{thousand:05d}", f"{thousand * 1000:05d}")


def _read_labels(file: File) -> dict[str, Any] | None:
    """The labels of a ``dataset.json``, as StyleGAN's ``dataset_tool`` writes it, by the images' paths in the set.

    They are those of the images beside it and below. None where a file is none.
    """
    if file.parts[-1] != _LABELS:
        return None
    source = file.open()
    try:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source.read().decode()
        content = parse_json(text)
        if not isinstance(content, dict) or "labels" not in content:
            return None  # another program's
        labels = content["labels"] or {}
        rows = labels.items() if isinstance(labels, dict) else labels
        return {"/".join([*file.parts[:-1], str(name).replace("\\", "/")]): label for name, label in rows}
    except Exception as error:  # zipfile raises whatever its decompressors meet
        raise InputError(
            f"{file.name} is no list of labels as StyleGAN's dataset_tool writes it ({first_line(error)}); restore or "
            f"remove it."
        ) from error


def _labelled(path: Path, layout: Layout, read: dict[File, dict[str, Any]]) -> Layout:
    """The same with the classes that each ``dataset.json`` gives."""
    labels = {name: label for found in read.values() for name, label in found.items()}
    if not labels:
        return layout._replace(notes=(f"no classes, as {_LABELS} says",))
    if not all(isinstance(label, int) for label in labels.values()):
        return layout._replace(notes=(f"no classes, since the labels in {_LABELS} are no whole numbers",))
    given = [labels.get("/".join(image.file.parts)) for image in layout.placed]
    found = [
        image._replace(label=label) for image, label in zip(layout.placed, given, strict=True) if label is not None
    ]
    if not found:
        raise InputError(f"{next(iter(read)).name} names none of the images in {path}; restore or remove it.")
    missing = len(given) - len(found)
    left_out = (*layout.left_out, *([f"{missing:,} without a label in {_LABELS}"] if missing else []))
    return layout._replace(placed=found, left_out=left_out, notes=(f"classes from {_LABELS}",))
