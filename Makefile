.DEFAULT_GOAL := help
SHELL := bash

VENV ?= .venv
PORT ?= 8000
DEMO_DIR ?= var/demo
python := $(VENV)/bin/python
side_by_side := -n 3 --dist loadfile --no-loadscope-reorder  # tests mostly wait: for browsers, workers, servers
templates = $$(find analysis comparisons evalsite generation people studio api -path '*/templates/*' -name '*.html')

.PHONY: help
help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10
	@echo 'Variables: VENV=$(VENV) PORT=$(PORT) DEMO_DIR=$(DEMO_DIR)'

# The two environments are one folder: the second adds what tests and checks need.
$(VENV)/.installed: requirements.txt requirements-web.txt
	@scripts/install $(VENV) requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt requirements-web.txt
	@scripts/install $(VENV) requirements-dev.txt
	@touch $(VENV)/.installed $@

.PHONY: venv
venv: $(VENV)/.installed  ## make the virtual environment and install the pinned requirements

.PHONY: demo
demo: venv  ## everything at once: a small study with images, a worker and the site on PORT
	@exec $(python) -m scripts.demo --port '$(PORT)' --dir '$(DEMO_DIR)'

.PHONY: run
run: venv  ## serve the site on PORT, from the settings in the environment
	@$(python) manage.py migrate --no-input
	@exec $(python) -m gunicorn --bind '127.0.0.1:$(PORT)' evalsite.wsgi

.PHONY: worker
worker: venv  ## make images and do the periodic work; starts a broker if none answers
	@exec $(python) -m scripts.worker

.PHONY: test
test: $(VENV)/.installed-dev  ## all tests on SQLite, then those of the database on PostgreSQL
	@scripts/install-test-packages
	@$(python) -m pytest $(side_by_side)
	@$(python) -m scripts.with_postgres $(python) -m pytest $(side_by_side) -m database

.PHONY: check
check: $(VENV)/.installed-dev  ## style, types, templates, imports, migrations, production settings
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/djade --check --target-version 5.2 $(templates)
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/mypy
	scripts/check-django $(python)

.PHONY: format
format: $(VENV)/.installed-dev  ## put code and templates into the one form
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/djade --target-version 5.2 $(templates)

.PHONY: messages
messages: $(VENV)/.installed  ## bring the raters' texts into comparisons/locale, and compile the translations
	@scripts/messages $(python)

.PHONY: lock
lock: $(VENV)/.installed  ## pin what requirements/*.in ask for
	VENV=$(VENV) scripts/lock
