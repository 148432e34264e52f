"""The values of a dataclass's fields, checked against the types that it declares for them."""

import functools
import reprlib
import sys
import types
import typing
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Literal, Union

import numpy as np

from gan_jax.errors import InputError

_UNIONS = (Union, types.UnionType)
_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "text",
    Path: "a path",
    type(None): "None",
}

_declared_types = functools.cache(typing.get_type_hints)


def convert_fields(config: Any, declaring: type, leave: Collection[str] = ()) -> None:
    """Let each field of a frozen dataclass be of its type; NumPy's numbers, lists and texts of paths are converted.

    Args:
      config: the dataclass; it is changed.
      declaring: the class that declares the fields.
      leave: fields that stay as they are.

    Raises:
      InputError: a value is of another type; the message names it and what is allowed.
    """
    for name, declared in _declared_types(declaring).items():
        if name not in leave:
            value = getattr(config, name)
            plain = _plain(value, declared)
            if not has_type(plain, declared):
                raise InputError(f"{name} is {' '.join(reprlib.repr(value).split())}; it must be {describe(declared)}.")
            object.__setattr__(config, name, plain)


def has_type(value: Any, declared: Any) -> bool:
    """Whether a value can stand for one of a type: a number for a float, if a float can hold it; a text for a path.

    Examples:
      >>> has_type([28, 28, 1], tuple[int, ...]), has_type(True, int), has_type(10**400, float)
      (True, False, False)
    """
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin in _UNIONS:
        return any(has_type(value, item) for item in arguments)
    if origin is Literal:
        return any(type(value) is type(item) and value == item for item in arguments)
    if origin in (list, tuple):
        return isinstance(value, list | tuple) and all(has_type(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(has_type(item, arguments[1]) for item in value.values())
    if declared in (int, float) and isinstance(value, int):
        return not isinstance(value, bool) and (declared is int or abs(value) <= sys.float_info.max)
    return declared is Any or isinstance(value, (str, Path) if declared is Path else declared)


def describe(declared: Any) -> str:
    """A type in words.

    Examples:
      >>> describe(int | None), describe(Literal["r1", "r2"]), describe(tuple[str, ...])
      ('a whole number or None', "'r1' or 'r2'", 'a tuple of text')
    """
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin is Literal:
        return one_of(arguments)
    if origin in _UNIONS:
        return " or ".join(map(describe, arguments))
    if origin is tuple:
        return f"a tuple of {describe(arguments[0]).removeprefix('a ')}"
    return _WORDS.get(declared) or getattr(declared, "__name__", str(declared))


def one_of(values: Iterable[Any]) -> str:
    """Values as a choice.

    Examples:
      >>> one_of(["r1", "r2", "both"])
      "'r1', 'r2' or 'both'"
    """
    return " or ".join(", ".join(map(repr, values)).rsplit(", ", 1))


def _plain(value: Any, declared: Any) -> Any:
    """The same as Python's own value of a type, if it stands for one."""
    choices = typing.get_args(declared) or (declared,)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return tuple(_plain(item, choices[0]) for item in value)
    if Path in choices and isinstance(value, str):
        return Path(value)
    if str in choices and isinstance(value, Path):
        return str(value)
    return float(value) if float in choices and type(value) is int and has_type(value, float) else value
