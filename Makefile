# Every target installs what it needs. Requires only Python 3.11 or newer, git and make.
#   make test     make demo ARGS=--once     make test PYTHON=python3.13

PYTHON ?= python3
ARGS   ?=

BIN := .venv/bin
# Four processes share the test files, because tests wait half of the time.
SHARED := --processes=4
CHECKS := check-style check-types check-pyright check-imports
TYPES := tests/unit/test_typing.py
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

# Tests start hundreds of processes; without bytecode each would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: check-tests help demo test examples long faults peers lint format coverage bench clean $(CHECKS)

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.demo  ## Send signed deliveries to a local receiver and show the results (ARGS=--once exits)
	@$(BIN)/florentin-webhooks demo $(ARGS)

test: .venv/.tools  ## Check style, layers and types, and run the tests (ARGS=--processes=1)
	@$(MAKE) --no-print-directory --jobs=4 check-types check-style check-imports check-tests

examples:  ## Test the example programs under production servers, each in a new environment
	@$(MAKE) --no-print-directory --always-make -C examples/django_app test
	@$(MAKE) --no-print-directory --always-make -C examples/flask_app test

long: .venv/.pyright  ## Run the tests that take minutes: all kills, matrices and versions
	@$(BIN)/python -m pytest -m "long or hypothesis" --hypothesis-profile=thorough -o faulthandler_timeout=1800 $(ARGS)

faults: .venv/.tools  ## Kill processes and servers for twenty minutes, and print the results
	@$(BIN)/python -m pytest tests/faults -m "long or not long" -o faulthandler_timeout=1800 $(ARGS)

peers: .venv/.bench  ## Compare signatures with the senders' own packages, and the simulator with OpenAPI
	@$(BIN)/python -m pytest tests/peers -m peers $(ARGS)

lint: .venv/.pyright  ## Check style, layers, and types with mypy and pyright
	@$(MAKE) --no-print-directory --jobs=2 $(CHECKS)

check-tests:
	@$(BIN)/python -m pytest $(SHARED) --ignore=$(TYPES) $(ARGS)

check-style:
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .

# This and the next check the project, and programs of its users.
check-types:
	@$(BIN)/python -m pytest -qq $(TYPES)

check-pyright: .venv/.pyright
	@$(BIN)/python -m pytest -qq $(TYPES) -m long -o faulthandler_timeout=1800

check-imports:
	@$(BIN)/lint-imports --no-logo

format: .venv/.tools  ## Format the code and apply ruff's fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

coverage: .venv/.tools  ## Show the lines and branches that no test reaches
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(SHARED) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

bench: .venv/.bench  ## Compare performance with peers, side by side
	@$(BIN)/python -m benchmarks $(ARGS)

clean:  ## Remove the environment and the files of the tools
	@rm -rf .venv build dist htmlcov .coverage* .hypothesis .import_linter_cache \
	    .mypy_cache .pytest_cache .ruff_cache examples/*/.venv examples/*/.pytest_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. Each stamp records the last installation from this pyproject.toml.

.venv/.python: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "florentin-webhooks needs Python 3.11 or newer. Try: make PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || { echo "Creating .venv ..."; $(PYTHON) -m venv --clear .venv; }
	@$(PIP) install --upgrade pip
	@touch $@

.venv/.demo: .venv/.python
	@echo "Installing florentin-webhooks[dev] into .venv ..."
	@$(PIP) install --editable '.[dev]'
	@touch $@

# Large packages of which tests import little or nothing.
UNUSED := /(_?tests|devtools|faker|gis|locale|mypyc?|pip|pkg_resources|pygments|semconv|setuptools|valkey)/

.venv/.tools: .venv/.python
	@echo "Installing florentin-webhooks[dev] and the tools for tests and lint into .venv ..."
	@$(PIP) install --no-compile --editable '.[dev]' --group test --group agents --group lint
	@$(BIN)/python -m compileall -qq -j 0 -x '$(UNUSED)' .venv/lib florentin_webhooks  # On all cores; pip would use one.
	@touch .venv/.demo $@

.venv/.pyright: .venv/.tools
	@echo "Installing pyright into .venv ..."
	@$(PIP) install --no-compile --group pyright
	@touch $@

.venv/.bench: .venv/.tools
	@echo "Installing the peers for benchmarks and signatures into .venv ..."
	@$(PIP) install --group bench --group peers --group contract
	@touch $@
