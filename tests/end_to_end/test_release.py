"""What is published: the wheel, in an environment of its own, without a network."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from waiting import PATIENCE

import gan_jax

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.soak
OFFLINE = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}  # nothing answers there


def run(*command, cwd, **environment):
    found = subprocess.run(
        [*map(str, command)], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the wheel and the sdist that ``make build`` makes of the files that git knows."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    program = f"import flit_core.buildapi as api; api.build_wheel({str(target)!r}); api.build_sdist({str(target)!r})"
    run(sys.executable, "-c", program, cwd=source)
    return target


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The programs of an environment with the wheel, beside the libraries of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    (wheel,) = built.glob("*.whl")
    run(folder / "bin" / "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    run(folder / "bin" / "pip", "check", cwd=folder)
    return folder / "bin"


def test_the_wheel_and_the_sdist_have_every_file_of_the_package(built):
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    listed = run("git", "ls-files", "gan_jax", cwd=ROOT).split()
    assert {name for name in names if not name.startswith("gan_jax-")} == set(listed)
    assert sdist.name == f"gan_jax-{gan_jax.__version__}.tar.gz"


def test_the_wheel_samples_trains_and_reports_without_a_network(installed, tmp_path):
    environment = OFFLINE | {"PYTHONPATH": ""}
    run(installed / "gan-jax", "sample", "fashion_mnist", "--output", "shipped.png", cwd=tmp_path, **environment)
    small = ["--dataset", "digits", "--width", "2", "--latent-dim", "4", "--batch-size", "120", "--steps", "2"]
    run(installed / "gan-jax", "train", *small, cwd=tmp_path, **environment)
    run(installed / "gan-jax", "report", "runs/digits", "--no-scores", cwd=tmp_path, **environment)
    assert (tmp_path / "runs" / "digits" / "report.html").exists()
    where = run(installed / "python", "-c", "import gan_jax; print(gan_jax.__file__)", cwd=tmp_path, **environment)
    assert str(installed.parent) in where
