# Everything runs inside .venv; the first target that needs it makes it.
PYTHON ?= python3
BIN := .venv/bin
NOTEBOOKS = $(basename $(notdir $(wildcard docs/notebooks/*.py)))
PAGES = $(shell grep -l "\[\[\[cog" docs/*/*.md)
COG = PYTHONPATH=docs/generate:benchmarks:experiments $(BIN)/cog -p "from rendered import show"

.PHONY: install demo test soak coverage lint docs build bench lock clean

install: .venv/installed

# The lock is complete; with --no-deps pip does not resolve it again, which older ones do wrongly where extras are asked.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: install
	$(BIN)/gan-jax train --dataset digits --recipe r3gan-dcgan --width 16 --batch-size 25 --epochs 50 --log-every 60 \
	  --snapshots 12 --output-dir runs/demo --overwrite

# XLA's slower optimizations of machine code would take longer than they save here.
QUICKLY = XLA_FLAGS="--xla_backend_optimization_level=0 $(XLA_FLAGS)"

test: install
	$(QUICKLY) $(BIN)/pytest

# What takes minutes: kills at any moment, several processes, whole lessons.
soak: install
	$(QUICKLY) $(BIN)/pytest -m soak

# Prints the lines that no test runs.
coverage: install
	$(BIN)/pytest --cov --cov-report=term-missing:skip-covered

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

# The site, into site/: tables from committed numbers, notebooks run anew, every warning an error.
docs: .venv/docs-installed
	$(COG) -r $(PAGES)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	for page in $(NOTEBOOKS); do $(BIN)/jupytext --quiet --output site/notebooks/$$page.ipynb docs/notebooks/$$page.py || exit 1; done

.venv/docs-installed: .venv/installed docs/requirements.lock
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement docs/requirements.lock
	touch $@

build: install
	rm -rf dist && mkdir dist
	$(BIN)/python -c "import flit_core.buildapi as api; api.build_wheel('dist'); api.build_sdist('dist')"

# PyTorch is no part of the lock: its builds for CPU and GPU share a version and differ in content.
bench: install
	$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install --quiet --editable ".[benchmark]"
	$(BIN)/python benchmarks/step_time.py

# Needs uv; one resolution for every platform and Python version.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock
	uv pip compile pyproject.toml --extra docs --constraint requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --output-file docs/requirements.lock

clean:
	rm -rf .venv .cache runs site dist
