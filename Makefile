# `make demo` and `make test` work on a machine that has only Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers
SITE := $(VENV)/.site
LOWEST := .venv-lowest/.ready
FUZZ_MINUTES ?= 20
tests_of = $(foreach name,$(1),$(wildcard tests/test_$(name).py tests/*/test_$(name).py))

.DEFAULT_GOAL := help
.PHONY: help demo test test-lowest test-benchmarks test-slow coverage fuzz check check-conventions format benchmark benchmark-peers benchmark-quick benchmark-report benchmark-robustness benchmark-speed benchmark-large docs wheel clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "skdm2c needs Python 3.11 or newer; set PYTHON=/path/to/python3")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

# ClustPy wants the torchvision that fits this torch, and neither's other dependencies. What
# cannot be had stays away: the benchmark reports a method whose library is missing.
$(PEERS): benchmarks/requirements.txt $(READY)
	-$(BIN)/python -m pip install --quiet -c constraints.txt -r benchmarks/requirements.txt
	-$(BIN)/python -m pip install --quiet --no-deps torchvision==0.28.0 clustpy==0.0.3
	touch $@

$(SITE): pyproject.toml constraints.txt $(READY)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

$(LOWEST): pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --upgrade pip setuptools
	.venv-lowest/bin/python -m pip install --quiet -c constraints-lowest.txt -e '.[test]'
	touch $@

demo: $(READY)  ## cluster two unpaired sets of handwriting features, score and draw them
	$(BIN)/python examples/demo.py $(DEMO_ARGS)

test: $(READY)  ## run the test suite
	$(BIN)/python -m pytest -q -n auto --dist worksteal

test-benchmarks: $(READY)  ## run the tests of the benchmark programs
	$(BIN)/python -m pytest -q -n auto --dist worksteal benchmarks/tests

test-slow: $(READY)  ## run the tests that take longer, of all files or of SLOW="distributed site"
	$(BIN)/python -m pytest -q -m slow -n auto --dist loadfile $(call tests_of,$(SLOW))

test-lowest: $(LOWEST)  ## run the tests, all or those of LOWEST_TESTS, with the lowest versions promised
	.venv-lowest/bin/python -m pytest -q -n auto --dist worksteal $(call tests_of,$(LOWEST_TESTS))

# The slow tests here are those of processes and cut-off fits, which the suite alone leaves out.
coverage: $(READY)  ## the share of lines and branches that the suite and some slow tests run
	$(BIN)/python -m pytest -q -n auto --dist worksteal --cov --cov-report=
	$(BIN)/python -m pytest -q -m slow -n auto --dist loadfile --cov --cov-append --cov-report=term \
		$(call tests_of,checkpoint dask distributed examples)

fuzz: $(READY)  ## random use for FUZZ_MINUTES (20), with seeds that are printed
	@end=$$(($$(date +%s) + 60 * $(FUZZ_MINUTES))); \
	while [ $$(date +%s) -lt $$end ]; do \
		seed=$${FUZZ_SEED:-$$(date +%s)}; echo "FUZZ_SEED=$$seed"; \
		$(BIN)/python -m pytest -q -n auto --dist worksteal tests/test_fuzz.py \
			--hypothesis-profile=fuzz --hypothesis-seed=$$seed || exit 1; \
		[ -z "$$FUZZ_SEED" ] || exit 0; \
	done

check-conventions: $(READY)  ## what README, docs and recipes say of the package and its figures
	$(BIN)/python -m pytest -q .ci/test_conventions.py
	$(MAKE) benchmark-report
	git diff --exit-code -- '*.md'

check: $(READY)  ## lint, format check, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

format: $(READY)  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(READY) $(PEERS)  ## every method on the protocol's pairs; hours, resumes where it stopped
	$(BIN)/python -m benchmarks.protocol $(BENCHMARK_ARGS)

benchmark-peers: $(READY) $(PEERS)  ## set up what the peers need, as far as it can be had

benchmark-quick: $(READY)  ## three pairs, two seeds, the free baselines and ours: minutes
	$(BIN)/python -m benchmarks.protocol --quick --out benchmark_output/quick.jsonl $(BENCHMARK_ARGS)
	$(BIN)/python -m benchmarks.report --results benchmark_output/quick.jsonl --docs benchmark_output

benchmark-report: $(READY)  ## the benchmarks' pages and pictures from the committed runs
	$(BIN)/python -m benchmarks.report
	$(BIN)/python -m benchmarks.composition --report
	$(BIN)/python -m benchmarks.known_pairs --report
	$(BIN)/python -m benchmarks.robustness --report

benchmark-robustness: $(READY)  ## ours and k-means on disturbed problems; an hour, resumes
	$(BIN)/python -m benchmarks.robustness $(BENCHMARK_ARGS)

benchmark-speed: $(READY)  ## what steps and fits cost, as ratios; half an hour on a quiet machine
	$(BIN)/python -m benchmarks.speed $(BENCHMARK_ARGS)

benchmark-large: $(READY)  ## what a fit costs as data grow; an hour on a quiet machine
	$(BIN)/python -m benchmarks.large $(BENCHMARK_ARGS)

docs: $(SITE)  ## build the site into docs/_build/html, examples run, warnings are errors
	$(BIN)/python -m sphinx -W --keep-going -q -b html $(DOCS_ARGS) docs docs/_build/html

wheel: $(READY)  ## build the wheel and the sdist into dist/
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

clean:  ## remove what the commands above made
	rm -rf $(VENV) .venv-lowest dist build *.egg-info demo_output benchmark_output docs/_build docs/gallery docs/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
