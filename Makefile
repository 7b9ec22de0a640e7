# Everything a person types. Works with GNU make 3.81 and any POSIX shell.
#
#   make run                 serve the API on http://127.0.0.1:3000   (PORT=, MODEL=, STATE_DIR=, AWS_LIMITS=1, FRESH=1)
#   make test                set up and run the tests                 (ARGS="-k multipart -x")
#   make PYTHON=python3.12   use this interpreter for the virtual environment

VENV ?= .venv
PY := $(VENV)/bin/python
ARGS ?=
MODEL ?= isnet-general-use
# of stripe-event; only from make's command line, as every shell has a USER
STRIPE_EVENT := TYPE CUSTOMER USER SUBSCRIPTION PRICE INTERVAL STATUS MODE PERIOD_START PERIOD_END \
	CANCEL_AT_PERIOD_END AMOUNT PACK REASON CREATED SHAPE URL
export PYTHON VENV PORT MODEL STATE_DIR AWS_LIMITS CATALOGUE STACK CONFIRM

.DEFAULT_GOAL := help
.PHONY: help setup model run test test-slow test-e2e test-container test-deployed build invoke deploy destroy smoke lint type fmt check stripe-event bench bench-quality bench-large bench-cost bench-cold bench-page bench-accounts clean lock calibrate

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: ## create the virtual environment with everything for run, test and lint
	@sh tools/setup.sh dev

model: ## fetch, verify and prepare the weights of MODEL (isnet-general-use, u2net, u2netp)
	@sh tools/setup.sh run
	@$(PY) -m layers.model $(MODEL)

run: ## set up and serve the API on http://127.0.0.1:3000
	@sh tools/setup.sh run
	@exec $(PY) -m tools.run $(if $(filter-out 0 no false off,$(FRESH)),--fresh) $(ARGS)

test: ## set up and run the fast tests (no Docker, no Node.js, no large model)
	@sh tools/setup.sh dev
	@sh tools/side_venv.sh ministack
	@$(PY) -m layers.model u2netp
	@$(PY) -m pytest $(ARGS)

test-slow: ## the tests that take minutes or gigabytes
	@sh tools/setup.sh dev
	@sh tools/side_venv.sh ministack
	@$(PY) -m layers.model u2netp
	@$(PY) -m pytest -m slow $(ARGS)

test-e2e: ## the real JavaScript client against the local gateway (Node.js from the machine or a wheel)
	@sh tools/setup.sh dev
	@sh tools/side_venv.sh ministack
	@$(PY) -m layers.model u2netp
	@$(PY) -m pytest -m e2e $(ARGS)

test-container: ## build the image and run it under Lambda's emulator (Docker from the machine, or installed)
	@sh tools/setup.sh dev
	@$(PY) -m pytest -m container $(ARGS)

test-deployed: ## deploy the stack on a cloud emulator and call it; compare it with the local gateway
	@sh tools/setup.sh dev
	@$(PY) -m pytest -m deployed $(ARGS)

build: ## sam build: the container image (needs Docker) and the zip functions (MODEL=, CATALOGUE=plans.json)
	@sh tools/build.sh

invoke: ## run a function on a sample event, in its container: make invoke EVENT=events/rmbg_multipart.json
	@sh tools/setup.sh run
	@sh tools/side_venv.sh sam
	@sh tools/side_venv.sh ministack
	@$(PY) -m tools.lab.invoke "$(EVENT)" $(ARGS)

stripe-event: ## send a signed Stripe event to `make run`: make stripe-event TYPE=subscribe (no TYPE: what there is)
	@sh tools/setup.sh run
	@$(PY) -m tools.stripe_events $(foreach name,$(STRIPE_EVENT),$(if $(filter command,$(origin $(name))),"$(name)=$($(name))")) $(ARGS)

deploy: ## build and deploy into your AWS account (STACK=rmbg, MODEL=; asks before it creates anything)
	@sh tools/deploy.sh

destroy: ## delete the deployed stack and its images: make destroy CONFIRM=rmbg
	@sh tools/destroy.sh

smoke: ## check a deployed API: make smoke URL=https://... [KEY=...]
	@sh tools/setup.sh run
	@$(PY) -m tools.deployment smoke "$(URL)" $(KEY)

lint: ## ruff, formatting, the direction of imports; SAM, cfn-lint and checkov on the template, wheels for Lambda
	@sh tools/setup.sh dev
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@PYTHONPATH=.:layers/core $(VENV)/bin/lint-imports --no-cache
	@sh tools/gates.sh

type: ## mypy, strict
	@sh tools/setup.sh dev
	@$(VENV)/bin/mypy

fmt: ## format and fix what can be fixed
	@sh tools/setup.sh dev
	@$(VENV)/bin/ruff check --fix-only -q .
	@$(VENV)/bin/ruff format -q .

bench: ## our whole path against `rembg`: seconds by stage, ratio, peak memory
	@sh tools/setup.sh run
	@$(PY) -m benchmarks $(ARGS)

bench-quality: ## mattes and edges against the truth, beside `rembg` (ARGS="--model u2net --sides raw ours")
	@sh tools/setup.sh run
	@$(PY) -m benchmarks.quality $(ARGS)

bench-large: ## pictures of 100 megapixels in every format: seconds and peak memory
	@sh tools/setup.sh run
	@$(PY) -m benchmarks.large $(ARGS)

bench-cost: ## dollars for 1000 pictures by memory size, in the built image under Lambda's emulator (Docker)
	@sh tools/setup.sh dev
	@$(PY) -m benchmarks.lambda_cost $(ARGS)

bench-cold: ## from the start of a process to its first answer
	@sh tools/setup.sh run
	@$(PY) -m benchmarks.cold_start $(ARGS)

bench-page: ## write docs/benchmarks.md and the figures in other pages from the newest results (seconds)
	@sh tools/setup.sh run
	@$(PY) -m benchmarks.page $(ARGS)

bench-accounts: ## what counting costs: DynamoDB units a request, its share of a request's time
	@sh tools/setup.sh run
	@$(PY) -m benchmarks.accounting

calibrate: ## make the int8 calibration ranges anew (5.6 GB of memory; needed only when a model changes)
	@sh tools/calibrate.sh $(MODEL)

lock: ## resolve requirements/*.in anew into the hash-locked files
	@sh tools/lock.sh

clean: ## remove everything the Makefile made, but not the state in .local
	@rm -rf .venv .cache .aws-sam build benchmarks/results .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
