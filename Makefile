# The two commands are `make chat` and `make test`; everything they need they install into .venv.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
FUZZ := $(VENV)/.installed-fuzz
FUZZ_SECONDS ?= 600
PYTHON ?= python3

.PHONY: chat test soak fuzz bench lint types layers reference clean

chat: $(STAMP)
	@if [ -t 0 ]; then $(BIN)/hubbub chat --start || test $$? = 130; \
	else $(BIN)/python examples/conversation.py; fi

# It says what it skips, for want of a compiler or Node.js.
test: $(DEV)
	$(BIN)/python -m pytest -n auto -rs

soak: $(DEV)
	$(BIN)/python -m pytest -n auto -rs --soak --timeout 3600

# ARGS names targets; all of them otherwise, each for FUZZ_SECONDS.
fuzz: $(FUZZ)
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(ARGS)

bench: $(DEV)
	$(BIN)/python -m bench $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

layers: $(DEV)
	$(BIN)/lint-imports

# What is told of the commands: docs/cli.md, the man page, the completions of the shells.
reference: $(DEV)
	$(BIN)/python docs/reference.py

clean:
	rm -rf $(VENV) build dist *.egg-info

# uv where it is installed: it is quick, and brings a Python where the machine's own is too old.
$(VENV):
	@if command -v uv >/dev/null; then uv venv -q --python '>=3.11' $(VENV); else \
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
	"Hubbub needs Python 3.11 or newer; this is %d.%d: install one, or name it: make PYTHON=..." % v[:2])' \
	&& $(PYTHON) -m venv $(VENV); fi

$(STAMP): pyproject.toml | $(VENV)
	@echo "installing Hubbub into $(VENV) ..."
	@if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python -e .; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check -e .; fi
	@touch $@

$(DEV): pyproject.toml | $(VENV)
	@if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python -e '.[dev]'; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'; fi
	@touch $@ $(STAMP)

$(FUZZ): $(DEV)
	@if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python -e '.[fuzz]'; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check -e '.[fuzz]'; fi
	@touch $@
