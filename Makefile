# Every target sets up what it needs first, on a machine with Python 3.11 or later, make, git and gcc.
# No target deletes or rewrites mlruns/.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
SPEC ?= sweeps/specs/default.toml
RUN_FLAGS = $(if $(TRIALS),--trials $(TRIALS)) $(if $(JOBS),--jobs $(JOBS)) $(if $(NAME),--name $(NAME)) \
	$(if $(CLUSTER),--cluster $(CLUSTER))

ifdef UV
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

# The tests of pages drive a Chromium of the system's.
define CHROMIUM
if ! { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null; then \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && apt-get install -y -qq chromium >/dev/null || \
		echo "chromium could not be installed; the tests that open pages need it" >&2; \
	else \
		echo "install chromium (apt-get install chromium); the tests that open pages need it" >&2; \
	fi; \
fi
endef

# Its processes do not hear of Ctrl-C: the one that started them ends them.
define CLUSTER_CODE
import signal, sys
from distributed import LocalCluster
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
where = {"host": "127.0.0.1", "scheduler_port": int(sys.argv[1]), "local_directory": sys.argv[2]}
with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, **where):
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
endef
export CLUSTER_CODE

.PHONY: sweep setup ui cluster test check bench soak docs lock clean
.DEFAULT_GOAL := help

.PHONY: help
help:  ## what the targets do
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

sweep: $(VENV)/ready  ## run the default sweep; SPEC=path.toml TRIALS=200 JOBS=8 NAME=other CLUSTER=tcp://... override
	@$(BIN)/sweeps run $(SPEC) $(RUN_FLAGS)

setup: $(VENV)/ready  ## only install, into .venv

ui: $(VENV)/ready  ## the MLflow UI on 127.0.0.1:5000; PORT=5001 overrides
	@$(BIN)/sweeps ui $(if $(PORT),--port $(PORT))

cluster: $(VENV)/ready-cluster  ## a Dask scheduler and two workers on this machine, until Ctrl-C; PORT=8787 overrides
	@echo "to try it, in another terminal: make sweep CLUSTER=tcp://127.0.0.1:$(or $(PORT),8786)   (Ctrl-C here ends it)" >&2
	@$(BIN)/python -c "$$CLUSTER_CODE" $(or $(PORT),8786) $(VENV)/cluster

test: $(VENV)/ready-dev  ## all tests but the long ones
	@$(BIN)/pytest --numprocesses 3 --dist worksteal -m "not soak" $(TESTS)

check: $(VENV)/ready-dev  ## what CI runs: format, lint, types, layers, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

bench: $(VENV)/ready-bench  ## speed against PyTorch, scikit-learn, and the bare matrix products
	@$(BIN)/python tests/benchmarks/bench.py

soak: $(VENV)/ready-bench  ## the long tests: new examples of every law, published results, samplers against others
	@$(BIN)/pytest --numprocesses 2 --dist worksteal --hypothesis-profile "new examples" -m "hypothesis and not soak" $(TESTS)
	@$(BIN)/pytest -m soak --timeout 7200 --durations 0 -s $(TESTS)
	@$(BIN)/python tests/benchmarks/border.py

docs: $(VENV)/ready-dev  ## the pictures of the layers and of a report, and the site, into docs/site
	@$(BIN)/python docs/draw_layers.py
	@$(BIN)/python docs/draw_report.py
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs docs/site

lock: $(VENV)/ready-dev  ## pin the newest versions that pyproject.toml allows
	$(INSTALL) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--upgrade pyproject.toml --extra build --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--upgrade pyproject.toml --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean:  ## remove what the targets made, but not mlruns/
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	find model sweeps tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
ifdef UV
	@$(UV) venv --quiet --seed --python $(PYTHON) $(VENV)
else
	@$(PYTHON) -m venv $(VENV)
endif

$(VENV)/ready: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) (once)" >&2
	@$(INSTALL) --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/ready-dev: requirements-dev.lock $(VENV)/ready
	@$(INSTALL) --requirement requirements-dev.lock
	@$(CHROMIUM)
	@touch $@

$(VENV)/ready-cluster: $(VENV)/ready
	@$(INSTALL) --no-build-isolation --editable '.[cluster]'
	@touch $@

# PyTorch is large, and only the benchmark and the gp sampler need it; pip, because it may come from a local folder.
$(VENV)/ready-bench: $(VENV)/ready-dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[bench]'
	@touch $@
