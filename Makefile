# A short list of what one does here. `make check` is what CI runs after the tests.
PYTHON ?= python

.PHONY: setup test check verify bench format

setup:
	$(PYTHON) -m pip install -e ".[dev]"

test:
	$(PYTHON) -m pytest -m "not slow"

check:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

verify:
	$(PYTHON) -m pytest tests/verification

bench:
	$(PYTHON) tests/benchmarks/bench.py

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .
