"""Imports run one way, room by room, and each library is met where it belongs."""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gan_jax

PACKAGE = Path(gan_jax.__file__).parent
# Modules below every other room, each importing only those before it and, from there, the objectives.
BASE = (
    "version",
    "errors",
    "setting_groups",
    "field_types",
    "fields",
    "files",
    "array_files",
    "parts",
    "cores",
    "draws",
    "optimizers",
    "schedules",
    "controllers",
    "config",
    "recipes",
    "settings",
)
ALLOWED = {
    "nn": set(),
    "objectives": set(),
    "data": set(),
    "pictures": set(),
    "training": {"nn", "objectives", "data"},
    "inference": {"training", "nn", "data"},
    "evaluation": {"training", "nn", "objectives", "data"},
    "storage": {"training", "data"},
    "runs": {"storage", "evaluation", "inference", "training", "objectives", "data", "pictures"},
    "sweeps": {"runs", "storage", "evaluation", "inference", "training", "data", "pictures"},
    "plane": {"storage", "training", "nn", "objectives", "pictures", "data"},
    "playground": {"plane", "storage", "inference", "training", "objectives", "data", "pictures"},
    "cli": {"playground", "sweeps", "runs", "storage", "evaluation", "inference", "training", "data", "pictures"},
}
LIBRARY_HOMES = {
    "flax.linen": {"nn"},
    "flax.nnx": {"nn"},
    "equinox": {"nn"},
    "tensorflow_datasets": {"data.downloads", "data.records"},
    "requests": {"data.downloads"},
    "scipy": {"data.published"},
    "onnx": {"inference.onnx_export"},
    "onnxruntime": {"evaluation.onnx_features"},
    "torch": {"evaluation.inception", "inference.weight_files"},
    "torch_fidelity": {"evaluation.inception"},
    "grain": {"training.streamed"},
    "tensorboardX": {"runs.watchers.trackers"},
    "wandb": {"runs.watchers.trackers"},
    "matplotlib": {"pictures", "sweeps.report"},
    "tyro": {"cli"},
    "tqdm": {"runs.bars", "runs.watchers.console"},
    "optax": {"optimizers", "training.state", "training.updates", "evaluation.features", "inference.projection"},
    "orbax": {"storage.checkpoints", "storage.array_handler"},
    "filelock": {"storage.run_folder", "runs.run", "sweeps.folder"},
}
WITHOUT_JAX = {"errors", "setting_groups", "parts", "field_types", "fields", "files", "array_files", "cores"}
WITHOUT_JAX |= {"recipes", "pictures", "runs.health"}
DATA = ("array_names", "datasets", "downloads", "folders", "image_files", "image_set", "published", "records", "shares")
WITHOUT_JAX |= {f"data.{name}" for name in DATA}
MODULES = sorted(PACKAGE.glob("**/*.py"))


def module_name(path: Path) -> str:
    """A file's name in the package; a room's ``__init__`` is the room, the package's is empty."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_within(name: str, homes: set[str]) -> bool:
    return any(name == home or name.startswith(f"{home}.") for home in homes)


@pytest.mark.parametrize("path", [path for path in MODULES if module_name(path)], ids=module_name)
def test_imports_run_one_way(path):
    importer = module_name(path)
    room = importer.split(".")[0]
    names = imported_names(path)
    for name in names:
        if name.startswith("gan_jax."):
            imported = name.split(".")[1]
            if room in BASE:
                allowed = {*BASE[: BASE.index(room)], "objectives"}
                assert imported in allowed, f"{importer} may not import {imported}"
            elif room != "__main__":
                allowed = ALLOWED[room] | {room} | (set(BASE) if room != "objectives" else {"fields", "parts", "draws"})
                assert imported in allowed, f"{room} may not import {imported}"
        for library, homes in LIBRARY_HOMES.items():
            found = name == library or name.startswith(f"{library}.")
            assert not found or is_within(importer, homes), f"{library} belongs in {homes}"
        assert not (is_within(importer, WITHOUT_JAX) and name.split(".")[0] == "jax"), f"{importer} works without jax"


def test_the_rooms_are_in_one_order():
    done: set[str] = set()
    for room, below in ALLOWED.items():
        assert below <= done, f"{room} imports a room that comes after it"
        done.add(room)
    assert done == {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_says_what_is_in_it(room):
    assert importlib.import_module(f"gan_jax.{room}").__doc__


def test_the_public_names_are_there_and_described():
    assert list(gan_jax.__all__) == sorted(gan_jax.__all__)
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    (exported,) = [ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign)]
    imported = [alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(exported) == sorted(imported) == list(gan_jax.__all__)
    assert [name for name in gan_jax.__all__ if not getattr(gan_jax, name).__doc__] == []


def loaded_by(program: str) -> set[str]:
    command = [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_core_loads_little_more_than_jax_flax_and_optax():
    bare = loaded_by("import jax, flax.linen, optax")
    core = loaded_by(
        "from gan_jax import GanConfig, Progress, ResidentImages, gan_step, init_state, load_dataset, run_keys, "
        "sample_images, save_weights, train, train_epoch, train_run"
    )
    more = core - bare
    for library in ("orbax", "tensorstore", "tyro", "requests", "filelock", "matplotlib", "sklearn", "PIL", "tqdm"):
        assert library not in more
    assert len({name for name in more if not name.startswith("gan_jax")}) < 20


def test_a_training_starts_without_what_only_its_end_needs():
    assert not {"matplotlib.figure", "tensorflow_datasets", "scipy.stats"} & loaded_by(
        "from gan_jax.cli import train\nfrom gan_jax import load_dataset\nload_dataset('digits')"
    )


_QUESTIONS = """
import contextlib, io, sys
from gan_jax.cli.commands import COMMANDS, run_command
for words in (["--version"], ["recipes"], ["train", "--widht", "8"], *([name, "--help"] for name in COMMANDS)):
    sys.argv = ["gan-jax", *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
        run_command()
    assert ("--width" in err.getvalue()) if "--widht" in words else out.getvalue(), words
"""


def test_help_recipes_and_a_wrong_flag_load_neither_jax_nor_numpy():
    slow = {"jax", "numpy", "flax", "optax", "orbax", "matplotlib", "PIL", "tqdm"}
    assert not slow & loaded_by(_QUESTIONS)


def test_the_package_itself_loads_nothing():
    assert not {"jax", "numpy", "flax"} & loaded_by("import gan_jax; gan_jax.__version__")


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="there is one process (-n 0)")
def test_the_tests_of_a_file_share_a_worker_and_its_fixtures(request):
    assert request.node.nodeid.endswith("@tests/test_structure.py")
