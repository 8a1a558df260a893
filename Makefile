# Two commands: `make compare` runs the main job, `make test` proves that it all works.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= synthetic
DATA_HOME ?=
JOBS ?= 2
TARGET ?= arousal
METHODS ?= usual
# Where pip takes torch from; empty: where it takes everything. PyTorch's own index has builds for the CPU alone:
# make TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
# The torch of `make lowest`; empty: the pinned one.
TORCH ?=
export VENV JOBS TORCH_INDEX TORCH

.PHONY: compare ablation bench derived works_with faults test suite rest coverage set_ups bare lowest lint setup clean
.DEFAULT_GOAL := compare

# Compare fusion methods by cross-validation: table and plots in results/$(DATA).
# DATA=studyforrest takes real recordings, from DATA_HOME (else they are downloaded to ~/avfusion_data).
# METHODS=family takes every fusion network instead, METHODS=all both. What was stopped goes on when repeated.
compare: $(VENV)/.ready
	$(BIN)/python -m benchmarks.accuracy --data $(DATA) --target $(TARGET) --methods $(METHODS) \
		--jobs $(JOBS) $(if $(DATA_HOME),--data-home "$(DATA_HOME)")

# What each part of recursive joint attention is worth, on DATA (also pom): table in results/ablation.
ablation: $(VENV)/.ready
	$(BIN)/python -m benchmarks.ablation --data $(DATA) --jobs $(JOBS) $(if $(DATA_HOME),--data-home "$(DATA_HOME)")

COVERED := sequences metrics preprocessing networks

# Three set-ups, each with its time at the end: the wheel alone and the lowest versions, at the same time, both in
# fresh environments outside this folder, and everything here.
test: lint set_ups coverage rest
	@echo "Set-ups: $$(cat $(VENV)/bare.time), $$(cat $(VENV)/lowest.time), $$(cat $(VENV)/rest.time)."

# conftest.py gives each of the test processes one thread.
suite: $(VENV)/.ready
	@start=$$SECONDS; $(BIN)/python -m pytest -n $(JOBS) --dist worksteal && \
		echo "everything $$((SECONDS - start)) s" > $(VENV)/$@.time

# All that `coverage` does not run.
rest: $(VENV)/.ready
	@start=$$SECONDS; $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(COVERED:%=--ignore=tests/%) && \
		echo "the rest $$((SECONDS - start)) s" > $(VENV)/$@.time

# The share of lines that tests run, in the rooms that all data pass through. Tracing costs half as much time
# again, too much for the whole suite.
coverage: $(VENV)/.ready
	$(BIN)/python -m pytest -q -n $(JOBS) $(COVERED:%=tests/%) $(COVERED:%=--cov=avfusion/%) \
		--cov-report=term:skip-covered

set_ups: $(VENV)/.ready
	$(MAKE) --jobs=2 --output-sync=target bare lowest

bare lowest: $(VENV)/.ready
	@start=$$SECONDS; .ci/set_up $@ && echo "$@ $$((SECONDS - start)) s" > $(VENV)/$@.time

# What fit costs beyond the mathematics, in time and memory, in short: tables in results/bench.
bench: $(VENV)/.ready
	for script in overhead scaling load parallel gpu long_table import_files store; do $(BIN)/python -m benchmarks.$$script --short || exit 1; done

# Stubs, API page, tables and pictures that are written from the code: after a change of public names.
derived: $(VENV)/.ready
	$(BIN)/python docs/make_derived.py

# The page on other libraries, from the tests that are marked with what they prove.
works_with: $(VENV)/.ready
	$(BIN)/python docs/make_works_with.py

# Hostile inputs, kills, full disks and clocks, all of them: counts in results/faults, and the page made of them.
faults: $(VENV)/.ready
	$(BIN)/python -m benchmarks.faults
	$(BIN)/python docs/make_what_held.py

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
ifneq ($(TORCH_INDEX),)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --index-url $(TORCH_INDEX) torch
endif
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) results
