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
    "state",
    "steps",
    "loop",
    "checkpoint",
    "report",
    "run",
    "command_line",
]
ONLY_IN = {
    "flax.linen": {"models"},
    "tensorflow_datasets": {"downloads"},
    "sklearn": {"datasets"},
    "matplotlib": {"report"},
    "tyro": {"config", "command_line"},
    "tqdm": {"run"},
    "optax": {"state"},
}
NO_JAX = {"errors", "files", "downloads", "datasets", "report"}


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", [path for path in MODULES if path.stem != "__init__"], ids=lambda path: path.stem)
def test_imports_run_one_way(path):
    allowed = ORDER[: ORDER.index(path.stem)]
    for name in imports(path):
        if name.startswith("gan_jax."):
            module = name.split(".")[1]
            assert module in allowed, f"{path.stem} may not import {module}"
        for library, homes in ONLY_IN.items():
            assert not name.startswith(library) or path.stem in homes, f"{library} belongs in {homes}"
        assert not (path.stem in NO_JAX and name.split(".")[0] == "jax"), f"{path.stem} works without jax"


def test_the_public_names_are_there():
    import gan_jax

    assert sorted(gan_jax.__all__) == gan_jax.__all__
    assert all(getattr(gan_jax, name).__doc__ for name in gan_jax.__all__ if name != "Step")
