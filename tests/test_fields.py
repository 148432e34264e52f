"""``help()`` of a class explains its fields."""

import dataclasses
import inspect
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

from gan_jax import Experiment, GanConfig, Network, Objective, Recipe, RunConfig
from gan_jax import fields as module

PROGRAM = """
import dataclasses
from fields import explain_fields

@explain_fields
@dataclasses.dataclass(frozen=True)
class Size:
    '''How large.'''

    width: int = 1
    '''In pixels.

    At least 1.'''

print(Size.__doc__)
"""


def field_names(cls):
    return [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else list(cls._fields)


@pytest.mark.parametrize("cls", [GanConfig, RunConfig, Objective, Network, Experiment, Recipe])
def test_help_explains_every_field_of_a_class_in_order(cls):
    text = pydoc.plain(pydoc.render_doc(cls)).split("Attributes:\n")[1]
    lines = [line.removeprefix(" |    ").partition(": ") for line in text.split("\n |  \n")[0].splitlines()]
    explained = [(name, words) for name, _, words in lines if not name.startswith(" ")]
    assert [name for name, _ in explained] == field_names(cls)
    assert all(len(words.split()) > 1 for _, words in explained)


def test_the_docstring_of_a_class_stays_above_its_fields():
    text = inspect.getdoc(Objective) or ""
    assert text.startswith("What both networks minimize.\n\nAttributes:\n  discriminator: Takes")
    assert GanConfig().__doc__ == GanConfig.__doc__


@pytest.mark.parametrize("options", [[], ["-OO"]])
def test_fields_are_explained_with_and_without_docstrings(options, tmp_path):
    (tmp_path / "fields.py").write_text(Path(module.__file__).read_text())
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, *options, str(tmp_path / "program.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.endswith("\n\nAttributes:\n  width: In pixels.\n\n    At least 1.\n")


def test_without_its_source_a_class_keeps_its_docstring():
    scope = {"explain_fields": module.explain_fields}
    exec("@explain_fields\nclass Made:\n    'From a text.'\n    field: int\n    'A number.'", scope)
    assert scope["Made"].__doc__ == "From a text."
