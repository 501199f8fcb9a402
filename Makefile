# Every target sets up what it needs, so each one works as the first command after a clone.
# Needed: make, and Python 3.11 or later with venv. Another Python: make PYTHON=/path/to/python3 ...

VENV := .venv
BIN  := $(VENV)/bin
PACKAGES := reconcile collectors worker tests

# pip keeps the reader's mirror, proxy and certificates. These would install to another place or refuse
# the project itself, which has no hash.
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_CONSTRAINT PIP_REQUIRE_HASHES PIP_NO_DEPS PIP_DRY_RUN
unexport PIP_PYTHON PYTHONHOME PYTHONPATH

.DEFAULT_GOAL := help
.PHONY: help setup install demo test unit test-wheel test-powershell test-prometheus lint docs release-check bench replay lock
.DELETE_ON_ERROR:

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.dev ## create .venv with everything that is needed to work on the project

install: $(VENV)/.runtime ## create .venv with what running ipam-sync needs, and nothing to work on it

demo: $(VENV)/.runtime ## three runs of real workers over a simulated fleet: nothing to configure
	@$(BIN)/ipam-sync demo

# One process more than cores: many tests wait for processes that they started. In the order of the files,
# because those that wait longest come first then.
JOBS := $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$(( cores < 4 ? cores + 1 : 4 )))
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder
test: $(VENV)/.dev ## run the tests, on SQLite and PostgreSQL (ARGS='-k name' selects, JOBS=1 one by one)
	$(PYTEST) $(ARGS)

# The property tests try fewer examples here than in `make test`.
UNITS := tests/reconcile tests/reference tests/language tests/test_documents.py tests/collectors/test_*.py tests/worker/alerts/test_*.py tests/test_architecture.py \
	$(addprefix tests/worker/,config model views)
unit: $(VENV)/.dev ## run the tests that need no process and no PostgreSQL, in half a minute
	$(PYTEST) -q -m 'not (postgres or process)' --hypothesis-profile unit $(UNITS) $(ARGS)

test-wheel: $(VENV)/.dev ## install sdist and wheel alone and run the demo there (needs a package index, as pip is configured)
	$(BIN)/python -m pytest -m wheel tests/test_wheel.py $(ARGS)

test-powershell: $(VENV)/.dev ## let a PowerShell check every printed command (IPAM_SYNC_TEST_PWSH=FILE, or pwsh on the PATH)
	$(BIN)/python -m pytest -m powershell $(ARGS)

test-prometheus: $(VENV)/.dev ## let promtool check the alert rules and the dashboard (Debian package prometheus)
	$(BIN)/python -m pytest -m promtool tests/test_rules.py tests/test_dashboard.py $(ARGS)

lint: $(VENV)/.dev ## check style, formatting, types, the import contracts, the language and compose.yaml
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(addprefix -p ,$(PACKAGES))
	$(BIN)/lint-imports
	$(BIN)/python -m tests.language
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

docs: $(VENV)/.dev ## write the reference pages and the webhook's schema from the code
	$(BIN)/python -m tests.reference

release-check: $(VENV)/.dev ## check that version, CHANGELOG, tag, pages and wheel agree, and all is committed
	$(BIN)/python -m tests.release

bench: $(VENV)/.dev ## measure speed and memory, and print every round
	$(BIN)/python -m tests.benchmarks $(ARGS)

replay: $(VENV)/.dev ## hold the simulated servers to recorded dialogues with Windows (RECORDINGS=DIR)
	$(BIN)/python -m tests.collectors.simulator.replay $(if $(RECORDINGS),"$(RECORDINGS)")

# The pinned requirements, resolved for every platform and Python >= 3.11.0; needs uv. Not part of any other target.
# Runtime is what `make demo` and the image need: with the extras `up` (the demo's broker) and `apprise` (alerts
# from containers), without `postgres` (both have a database without it).
LOCK := uv pip compile --quiet --universal --python-version 3.11.0 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)
RUNTIME := pyproject.toml --extra up --extra apprise
lock: ## resolve the pinned requirements anew (needs uv; UPGRADE=1 takes the newest)
	$(LOCK) $(RUNTIME) --output-file requirements/runtime.txt
	$(LOCK) --group build --constraint requirements/runtime.txt --output-file requirements/build.txt
	$(LOCK) $(RUNTIME) --group dev --constraint requirements/runtime.txt --constraint requirements/build.txt \
		--output-file requirements/dev.txt

# The project is installed as a link to this directory, without resolving again.
define install
	@echo "installing $(1) into $(VENV), once"
	@$(BIN)/python -m pip install --quiet --require-hashes $(addprefix -r ,$(1))
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $@
endef

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(VENV)/.created
	$(call install,requirements/runtime.txt requirements/build.txt)

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/.created
	$(call install,requirements/dev.txt)
	@touch $(VENV)/.runtime

# A name on the PATH proves nothing (a shim may point nowhere, venv may be packaged apart), so each is tried.
CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
$(VENV)/.created:
	@for python in $(CANDIDATES); do \
		"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "creating $(VENV) with $$("$$python" --version)"; \
		"$$python" -m venv --clear $(VENV) && touch $@ && exit 0; \
		exit 1; \
	done; \
	echo "ipam-sync needs Python 3.11 or later with venv, and none of these is one: $(CANDIDATES)." >&2; \
	echo "Install one (on Debian and Ubuntu also python3-venv), or name it: make PYTHON=/path/to/python3 ..." >&2; \
	exit 1
