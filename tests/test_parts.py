"""Parts that a user adds: files and modules that are imported, and names that are found."""

import hashlib
import sys

import pytest
from in_process import command
from own_parts import own_parts

from gan_jax import GAMES, GanConfig, InputError, RunConfig, import_parts
from gan_jax.parts import find_part, import_flags, imported_object, imported_parts
from gan_jax.training.games import find_game

FILE = """
from gan_jax import OBJECTIVES
from gan_jax.objectives.losses import OBJECTIVES as SAME
mine = OBJECTIVES["hinge"]
OBJECTIVES["mine"] = mine
class Inner:
    value = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with own_parts():
        yield tmp_path


def write(path, text=FILE):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


def test_import_parts_adds_names_and_objects(folder):
    import_parts(write(folder / "some_parts.py"))
    assert GanConfig(objective="mine").objective == "mine"
    assert GanConfig(objective="some_parts:mine").objective == "some_parts:mine"
    assert imported_object("some_parts.Inner.value") == 3
    assert list(imported_parts()) == ["some_parts.py"]
    assert import_flags() == ["--import", str(folder / "some_parts.py")]


def test_import_parts_of_a_module_and_of_what_lies_beside_a_file(folder):
    write(folder / "beside.py", "value = 7")
    import_parts(write(folder / "some_parts.py", "from beside import value"))
    import_parts("json.decoder")
    assert imported_object("some_parts.value") == 7
    assert find_part("thing", {}, "json.decoder:JSONDecoder").__name__ == "JSONDecoder"
    assert list(imported_parts()) == ["some_parts.py", "json.decoder"]


def test_imported_parts_tell_the_source(folder):
    import_parts(write(folder / "some_parts.py"))
    write(folder / "some_parts.py", FILE + "#")  # is not what was imported
    assert imported_parts() == {"some_parts.py": hashlib.sha256(FILE.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("absent.py", None, "there is no file absent.py to import; give a FILE.py"),
        ("no_such_module", None, "there is no module no_such_module; give a FILE.py"),
        (
            "fails.py",
            "x = 1\n1 / 0",
            r"fails.py cannot be imported \(ZeroDivisionError: division by zero, .*fails.py:2\)",
        ),
        ("fails.py", "x = (", r"fails.py cannot be imported \(SyntaxError: .*fails.py, line 1\)\)"),
        ("needs.py", "import no_such_module", r"needs.py cannot be imported \(ModuleNotFoundError: .*needs.py:1\)"),
        ("json.py", "x = 1", "json.py has the name of another module, .*; rename the file"),
    ],
)
def test_import_parts_refuses_what_cannot_be_imported(name, text, complaint, folder):
    if text:
        write(folder / name, text)
    with pytest.raises(InputError, match=complaint):
        import_parts(name)
    assert not imported_parts()


@pytest.mark.parametrize("name", ["other", "json:loads", "some_parts:absent", "some_parts:Inner.absent", ":", "a:b:c"])
def test_find_part_knows_what_was_imported_alone(name, folder):
    import_parts(write(folder / "some_parts.py"))
    with pytest.raises(InputError, match=f"objective is '{name}'; it must be one of non_saturating, .*, mine, or what"):
        GanConfig(objective=name)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"objective": "some_parts:Inner"}, "'some_parts:Inner', which is of type type; it must be of type Objective"),
        ({"penalties": ("some_parts:Inner.value",)}, "which is of type int; it must be of type Callable"),
    ],
)
def test_find_part_refuses_what_is_no_such_part(values, complaint, folder):
    import_parts(write(folder / "some_parts.py"))
    with pytest.raises(InputError, match=complaint):
        GanConfig(**values, normalization="none")


def test_every_command_takes_imports(folder):
    write(folder / "some_parts.py", "print('imported')")
    for words in (["recipes"], ["sample", "fashion_mnist", "--num-images", "1", "--output", "x.npz"]):
        sys.modules.pop("some_parts", None)
        status, out, err = command(*words, "--import", "some_parts.py")
        assert (status, err) == (0, "")
        assert out.startswith("imported\n")
    assert "--import FILE_OR_MODULE" in command("sample", "--help").out
    assert (
        command("sample", "x", "--import").err == "error: --import names nothing; give it a Python file or a module.\n"
    )


def test_run_config_imports_what_it_names_and_does_not_record_it(folder):
    settings = RunConfig(
        game="mine",
        imports=(write(folder / "some_parts.py", "from gan_jax import GAMES\nGAMES['mine'] = GAMES['joint']"),),
    )
    assert find_game(settings.game) is GAMES["joint"]
    with pytest.raises(InputError, match="there is no file absent"):
        RunConfig(imports=("absent.py",))
