# bnn_hw: every target sets up what it needs. 'make' alone prints the targets.
#
# Needs make, a shell and Python 3.11 or newer. Python packages go into .venv, pinned by
# constraints.txt; system tools that are missing are installed with apt where the user is root,
# else named with the command to run.

MODEL   ?= ecg17
CYCLES  ?=
TARGET  ?= xc7
SEED    ?=
JSON    ?=
AXI_LITE ?=
SIM     ?= icarus
RECORDS ?= $(BNN_HW_RECORDS)
EXPERIMENT ?= experiments/ecg17.toml
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
RUN     := $(BIN)/python -m

ifneq ($(strip $(RECORDS)),)
export BNN_HW_RECORDS := $(abspath $(RECORDS))
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup generate synth sim activity verify verify-all test test-fast lint train bench clean

help:
	@echo "bnn_hw - binary neural networks as FPGA hardware that computes the same bits"
	@echo
	@echo "  make generate [MODEL=ecg17] [CYCLES=3700]   hardware, C++ and vectors into build/<model>/;"
	@echo "                [AXI_LITE=1]                  registers behind AXI4-Lite, driver, C header"
	@echo "  make verify   [MODEL=...]                   every level, bit for bit; table, JSON and HTML"
	@echo "  make verify-all RECORDS=DIR [MODEL=...]     the same on the whole data set; 512 fragments in RTL"
	@echo "  make sim      [SIM=icarus|verilator]        cocotb benches: every cell, whole network on real ECG"
	@echo "  make activity [MODEL=...] [CYCLES=...]      toggles of every layer, full rate and low rate, for the report"
	@echo "  make test                                   everything a contributor must keep green (CI)"
	@echo "  make synth    [TARGET=xc7] [MODEL=...] [CYCLES=...] [JSON=1]   LUT, FF, RAM; Fmax and bitstream"
	@echo "                                              TARGET is xc7, ecp5-25k, ecp5-85k or up5k"
	@echo "  make train    EXPERIMENT=experiments/X.toml [RECORDS=DIR]   train from ECG records"
	@echo "  make bench                                  benchmarks against what a user would pick instead"
	@echo "  make setup                                  the set-up alone (everything)"
	@echo "  make test-fast | lint | clean               the fast tests | style, types, walls | remove build/"
	@echo
	@echo "MODEL is a shipped name (ecg5, ecg17, ecg5-small, ecg17-small) or a path to a frozen JSON. RECORDS"
	@echo "is a folder with the MIT-BIH records ('bnn-hw data DIR' fetches them)."

# ---- set-up -------------------------------------------------------------------------------------

# $(call need,command,apt package)
define need
	@command -v $(1) >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "setup: installing $(2) with apt"; \
	    { apt-get install -y -qq $(2) || { apt-get update -qq && apt-get install -y -qq $(2); }; } >/dev/null 2>&1 \
	      || { echo "setup: apt could not install $(2); install it by hand" >&2; exit 2; }; \
	  else echo "setup: $(1) is missing; run: sudo apt-get install $(2)" >&2; exit 2; fi; }
endef

# $(call install,extras)
define install
	@echo "setup: installing bnn_hw[$(1)] and what it needs into $(VENV)"
	@$(BIN)/pip install -q -c constraints.txt -e '.[$(1)]'
endef

$(VENV)/.base: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "setup: $(PYTHON) must be Python 3.11 or newer; give PYTHON=/path/to/python3.11" >&2; exit 2; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "setup: installing python3-venv with apt"; apt-get update -qq >/dev/null 2>&1; \
	    apt-get install -y -qq python3-venv >/dev/null 2>&1 && rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); \
	  else echo "setup: no venv module; run: sudo apt-get install python3-venv" >&2; exit 2; fi; }
	@echo "setup: installing bnn_hw into $(VENV)"
	@$(BIN)/pip install -q -c constraints.txt -e .
	@touch $@

$(VENV)/.verify: $(VENV)/.base
	$(call need,g++,g++)
	$(call need,perl,perl)
	$(call need,iverilog,iverilog)
	$(call install,verify)
	@touch $@

$(VENV)/.synth: $(VENV)/.base
	$(call install,synth)
	@touch $@

$(VENV)/.train: $(VENV)/.base
	$(call install,train)
	@touch $@

$(VENV)/.dev: $(VENV)/.verify $(VENV)/.synth $(VENV)/.train
	$(call install,dev)
	@touch $@

setup: $(VENV)/.dev
	@echo "setup: done; 'source $(VENV)/bin/activate' gives bnn-hw, 'make generate' makes hardware"

# ---- the way from a frozen network to hardware --------------------------------------------------

generate: $(VENV)/.base
	@$(BIN)/bnn-hw generate $(MODEL) $(if $(CYCLES),--cycles $(CYCLES)) $(if $(AXI_LITE),--axi-lite)

# With JSON=1 the last line of standard output is the JSON.
synth: $(VENV)/.synth
	@$(BIN)/bnn-hw synth $(MODEL) --target $(TARGET) $(if $(CYCLES),--cycles $(CYCLES)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json)

sim: $(VENV)/.verify
	@$(RUN) bnn_hw.simulate --sim $(SIM) --model $(MODEL)

# Counts go to build/activity/<model>.json and, with the next verify, into the report.
activity: $(VENV)/.verify
	@$(BIN)/bnn-hw activity $(MODEL) $(if $(CYCLES),--cycles $(CYCLES))

# All shipped networks unless MODEL is given on the command line.
verify: $(VENV)/.verify
	@mkdir -p build
	@$(RUN) bnn_hw.verify $(if $(filter command line environment,$(origin MODEL)),$(MODEL)) \
	  --json build/verify.json --html build/verify.html

# Golden and C simulation on every fragment of the network's data set, RTL on as many as hours allow.
verify-all: $(VENV)/.verify
	@[ -n "$(strip $(RECORDS))" ] || { echo "verify-all: give RECORDS=DIR, the MIT-BIH records" >&2; exit 2; }
	@mkdir -p build
	@$(RUN) bnn_hw.verify $(if $(filter command line environment,$(origin MODEL)),$(MODEL)) \
	  --fragments packed=all,torch=all,csim=all,verilator=512 \
	  --json build/verify-all.json --html build/verify-all.html

train: $(VENV)/.train
	@$(BIN)/bnn-hw train $(EXPERIMENT) --resume -o build/train/$(basename $(notdir $(EXPERIMENT))) \
	  $(if $(RECORDS),--records $(RECORDS))

bench: $(VENV)/.dev
	@$(BIN)/python benchmarks/golden.py
	@$(BIN)/bnn-hw generate $(MODEL)
	@echo "bench: area of each stage by Yosys, some minutes"
	@$(BIN)/python benchmarks/area.py build/$(MODEL)
	@echo "bench: docs/performance.md; what changed is measured anew, up to an hour or more"
	@$(BIN)/python benchmarks/performance.py

# ---- what a contributor must keep green ---------------------------------------------------------

lint: $(VENV)/.dev
	@echo "lint: style, types, import contract"
	@$(BIN)/ruff check bnn_hw tests sim benchmarks
	@$(BIN)/ruff format --check -q bnn_hw tests sim benchmarks
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

test-fast: $(VENV)/.dev
	@$(RUN) pytest -q -m "not slow" -n 2

test: lint
	@echo "test: unit, property and integration tests, the long ones too"
	@$(RUN) pytest -q -n 2 --dist loadfile --durations=15
	@echo "test: cocotb benches in both simulators"
	@$(RUN) bnn_hw.simulate --sim icarus
	@$(RUN) bnn_hw.simulate --sim verilator
	@echo "test: every level on every shipped network"
	@$(MAKE) --no-print-directory verify
	@echo "test: all passed; the report is build/verify.html"

clean:
	@rm -rf build
