# Everything runs in .venv, made here from constraints.txt: Python 3.11 or later is all that must be there.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

UV := uv==0.13.9
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Other engines, to be measured beside: an environment of their own, as they want other versions than the product.
PEERS_VENV := .cache/bench/venv
PEERS := $(PEERS_VENV)/.installed
# For all platforms and versions of Python at once, with the hashes of all of their files.
LOCK := .cache/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# Exactly these files, and wheels alone: nothing is built here, and nothing unchecked.
PIP_QUIET := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
PIP := $(PIP_QUIET) $(BIN)/python -m pip --quiet
CHECKED := --require-hashes --only-binary :all: --requirement

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(INSTALLED) ## The whole path on this machine: traffic, broker, worker, a collector in place of Google
	@$(BIN)/chat2ga demo

.PHONY: check
check: lint types test docs ## All that must hold before a commit

.PHONY: test
test: $(INSTALLED) ## Every test that this machine can run; the last line names what it cannot
	@$(BIN)/pytest --numprocesses auto --dist loadgroup

.PHONY: test-kafka
test-kafka: $(INSTALLED) ## The tests on a real Apache Kafka alone; fails where there can be none
	@CHAT2GA_REQUIRE_KAFKA=1 $(BIN)/pytest -m kafka

MINUTES ?= 20
.PHONY: soak
soak: $(INSTALLED) ## What is promised under faults, for 20 minutes in random order: MINUTES=5 SEED=1 make soak
	@$(BIN)/python -m tests.guarantees.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

.PHONY: soak-state
soak-state: $(INSTALLED) ## A restart with a million live sessions, with and without the local store: SESSIONS=200000 make soak-state
	@TEST_LIVE_SESSIONS=$(or $(SESSIONS),1000000) $(BIN)/pytest -q -s tests/guarantees/test_state.py -k many_live

.PHONY: prove-delivery
prove-delivery: $(INSTALLED) ## That all of 100,000 sessions arrives, and of 10,000 while GA fails: SESSIONS=5000 FAILING=500 make prove-delivery
	@$(BIN)/python -m tests.guarantees.delivery $(if $(SESSIONS),--sessions $(SESSIONS)) $(if $(FAILING),--failing $(FAILING)) $(if $(SEED),--seed $(SEED))

.PHONY: prove-history
prove-history: $(INSTALLED) ## That 20,000,000 interactions are replayed right, killed on the way or not: INTERACTIONS=1000000 make prove-history
	@$(BIN)/python -m tests.guarantees.history $(if $(INTERACTIONS),--interactions $(INTERACTIONS)) $(if $(SEED),--seed $(SEED))

.PHONY: lint
lint: $(INSTALLED) ## Style and the layers of the design
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo

.PHONY: types
types: $(INSTALLED) ## mypy, strict
	@$(BIN)/mypy

.PHONY: docs
docs: $(INSTALLED) ## Whether generated schemas, examples and tables are what the code says
	@$(BIN)/python -m streams.reference --check

.PHONY: generate
generate: $(INSTALLED) ## Write them again
	@$(BIN)/python -m streams.reference

.PHONY: format
format: $(INSTALLED) ## Let ruff set the code
	@$(BIN)/ruff check --fix --exit-zero --quiet
	@$(BIN)/ruff format

.PHONY: bench
bench: $(INSTALLED) $(PEERS) ## Speed on a real Apache Kafka, beside other engines: one turn of each, in a quarter of an hour
	@$(BIN)/python -m benchmarks --size quick

.PHONY: bench-full
bench-full: $(INSTALLED) $(PEERS) ## The same with all figures, three turns each: an hour or more, on a machine that does nothing else
	@$(BIN)/python -m benchmarks --size full

.PHONY: bench-docs
bench-docs: $(INSTALLED) $(PEERS) ## docs/performance.md and its charts: make bench-docs TAKE=.cache/bench/full.json
	@$(BIN)/python -m benchmarks.page $(if $(TAKE),--take $(TAKE))
	@PYTHONPATH=. $(PEERS_VENV)/bin/python -m benchmarks.charts

.PHONY: compiled
compiled: $(INSTALLED) ## The core compiled, where there is a C compiler; prints the directory to put first on PYTHONPATH
	@$(BIN)/python -m tools.compiled

.PHONY: compose-check
compose-check: $(INSTALLED) ## The compose file against the Compose Specification and the code
	@$(BIN)/pytest --quiet tests/test_compose.py
	@if docker compose version >/dev/null 2>&1; then docker compose config --quiet; fi

.PHONY: lock
lock: ## Pin the newest packages that pyproject.toml allows, with the hashes of their files
	@tools/python.sh -m venv .cache/lock
	@.cache/lock/bin/python -m pip --quiet install $(UV)
	@$(LOCK) --upgrade --extra dev --output-file constraints.txt pyproject.toml
	@$(LOCK) --constraint constraints.txt --output-file deploy/requirements.txt pyproject.toml
	@sed -nE 's/^((msgspec|orjson)==[^ ]+).*/\1/p' constraints.txt > .cache/lock/core.txt
	@$(LOCK) --upgrade --constraint .cache/lock/core.txt --output-file benchmarks/constraints.txt benchmarks/requirements.in

.PHONY: clean
clean: ## Remove .venv and everything that tools keep
	@rm -rf $(VENV) .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Twice, as the second changes more often and takes a second: the packages, then the project itself, in place.
$(INSTALLED): $(VENV)/.packages pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.packages: constraints.txt
	@tools/python.sh -m venv $(VENV)
	@echo "Installing what constraints.txt pins into $(VENV)"
	@$(PIP) install $(CHECKED) constraints.txt
	@touch $@

# Where they cannot be had, the figures are taken without them, and the tables say so.
$(PEERS): benchmarks/constraints.txt
	@tools/python.sh -m venv $(PEERS_VENV)
	@echo "Installing what benchmarks/constraints.txt pins into $(PEERS_VENV)"
	@if $(PIP_QUIET) $(PEERS_VENV)/bin/python -m pip --quiet install $(CHECKED) benchmarks/constraints.txt; \
	    then touch $@; else rm -rf $(PEERS_VENV); fi
