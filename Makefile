# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
CANDIDATES ?= 2000
# Everything here starts many processes; none should have to compile the project again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test lint bench torture lock clean

demo: .venv/installed
	$(BIN)/hirelog demo --candidates $(CANDIDATES)

test: .venv/installed lint
	$(BIN)/python -m pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed
	$(BIN)/python -m tests.bench

torture: .venv/installed
	$(BIN)/python -m pytest -m long
	$(BIN)/python -m tests.torture

# Dependencies come pinned and hashed from requirements.lock; the project itself is added without any,
# and compiled, for pip compiles nothing of what it installs editable: a command starts a fifth sooner.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hirelog needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q domain projections api migrations
	touch .venv/installed

# Needs uv; writes names, versions and hashes only.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--quiet --upgrade --group dev pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
