# One command each; every command installs what it needs into .venv first.
# TORCH=cpu picks the small CPU-only build of torch; the default build runs on CPU and GPU.

PYTHON ?= python3
TORCH ?=
PORT ?= 5000

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Compiled once, at installation: every command imports torch, and some machines keep no compiled files of their own.
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python

export DO_NOT_TRACK := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo test lint viz site docs notebooks mlflow bench torture lock clean
.DEFAULT_GOAL := help

help: ## List the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | expand -t 10

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
ifeq ($(TORCH),)
	$(UV) -r requirements.lock
else
	grep -vE '^(nvidia-|cuda-|triton)' requirements.lock > $(VENV)/requirements.lock
	$(UV) --torch-backend=$(TORCH) -r $(VENV)/requirements.lock
endif
	$(UV) --no-deps --editable .
	touch $(READY)

demo: $(READY) ## Simulate chips, train, score, report
	kedro run
	@echo "The report: $$(ls -d data/*/08_reporting/report.html/*/report.html | tail -n 1)"

lint: $(READY) ## Style, types, architecture
	ruff format --check .
	ruff check .
	mypy
	lint-imports

docs: $(READY) ## The documentation as a site in build/docs, built strictly
	python docs/generate_parameters.py
	python -m sphinx -q -W --keep-going -b html docs build/docs

test: lint docs ## All checks and all tests
	pytest -n auto --dist=loadgroup --no-loadscope-reorder --cov --cov-config=pyproject.toml --cov-report=term

viz: $(READY) ## Open the pipelines in Kedro-Viz
	@echo "The stages as boxes, without datasets: http://127.0.0.1:4141/?pid=__default__&types=nodes"
	kedro viz run --host 127.0.0.1

site: $(READY) ## Kedro-Viz with previews as a static site in build/
	kedro viz build --include-previews

notebooks: $(READY) ## Open the notebooks in JupyterLab
	$(UV) --constraint requirements.lock --group notebooks
	kedro jupyter lab --ip=127.0.0.1 notebooks

mlflow: $(READY) ## Open the tracked runs
	@echo "Runs, as charts: http://127.0.0.1:$(PORT)/#/experiments/1/runs?workflowType=machine_learning&compareRunsMode=CHART"
	mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///data/mlflow/mlflow.db}" --host 127.0.0.1 --port $(PORT)

bench: $(READY) ## Print what the benchmarks measure
	python benchmarks/run_all.py

torture: $(READY) ## Kill the default run ten times, and see whether it ends the same
	python benchmarks/torture.py

lock: $(READY) ## Pin the newest versions that fit
	$(BIN)/uv pip compile --quiet --python-version 3.11 --no-emit-index-url --group dev pyproject.toml -o requirements.lock

clean: ## Remove the environment, caches and all data that runs have made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find data -mindepth 1 ! -name README.md -delete
