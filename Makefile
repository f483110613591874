# Everything runs in .venv, which the first command makes. Another Python: make test PYTHON=python3.12

PYTHON ?= python3
VENV   ?= .venv
WORK   ?= .demo
PORT   ?= 3000
# Much of a test is waiting for a server or a lock: on two cores three run well beside each other.
TESTERS ?= 3

BIN := $(VENV)/bin
RUN := $(BIN)/python -m weaviate_migration
LOWEST := .venv-lowest
# A file at a time in each process, the longest first (xdist would begin with those of the most tests).
TESTS := -m pytest --tb=short -n $(TESTERS) --dist loadfile --no-loadscope-reorder
# One of the records of PyPI that pip-audit asks for.
ADVISORIES := https://pypi.org/pypi/pip/json
# One file for all platforms and each Python; `make lock UPGRADE=--upgrade` takes newer versions, too.
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
  --no-emit-package weaviate-migration --custom-compile-command "make lock" $(UPGRADE)
# The extras of the image: whoever runs it chooses executor, store and storage by settings alone.
IMAGE := celery dask k8s postgres s3 vectors

.PHONY: demo ui test test-lowest fuzz chaos soak field tenants cluster lint audit-dependencies lock docs bench clean

# The stamp is newer than what decides about the environment, or the environment is brought up to date.
$(VENV)/.installed: pyproject.toml setup.py requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else \
	  "Python 3.11 to 3.13 is needed, this is %d.%d: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

## Migrates a demo file, made on the spot, and searches the result.
demo: $(VENV)/.installed
	$(RUN) demo --work-dir $(WORK)

## Dagster's UI on the demo's work folder, with the embedded server beside it; Ctrl-C ends both.
ui: $(VENV)/.installed
	@test -d $(WORK)/dagster_home || $(MAKE) demo
	@trap 'kill $$server 2>/dev/null; wait' EXIT; trap 'exit 0' INT TERM; \
	$(RUN) server --work-dir $(WORK) & server=$$!; \
	DAGSTER_HOME=$(abspath $(WORK))/dagster_home \
	WEAVIATE_MIGRATION_WORK_DIR=$(abspath $(WORK)) \
	WEAVIATE_MIGRATION_SQLITE_URL=$(abspath $(WORK))/demo.sqlite \
	$(BIN)/dagster dev --workspace workspace.yaml --port $(PORT)

## Static checks, then all tests, those against a real server included.
test: lint
	$(BIN)/python $(TESTS)

## All tests with the lowest versions that pyproject.toml allows, in an environment of their own.
test-lowest: $(VENV)/.installed
	$(PYTHON) -m venv --clear $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable '.[dev]'
	$(LOWEST)/bin/python $(TESTS)

## Ten times as many random rows as `make test` has, through the real server.
fuzz: $(VENV)/.installed
	ROW_CASES=20000 $(BIN)/python -m pytest weaviate_migration_tests/live/test_random_tables.py

## Commands killed at 100 random moments and at each boundary, the server at 20, while four processes write; and each
## trouble of the network between at each step of a migration; and clocks that are a year wrong, either way.
chaos: $(VENV)/.installed
	CHAOS_MOMENTS=100 NETWORK_IN_FULL=1 SOURCE_EVENTS=all $(BIN)/python -m pytest --durations=20 \
	  weaviate_migration_tests/live/test_chaos.py weaviate_migration_tests/live/test_network.py \
	  weaviate_migration_tests/live/test_clock.py \
	  weaviate_migration_tests/live/test_source_under_way.py

## Two hours of 200 changes a second through `sync --follow`, with a restart of the server every ten minutes; soak.jsonl
## has what was measured, soak.png shows it. SOAK=--seconds=600 takes ten minutes.
soak: $(VENV)/.installed
	$(BIN)/python -m weaviate_migration_tests.soak $(SOAK)

## Files that more applications made with their own packages than `make test` has, each migrated and compared.
field: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[field]'
	FIELD_APPLICATIONS=all $(BIN)/python -m pytest -rP --show-capture=stdout weaviate_migration_tests/live/test_field.py

## 2,000 customers of ten rows as tenants, beside the one and the 200 that `make test` has.
tenants: $(VENV)/.installed
	TENANTS=all $(BIN)/python -m pytest -rP --show-capture=stdout --durations=20 \
	  weaviate_migration_tests/live/test_tenant_migrations.py

## Redis, PostgreSQL, an S3 server, three Weaviate nodes and two Celery workers, each a process of this machine: 200,000 rows
## while they change, with a worker and a node killed on the way. CLUSTER=--rows=5000 takes fewer.
cluster: $(VENV)/.installed
	$(BIN)/python -m weaviate_migration_tests.cluster $(CLUSTER)

lint: $(VENV)/.installed audit-dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

## What is known against the locked versions. An index that has no such records, a mirror for instance, answers for none.
audit-dependencies: $(VENV)/.installed
	@if $(BIN)/python -c 'import httpx; httpx.get("$(ADVISORIES)", timeout=5).raise_for_status()' 2>/dev/null; \
	then $(BIN)/pip-audit --progress-spinner off --disable-pip --require-hashes --requirement requirements/dev.txt; \
	else echo "Nobody answers at $(ADVISORIES): the locked versions are not compared with known vulnerabilities."; fi

## Writes the lock files anew, after a change in pyproject.toml.
lock: $(VENV)/.installed
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/runtime.txt
	$(LOCK) --constraint requirements/dev.txt $(IMAGE:%=--extra %) --output-file requirements/image.txt

## The documentation as a site, site/index.html; a link that leads nowhere is an error.
docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

## Speed and memory, against the bounds that docs/speed.md names; takes about an hour.
bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(LOWEST) $(WORK) site build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
