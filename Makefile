# Everything a person or the CI does here is a target of this file: the environment makes itself when it is asked for.
# The environment holds what requirements.lock says, hash by hash, and nothing else; the project itself is put into it
# from this folder, without a network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := --extra dev --extra postgres --extra dask
CHECKED := slotting wcs devices simulation api benchmarks tests tools
# Of those, what stands already: a package that is still to be written is no error.
present = $(foreach package,$(1),$(patsubst %/__init__.py,%,$(wildcard $(package)/__init__.py)))
# How many seeds `make seeds` runs.
N ?= 200

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types imports size bench soak seeds lock clean

help: ## what can be asked for
	@sed -nE 's/^([a-z]+):.*## (.*)$$/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-12s %s\n", $$1, $$2}'

demo: $(VENV)/ready ## start the demo warehouse; ARGS="--port 8080"
	@exec $(BIN)/wcs demo $(ARGS)

test: $(VENV)/ready ## run the tests, two files at a time; ARGS="tests/core -k crane"
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

check: lint types imports size ## the four below; `make -k check` shows the complaints of all four

lint: $(VENV)/ready ## idiom and format
	$(BIN)/ruff check $(call present,$(CHECKED))
	$(BIN)/ruff format --check $(call present,$(CHECKED))

types: $(VENV)/ready ## mypy, strict
	$(BIN)/mypy --strict $(addprefix -p ,$(call present,$(CHECKED)))

imports: $(VENV)/ready ## who may import whom
	$(BIN)/lint-imports --no-logo

size: $(VENV)/ready ## how large modules and functions are
	$(BIN)/python -m tools.size $(call present,$(CHECKED))

bench: $(VENV)/ready ## race against peers; ONLY=putaway for one race
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

soak: $(VENV)/ready ## the tests that take hours
	$(BIN)/python -m pytest -m soak --timeout=0 $(ARGS)

seeds: $(VENV)/ready ## bad days drawn from a seed, N=200 of them, on both plants; a failing one is made small
	$(BIN)/python -m simulation.seeds --count $(N) $(ARGS)

# The address that packages come from is the business of whoever runs this, hence no header, index or annotation.
# One version for all Pythons from 3.11 on (fewest), so that two machines never compute with two different numpys.
lock: ## resolve pyproject.toml into requirements.lock again; ARGS="--upgrade" for newer versions
	@tool=$$(mktemp -d) && trap 'rm -rf "$$tool"' EXIT && \
	$(PYTHON) -m venv "$$tool" && "$$tool/bin/pip" install --quiet uv && \
	"$$tool/bin/uv" pip compile pyproject.toml $(EXTRAS) --universal --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header --quiet $(ARGS) --output-file requirements.lock

clean: ## remove the environment and everything that tools leave behind
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .ruff_cache .pytest_cache .benchmarks .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# In two steps, so that a changed line in pyproject.toml does not install seventy packages again.
$(VENV)/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, but $(PYTHON) is %d.%d. Say which one to use: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/ready: $(VENV)/locked pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	@touch $@
