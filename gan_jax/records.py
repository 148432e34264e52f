"""``run.json``: all that repeating a run needs, and a digest of every epoch that proves the repetition."""

import dataclasses
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from gan_jax.config import GanConfig, RunConfig
from gan_jax.datasets import Dataset
from gan_jax.digests import array_digests, joint_digest
from gan_jax.errors import InputError
from gan_jax.files import whole_file
from gan_jax.state import GanState

FORMAT = 2
_NAME, _FIRST_NAME = "run.json", "config.json"
_PACKAGES = ("gan_jax", "jax", "jaxlib", "flax", "optax", "numpy")
_OF_THIS_PROCESS = ("resume", "overwrite", "distributed", "coordinator", "num_processes", "process_id")
_MAY_CHANGE = (  # in a run that goes on: where things are, how long it lasts, and what it runs on
    *("data_dir", "epochs", "steps", "checkpoint_every", "keep_checkpoints", "output_dir"),
    *("seeds", "sweep", "schedule", "devices", *_OF_THIS_PROCESS),
)

Record = dict[str, Any]


def make_record(settings: RunConfig, config: GanConfig, dataset: Dataset, step_name: str) -> Record:
    """Say what a run is: settings, step, data, versions, device."""
    run: dict[str, Any] = dataclasses.asdict(settings) | {"gan": dataclasses.asdict(config)}
    for name in ("data_dir", "discriminator"):
        run[name] = run[name] and str(run[name].resolve())
    run = {name: value for name, value in run.items() if name not in _OF_THIS_PROCESS}
    return {
        "format": FORMAT,
        "script": Path(sys.argv[0]).name,
        "step": step_name,
        "run": run | {"output_dir": str(settings.output_dir)},
        "dataset": {
            "name": dataset.name,
            "sha256": dataset.content_hash,
            "train_images": len(dataset.train_images),
            "test_images": len(dataset.test_images),
        },
        **circumstances(),
        "epochs": [],
    }


def circumstances() -> Record:
    """The versions and the device here, which may change the last bits."""
    device = jax.devices()[0]
    versions = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {
        "versions": {"python": platform.python_version()} | versions,
        "device": {
            "platform": device.platform,
            "kind": device.device_kind,
            "count": jax.device_count(),
            "processes": jax.process_count(),
            "cpu_cores": os.cpu_count(),
            "xla_flags": os.environ.get("XLA_FLAGS", ""),
        },
    }


def epoch_digest(epoch: int, state: GanState) -> Record:
    """An epoch's line in the record: its number, the step it ended at, and the state's digest and its arrays'."""
    arrays = array_digests(state)
    short = {name: digest[:16] for name, digest in arrays.items()}
    return {"epoch": epoch, "step": int(state.step), "sha256": joint_digest(arrays), "arrays": short}


def write_record(folder: Path, record: Record) -> None:
    """Write ``run.json``."""
    with whole_file(folder / _NAME) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n")


def has_record(folder: Path) -> bool:
    """Whether there is a run in a folder."""
    return (folder / _NAME).exists() or (folder / _FIRST_NAME).exists()


def read_record(folder: Path) -> Record:
    """Read a run's record, of this or an earlier format.

    Raises:
      InputError: there is none, it cannot be read, or a later version of the package wrote it.
    """
    path = folder / _NAME
    try:
        record = json.loads((path if path.exists() else folder / _FIRST_NAME).read_text())
        version = record.get("format", 1)
        record["run"]["gan"]
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder} holds no run ({error}); give the folder that a training wrote.") from None
    if version > FORMAT:
        raise InputError(f"{folder} has format {version}; this gan_jax reads up to {FORMAT}: install a later one.")
    return {"step": None, "epochs": []} | record


def read_settings(record: Record) -> tuple[RunConfig, GanConfig]:
    """The settings that a record tells, and the networks' configuration.

    Raises:
      InputError: they are not settings of this package.
    """
    try:
        gan = record["run"]["gan"]
        config = GanConfig(**gan | {"image_shape": tuple(gan["image_shape"])})
        run = dict(record["run"], gan=config, output_dir=Path(record["run"]["output_dir"]))
        for name in ("data_dir", "discriminator"):
            run[name] = run.get(name) and Path(run[name])
        fields = {field.name for field in dataclasses.fields(RunConfig)}
        return RunConfig(**{name: value for name, value in run.items() if name in fields}), config
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"the run's record cannot be understood ({error}).") from None


def require_same_run(found: Record, wanted: Record) -> None:
    """Check that a run may go on as another: the same but for its length and where things are kept.

    Raises:
      InputError: they differ; the message says in what.
    """
    if found.get("format", 1) < FORMAT:
        raise InputError("the run in the folder is an earlier version's, without checkpoints; give a new folder.")
    for name, there, here in _differences(_decisive(found), _decisive(wanted)):
        raise InputError(
            f"the run in the folder has {name} {there!r}, this one {here!r}; give the same, or a new folder."
        )


def other_circumstances(found: Record) -> list[str]:
    """What of a record's versions and device is not as it is here."""
    pair = (
        _flat({name: record.get(name, {}) for name in ("versions", "device")}) for record in (found, circumstances())
    )
    return [f"{name} was {there}, is {here}" for name, there, here in _differences(*pair)]


def _decisive(record: Record) -> dict[str, Any]:
    """What makes a run the run that it is; a setting that was unknown when the record was written has its default."""
    defaults = dataclasses.asdict(RunConfig())
    run = defaults | record["run"] | {"gan": defaults["gan"] | record["run"]["gan"]}
    settings = {name: value for name, value in run.items() if name not in _MAY_CHANGE}
    return _flat({"step": record["step"], "dataset": record["dataset"]["sha256"], **settings})


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Names whose values differ as JSON, and both values."""
    names = [*found, *(name for name in wanted if name not in found)]
    values = ((name, found.get(name), json.loads(json.dumps(wanted.get(name)))) for name in names)
    return [(name, there, here) for name, there, here in values if there != here]
