"""A run's record: everything that repeating it needs, and a digest of every epoch that proves the repetition.

It is ``run.json``, and a line of ``epochs.jsonl`` for each epoch.
"""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax

from gan_jax.config import GanConfig
from gan_jax.cores import MAX_THREADS, fix_threads, worker_threads
from gan_jax.data.datasets import Dataset
from gan_jax.data.folders import is_path
from gan_jax.data.image_set import listed
from gan_jax.errors import InputError
from gan_jax.field_types import has_type
from gan_jax.files import (
    RUN_DATA,
    append_line,
    expand_home,
    first_line,
    parse_json,
    read_json_lines,
    require_regular,
    warn,
    write_json,
    write_lines,
)
from gan_jax.parts import UnknownPartError, imported_parts
from gan_jax.settings import RunConfig
from gan_jax.storage.digests import array_digests, joint_digest
from gan_jax.storage.run_json_schema import config_from_json, is_epoch, require_schema, settings_from_json

PRETRAINED = ("fashion_mnist", "emoji")
"""The names of the runs that ship with the package; ``load_run`` and the commands take them in place of a path."""

FORMAT = 1
UNKNOWN_DATASET = "(unknown)"  # of networks that were imported
_RECORD, _EPOCHS = RUN_DATA[:2]
ENVIRONMENT = ("versions", "imports", "device")  # what of a record may change bits without being a setting
_PACKAGES = ("gan_jax", "jax", "jaxlib", "flax", "optax", "numpy")

RunJson = dict[str, Any]


def make_run_json(
    settings: RunConfig,
    config: GanConfig,
    dataset: Dataset | None,
    schedule_steps: int | None,
    devices_per_batch: int = 1,
) -> RunJson:
    """The content of ``run.json``: settings, where schedules end, data, versions, imported parts, devices."""
    run = {name: value for name, value in dataclasses.asdict(settings).items() if name not in _marked("unrecorded")}
    for name, value in run.items():
        if isinstance(value, Path):
            is_shipped = str(value) in PRETRAINED and not value.exists()
            run[name] = str(value if is_shipped else value.resolve())
    if is_path(settings.dataset):
        run["dataset"] = str(expand_home(Path(settings.dataset)).resolve())
    return {
        "format": FORMAT,
        "script": Path(sys.argv[0]).name,
        "run": run
        | {"gan": dataclasses.asdict(config), "output_dir": str(settings.folder), "schedule_steps": schedule_steps},
        "dataset": _of_dataset(dataset) if dataset else {"name": UNKNOWN_DATASET},
        **environment(devices_per_batch),
        "epochs": [],
    }


def _of_dataset(dataset: Dataset) -> RunJson:
    return {
        "name": dataset.name,
        "sha256": dataset.content_hash,
        "train_images": len(dataset.train_images),
        "test_images": len(dataset.test_images),
        "class_names": list(dataset.class_names),
    }


def environment(devices_per_batch: int = 1) -> RunJson:
    """Versions, imported parts and devices, which may change bits, and how many devices share each batch."""
    device = jax.devices()[0]
    versions = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {
        "versions": {"python": platform.python_version()} | versions,
        "imports": imported_parts(),
        "device": {
            "platform": device.platform,
            "kind": device.device_kind,
            "count": jax.device_count(),
            "processes": jax.process_count(),
            "devices_per_batch": devices_per_batch,
            "cpu_threads": worker_threads(),
            "xla_flags": os.environ.get("XLA_FLAGS", ""),
        },
    }


def keep_threads(record: RunJson) -> None:
    """Have JAX start with as many worker threads as a run had; where it is in use, ``environment`` differs instead."""
    threads = record.get("device", {}).get("cpu_threads")
    if isinstance(threads, int) and 0 < threads <= MAX_THREADS:
        fix_threads(threads)


def epoch_digest(epoch: int, state: Any) -> RunJson:
    """An epoch's line in ``epochs.jsonl``: its number, its last step, and a digest of each array of the state."""
    arrays = {name: digest[:16] for name, digest in array_digests(state).items()}
    return {"epoch": epoch, "step": int(state.step), "arrays": arrays}


def state_digest(epoch: RunJson) -> str:
    """One sha256 of the state at an epoch's end, from the epoch's line."""
    return joint_digest(epoch["arrays"])


def matches_digests(record: RunJson, step: int, arrays: Any) -> bool | None:
    """Whether arrays are those of the state that a run recorded after a step.

    Args:
      record: of the run.
      step: the end of an epoch, or of the run.
      arrays: a part of the state, as a tree whose places are the state's.

    Returns:
      None where nothing was recorded after that step.
    """
    recorded = next((epoch["arrays"] for epoch in record["epochs"] if epoch["step"] == step), None)
    if recorded is None:
        return None
    return all(recorded.get(name) == digest[:16] for name, digest in array_digests(arrays).items())


def run_digest(record: RunJson) -> str:
    """One sha256 of a run's identity and its last state, which scores of the run are stored with."""
    last = [state_digest(epoch) for epoch in record["epochs"][-1:]]
    content = json.dumps([identity(record), last, record.get("diverged")])
    return hashlib.sha256(content.encode()).hexdigest()


def write_run_json(folder: Path, record: RunJson, *, replacing: bool = False) -> None:
    """Write both files, or while a run is being replaced ``run.json`` alone, with a mark that says so."""
    kept = {name: value for name, value in record.items() if name not in ("epochs", "replacing")}
    if replacing:
        write_json(folder / _RECORD, kept | {"replacing": True})
    else:
        write_lines(folder / _EPOCHS, record["epochs"])
        write_json(folder / _RECORD, kept)


def append_epoch(folder: Path, record: RunJson, epoch: RunJson) -> None:
    """Add an epoch to a record, and to its file."""
    record["epochs"].append(epoch)
    append_line(folder / _EPOCHS, epoch)


def has_run_json(folder: Path) -> bool:
    """Whether there is a file that should be a run's record."""
    return (folder / _RECORD).exists()


def first_of_many(folder: Path) -> Path | None:
    """The first run of ``--seeds`` or ``--sweep`` in a folder, if there is one."""
    within = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in within:
        found = path if path.name.startswith("seed_") else first_of_many(path) if "=" in path.name else None
        if found and has_run_json(found):
            return found
    return None


def runs_in(folder: Path) -> list[str]:
    """The folders in a folder that hold a run or many."""
    with contextlib.suppress(OSError):  # those that may not be read
        return [str(path) for path in sorted(folder.glob("*")) if has_run_json(path) or first_of_many(path)]
    return []


def read_run_json(folder: Path, *, replacing: bool = False) -> RunJson:
    """Read a run's record.

    Args:
      folder: the run's.
      replacing: read it too while the other files in the folder are those of a run that it replaces.

    Raises:
      InputError: there is none, it is damaged, another version of the package wrote it, or the folder's files are those
        of a run that was being replaced.
    """
    path = folder / _RECORD
    if not path.exists():
        if member := first_of_many(folder):
            raise InputError(f"{folder} holds many runs; give one of them, such as {member}.")
        there = f", such as {listed(within)}" if (within := runs_in(folder)) else ""
        raise InputError(f"{folder} holds no run; give the folder that a training wrote{there}.")
    try:
        require_regular(path)
        record = parse_json(path.read_text(encoding="utf-8"))
        version = record["format"]
        if not has_type(version, int) or version == FORMAT:
            require_schema(record)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise InputError(f"{path} is not the record of a run ({reason}); restore it from a copy.") from None
    if version != FORMAT:
        raise InputError(f"{folder} has format {version}; this gan_jax reads {FORMAT}: use the version that wrote it.")
    if "replacing" in record and not replacing:
        raise InputError(
            f"replacing the run in {folder} was interrupted; repeat it, or continue the training with --resume."
        )
    return record | {"epochs": _read_epochs(folder / _EPOCHS)}


def _read_epochs(path: Path) -> list[RunJson]:
    lines = read_json_lines(path)
    epochs = [line for line in lines if is_epoch(line)]
    if len(epochs) < len(lines):
        warn(f"{path} has damaged lines, which are left out; restore it from a copy")
    return epochs


def read_settings(record: RunJson) -> tuple[RunConfig, GanConfig]:
    """The settings in ``run.json``, and the networks' configuration.

    Raises:
      InputError: they are not settings of this package, or of parts that are not imported.
    """
    if missing := record.get("imports", {}).keys() - imported_parts().keys():
        wanted = " ".join(f"--import {name}" for name in sorted(missing))
        raise InputError(f"the run has parts of its own; give {wanted}, with the path of a file.")
    try:
        config = config_from_json(record["run"]["gan"])
        return settings_from_json(record["run"], config), config
    except UnknownPartError as error:
        raise InputError(
            f"{error} The run was trained by {record['script']}; give --import for what adds it."
        ) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"the run's record cannot be understood ({error}).") from None


def require_same_run(found: RunJson, wanted: RunJson) -> None:
    """Check that a run may be resumed with other settings: only its length and its places may differ.

    Raises:
      InputError: they differ; the message says in what.
    """
    for name, there, here in _differences(identity(found), identity(wanted)):
        raise _is_another(name, there, here)


def require_trained_here(record: RunJson, folder: Path) -> None:
    """Check that a run was trained, and so can be continued or repeated.

    Args:
      record: the run's, or what is recorded of many.
      folder: the run's.

    Raises:
      InputError: its networks were imported.
    """
    if "imported" in record:
        raise InputError(
            f"{folder} was imported from {next(iter(record['imported']['files']), 'a file')} and not trained here; "
            f"train from it into another folder, with gan-jax train --start-from {folder}."
        )


def require_same_dataset(found: RunJson, dataset: str) -> None:
    """Check, before any images are read, that a run may be resumed on a data set; of paths, the images decide later.

    Args:
      found: the run's, or what is recorded of many.
      dataset: as the settings name it.

    Raises:
      InputError: a published set takes the place of another, or of a path, or a path that of such a set.
    """
    before = found["run"]["dataset"]
    if before != dataset and not (is_path(before) and is_path(dataset)):
        raise _is_another("dataset", before, dataset)


def _is_another(name: str, there: Any, here: Any) -> InputError:
    return InputError(f"the run in the folder has {name} {there!r}, this one {here!r}; give the same, or a new folder.")


def environment_differences(found: RunJson, here: RunJson) -> list[str]:
    """How the versions, imports and devices in ``run.json`` differ from those here.

    Args:
      found: of the run.
      here: another record, or an ``environment``.
    """
    imports = {name: here["imports"].get(name) for name in found["imports"]}
    pair = (_flat({name: record[name] for name in ENVIRONMENT}) for record in (found, here | {"imports": imports}))
    return [f"{name} was {before}, is {now}" for name, before, now in _differences(*pair)]


def earlier_differences(found: RunJson, here: RunJson) -> list[str]:
    """The same for the steps before the run was resumed in another environment."""
    differences = []
    for stretch in found.get("earlier_environments", []):
        when = f"until step {stretch['until']}" if "until" in stretch else "before the run was resumed"
        differences += [f"{when}, {difference}" for difference in environment_differences(stretch, here)]
    return differences


def warn_of_differences(differences: Iterable[str]) -> None:
    """Warn that a run continues, or is repeated, in another environment."""
    for difference in differences:
        warn(f"{difference}; the last bits may come out differently")


def identity(record: RunJson) -> dict[str, Any]:
    """The settings and images that identify a run; a setting that ``run.json`` lacks has its default.

    Of images from a folder or file the pixels and labels count, and not where they lie or what follows from them.
    """
    defaults = dataclasses.asdict(RunConfig())
    gan = defaults["gan"] | record["run"]["gan"]
    run = defaults | record["run"] | {"gan": {name: gan[name] for name in gan if name != "class_counts"}}
    settings = {name: value for name, value in run.items() if name not in _marked("may_change")}
    if is_path(run["dataset"]):
        del settings["dataset"]
    return _flat({"images": record["dataset"].get("sha256"), **settings})


def _marked(mark: str) -> set[str]:
    """The names of the settings that are declared with a mark."""
    return {field.name for field in dataclasses.fields(RunConfig) if field.metadata.get(mark)}


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Names whose values differ as JSON, and both values."""
    found, wanted = (json.loads(json.dumps(side)) for side in (found, wanted))
    names = [*found, *(name for name in wanted if name not in found)]
    return [(name, found.get(name), wanted.get(name)) for name in names if found.get(name) != wanted.get(name)]
