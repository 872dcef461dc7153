# Everything a reader, rerunner or builder needs; `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3.11
ADRL_PROFILE ?= paper
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
CHROMIUM = $(firstword $(shell command -v chromium chromium-browser google-chrome))
INDEX := _build/html/index.html

.PHONY: help env report test test-browser test-cluster book commentary pdf lint format bench lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

env: $(STAMP) ## Create .venv from requirements.lock

# torch comes first and without a hash: which of its builds fits (CPU or CUDA) is the machine's choice.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq "$$(grep -oE '^torch==[0-9.]+' requirements.lock)"
	$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	touch $@

report: $(STAMP) ## Run the quick profile and build the book from it
	$(BIN)/adrl study quick
	$(MAKE) book ADRL_PROFILE=quick

book: $(STAMP) ## Build the book from the results of ADRL_PROFILE (default: the committed paper results)
	ADRL_PROFILE=$(ADRL_PROFILE) $(BIN)/jupyter-book build book/ -W --keep-going
	@echo "Open $(abspath $(INDEX))"

commentary: $(STAMP) ## Let the local language model comment on the committed results anew
	$(BIN)/adrl weights
	ADRL_COMMENTARY=live $(BIN)/adrl run commentary --profile $(ADRL_PROFILE) --threads 2
	$(BIN)/adrl run commentary --profile $(ADRL_PROFILE)  # the results come from the recording

pdf: $(STAMP) ## Print the book to _build/report.pdf (needs Chromium)
	@test -n "$(CHROMIUM)" || { echo "make pdf: no chromium, chromium-browser or google-chrome on PATH" >&2; exit 1; }
	ADRL_PROFILE=$(ADRL_PROFILE) $(BIN)/jupyter-book build book/ -W --keep-going --builder singlehtml
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --virtual-time-budget=60000 --no-pdf-header-footer \
		--print-to-pdf=_build/report.pdf "file://$(abspath _build/singlehtml/index.html)"
	@echo "Open $(abspath _build/report.pdf)"

test: $(STAMP) ## Run all tests but those that need a browser or a cluster
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not cluster and not browser"

test-browser: $(STAMP) ## Open every page of the built book in a headless Chromium
	$(BIN)/python -m pytest -m browser tests/book

test-cluster: $(STAMP) ## Run the smoke study on a one-node Slurm
	$(BIN)/python -m pytest -m cluster tests/workflow

lint: $(STAMP) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure speed
	$(BIN)/python -m benchmarks

lock: $(STAMP) ## Compile requirements.in to requirements.lock and environment.yml
	$(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-emit-find-links --no-emit-index-url \
		--strip-extras --output-file=requirements.lock requirements.in
	$(BIN)/python -m adrl_core.report.environment requirements.lock environment.yml

clean: ## Remove what builds leave behind; results stay
	rm -rf _build book/notebooks book/assets/generated .pytest_cache .mypy_cache .ruff_cache .snakemake
