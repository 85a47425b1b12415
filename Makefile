# `make demo` and `make test` do all of their own set-up on a bare clone; they need Python 3.11 or later and make.
# The long ones: make prove, make bench, make test-real (Java 17 and Maven), make real-server. make test-deploy fetches validators.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PORT ?= 18080

.PHONY: help demo test check unit end-to-end lines prove bench compiled docs setup test-real test-deploy real-server lock clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: .venv/.runtime ## a morning rush over 3 sites in 60 s on the built-in server, and its report
	@$(BIN)/emrload run morning-rush --sites 3 --duration 60s --seed 7

# Where CI=true the lines that ran are counted as well, which takes half as long again; fewer than 90% fail.
COUNTED := $(filter true,$(CI))
PYTEST := $(BIN)/$(if $(COUNTED),coverage run -m )pytest

test: check unit end-to-end $(if $(COUNTED),lines) ## format, lint, types, imports; then all tests but the long ones

lines:
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --skip-empty | tail -n 40

check: .venv/.dev
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo | tail -n 3

# some of them wait, so that three at a time fill two cores; a timeout by a thread, as the code under test takes the
# alarm signal for itself, and a test that hangs must be named all the same; a minute before, it shows where it hangs
unit: .venv/.dev
	@rm -f .coverage .coverage.*
	@$(PYTEST) -q -n 3 -o timeout_method=thread -o faulthandler_timeout=240 -m "not end_to_end and not real and not prove" tests

# real processes that mostly wait: six tests side by side leave each of them on time, four where lines are counted;
# those that share what is slow to make stay together
end-to-end: .venv/.dev
	@$(PYTEST) -q -n $(if $(COUNTED),4,6) --dist loadgroup -m "end_to_end and not prove" tests

prove: .venv/.dev ## the long proofs on shipped scenarios
	@$(BIN)/pytest -q -m prove tests

compiled: .venv/.dev ## compile the hot path: a quarter less CPU for each request (needs a C compiler)
	@$(BIN)/python -m harness.engine.build

bench: compiled ## speed and memory beside other tools, two hours and a half; README.md shows the figures
	@$(BIN)/python -m benchmarks --write

# Nothing is fetched: links within are checked, those to elsewhere are listed in docs/_build/external-links.txt
docs: .venv/.dev ## build the documentation, docs/_build/html/index.html
	@$(BIN)/python -m sphinx -W --keep-going -n -q -d docs/_build/doctrees docs docs/_build/html
	@echo "docs/_build/html/index.html"

setup: .venv/.runtime ## make .venv with emrload and locust in it

test-real: .venv/.dev ## against a FHIR server that nobody here wrote (needs Java 17 and Maven)
	@$(BIN)/pytest -q -m real tests/real

test-deploy: .venv/.dev ## what is in deploy/, by validators that others wrote (fetched)
	@$(PIP) install --quiet --no-deps --require-hashes -r deploy/validators.lock
	@$(BIN)/pytest -q tests/unit/deploy

real-server: ## fetch, build and start that server on loopback, PORT=18080
	@tests/real/server/start.sh $(PORT)

lock: .venv/.dev ## resolve the dependencies anew
	@$(BIN)/pip-compile $(LOCK_FLAGS) -o requirements.lock pyproject.toml
	@$(BIN)/pip-compile $(LOCK_FLAGS) --extra dev -o requirements-dev.lock pyproject.toml
	@$(BIN)/pip-compile $(filter-out --build-deps-for editable,$(LOCK_FLAGS)) -c requirements-dev.lock -o deploy/validators.lock deploy/validators.in

LOCK_FLAGS := --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--strip-extras --build-deps-for editable --allow-unsafe --no-header

.venv/.runtime: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	@test -x $(BIN)/python || { echo "making .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing what emrload needs (about a minute, once)"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo "installing what the tests need (once)"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

clean: ## remove what make made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* docs/_build
