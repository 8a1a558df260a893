# Two commands: `make compare` runs the main job, `make test` proves that it all works.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= synthetic
DATA_HOME ?=
JOBS ?= 2
TARGET ?= arousal
METHODS ?= usual

.PHONY: compare ablation bench derived test lint setup clean
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

# One thread for each of the test processes: two pools of threads on the same cores only wait for each other.
test: lint
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 SCIPY_ARRAY_API=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# What fit costs beyond the mathematics, in time and memory, in short: tables in results/bench.
bench: $(VENV)/.ready
	for script in overhead scaling parallel gpu; do $(BIN)/python -m benchmarks.$$script --short || exit 1; done

# Stubs, API page, tables and pictures that are written from the code: after a change of public names.
derived: $(VENV)/.ready
	$(BIN)/python docs/make_derived.py

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) results
