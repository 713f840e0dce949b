# Everything a person types here; `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
NODE_MODULES := node_modules/.package-lock.json
BUILT := callcenter/console/static/built/icons.svg
FRONT_END := $(shell find frontend -type f 2>/dev/null)
UV_VERSION := 0.13.9

PYTEST_ARGS ?=
HOST ?=
export PYTHONUNBUFFERED := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# What is needed is said before anything is brought, and two suites at once would only fight for the machine.
.NOTPARALLEL:
.PHONY: help run test soak bench lint format build wheel lock clean distclean needs bring

help: ## list what can be typed here
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: needs build ## start the whole system on this machine, with a demo district (HOST=address serves a LAN)
	@$(if $(HOST),CALLCENTER_HTTP__HOST="$(HOST)" )$(BIN)/callcenter up

test: needs lint build bring ## run all checks and all tests (PYTEST_ARGS="tests/unit -q" chooses)
	@$(BIN)/python -m pytest -n 3 --dist loadfile --durations=15 $(PYTEST_ARGS)

soak: needs build bring ## run the long trials, with the full numbers
	@$(BIN)/python -m pytest -m soak --timeout=7200 $(PYTEST_ARGS)

bench: needs build bring ## run all benchmarks and write the table in bench/README.md
	@$(BIN)/python -m bench

lint: needs $(INSTALLED) $(NODE_MODULES) ## check style, types and floors, of Python and of the front end
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "make format mends this"; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >$(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/python -m tools.front_end check
	@echo "style, types and floors: in order"

format: needs $(INSTALLED) ## put the Python files in form
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

build: needs $(BUILT) ## bundle the front end

wheel: build ## build the Python package into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

lock: needs $(INSTALLED) ## bring requirements.lock and package-lock.json up to date with pyproject.toml and package.json
	@$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --quiet -o requirements.lock
	@$(BIN)/python -m tools.front_end lock

clean: ## remove what was built; the environment and the data stay
	@rm -rf callcenter/console/static/built dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## remove the environment too; the data (var/) stays
	@rm -rf $(VENV) node_modules

# --- what the targets above stand on ---------------------------------------------------------------------

needs:
	@$(PYTHON) tools/needs.py $(or $(filter bench,$(MAKECMDGOALS)),$(if $(filter test soak,$(MAKECMDGOALS)),test),$(filter run,$(MAKECMDGOALS)),build)

bring: $(INSTALLED)
	@$(BIN)/python -m tools.bring $(filter bench,$(MAKECMDGOALS))

$(INSTALLED): requirements.lock pyproject.toml tools/install.py
	@$(PYTHON) tools/install.py $(VENV)
	@touch $@

$(NODE_MODULES): package.json package-lock.json .npmrc | $(INSTALLED)
	@$(BIN)/python -m tools.front_end install
	@touch $@

$(BUILT): $(NODE_MODULES) $(FRONT_END) | $(INSTALLED)
	@$(BIN)/python -m tools.front_end build
