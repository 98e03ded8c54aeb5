# Every target does its own set-up: a machine needs Python 3.11+ and make, nothing else.
# uv is used where it is installed, else the standard library's venv and pip. Everything lands in .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check bench simulate lock clean

VENV  := .venv
PY    := $(VENV)/bin/python
STAMP := $(VENV)/.installed
BENCH := $(VENV)/.installed-bench
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
ARGS  ?=
SEEDS ?= 10

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## Bring everything that is needed into .venv

demo: $(STAMP) ## Watch a simulated hotel flow in (ARGS="--headless --seconds 40 --json")
	@$(VENV)/bin/pms-sync demo $(ARGS)

test: $(STAMP) ## Run the tests (a few minutes; ARGS go to pytest)
	$(PY) -m pytest -m "not slow" -n 2 --dist worksteal $(ARGS)

test-all: $(STAMP) ## Run every test, then all of them again on PostgreSQL 15
	@$(find_chromium)
	$(PY) -m pytest -n 2 --dist worksteal $(ARGS)
	@$(find_pg15); if [ -n "$$pg15" ]; then \
	  echo "The same tests on PostgreSQL 15 ($$pg15):"; \
	  PMS_SYNC_PG_BIN="$$pg15" $(PY) -m pytest -n 2 --dist worksteal $(ARGS); \
	else \
	  echo '!!! PostgreSQL 15 was not found and could not be installed: its half of test-all did NOT run.'; \
	  echo '!!! Install the package postgresql-15, or put the folder of its programs on PATH.'; \
	fi

check: $(STAMP) ## Lint, format, types, layers, architecture
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(PY) -m pytest -q tests/architecture

bench: $(BENCH) ## Measure; the last line is one JSON document
	@$(PY) -m benchmarks $(ARGS)

simulate: ## Search for broken invariants over random histories (SEEDS=n)
	@echo '{"error":{"what":"simulate is not built yet","where":"make simulate SEEDS=$(SEEDS)","remedy":"use make test-all"}}' >&2; exit 2

lock: $(STAMP) ## Resolve the dependencies anew
	$(lock_with) --extra dev -o requirements.lock
	$(lock_with) --extra bench -c requirements.lock -o requirements-bench.lock
	@! grep -n '://' requirements.lock requirements-bench.lock || { echo 'a lock file names a registry' >&2; exit 1; }

clean: ## Remove what was built, and .venv
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- how ------------------------------------------------------------------------------------------------------------

lock_with = $(PY) -m uv pip compile --universal --generate-hashes --no-header --quiet --upgrade pyproject.toml

# Done once, and again when the lock or the packaging changes. A .venv made by other means is taken over.
$(STAMP): requirements.lock pyproject.toml
	@$(make_venv)
	@echo 'installing into $(VENV) …'
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(PY) --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(PY) --no-deps --no-build-isolation -e .; \
	else \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

$(BENCH): $(STAMP) requirements-bench.lock
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(PY) --require-hashes -r requirements-bench.lock; \
	else \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock; \
	fi
	@touch $@

# Keep a .venv that works; else make one. Debian splits venv off Python: root may add it, others are told.
define make_venv
if ! $(PY) $(NEW_ENOUGH) 2>/dev/null; then \
  rm -rf $(VENV); \
  for python in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
    $$python $(NEW_ENOUGH) 2>/dev/null && break; python=; \
  done; \
  if command -v uv >/dev/null 2>&1; then \
    uv venv --quiet $${python:+--python $$python} --seed $(VENV) || exit 2; \
  elif [ -z "$$python" ]; then \
    echo 'Python 3.11 or newer was not found. Install it, or name it: make PYTHON=/path/to/python3.11' >&2; exit 2; \
  elif ! $$python -m venv $(VENV) 2>/dev/null; then \
    rm -rf $(VENV); $(as_root_apt) python3-venv >/dev/null 2>&1; \
    $$python -m venv $(VENV) || { echo 'Install the package python3-venv (or uv) and try again.' >&2; exit 2; }; \
  fi; \
fi
endef

as_root_apt = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
  { apt-get update -qq || true; } && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends

# Sets $$pg15 to the folder of PostgreSQL 15's programs; root on Debian may install them (no cluster is made).
define find_pg15
pg15=; look_for_pg15() { \
  for folder in /usr/lib/postgresql/15/bin "$$(dirname "$$(readlink -f "$$(command -v postgres || echo /none/none)")")"; do \
    "$$folder/postgres" --version 2>/dev/null | grep -q ') 15\.' && [ -x "$$folder/initdb" ] && pg15="$$folder" && return; \
  done; }; \
look_for_pg15; \
if [ -z "$$pg15" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
  mkdir -p /etc/postgresql-common/createcluster.d; \
  echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/pms-sync.conf; \
  $(as_root_apt) postgresql-15 >/dev/null 2>&1; look_for_pg15; \
fi; true
endef

define find_chromium
if grep -rqs 'mark\.browser' tests && ! command -v chromium >/dev/null 2>&1; then \
  $(as_root_apt) chromium >/dev/null 2>&1 || echo '!!! No chromium: the browser tests will be skipped.'; \
fi; true
endef
