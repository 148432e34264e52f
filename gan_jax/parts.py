"""Parts by name, and the files and modules of a user's that add some.

A part is an entry of a mapping such as ``OBJECTIVES``, or ``MODULE:OBJECT`` of what ``import_parts`` has imported. What
is read from a run's record never imports anything, since the record may be a stranger's.
"""

import hashlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from gan_jax.errors import InputError
from gan_jax.files import expand_home, first_line

Part = TypeVar("Part")


class _Imported(NamedTuple):
    asked: str  # the words that named it
    module: ModuleType
    sha256: str  # of its source; empty where there is none


_imported: dict[str, _Imported] = {}  # by the modules' names


class UnknownPartError(InputError):
    """A name is of no part that is known here."""


def import_parts(name: str) -> None:
    """Import a Python file, as a module called like it, or an installed module; what it registers can then be named.

    Args:
      name: a path that ends with ``.py``, or a module's name. A file may import others that lie beside it.

    Raises:
      InputError: it is not there, it fails, or another module has its name.
    """
    module, digest = load_module(name)
    _imported[module.__name__] = _Imported(name, module, digest)


def load_module(name: str) -> tuple[ModuleType, str]:
    """The module of a Python file or of a name, and the sha256 of its source; it is not taken down as imported.

    Args:
      name: as ``import_parts`` takes it.

    Raises:
      InputError: it is not there, it fails, or another module has its name.
    """
    path = expand_home(Path(name)).resolve() if name.endswith(".py") else None
    if path and not path.is_file():
        raise InputError(f"there is no file {name} to import; give a FILE.py or a module's name.")
    module_name = path.stem if path else name
    if path and str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module_name:
            raise InputError(f"there is no module {name}; give a FILE.py or a module's name.") from None
        at = traceback.extract_tb(error.__traceback__)[-1]
        place = "" if at.filename.startswith("<") else f", {at.filename}:{at.lineno}"  # a SyntaxError says it itself
        reason = f"{type(error).__name__}: {first_line(error)}{place}"
        raise InputError(f"{name} cannot be imported ({reason}); correct it.") from error
    if path and Path(module.__file__ or "").resolve() != path:
        raise InputError(f"{name} has the name of another module, {module.__file__}; rename the file.")
    source = inspect.getsourcefile(module)
    return module, hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""


def imported_parts() -> dict[str, str]:
    """What ``import_parts`` has imported: files without their folders and modules, and the sha256 of their source."""
    return {Path(source.asked).name: source.sha256 for source in _imported.values()}


def imported_names() -> tuple[str, ...]:
    """The names that ``import_parts`` was given."""
    return tuple(source.asked for source in _imported.values())


def import_flags() -> list[str]:
    """The words of a command line that import the same."""
    return [word for name in imported_names() for word in ("--import", name)]


def find_part(setting: str, known: Mapping[str, Part], name: str, form: Any = Callable) -> Part:
    """The part of a name.

    Args:
      setting: that names it.
      known: the parts that are registered.
      name: a key of them, or ``MODULE:OBJECT``.
      form: the class of such a part.

    Raises:
      UnknownPartError: there is none; the message says what there is.
      InputError: the object is something else.
    """
    if name in known:
        return known[name]
    found = imported_object(name.replace(":", ".", 1)) if ":" in name else None
    if found is None:
        raise UnknownPartError(
            f"{setting} is {name!r}; it must be one of {', '.join(known)}, or what an --import adds."
        )
    if not isinstance(found, form):
        raise InputError(
            f"{setting} is {name!r}, which is of type {type(found).__name__}; it must be of type {form.__name__}."
        )
    return found


def imported_object(name: str) -> Any:
    """``MODULE.OBJECT`` of what was imported, or None."""
    for module_name, source in _imported.items():
        if name.startswith(f"{module_name}."):
            try:
                return attrgetter(name.removeprefix(f"{module_name}."))(source.module)
            except AttributeError:
                return None
    return None
