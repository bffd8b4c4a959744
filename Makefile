# Everything happens inside the clone: the environment in .venv, what is built in build/.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.made
TORCH_STAMP := .venv/.made-torch
JOBS ?= 2
RUNS ?= 5
PYTEST := $(BIN)/pytest -n $(JOBS) --dist worksteal

# The caches of what we call, too.
export XDG_CACHE_HOME := $(CURDIR)/build/cache

.PHONY: help setup demo test test-long test-torch verify-long verify-arith fuzz-step bench lint clean

help: ## say what the targets do
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with all that Weft and its tests need

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check -e '.[dev]'
	touch $@

$(TORCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check -e '.[dev,torch]'
	touch $@

demo: $(STAMP) ## generate text with the shipped model on simulated RTL, compared with the functional device
	$(BIN)/weft generate models/weft-tiny --fabric demo --device rtl --prompt "And God " --tokens 16

test: $(STAMP) ## run the test suite (not tests/torch)
	$(PYTEST)

test-long: $(STAMP) ## run the tests that are too slow for each time: more fabrics with real logic, more operands and stalls
	$(PYTEST) -m long
	WEFT_LONG=1 $(PYTEST) $(wildcard tests/unit/test_pcu_*.py) tests/unit/test_switch.py

test-torch: $(TORCH_STAMP) ## compare the reference with transformers, live; installs torch into .venv
	$(BIN)/pytest tests/torch -o norecursedirs=__pycache__

verify-long: $(STAMP) ## the test suite again and again, each time with fresh seeds: make verify-long RUNS=5
	for run in $$(seq $(RUNS)); do $(PYTEST) --hypothesis-seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ') || exit 1; done

verify-arith: $(STAMP) ## compare native arithmetic with the real units; every operand, for an hour: make verify-arith FULL=1
	$(BIN)/python -m weft.sim.arith.verify --jobs $(JOBS) $(if $(FULL),--full)

fuzz-step: $(STAMP) ## random step programs against the oracle: make fuzz-step N=10000 SEED=1, RTL=20 of them on RTL, too
	$(BIN)/python tests/compiler/fuzz_step.py --programs $(or $(N),10000) --rtl $(or $(RTL),0) \
	  --seed $(or $(SEED),$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')) --out build/fuzz-step.json

bench: $(STAMP) ## run every benchmark; results in build/bench/results.json and results.md
	for each in benchmarks/bench_*.py; do \
	  $(BIN)/python $$each --out build/bench/$$(basename $$each .py).json || exit 1; \
	done
	$(BIN)/python benchmarks/results.py build/bench

lint: $(STAMP) ## ruff, and pyright on the packages that need no Amaranth
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/typing && mkdir -p build/typing/weft
	for each in hw sim compiler fpga; do ln -s ../../../$$each build/typing/weft/$$each; done
	for each in weft/*.py; do ln -s ../../../$$each build/typing/weft/; done
	$(BIN)/pyright

clean: ## remove what was built and cached, but not .venv
	rm -rf build .pytest_cache .hypothesis .ruff_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
