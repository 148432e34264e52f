"""The documents: what they promise at the top, what they name, and where their numbers are from."""

import os
import re
import subprocess
import sys

import pytest
import yaml
from docs_pages import DOCS, PAGES, ROOT, python_of

import gan_jax
import gan_jax.evaluation
import gan_jax.plane

ELSEWHERE = ("export", "extend", "train")  # test_blocks.py and test_extension.py run them, train's in the README
WITH_PYTHON = [page for page in PAGES if python_of(page).strip() and page.stem not in ELSEWHERE]
LINKING = [*PAGES, *ROOT.glob("*.md"), *ROOT.glob("examples/**/*.md")]
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.py"))


@pytest.mark.parametrize("page", [page for page in PAGES if "![" in page.read_text()], ids=lambda page: page.stem)
def test_the_section_of_a_figure_has_the_command_that_makes_it(page):
    for section in re.split(r"\n(?=## )", page.read_text()):
        assert "![" not in section or re.search(r"gan-jax \w|python (experiments|benchmarks)/", section)


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page):
    for target, heading in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([\w-]+))?\)", page.read_text()):
        path = page.parent / target if target else page
        assert path.exists(), target
        assert not heading or (path.suffix == ".md" and heading in anchors(path)), f"{target}#{heading}"


def test_figures_name_no_folder_of_the_machine_that_they_are_from():
    files = [*(DOCS / "results").rglob("*.json"), *(DOCS / "results").rglob("*.jsonl")]
    assert files
    for path in files:
        assert not re.search(r'"(/|[A-Za-z]:\\\\)[\w.-]+/', path.read_text()), path


def anchors(page):
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r"[\w/-]+\.(?:md|py)\b", (ROOT / "mkdocs.yml").read_text()))
    there = {page.relative_to(DOCS).as_posix() for page in [*PAGES, *NOTEBOOKS]}
    assert there <= listed


@pytest.mark.parametrize("module", [gan_jax, gan_jax.evaluation, gan_jax.plane], ids=lambda module: module.__name__)
def test_every_public_name_has_its_place_in_the_api(module):
    named = set(re.findall(r"^::: ([\w.]+)$", "".join(p.read_text() for p in PAGES), re.MULTILINE))
    assert {f"{module.__name__}.{name}" for name in module.__all__ if name != "__version__"} <= named


def test_the_tables_are_those_of_the_committed_numbers():
    paths = [DOCS / "generate", ROOT / "benchmarks", ROOT / "experiments"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    pages = [page for page in PAGES if "[[[cog" in page.read_text()]
    command = [sys.executable, "-m", "cogapp", "--check", "-p", "from rendered import show", *map(str, pages)]
    found = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert found.returncode == 0, found.stdout + found.stderr
    assert len(pages) > 5


def test_the_tests_that_hold_the_promises_exist():
    page = DOCS / "explain" / "reliability.md"
    named = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", page.read_text())
    assert len(named) > 30
    for name, path in named:
        assert f"def {name}(" in (page.parent / path).read_text(), f"{path} has no {name}"


@pytest.mark.soak
@pytest.mark.usefixtures("preview_keys_are_used_again")
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(python_of(page), str(page), "exec"), {"__name__": "page"})


def test_workflows_and_templates_are_readable():
    files = [*(ROOT / ".github").rglob("*.yml"), ROOT / "CITATION.cff"]
    contents = {path.name: yaml.safe_load(path.read_text()) for path in files}
    assert contents["CITATION.cff"]["version"] == gan_jax.__version__
    assert set(contents["tests.yml"]["jobs"]) == {"locked", "versions"}
