"""The form of a run's record, and of settings in JSON, which is checked before anything in them is believed."""

import dataclasses
import reprlib
from collections.abc import Mapping
from typing import Any, Literal

from gan_jax.config import GanConfig
from gan_jax.field_types import describe, has_type
from gan_jax.settings import RunConfig

_Plain = str | int | float | bool | None
_FORM: dict[str, Any] = {
    "format": int,
    "script": str,
    "run": dict[str, Any],
    "dataset": dict[str, _Plain | list[_Plain]],
    "versions": dict[str, _Plain],
    "imports": dict[str, str],
    "device": dict[str, _Plain],
}
_OPTIONAL: dict[str, Any] = {
    "diverged": str,
    "earlier_environments": list[dict[str, Any]],
    "replacing": Literal[True],
    "imported": dict[str, dict[str, _Plain]],
}
_OF_STRETCH = {name: _FORM[name] for name in ("versions", "imports", "device")} | {"until": int}
_OF_EPOCH: dict[str, Any] = {"epoch": int, "step": int, "arrays": dict[str, str]}


def require_schema(record: dict[str, Any]) -> None:
    """Check that ``run.json`` is complete and has the types that this package writes.

    Raises:
      KeyError: something is missing.
      ValueError: something is of another type; the message names it.
    """
    for name, declared in _FORM.items():
        _require(name, record[name], declared)
    for name in record.keys() & _OPTIONAL.keys():
        _require(name, record[name], _OPTIONAL[name])
    for stretch in record.get("earlier_environments", []):
        for name, declared in _OF_STRETCH.items():
            _require(name, stretch[name], declared)
    run = record["run"]
    _require("gan", run["gan"], dict[str, _Plain | list[_Plain]])
    _require("image_shape", run["gan"]["image_shape"], list[int])
    _require("run", {name: value for name, value in run.items() if name != "gan"}, dict[str, _Plain | list[_Plain]])


def is_epoch(value: Any) -> bool:
    """Whether a JSON value is a line of ``epochs.jsonl``."""
    return isinstance(value, dict) and all(has_type(value.get(name), declared) for name, declared in _OF_EPOCH.items())


def config_from_json(values: Mapping[str, Any]) -> GanConfig:
    """A configuration from JSON, which has lists in place of tuples.

    Raises:
      TypeError: there is a field that ``GanConfig`` does not have.
      ValueError: a value is of another type, or outside its range.
    """
    return GanConfig(**values)


def settings_from_json(values: Mapping[str, Any], config: GanConfig) -> RunConfig:
    """A run's settings from JSON; settings that this version does not know are left out.

    Raises:
      ValueError: a value is of another type, or outside its range; or the data set, the seed or the folder is missing,
        which every version has told.
    """
    known = {field.name for field in dataclasses.fields(RunConfig)} - {"gan"}
    given = {name: value for name, value in values.items() if name in known}
    if missing := {"dataset", "seed", "output_dir"} - given.keys():
        raise ValueError(f"{min(missing)} is missing")
    return RunConfig(gan=config, **given)


def _require(name: str, value: Any, declared: Any) -> None:
    if not has_type(value, declared):
        raise ValueError(f"{name} is {reprlib.repr(value)}; it must be {describe(declared)}")
