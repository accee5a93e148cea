# make run    the portal at http://localhost:8000/ (PORT=8001 moves it)     make test    every test
# make check  rules, types, layers, templates, migrations                 make bench   load and growth
# make demo-reset  the embedded database emptied and filled with demo data again

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes

.PHONY: run test check bench demo-reset
.DEFAULT_GOAL := run

run: $(VENV)/.installed
	@exec $(BIN)/python -m portal.launcher --with-parent

test: $(VENV)/.installed-dev
	@exec $(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

check: $(VENV)/.installed-dev
	@exec sh .ci/check

bench: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench

demo-reset: $(VENV)/.installed
	@exec $(BIN)/python -m portal.launcher --with-parent --reset-demo

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: requirements.lock | $(BIN)/uv
	@echo "安装依赖 · installing packages"
	@$(INSTALL) -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(INSTALL) -r requirements.lock -r requirements-dev.lock
	@touch $@
