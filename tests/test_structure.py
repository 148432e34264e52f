"""Imports run one way, and each library is met in the one file that is about it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gan_jax"
MODULES = sorted(PACKAGE.glob("**/*.py"))

# Each module may import those before it.
ORDER = [
    "errors",
    "files",
    "config",
    "pixels",
    "downloads",
    "datasets",
    "toom_cook",
    "convolution",
    "models",
    "losses",
    "sharding",
    "state",
    "steps",
    "sources",
    "programs",
    "loop",
    "sampling",
    "digests",
    "weights",
    "checkpoints",
    "records",
    "trained",
    "starts",
    "portable",
    "evaluation.checks",
    "evaluation.features",
    "evaluation.classes",
    "evaluation.distances",
    "evaluation.neighbours",
    "evaluation.sliced",
    "evaluation.critic",
    "evaluation.protocol",
    "evaluation.store",
    "evaluation",
    "evaluation.summary",
    "grids",
    "curves",
    "exports",
    "folder",
    "sentinel",
    "hosts",
    "stopping",
    "journal",
    "run",
    "experiment",
    "members",
    "summary",
    "many",
    "verification",
    "command_line",
    "__main__",
]
ONLY_IN = {
    "flax.linen": {"models"},
    "tensorflow_datasets": {"downloads"},
    "sklearn": {"datasets"},
    "matplotlib": {"grids", "curves", "summary", "evaluation.summary"},
    "tyro": {"config", "command_line", "__main__"},
    "tqdm": {"journal", "run", "stopping"},
    "optax": {"state", "steps", "evaluation.features"},
    "orbax": {"checkpoints"},
    "filelock": {"folder", "run"},
}
NO_JAX = {"errors", "files", "downloads", "datasets", "grids", "curves", "sentinel"}


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_name(path: Path) -> str:
    """A file's name in ``ORDER``; a subpackage's ``__init__`` is the subpackage."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported_module(name: str) -> str:
    """The module of ``gan_jax`` that an imported name is, or is from."""
    first, *rest = name.split(".")[1:]
    inner = ".".join([first, *rest[:1]])
    return inner if inner in ORDER else first


@pytest.mark.parametrize("path", [path for path in MODULES if module_name(path)], ids=module_name)
def test_imports_run_one_way(path):
    importer = module_name(path)
    allowed = ORDER[: ORDER.index(importer)]
    for name in imports(path):
        if name.startswith("gan_jax."):
            module = imported_module(name)
            assert module in allowed, f"{importer} may not import {module}"
        for library, homes in ONLY_IN.items():
            assert not name.startswith(library) or importer in homes, f"{library} belongs in {homes}"
        assert not (importer in NO_JAX and name.split(".")[0] == "jax"), f"{importer} works without jax"


def test_the_public_names_are_there():
    import gan_jax

    assert sorted(gan_jax.__all__) == gan_jax.__all__
    assert all(getattr(gan_jax, name).__doc__ for name in gan_jax.__all__ if name != "Step")
