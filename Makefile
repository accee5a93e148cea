# make run    the portal at http://localhost:8000/ (PORT=8001 moves it)     make test    every test
# make check  rules, types, layers, templates, migrations                 make bench   load and growth
# make latency  from the commit of a message to its receiver, kind by kind
# make chaos  whistles while worker, broker and database are killed, counted at the receivers
# make crowd  two hundred people and thirty wall screens for ten minutes, every error counted
# make topology  two webs behind nginx and two workers a queue, one web killed under load
# make restore-drill  back up, restore on a fresh server, compare; make audit  known vulnerabilities
# make manual  the pictures of /help, taken anew by the browser walks
# make demo-reset  the embedded database emptied and filled with demo data again

PYTHON ?= python3
unexport PYTHONDONTWRITEBYTECODE # each of a dozen processes would compile every module again
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# uv is five times as fast; pip knows the machine's own index and certificates where uv does not.
define install
@UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes $(1) || $(PIP) --require-hashes $(1)
@touch $@
endef

.PHONY: run test check bench latency chaos races crowd topology restore-drill audit manual demo-reset
.DEFAULT_GOAL := run

run: $(VENV)/.installed
	@exec $(BIN)/python -m portal.launcher --with-parent

test: $(VENV)/.installed-dev
	@exec $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: $(VENV)/.installed-dev
	@exec sh .ci/check

bench: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench

latency: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench.latency

chaos: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench.chaos

races: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench.thousand

crowd: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench.crowd

topology: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench.topology

restore-drill: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench.restore_drill

audit: $(VENV)/.installed-dev
	@exec $(BIN)/python -m ops.audit

manual: $(VENV)/.installed-dev
	@rm -rf var/manual && mkdir -p var/manual
	@SHOTS=$(CURDIR)/var/manual $(BIN)/python -m pytest -n auto --maxprocesses 4 tests/browser -k "not without"
	@exec $(BIN)/python -m tests.browser.cut var/manual

demo-reset: $(VENV)/.installed
	@exec $(BIN)/python -m portal.launcher --with-parent --reset-demo

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@$(PIP) uv

$(VENV)/.installed: requirements.lock | $(BIN)/uv
	@echo "安装依赖 · installing packages"
	$(call install,-r requirements.lock)

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(call install,-r requirements.lock -r requirements-dev.lock)
