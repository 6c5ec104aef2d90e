# Everything here sets itself up: Python 3.11 or newer, git and make are enough.
#   make test     make demo ARGS=--once     make test PYTHON=python3.13

PYTHON ?= python3
ARGS   ?=

BIN := .venv/bin
# Three processes share the test files, since they wait half of the time. ARGS=-n0: only one.
SHARED := -n 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test examples faults lint format coverage bench clean

help:  ## Print these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.demo  ## Watch signed deliveries arrive, be verified and be handled once (ARGS=--once: then exit)
	@$(BIN)/florentin-webhooks demo $(ARGS)

test: lint  ## Format check, lint, types, layers, tests (ARGS=-n0: tests in one process)
	@$(BIN)/python -m pytest $(SHARED) $(ARGS)

examples:  ## Test the example programs, each in a fresh environment, under its production servers
	@$(MAKE) --no-print-directory --always-make -C examples/django_app test
	@$(MAKE) --no-print-directory --always-make -C examples/flask_app test

faults: .venv/.tools  ## Kill processes and servers for some minutes, and print what came of it
	@$(BIN)/python -m pytest tests/faults -m "long or not long" -o faulthandler_timeout=1800 $(ARGS)

lint: .venv/.tools  ## Everything of `make test` but the tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/python -m mypy
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports --no-logo

format: .venv/.tools  ## Format, and repair what ruff can repair
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

coverage: .venv/.tools  ## Which lines and branches the tests do not reach
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(SHARED) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

bench: .venv/.bench  ## Compare with peers, side by side
	@$(BIN)/python -m benchmarks $(ARGS)

clean:  ## Remove the environment and what the tools leave behind
	@rm -rf .venv build dist htmlcov .coverage* .hypothesis .import_linter_cache \
	    .mypy_cache .pytest_cache .ruff_cache examples/*/.venv examples/*/.pytest_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. Each stamp is as old as the last installation from this pyproject.toml.

.venv/.python: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "florentin-webhooks needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || { echo "Creating .venv ..."; $(PYTHON) -m venv --clear .venv; }
	@$(PIP) install --upgrade pip
	@touch $@

.venv/.demo: .venv/.python
	@echo "Installing florentin-webhooks[dev] into .venv ..."
	@$(PIP) install --editable '.[dev]'
	@touch $@

.venv/.tools: .venv/.demo
	@echo "Installing the tools for tests and lint into .venv ..."
	@$(PIP) install --group test --group lint
	@touch $@

.venv/.bench: .venv/.tools
	@echo "Installing the peers to compare with into .venv ..."
	@$(PIP) install --group bench
	@touch $@
