"""The form of a run's record, and of settings in JSON, which is checked before anything in them is believed."""

import dataclasses
import reprlib
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union

from gan_jax.config import GanConfig
from gan_jax.settings import RunConfig

_Plain = str | int | float | bool | None
_FORM: dict[str, Any] = {
    "format": int,
    "script": str,
    "step": str,
    "run": dict[str, Any],
    "dataset": dict[str, _Plain],
    "versions": dict[str, _Plain],
    "device": dict[str, _Plain],
}
_OPTIONAL: dict[str, Any] = {
    "diverged": str,
    "earlier_environments": list[dict[str, dict[str, _Plain]]],
    "replacing": Literal[True],
}
_OF_EPOCH: dict[str, Any] = {"epoch": int, "step": int, "sha256": str, "arrays": dict[str, str]}


def require_form(record: dict[str, Any]) -> None:
    """Check that what ``run.json`` tells is complete, and of the types that this package writes.

    Raises:
      KeyError: something is missing.
      ValueError: something is of another type; the message names it.
    """
    for name, kind in _FORM.items():
        _require(name, record[name], kind)
    for name in record.keys() & _OPTIONAL.keys():
        _require(name, record[name], _OPTIONAL[name])
    run = record["run"]
    _require("gan", run["gan"], dict[str, _Plain | list[_Plain]])
    _require("image_shape", run["gan"]["image_shape"], list[int])
    _require("run", {name: value for name, value in run.items() if name != "gan"}, dict[str, _Plain | list[_Plain]])


def is_epoch(value: Any) -> bool:
    """Whether a value of JSON is of the form of an epoch in a record."""
    return isinstance(value, dict) and all(has_type(value.get(name), kind) for name, kind in _OF_EPOCH.items())


def config_from_json(values: Mapping[str, Any]) -> GanConfig:
    """A configuration from what JSON keeps of it, which has lists for tuples.

    Raises:
      TypeError: there is a field that ``GanConfig`` does not have.
      ValueError: a value is of another type, or outside its range.
    """
    return GanConfig(**_fields(GanConfig, values))


def settings_from_json(values: Mapping[str, Any], config: GanConfig) -> RunConfig:
    """A run's settings from what JSON keeps of them; what this version does not know is left out.

    Raises:
      ValueError: a value is of another type, or outside its range; or the data set, the seed or the folder is missing,
        which every version has told.
    """
    known = {field.name for field in dataclasses.fields(RunConfig)} - {"gan"}
    told = _fields(RunConfig, {name: value for name, value in values.items() if name in known})
    if missing := {"dataset", "seed", "output_dir"} - told.keys():
        raise ValueError(f"{min(missing)} is missing")
    for name in ("output_dir", "data_dir", "discriminator"):
        told[name] = told.get(name) and Path(told[name])
    return RunConfig(gan=config, **told)


def _fields(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass, each of the type that it declares, as far as JSON has it."""
    declared = typing.get_type_hints(kind)
    for name, value in values.items():
        if name in declared:
            _require(name, value, declared[name])
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def has_type(value: Any, kind: Any) -> bool:
    """Whether a value of JSON can stand for one of a type; a number stands for a float, and is then finite.

    Examples:
      >>> has_type([28, 28, 1], tuple[int, ...]), has_type(True, int), has_type(10**400, float)
      (True, False, False)
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return any(has_type(value, one) for one in arguments)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in arguments)
    if origin in (list, tuple):
        return isinstance(value, list | tuple) and all(has_type(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(has_type(one, arguments[1]) for one in value.values())
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return kind is Any or isinstance(value, str if kind is Path else kind)


def _require(name: str, value: Any, kind: Any) -> None:
    if not has_type(value, kind):
        allowed = kind.__name__ if type(kind) is type else kind
        raise ValueError(f"{name} is {reprlib.repr(value)}; it must be {allowed}")
