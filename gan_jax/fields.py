"""The text under each field of a class, for ``help()``; editors, the site and ``--help`` read the same text."""

import ast
import inspect
import itertools
import textwrap
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type[Any])


def explain_fields(cls: Class) -> Class:
    """Decorate a dataclass or ``NamedTuple``: its docstring ends with the fields and the texts under them.

    The source is read when the docstring is asked for, and not when the module is imported.

    Examples:
      >>> from gan_jax import Objective
      >>> "sees_reals: Whether the generator's half" in Objective.__doc__
      True
    """
    type.__setattr__(cls, "__doc__", _Docstring(cls.__doc__))
    return cls


class _Docstring:
    def __init__(self, text: str | None) -> None:
        self._text = text

    def __get__(self, instance: object, owner: type[Any]) -> str:
        texts = [f"  {name}: {textwrap.indent(text, '    ').lstrip()}" for name, text in field_texts(owner).items()]
        own = inspect.cleandoc(self._text or "")
        return "\n".join([own, "", "Attributes:", *texts]) if texts else own


def field_texts(cls: type[Any]) -> dict[str, str]:
    """The text under each field of a class and of those that it inherits from; none where there is no source."""
    texts: dict[str, str] = {}
    for part in reversed(cls.__mro__):
        try:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        except (OSError, TypeError):  # TypeError: it is built in
            continue
        for pair in itertools.pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
            match pair:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    texts[name] = inspect.cleandoc(text)
                case _:
                    pass
    return texts
