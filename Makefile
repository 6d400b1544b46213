# Short names for what is run often; everything runs in the active virtual environment.

.PHONY: check test format tiny

check: ## format, lint, types and the fast tests, in under a minute
	ruff format --check .
	ruff check .
	mypy
	pytest -m "not slow"

test: ## all tests
	pytest

format:
	ruff format .
	ruff check --fix .

tiny: ## the whole graph in a few minutes, with a model of random weights
	s2 use tiny
	dvc repro
