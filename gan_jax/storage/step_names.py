"""A name for every training step, so that a run is resumed with the step that it began with."""

import functools
import hashlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import jax
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.storage.digests import tree_digest


def step_name(step: Callable[..., Any]) -> str:
    """Name a step so that another process finds the same name for it, and another step has another name.

    A function of this package is called by its name alone, another by its module too, and a ``functools.partial`` by
    its function and arguments. A lambda, or a function made inside another, is told apart by its code and by the values
    that it has from around it. What a decorator returns is named as the function that it is, not as the one it wraps.

    Raises:
      InputError: it is an object whose identity cannot be written down.
    """
    if isinstance(step, functools.partial):
        arguments = [_constant(value) for value in step.args]
        arguments += [f"{name}={_constant(value)}" for name, value in sorted(step.keywords.items())]
        return f"{step_name(step.func)}({', '.join(arguments)})"
    function: Any = step
    while not inspect.isfunction(function) and hasattr(function, "__wrapped__"):  # jax.jit makes such an object
        function = function.__wrapped__
    if not inspect.isfunction(function):
        raise InputError(f"the step {step!r} cannot be recorded; give a function, or a functools.partial of one.")
    module, name = function.__globals__["__name__"], function.__code__.co_qualname
    if module.startswith("gan_jax."):
        return name
    name = f"{Path(sys.argv[0]).stem if module == '__main__' else module}.{name}"
    return f"{name}#{_content_digest(function)}" if "<" in name else name


def _content_digest(function: FunctionType) -> str:
    """Tell functions of one place apart, such as those that a function makes: by code, defaults and enclosed values."""
    enclosed = [cell.cell_contents for cell in function.__closure__ or ()]
    values = [*enclosed, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    content = [_code(function.__code__), *(_constant(value) for value in values)]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]


def _code(code: CodeType) -> str:
    """Instructions, names and constants, without the addresses and the order of sets that differ by process."""
    constants = [_code(one) if isinstance(one, CodeType) else one for one in code.co_consts]
    constants = [sorted(map(repr, one)) if isinstance(one, frozenset) else one for one in constants]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def _constant(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_constant(one) for one in value)})"
    if isinstance(value, bool | int | float | str | GanConfig | None):
        return repr(value)
    if isinstance(value, jax.Array | np.ndarray):
        return f"array:{tree_digest(value)[:12]}"
    if callable(value):
        return step_name(value)
    raise InputError(f"the step's argument {value!r} cannot be recorded; give numbers, texts, arrays or functions.")
