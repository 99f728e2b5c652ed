# The two commands that matter: `make demo` (see it run) and `make test` (the whole gate). `make help` lists the rest.
# Needs Python >= 3.11, make and a package index; everything else goes into .venv and .build of this folder.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# One set of files for lint and types.
PACKAGES := components pipeline runtime local ops policy lab tests
SOURCES := __main__.py tools.py docs/examples clients/python/orders_client $(wildcard $(PACKAGES))

.DEFAULT_GOAL := help
.PHONY: help setup demo incident up down lint types unit infra flow crash-points e2e aws-check long engine contract test check fuzz mutation format audit lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# If pip cannot reach the index, it reports that the version does not exist. This prints the real cause instead.
define install
@$(1)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes $(2) >$(1)/pip.log 2>&1 || { \
	if grep -q 'Retrying (' $(1)/pip.log && grep -q 'from versions: none' $(1)/pip.log; then \
		echo "The package index cannot be reached. Check the network and pip's settings: pip config list, PIP_INDEX_URL, HTTPS_PROXY." >&2; \
	else cat $(1)/pip.log >&2; fi; exit 1; }
endef

setup: $(VENV)/.ready ## only create the environment in .venv

$(VENV)/.ready: requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found. Install it, or name one: make PYTHON=/path/to/python3 …" >&2; exit 1; }
	@echo "==> environment in $(VENV) ($$($(PYTHON) --version))"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "Could not create $(VENV). On Debian and Ubuntu the package python3-venv is needed." >&2; exit 1; }
	$(call install,$(BIN),--no-deps -r requirements-dev.txt)
	@touch $@

demo: setup ## the whole program on the embedded AWS, step by step, with a check of the guarantees at the end (PAUSE=1: wait before the stop, so that you can open the demo's page)
	@$(BIN)/python -m local demo $(if $(PAUSE),--pause)

incident: setup ## one incident: a dependency fails, an alarm pages, the runbook's commands repair the fault
	@$(BIN)/python -m local incident

up: setup ## start the embedded AWS with the orders stack, and print what to try
	@$(BIN)/python -m local up --detach

down: setup ## stop what `make up` started
	@$(BIN)/python -m local down

# The end-to-end tests mostly wait, so the types are checked at the same time.
test: setup lint check ## lint; unit and infra tests with the coverage gate; the other quick tests; then types and end-to-end tests together
	@$(MAKE) --no-print-directory -j 2 types e2e

lint: setup ## ruff: rules and format; codespell: spelling; import-linter: the layers
	@$(BIN)/ruff check --quiet $(SOURCES) && $(BIN)/ruff format --check --quiet $(SOURCES) && echo "ruff: clean"
	@$(BIN)/codespell $(SOURCES) docs bootstrap Makefile *.md *.toml *.yaml .github && echo "codespell: clean"
	@out=$$(PYTHONPATH=clients/python $(BIN)/lint-imports) && echo "layers: kept" || { echo "$$out"; exit 1; }

types: setup ## mypy, strict
	@$(BIN)/mypy -n $(WORKERS) $(SOURCES)

# Coverage makes tests a third slower, so it is measured only for unit and infra tests.
QUICK = not e2e and not engine and not long and not contract
check: setup ## unit and infra tests with branch coverage >= 95 % of runtime/, components/ and pipeline/; then the other quick tests
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "$(QUICK)" --cov --cov-report=term tests/unit tests/infra
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "$(QUICK)" --ignore tests/unit --ignore tests/infra tests

unit infra flow: setup ## one tier of tests
	@$(BIN)/pytest tests/$@ -m "$(QUICK)"

crash-points: setup ## the outcome of each fault at each crash point; then deliberate mistakes, each with the test that notices it
	@$(BIN)/python -m lab.simulation.crash_points
	@$(BIN)/python -m tests.flow.sabotage

e2e: setup ## end-to-end tests of the deployed local stack, over HTTP and the AWS API
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "e2e and not long" tests/e2e tests/local tests/ops

aws-check: setup ## the end-to-end tests against a stack on AWS, whose outputs are in a file: make aws-check OUTPUTS=dev.json (docs/delivery.md)
	@test -n "$(OUTPUTS)" || { echo "OUTPUTS is missing. Run: pulumi stack output --json --show-secrets > FILE && make aws-check OUTPUTS=FILE" >&2; exit 2; }
	@$(BIN)/python -m tests.e2e.aws_check "$(OUTPUTS)" --yes $(AWS_CHECK_OPTIONS)

long: setup ## the slow tests, which `make test` leaves out: many clients at once, an incident, all runbooks, all option pairs, …
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "long and not engine"

engine: setup ## preview, up and destroy in Pulumi's real engine; if no suitable `pulumi` is installed, Go first builds one (only once, six minutes)
	@$(BIN)/python -m local.engine && $(BIN)/pytest -n $(WORKERS) --dist loadfile -m engine

fuzz: setup ## hostile requests and batches against the functions on the in-memory AWS (ten to twenty minutes; docs/simulation.md)
	@$(BIN)/python -m lab.fuzz --workers $(WORKERS) $(FUZZ_OPTIONS)

MUTATION := .build/mutation-env
mutation: $(MUTATION)/.ready ## make small mistakes, one at a time, and see that a test notices each (hours; docs/mutation.md)
	@$(MUTATION)/bin/python -m lab.mutation $(MUTATION_OPTIONS)

$(MUTATION)/.ready: requirements-mutation.txt
	@$(PYTHON) -m venv --clear $(MUTATION)
	$(call install,$(MUTATION)/bin,--no-deps -r requirements-mutation.txt)
	@touch $@

format: setup ## rewrite the code in the project's format
	@$(BIN)/ruff check --fix --quiet $(SOURCES); $(BIN)/ruff format $(SOURCES)

CONTRACT := .build/contract-env
contract: setup $(CONTRACT)/.ready ## check docs/openapi.json with validators, client generators and a fuzzer on a running stack (needs Node.js, npm)
	@$(BIN)/pytest tests/contract -m contract

$(CONTRACT)/.ready: requirements-contract.txt tests/contract/package-lock.json
	@$(PYTHON) -m venv --clear $(CONTRACT) && mkdir $(CONTRACT)/node && cp tests/contract/package*.json $(CONTRACT)/node
	$(call install,$(CONTRACT)/bin,--no-deps -r requirements-contract.txt)
	@cd $(CONTRACT)/node && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

AUDIT := .build/audit-env
audit: $(AUDIT)/.ready ## known vulnerabilities of the packages in the functions' zip (uses the package index)
	@$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements-runtime.txt

$(AUDIT)/.ready: requirements-audit.txt
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements-audit.txt
	@touch $@

# The locks contain hashes but no hosts, so every platform and every package index can use the same files.
COMPILE = .build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE)
lock: ## renew requirements*.txt from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(PYTHON) -m venv .build/lock && .build/lock/bin/python -m pip install --quiet uv
	$(COMPILE) --group runtime -o requirements-runtime.txt
	$(COMPILE) --group emulator -o requirements-emulator.txt
	$(COMPILE) -c requirements-runtime.txt --group dev pyproject.toml -o requirements-dev.txt
	$(COMPILE) -c requirements-dev.txt pyproject.toml -o requirements.txt
	$(COMPILE) -c requirements-dev.txt --group mutation pyproject.toml -o requirements-mutation.txt
	$(COMPILE) --group audit -o requirements-audit.txt
	$(COMPILE) --group contract -o requirements-contract.txt
	@command -v npm >/dev/null || { echo "npm is needed to renew tests/contract/package-lock.json." >&2; exit 1; }
	cd tests/contract && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	@$(BIN)/python -m tests.contract.lock

clean: ## remove build results and caches, but not .venv
	rm -rf .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
