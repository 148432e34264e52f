# Everything runs inside .venv; the first target that needs it makes it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test lint bench lock clean

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
