# One command each; CI calls the same ones. `make help` lists them.

PYTHON   ?= python3
VENV     := .venv
BIN      := $(VENV)/bin
SUDO     := $(if $(filter 0,$(shell id -u)),,sudo)
ARGS     ?=
STAMP    := $(VENV)/.complete

# program:package of what the hub runs, and of what the tests use beside it
SERVERS  := mosquitto:mosquitto influxd:influxdb
TESTERS  := mosquitto_pub:mosquitto-clients victoria-metrics:victoria-metrics openssl:openssl curl:curl \
            pki:strongswan-pki zbarimg:zbar-tools pdftoppm:poppler-utils \
            mbpoll:mbpoll socat:socat node:nodejs npm:npm
# mbpoll brings libmodbus, on which one of the tests' servers stands; npm brings the other.
NODE     := tests/integration/modbus/node

# Tests with real servers mostly wait, so more of them than two cores run at once; each file by itself, as its tests may
# share servers; and in their order, as otherwise the files of few tests, which take the longest, would come last.
BESIDE   := -n 3 --dist loadfile --no-loadscope-reorder

# Python keeps what it compiled, as mypy keeps what it checked: the second run is the quick one.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo lint check test dashboards bench bench-provisioning bench-grafana bench-modbus bench-gateway fuzz lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

setup: $(STAMP) ## Install what is missing: mosquitto and influxdb by apt, the environment in .venv
	@$(call install,$(SERVERS))

setup-tests: setup
	@$(call install,$(TESTERS))
	@$(MAKE) --no-print-directory $(NODE)/node_modules/.complete

$(NODE)/node_modules/.complete: $(NODE)/package-lock.json
	@echo "Preparing $(NODE) ..." >&2
	@cd $(NODE) && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

demo: setup ## Start the hub with a simulated Purbalingga and show it working; ARGS="--seconds 30 --json"
	@$(BIN)/cityhub demo $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## Lint, types, imports, and the unit tests but the slow ones, with few random examples each
	HYPOTHESIS_PROFILE=brief $(BIN)/pytest -q -n auto -m "not slow" tests/unit

test: setup-tests lint ## Everything: lint, types, imports, all unit tests, and those with real servers
	$(BIN)/pytest -q -n auto tests/unit
	$(BIN)/pytest -q $(BESIDE) tests/integration

dashboards: $(STAMP) ## Write grafana/generated and grafana/provisioning anew from grafana/*.py
	$(BIN)/python -m grafana

bench: setup ## Measure; one JSON object on stdout; ARGS="--devices 100000"
	@$(BIN)/python -m tests.bench $(ARGS)

bench-provisioning: setup ## Measure import, a large registry and revocation; ARGS="--devices 1000"
	@$(BIN)/python -m tests.bench.provisioning $(ARGS)

bench-grafana: setup ## Measure the dashboards' queries; ARGS="--devices 5000 --hours 24"
	@$(BIN)/python -m tests.bench.grafana $(ARGS)

bench-modbus: setup ## Measure polling; one JSON object on stdout; ARGS="--meters 100 --seconds 10"
	@$(BIN)/python -m tests.bench.modbus $(ARGS)

bench-gateway: setup ## Measure what dead and slow units cost their neighbours; ARGS="--timeout 3000"
	@$(BIN)/python -m tests.bench.gateway $(ARGS)

fuzz: $(STAMP) ## Damaged inputs for every parser of outside bytes; ARGS="--inputs 1000000 --only csr,csv"
	@$(BIN)/python -m tests.bench.fuzz $(ARGS)

lock: $(STAMP) ## Write requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --upgrade -q -o requirements.lock

clean: ## Remove the environment and caches
	rm -rf $(VENV) $(NODE)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Cityhub needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call apt,python3-venv) ; }
	@echo "Preparing $(VENV) ..." >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install -q --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# Debian starts a packaged server at once; the hub runs servers of its own, on other ports and folders.
define apt
echo "Installing $(1) ..." >&2; \
{ $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $(1) || \
  { $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $(1); }; } >&2
endef

define install
missing=""; for pair in $(1); do \
  PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; \
done; \
if [ -n "$$missing" ]; then $(call apt,$$missing); fi
endef
