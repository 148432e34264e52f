"""Which set and which class the images of a folder or zip belong to, by where they lie."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from gan_jax.data.listing import File
from gan_jax.errors import InputError
from gan_jax.files import first_line, parse_json

_TRAIN, _TEST, _VALIDATION = ("train", "training"), ("test", "testing"), ("val", "valid", "validation")
_LABELS = "dataset.json"
_STRAYS = 10  # one image in so many may lie beside the folders of the classes
_MOST_KINDS = 6


class Placed(NamedTuple):
    """An image file, and what its place says of it."""

    file: File
    kind: Any = None  # its class; None where there are none
    is_test: bool | None = None  # None where nothing says so


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
    images = [file for file in files if file.kind in endings]
    others = [file for file in files if file.kind not in endings]
    found = Counter(file.kind for file in others if file.parts[-1] != _LABELS)
    told = ", ".join(f"{count:,} {kind}" for kind, count in found.most_common(_MOST_KINDS))
    if not images:
        here = f" (only {told})" if told else ""
        raise InputError(f"{path} holds no image files{here}; give a folder or zip with some, such as .png or .jpg.")
    labels = next((read for file in others if (read := _read_labels(file, images))), None)
    try:
        layout = _arrange(path, images, by_folder=labels is None)
    except RecursionError:
        raise InputError(f"the folders in {path} are nested too deeply; give it with fewer of them.") from None
    layout = layout if labels is None else _labelled(path, layout, *labels)
    return layout._replace(notes=(*layout.notes, *([f"other files: {told}"] if told else [])))


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
        has_classes = inner.placed[0].kind is not None
        if inner.held_out or (has_classes and len(loose) * _STRAYS <= len(files)):
            first = "/".join(loose[0].parts) + (", ..." if loose[1:] else "")
            return inner._replace(left_out=(*inner.left_out, f"{len(loose):,} beside the folders ({first})"))
        reason = f"no classes, since {len(loose):,} images lie in no folder of a class"
        return plain._replace(notes=(reason,) if has_classes else ())
    folders = _folders(files, depth)
    if may_split and any(_is_of(_TEST + _VALIDATION, folder) for folder in folders):
        if any(_is_of(_TRAIN, folder) for folder in folders):
            return _split(path, files, depth, by_folder)
        if all(_is_of(_TEST + _VALIDATION, folder) for folder in folders):
            raise InputError(f"{path} has {' and '.join(sorted(folders))}, and no folder train; give one of them.")
    if may_split and _are_sets_of_classes(files, depth):
        swapped = (file._replace(parts=_swapped(file.parts, depth)) for file in files)
        return _split(path, sorted(swapped, key=lambda file: file.parts), depth, by_folder)
    if not by_folder or all(_is_in_chunk(file, depth) for file in files):
        return plain
    return Layout([Placed(file, file.parts[depth]) for file in files])


def _split(path: Path, files: list[File], depth: int, by_folder: bool) -> Layout:
    """Files of which some lie in folders for training and for tests, at this depth."""
    counts = Counter(file.parts[depth] for file in files)
    for_tests = next(kind for kind in (_TEST, _VALIDATION) if any(_is_of(kind, folder) for folder in counts))
    kept = [file for file in files if _is_of(_TRAIN + for_tests, file.parts[depth])]
    below = _arrange(path, kept, depth + 1, by_folder, may_split=False)

    def placed(image: Placed) -> Placed:
        return image._replace(is_test=_is_of(for_tests, image.file.parts[depth]))

    found = [placed(image) for image in below.placed]
    if len({image.is_test for image in found}) < 2:  # those of one set lie in no class
        reason = "no classes, since the images of one set lie in no folder of a class"
        below, found = Layout([], notes=(reason,)), [placed(Placed(file)) for file in kept]
    names = sorted(folder for folder in counts if _is_of(for_tests, folder))
    unused = (f"{counts[folder]:,} in {folder}" for folder in sorted(counts) if not _is_of(_TRAIN + for_tests, folder))
    return Layout(found, " and ".join(names), (*below.left_out, *unused), below.notes)


def _are_sets_of_classes(files: Iterable[File], depth: int) -> bool:
    """Whether each class has its own folders for training and for tests, as in ``cat/train`` and ``cat/test``."""
    below = {file.parts[depth + 1] if len(file.parts) > depth + 2 else "" for file in files}
    train = {folder for folder in below if _is_of(_TRAIN, folder)}
    return bool(train) and train < below and all(_is_of(_TEST + _VALIDATION, folder) for folder in below - train)


def _swapped(parts: tuple[str, ...], depth: int) -> tuple[str, ...]:
    """Parts of a path with the folder at a depth below the next one."""
    return (*parts[:depth], parts[depth + 1], parts[depth], *parts[depth + 2 :])


def _folders(files: Iterable[File], depth: int) -> set[str]:
    return {file.parts[depth] for file in files}


def _is_of(names: tuple[str, ...], folder: str) -> bool:
    return folder.lower() in names


def _is_in_chunk(file: File, depth: int) -> bool:
    """Whether a folder is one of a thousand consecutive files, as in FFHQ and what StyleGAN's ``dataset_tool`` writes.

    ``00001/img00001234.png`` and ``01000/01234.png`` are in such folders.
    """
    number = re.fullmatch(r"(?:img)?(\d{5,12})", PurePosixPath(file.parts[-1]).stem, re.ASCII)
    thousand = int(number[1]) // 1000 if number else None
    return thousand is not None and file.parts[depth] in (f"{thousand:05d}", f"{thousand * 1000:05d}")


def _read_labels(file: File, images: list[File]) -> tuple[File, dict[str, Any] | None] | None:
    """The ``labels`` of a ``dataset.json``, as StyleGAN's ``dataset_tool`` writes it; None where a file is none.

    It lies beside the images, or above all of them.
    """
    above = file.parts[:-1]
    if file.parts[-1] != _LABELS or any(image.parts[: len(above)] != above for image in images):
        return None
    source = file.open()
    try:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source.read().decode()
        content = parse_json(text)
        if not isinstance(content, dict) or "labels" not in content:
            return None  # another program's
        labels = content["labels"]
        rows = labels.items() if isinstance(labels, dict) else labels
        return file, None if labels is None else {str(name).replace("\\", "/"): image for name, image in rows}
    except Exception as error:  # zipfile raises whatever its decompressors meet
        raise InputError(
            f"{file.name} is no list of labels as StyleGAN's dataset_tool writes it ({first_line(error)}); restore or "
            f"remove it."
        ) from error


def _labelled(path: Path, layout: Layout, source: File, labels: dict[str, Any] | None) -> Layout:
    """The same with the classes that ``dataset.json`` gives."""
    if labels is None:
        return layout._replace(notes=(f"no classes, as {_LABELS} says",))
    if not all(isinstance(image, int) for image in labels.values()):
        return layout._replace(notes=(f"no classes, since the labels in {_LABELS} are no whole numbers",))
    above = len(source.parts) - 1
    kinds = [labels.get("/".join(image.file.parts[above:])) for image in layout.placed]
    found = [image._replace(kind=kind) for image, kind in zip(layout.placed, kinds, strict=True) if kind is not None]
    if not found:
        raise InputError(f"{source.name} names none of the images in {path}; restore or remove it.")
    missing = len(kinds) - len(found)
    left_out = (*layout.left_out, *([f"{missing:,} without a label in {_LABELS}"] if missing else []))
    return layout._replace(placed=found, left_out=left_out, notes=(f"classes from {_LABELS}",))
