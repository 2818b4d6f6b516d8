# What a developer types. Everything is installed into .venv; only the first time needs the network.
PYTHON ?= python3
VENV := .venv
IN_VENV := $(VENV)/bin/python
INSTALL := $(IN_VENV) -m pip install --quiet --disable-pip-version-check
# Three files at a time, for most tests wait for other processes; a file's tests stay together.
PYTEST_OPTIONS ?= -n 3 --dist loadfile
# What starts no browser and no process but a cache server; the tests wait for the processor alone.
FAST_TESTS := tests/unit $(patsubst %,tests/integration/test_%.py,ticker_cache prices_api prices_in_python price_source \
	dashboard exchange_client exchange_simulator_http)
RUN_READY := $(VENV)/.ready-to-run
DEV_READY := $(VENV)/.ready-to-test

.DEFAULT_GOAL := help
.PHONY: help run demo test test-fast lint types contracts check bench bench-read-path audit screenshots lighthouse clean

help:
	@echo "make run    cache, fetcher and web server in this terminal; live prices where Binance answers"
	@echo "            EXCHANGE=auto|live|simulator  PORT=8000  RECORDING=folder of recorded answers"
	@echo "make demo   the same with the exchange simulator"
	@echo "make test   every test, in real browsers and processes"
	@echo "make test-fast  what takes less than a minute of them: no browser, no process to wait for"
	@echo "make check  lint, types and import contracts"
	@echo "make bench  measure it beside its peers; writes into benchmarks/results"
	@echo "make audit  look the pinned packages up among known vulnerabilities; needs the network"
	@echo "make screenshots  take the pictures in docs/images anew"
	@echo "make bench-read-path  reading prices beside its peers (benchmarks/README.md)"
	@echo "make lighthouse  what Lighthouse says of the page; needs npm, and the npm registry once"
	@echo "make clean  remove .venv and what the tools left behind"

run: $(RUN_READY)
	@exec $(IN_VENV) -m development.stack --parent="$$PPID"

demo: $(RUN_READY)
	@exec env EXCHANGE=simulator $(IN_VENV) -m development.stack --parent="$$PPID"

test: $(DEV_READY)
	@chromium="$$($(IN_VENV) -m development.chromium)" || test -z "$$CI" || exit 1; \
	exec env CHROMIUM="$$chromium" $(IN_VENV) -m pytest $(PYTEST_OPTIONS)

test-fast: $(DEV_READY)
	@exec $(IN_VENV) -m pytest -n 2 --dist worksteal $(FAST_TESTS)

check: lint types contracts

lint: $(DEV_READY)
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .

types: $(DEV_READY)
	$(IN_VENV) -m mypy

contracts: $(DEV_READY)
	$(VENV)/bin/lint-imports

# Needs wrk, h2load, nginx, valgrind, node, npm and Chromium; BENCH_OPTIONS=--quick to see that it works.
bench: $(DEV_READY)
	@exec $(IN_VENV) -m benchmarks $(BENCH_OPTIONS)

# Not part of CI: what it finds changes without any change of ours. --strict, for a package index without the data on
# vulnerabilities would otherwise pass for a clean result.
audit: $(RUN_READY)
	@$(INSTALL) pip-audit==2.10.1
	$(IN_VENV) -m pip_audit --strict --progress-spinner off --requirement requirements.txt

screenshots: $(DEV_READY)
	@$(IN_VENV) docs/take_screenshot.py

# Needs wrk, h2load, nginx, valgrind, node and npm; BENCH_OPTIONS=--quick to see that it works.
bench-read-path: $(DEV_READY)
	@exec $(IN_VENV) -m benchmarks.read_path $(BENCH_OPTIONS)

LIGHTHOUSE := .run/lighthouse/node_modules/.bin/lighthouse

lighthouse: $(DEV_READY) $(LIGHTHOUSE)
	@$(IN_VENV) -m benchmarks.lighthouse

$(LIGHTHOUSE):
	@echo "Installing Lighthouse (once)"
	@npm install --prefix .run/lighthouse --no-save --no-audit --no-fund --loglevel=error lighthouse@12.8.2

clean:
	rm -rf $(VENV) .run .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(IN_VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is not. Write for example: make run PYTHON=python3.12"; \
	  exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot create a virtual environment. On Debian and Ubuntu: apt install python3-venv"; \
	  exit 1; }

$(RUN_READY): requirements.txt requirements-run.txt | $(IN_VENV)
	@echo "Installing what the service needs (once)"
	@$(INSTALL) -r requirements-run.txt || { echo "$(NOT_INSTALLED)"; exit 1; }
	@touch $@

$(DEV_READY): requirements.txt requirements-run.txt requirements-dev.txt | $(IN_VENV)
	@echo "Installing what the tests need (once)"
	@$(INSTALL) -r requirements-dev.txt || { echo "$(NOT_INSTALLED)"; exit 1; }
	@touch $@ $(RUN_READY)

NOT_INSTALLED := The installation failed, for the reason above. It needs a package index once; then run make again.
