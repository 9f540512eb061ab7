# `make run` starts the app, `make test` tests it; both first make what they need in .venv.
# PYTHON chooses the Python for .venv, PORT the app's port.
.DEFAULT_GOAL := help
PY := .venv/bin/python

.PHONY: help run test check bench shots words lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

run: ## start the app on 127.0.0.1:8501
	@sh scripts/run.sh

test: ## run the whole suite, browser tests too
	@sh scripts/test.sh

check: ## format, lint, types and the fast tests
	@sh scripts/environment.sh requirements.lock requirements-dev.lock
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -m pytest -q --ignore=tests/ml --ignore=tests/browser -m "not slow and not ml and not browser"

bench: ## print the figures of the benchmark table
	@sh scripts/environment.sh requirements.lock requirements-dev.lock
	$(PY) -m bench

shots: ## take the README's screenshots from the running app
	@sh scripts/environment.sh requirements.lock requirements-dev.lock
	$(PY) -m scripts.shots

words: ## collect the texts to translate into core/locales
	@sh scripts/environment.sh requirements.lock
	$(PY) -m scripts.words

lock: ## pin the newest versions that requirements.txt allows
	@sh scripts/lock.sh

clean: ## remove .venv and what tests and tools left behind
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
