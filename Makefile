# Every command of this project. `make` alone lists them.
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
INSTALL := $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install \
	--quiet --disable-pip-version-check)
ALERTMANAGER := alerts/alertmanager.yaml
RULES := $(filter-out $(ALERTMANAGER),$(wildcard alerts/*.yaml))
RULE_TESTS := $(wildcard alerts/tests/*.yaml)
CHART_VALUES := $(wildcard helm/mbm/ci/*.yaml)
# Runs a program; one that is not installed is skipped and told, unless CI=true.
with = if command -v $(1) >/dev/null; then echo "$(1) $(2)"; $(1) $(2); else \
	echo "skipped, for $(1) is not installed: $(1) $(2)" >&2; [ "$$CI" != true ]; fi
# Asked when it is needed, for `make test` builds it on the way.
HELM = $(firstword $(shell ls .cache/helm-v* 2>/dev/null) $(shell command -v helm))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test unit check docs fmt render bench bench-detection torture lock system services clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: .venv/.runtime ## a simulated model with a planted incident, from events to findings
	$(BIN)/mbm demo --fast

test: system .venv/.everything services check ## everything that must hold, services included
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

unit: .venv/.everything ## the tests that need no service, in a few minutes
	$(BIN)/python -m pytest -m "not kafka and not prometheus and not slow and not browser"

check: .venv/.everything ## format, lint, types, layers, rendered files, alert rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mbm render --check
	@$(call with,promtool,check rules $(RULES))
	@$(call with,promtool,test rules $(RULE_TESTS))
	@$(call with,amtool,check-config $(ALERTMANAGER))
	$(if $(HELM),for values in $(CHART_VALUES); do \
		$(HELM) lint --strict --quiet --kube-version 1.33 -f $$values helm/mbm || exit 1; done)

fmt: .venv/.everything ## format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

render: .venv/.everything ## write the files that come from the catalogue of metrics
	$(BIN)/mbm render

docs: .venv/.everything ## the documentation as pages, in .cache/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file .mkdocs.yml

bench: .venv/.everything services ## our cost beside that of the parts and of others
	$(BIN)/python -m bench

bench-detection: .venv/.everything ## false pages and delays of the detector in known worlds
	$(BIN)/python -m bench.detection

torture: .venv/.everything services ## kill consumers everywhere and replicas of every part, then count
	$(BIN)/python -m tests.torture

lock: ## choose versions anew: write requirements.lock (needs uv)
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile pyproject.toml --quiet --upgrade \
		--all-extras --group dev --group docs --group build --generate-hashes --universal \
		--python-version 3.11 --no-emit-index-url --no-emit-find-links \
		--output-file requirements.lock

system: ## what the tests need beside Python; installs it as root on Debian
	@.ci/system

services: .venv/.everything ## fetch the Kafka broker that the tests start, and build Helm and Compose
	$(BIN)/python -m tests.services.kafka
	$(BIN)/python -m tests.services.go

clean: ## remove what make has made
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The lock names every package, so nothing is looked up: --no-deps.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python .ci/runtime.py <requirements.lock >.venv/runtime.lock
	$(INSTALL) --no-deps --require-hashes -r .venv/runtime.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.everything: requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --no-deps --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/.runtime
