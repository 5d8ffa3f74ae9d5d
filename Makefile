# Everything that evalhub needs is one of these words. Each does the set-up that it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where pip finds the CPU build of torch, when the index that it is set up with has none.
TORCH_CPU := https://download.pytorch.org/whl/cpu
ENGINE ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)

# Packages are compiled when they are first imported, which takes half the time of compiling them all.
# Where this variable is set they would be compiled anew by each process.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo check test most coverage lint dashboard bench browser

# Installs a Debian package where that can be done without asking; else the fallback is used, and said.
define debian
	@command -v $(1) >/dev/null 2>&1 || ldconfig -p | grep -q $(1) || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
	  (apt-get install -y -qq $(2) || (apt-get update -qq && apt-get install -y -qq $(2))) >/dev/null 2>&1; } \
	  || echo "$(2) is not installed: $(3)"
endef

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[$(ENGINE),openai,anthropic,train,dev]' || \
	  $(BIN)/python -m pip install --quiet --no-compile --extra-index-url $(TORCH_CPU) --editable '.[$(ENGINE),openai,anthropic,train,dev]'
	$(call debian,libtcmalloc_minimal,libtcmalloc-minimal4,the engine will use malloc variables instead)
	touch $@

browser:
	$(call debian,chromium,chromium,the tests that drive a browser will be skipped)

demo: setup
	$(BIN)/evalhub run quickstart

dashboard: setup
	$(BIN)/evalhub dashboard

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Real models take what cores there are, so they run after the rest. Most of a start is imports, which one
# thread does. On a CPU two run at a time, with one thread each. A GPU has room for one.
ENGINES := $(if $(filter cpu,$(ENGINE)),2,0)
ONE_THREAD := OMP_NUM_THREADS=1 VLLM_CPU_OMP_THREADS_BIND=nobind

# Python 3.12 and later count the lines that tests reach at little cost. On 3.11 it takes up to twice the processor
# time, so there only `make coverage` does it.
COVERAGE ?= $(shell $(PYTHON) -c 'import sys; print("sysmon" * (sys.version_info >= (3, 12)))')
PYTEST := $(if $(COVERAGE),COVERAGE_CORE=$(COVERAGE) $(BIN)/coverage run -m pytest,$(BIN)/python -m pytest)

# Some tests wait: for a browser, for a process to end. One worker more than cores fills that time.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

check: lint
	$(BIN)/python -m pytest -m "not engine and not browser and not slow" --numprocesses auto --dist worksteal

most: setup browser
	$(PYTEST) -m "not engine" --numprocesses $(WORKERS) --dist worksteal

test: setup
	$(if $(COVERAGE),$(BIN)/coverage erase)
	$(MAKE) --jobs 2 lint most
	$(ONE_THREAD) $(PYTEST) -m engine --numprocesses $(ENGINES) --dist loadfile
	$(if $(COVERAGE),$(BIN)/coverage combine --quiet && $(BIN)/coverage report)

coverage:
	$(MAKE) test COVERAGE=$(or $(COVERAGE),ctrace)

bench: setup
	$(BIN)/python benchmarks/rouge.py
	$(BIN)/python benchmarks/reading.py
	$(BIN)/python benchmarks/biases.py
	$(BIN)/python benchmarks/cascade.py
	$(BIN)/python benchmarks/judging.py
	$(BIN)/python benchmarks/harness.py
	$(BIN)/python benchmarks/replicas.py
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/scale.py --judgments 1000000 --judges 5
	$(BIN)/python benchmarks/nights.py
	$(BIN)/python benchmarks/alpaca.py
	$(BIN)/python benchmarks/ranking.py
	$(BIN)/python benchmarks/powered.py
	$(BIN)/python benchmarks/sequential.py
	$(BIN)/python benchmarks/decisions.py
	$(BIN)/python benchmarks/deciders.py
	$(BIN)/python benchmarks/classifiers.py
	$(BIN)/python benchmarks/coverage/measure.py
