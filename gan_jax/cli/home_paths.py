"""Paths on a command line that begin with ``~``, which shells leave alone in ``--flag=~/place``."""

import errno
from pathlib import Path

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from gan_jax.errors import InputError
from gan_jax.files import expand_home

HOME_PATHS = ConstructorRegistry()
"""While it is entered, the home folder takes the place of ``~`` in every flag whose type is ``Path``."""


@HOME_PATHS.primitive_rule
def _path_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path] | None:
    if info.type is not Path:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=lambda words: _expanded(words[0]),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda path: [str(path)],
    )


def _expanded(word: str) -> Path:
    try:
        return expand_home(Path(word))
    except InputError as error:  # a ValueError, of which tyro would make a box
        raise FileNotFoundError(errno.ENOENT, "there is no such home folder", word) from error
