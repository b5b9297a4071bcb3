# Depthwise Studio. `make run` opens it, `make test` checks it; both set up what they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev

.PHONY: run test check pytest exhaustive bench torture soak screenshots translations clean

run: $(READY)
	@$(BIN)/python main.py

$(READY): pyproject.toml constraints.txt tools/setup.sh
	@sh tools/setup.sh run $(PYTHON) $(VENV)
	@touch $@

$(DEV): $(READY) pyproject.toml constraints.txt tools/setup.sh
	@sh tools/setup.sh test $(PYTHON) $(VENV)
	@touch $@

# Everything a change must pass: static checks, then every test under a virtual display with a window manager.
test: $(DEV)
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory pytest

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/translations.py check

pytest: $(DEV)
	@sh tools/with_display.sh $(BIN)/python tools/run_tests.py

# Every case of what a few others stand for in the suite: all base models, all families.
exhaustive: $(DEV)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m exhaustive

# The figures named in the documents, measured here and now.
bench: $(DEV)
	@sh tools/with_display.sh $(BIN)/python -m tests.benchmarks

# Thirty kills of trainings, each resumed, goes on where it was stopped (docs/lasting.md); twenty outages of a stream.
torture: $(DEV)
	@$(BIN)/python -m tests.benchmarks.outages
	@nice -n 19 $(BIN)/python -m tests.benchmarks.torture

# Twenty minutes of a comparison on the sample, twenty on a stream: memory, handles and rates hold.
soak: $(DEV)
	@sh tools/with_display.sh $(BIN)/python -m tests.benchmarks.soak

screenshots: $(DEV)
	@sh tools/with_display.sh $(BIN)/python tools/screenshots.py --small

translations: $(DEV)
	$(BIN)/python tools/translations.py update
	$(BIN)/python tools/translations.py compile

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
