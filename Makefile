# On a fresh machine `make demo` and `make test` do all the set-up; they need python3 (3.11 or later) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STEP := scripts/step
SERVICES := $(BIN)/python -m scripts.services
SHELL := /bin/bash

.DEFAULT_GOAL := help
# The steps of `make test` follow one another, under `make -j` too.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo serve dash dash-picture services services-stop test begin checks lint types unit wheel matrix matrix-next wheel-test example-test real accuracy bench bench-report bench-kill cache-validation capture-load fuzz deploy-check vendor screenshots format clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)$$/  make \1\t\2/' | expand -t 22

# Made anew when the requirements change; `make clean` removes it.
$(BIN)/ready: setup.cfg pyproject.toml scripts/environments.py
	$(PYTHON) scripts/environments.py $(VENV)
	@echo "Installing perfkit and its tools into $(VENV)"
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(BIN)/ready ## Run the example site, drive 2,000 requests at it and print the report
	$(BIN)/python example/demo.py

serve: $(BIN)/ready ## Leave the example site running, to browse it
	$(BIN)/python example/demo.py --serve

dash: services ## Show the dashboards: traffic on the example, statsd, Graphite, and a check of every target
	$(BIN)/python scripts/dash.py

dash-picture: services ## The same with nine minutes of traffic, and a picture of it for the docs
	$(BIN)/python scripts/dash.py --seconds 540 --picture docs/graphite-dashboard.png

services: $(BIN)/ready ## Start statsd, Graphite and PostgreSQL on loopback, for the tests and for trying out
	@$(SERVICES) start

services-stop: ## Stop them
	@$(SERVICES) stop

# However the checks end, the services are stopped. Without a service its tests are skipped; CI skips nothing.
# Not $(MAKE) by name in the recipe: `make -n test` would run such a line.
CHECKS := $(MAKE) --no-print-directory checks
test: begin $(BIN)/ready ## Check everything that CI checks
	@trap '$(SERVICES) stop' EXIT; \
	{ $(STEP) "Services" $(SERVICES) start || [ "$$CI" != true ]; } && $(CHECKS)
	@echo; echo "=== All of make test passed ==="; cat .matrix/steps/table
	@grep . .matrix/steps/unit

checks: lint types unit wheel matrix wheel-test example-test

begin:
	@rm -rf .matrix/steps
	@$(STEP) "System packages" $(PYTHON) scripts/system_packages.py

lint: $(BIN)/ready ## Check style and format (ruff)
	@$(STEP) "ruff check" $(BIN)/ruff check .
	@$(STEP) "ruff format" $(BIN)/ruff format --check .

types: $(BIN)/ready ## Check types (mypy --strict)
	@$(STEP) "mypy" $(BIN)/mypy --strict

unit: $(BIN)/ready ## Run the tests with branch coverage
	@$(BIN)/coverage erase
	@$(STEP) "pytest" $(BIN)/coverage run -m pytest -n 2 --dist loadgroup
	@tail -n 1 .matrix/steps/summaries > .matrix/steps/unit
	@$(BIN)/coverage combine -q
	@$(STEP) "Branch coverage" $(BIN)/coverage report

wheel: $(BIN)/ready ## Build the sdist and the wheel into dist/
	@$(STEP) "Wheel" $(BIN)/python scripts/wheel.py build

matrix: wheel ## Test the wheel on every Django and CPython found
	@$(STEP) "Matrix" $(BIN)/python scripts/matrix.py

matrix-next: wheel ## Test the wheel on the Django to come; it may fail
	-@$(STEP) "Next Django" $(BIN)/python scripts/matrix.py --next

wheel-test: wheel ## Test the wheel in a new environment, from another folder
	@$(STEP) "Wheel from another folder" $(BIN)/python scripts/wheel.py test

example-test: $(BIN)/ready ## Run the example site's own tests
	@cd example && ../$(STEP) "Example's tests" ../$(BIN)/python -m pytest

real: $(BIN)/ready ## Crawl sites that others wrote, and print their reports
	$(BIN)/python tests/real/run.py

accuracy: $(BIN)/ready ## Compare what perfkit and three other tools say about the N+1 corpus (CASE=S01: one case)
	$(BIN)/python -m tests.nplusone.accuracy.run $(addprefix --case ,$(CASE))

bench: .bench/ready ## Measure what perfkit and its peers add to Django (about half an hour)
	.bench/bin/python benchmarks/overhead.py --markdown docs/benchmarks.md

bench-report: .bench/ready ## Time perfreport over a month of stored data
	.bench/bin/python benchmarks/report_scale.py

cache-validation: .bench/ready ## Compare what the cache advisor predicts with what Django's cache then does
	.bench/bin/python benchmarks/cache_validation.py --every --markdown docs/cache-validation.md

capture-load: .bench/ready ## Capture requests under load on each CPython, and see who pays
	.bench/bin/python benchmarks/capture_load.py --markdown docs/capture-load.md

fuzz: services ## Send 100,000 made-up names through the real statsd and carbon (about ten minutes)
	$(BIN)/python -m tests.metrics.fuzz_names 100000

bench-kill: .bench/ready ## Kill a worker every second under load and compare the totals
	.bench/bin/python benchmarks/kill_workers.py

deploy-check: .deploy/ready ## Check real servers: totals, SIGTERM, kill -9, faults, 10,000 forks (half an hour)
	.deploy/bin/python benchmarks/deploy_check.py
	.deploy/bin/python benchmarks/deploy_faults.py
	.deploy/bin/python benchmarks/forks.py

# uWSGI once more as it was while it ran no threads unasked.
.deploy/ready: benchmarks/deploy-requirements.txt setup.cfg scripts/environments.py
	$(PYTHON) scripts/environments.py .deploy
	.deploy/bin/python -m pip install -q --disable-pip-version-check -e . -r benchmarks/deploy-requirements.txt
	$(PYTHON) scripts/environments.py .deploy/uwsgi-old
	.deploy/uwsgi-old/bin/python -m pip install -q --disable-pip-version-check uWSGI==2.0.26
	@touch $@

.bench/ready: benchmarks/requirements.txt setup.cfg scripts/environments.py
	$(PYTHON) scripts/environments.py .bench
	.bench/bin/python -m pip install -q --disable-pip-version-check -e . -r benchmarks/requirements.txt
	@touch $@

vendor: $(BIN)/ready ## Build the vendored JavaScript from what package.json pins
	$(BIN)/python scripts/vendor.py

screenshots: $(BIN)/ready ## Take the pictures in docs/ anew
	$(BIN)/python scripts/screenshots.py
	$(BIN)/python scripts/panel_pictures.py

format: $(BIN)/ready ## Format the code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove every environment, build and cache
	rm -rf $(VENV) .matrix .real .bench .deploy .accuracy .services build dist *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
