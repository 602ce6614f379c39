# `make up` and `make test` are all that one needs; each brings along what is missing on the host.

BOXSHIP := .venv/bin/boxship
PYTHON := .venv/bin/python
PYTEST := .venv/bin/pytest

.DEFAULT_GOAL := help
.PHONY: help up down test lint conformance conformance-drivers chaos bench docs kuryr-plugin fuxi-plugin clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

up: ## Make this host ready, start the cloud, and show a container that answers
	@scripts/bootstrap
	@$(BOXSHIP) up --detach
	@$(BOXSHIP) demo

down: ## Stop the program; containers, networks and volumes stay
	@scripts/bootstrap --python
	@$(BOXSHIP) down

test: ## Check everything that must hold
	@scripts/bootstrap --tests
	@scripts/test

lint: ## Style, types and import contracts only
	@scripts/bootstrap --python
	@scripts/test --lint

conformance: ## Run OpenStack's own tests against a cloud of their own (ARGS=--help)
	@scripts/bootstrap --tests
	@scripts/tempest
	@$(PYTHON) -m conformance $(ARGS)

conformance-drivers: ## Run the suites that real and fake drivers must pass
	@scripts/bootstrap --tests
	@$(PYTEST) tests/conformance tests/drivers

chaos: ## Kill program and engine again and again, delete from every state, and audit the host
	@scripts/bootstrap --tests
	@BOXSHIP_CHAOS=long BOXSHIP_PATIENCE=1 $(PYTEST) --timeout 1800 -s tests/system/test_chaos.py tests/system/test_storage_chaos.py \
		tests/system/test_stack_chaos.py \
		tests/system/test_bad_states.py tests/system/hosts tests/system/test_fuxi_days.py tests/system/test_kuryr_managed.py \
		tests/plugins/fuxi/test_managed.py tests/drivers/storage/test_lvm.py

bench: ## Measure, print a table, write bench/results.json
	@scripts/bootstrap --tests
	@$(PYTHON) -m bench

docs: ## Write docs/reference from the code
	@scripts/bootstrap --python
	@$(PYTHON) docs/generate.py
	@$(PYTHON) -m tests.cli.reference

kuryr-plugin: ## Build the managed Docker plugin for networks and give it to Docker; see docs/kuryr.md
	@scripts/bootstrap --python
	@$(PYTHON) deploy/plugin.py kuryr .cache/kuryr-plugin

fuxi-plugin: ## Build the managed Docker plugin for volumes and give it to Docker; see docs/fuxi.md
	@scripts/bootstrap --python
	@$(PYTHON) deploy/plugin.py fuxi .cache/fuxi-plugin

clean: ## Remove the Python environments and caches; a running cloud stays
	@rm -rf .venv .venvs .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src tests bench conformance docs -name __pycache__ -type d -prune -exec rm -rf {} +
