# The front door. `make run` starts River and the demo (PROTOCOL=pusher: its pages use pusher-js), `make test` runs everything;
# both install what is missing.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/
# Of the lock, in the environment: nobody needs one of their own.
UV := $(CURDIR)/$(RUN)uv
# As pip does: whom the machine trusts, for example a company's proxy.
export UV_SYSTEM_CERTS ?= true
# Servers are not on everybody's path.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
# The tests start Python a thousand times: what it compiled once is kept, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint types bench chaos docs setup venv lock clean

run: .setup/python $(if $(filter pusher,$(PROTOCOL)),.setup/js)
	@$(if $(filter pusher,$(PROTOCOL)),FORUM_PUSHER_JS=interop/node_modules/pusher-js/dist/web/pusher.min.js) \
	  $(RUN)python scripts/run.py

# Tests of rooms that run within one process: their coverage is measured and may only rise (see pyproject.toml).
MEASURED := $(addprefix server/tests/,auth channels core gateway model node protocols websocket)
PYTEST := $(RUN)pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder

test: setup
	$(MAKE) --jobs=2 lint types
	$(PYTEST) --cov --cov-report=term:skip-covered $(MEASURED)
	$(MAKE) --jobs=2 --keep-going audit-told test-rest test-js

.PHONY: test-rest test-js
test-rest: .setup/python
	$(PYTEST) $(MEASURED:%=--ignore=%) || { [ $$? = 1 ] && $(RUN)python scripts/again.py $(MEASURED:%=--ignore=%); }

# Both mostly wait, for servers and browsers: they run side by side, and what JavaScript says comes at its end.
test-js: .setup/python .setup/js
	@for package in clients/js examples/tasks examples/vite; do \
	  npm --prefix $$package test || { echo "Once more: $$package"; npm --prefix $$package test; } || failed=1; \
	done >.setup/test-js.log 2>&1; cat .setup/test-js.log; exit $${failed:-0}

# Bun and Deno are 200 MB.
.PHONY: test-runtimes
test-runtimes: .setup/python
	npm --prefix interop/runtimes ci
	npm --prefix interop/runtimes test

# Next.js is 340 MB and takes a minute to install and build: by itself, before a release.
.PHONY: test-next
test-next: .setup/python .setup/system .setup/js
	npm --prefix examples/next ci
	npm --prefix examples/next test

# Pusher's library for Go and its client for Java: their packages come from the registries, so by themselves.
.PHONY: interop
interop: .setup/python
	$(RUN)python interop/smoke.py

lint: .setup/python
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	cd server && ../$(RUN)lint-imports
	set -e; for package in server clients/python examples/forum examples/assistant deploy/aws; do (cd $$package && $(CURDIR)/$(RUN)deptry src); done

types: .setup/python
	$(RUN)mypy server/src clients/python/src deploy/aws/src
	$(RUN)pyright

# What the registries know against the packages of all locks. One that keeps no advisories, or is away, fails nothing.
# `make test` only tells of it: a checkout that passed does not fail because an advisory was published since.
.PHONY: audit audit-told
audit: .setup/python
	$(RUN)python scripts/audit.py
audit-told: .setup/python
	$(RUN)python scripts/audit.py --tell

# The peers are built once (half an hour with all compilers there); measuring takes a quarter of an hour.
bench: .setup/python
	$(RUN)python benchmarks/run.py --install
	$(RUN)pytest -q benchmarks/tests/test_dialects.py
	$(RUN)python benchmarks/run.py --short

# Hot paths counted in instructions, held against benchmarks/guard/recorded.json; record what is meant to stay.
.PHONY: guard guard-record
guard: .setup/python .setup/system
	cd benchmarks && ../$(RUN)python -m guard

guard-record: .setup/python .setup/system
	cd benchmarks && ../$(RUN)python -m guard --record

# Three browser clients side by side; a client whose server is not installed is left out.
.PHONY: bench-clients
bench-clients: .setup/python .setup/system .setup/bench-clients
	node benchmarks/clients/run.js

# The core in virtual time, under faults made from seeds: `make sim SEEDS=20000`, or FROM:TO. WORLD is nodes, pages,
# webhooks, parts, lists, shards or all.
SEEDS ?= 2000
WORLD ?= nodes
.PHONY: sim
sim: .setup/python
	$(RUN)python server/tests/simulation/run.py --world $(WORLD) --seeds $(SEEDS)

# Every fault to a real cluster, and the table of what it did in docs/reliability.md.
chaos: .setup/python .setup/system
	$(RUN)python chaos/every_fault.py --write

# Hours of churn on a real cluster: what only grows fails it. The curve and the table go into docs/reliability.md.
HOURS ?= 2
.PHONY: soak
soak: .setup/python .setup/system
	$(RUN)python chaos/soak.py --hours $(HOURS) --write

# Every attack to a River of its own, in 512 MiB where control groups can be made, and the table in docs/security.md.
.PHONY: attack
attack: .setup/python .setup/system
	$(RUN)python attacks/every_attack.py --write

# What strangers can send, by chance, for so many seconds: it raises nothing that is not promised. A seed gives the same again.
# Then what Lua scripts are called with at a Redis that was damaged, for as long.
FUZZ_S ?= 60
SEED ?= 1
.PHONY: fuzz
fuzz: .setup/python
	$(RUN)python attacks/fuzz.py --seconds $(FUZZ_S) --seed $(SEED)
	$(RUN)python attacks/fuzz_scripts.py --seconds $(FUZZ_S) --seed $(SEED)

# The same by coverage: what reaches new code is kept in attacks/corpus, from which `make fuzz` and the tests begin.
.PHONY: fuzz-guided
fuzz-guided: .setup/python
	$(UV) pip install --quiet --python $(RUN)python --require-hashes --requirement attacks/requirements.txt
	$(RUN)python attacks/guided.py --seconds $(FUZZ_S) --write

# The image, and the list of what is in it as dist/river-VERSION.cdx.json. For example DOCKER=podman, IMAGE_FLAGS=--pull.
IMAGE ?= riverlive/river
IMAGE_FLAGS ?=
DOCKER ?= docker
DIST ?= dist
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' server/pyproject.toml)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
.PHONY: image
image:
	$(DOCKER) build --file deploy/image/Dockerfile --tag $(IMAGE):$(VERSION) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) $(IMAGE_FLAGS) .
	mkdir -p $(DIST)
	$(DOCKER) run --rm --network none --entrypoint cat $(IMAGE):$(VERSION) /opt/river/sbom.cdx.json > $(DIST)/river-$(VERSION).cdx.json
	@$(DOCKER) image inspect --format '$(IMAGE):$(VERSION) is {{.Size}} bytes' $(IMAGE):$(VERSION)

# The deployment's whole life, the real commands against a fake AWS; prints what they say.
.PHONY: deploy-test
deploy-test: .setup/python .setup/system .setup/containers .setup/deploy
	$(RUN)pytest -m deploy -rP deploy/aws/tests

docs: .setup/python
	$(RUN)zensical build

# Versions and hashes of everything, without an index: it serves behind any mirror.
lock: $(RUN)uv
	$(UV) lock --upgrade
	$(UV) export --quiet --all-packages --all-groups --all-extras --no-emit-workspace --no-header --output-file requirements.lock
	$(RUN)python deploy/image/requirements.py --alone requirements.lock hiredis msgspec pyjwt > deploy/aws/src/riverd_aws/lambda.lock

# Side by side: each waits for another index.
setup: .setup/python
	$(MAKE) --jobs=3 .setup/system .setup/autobahn.done .setup/containers .setup/js .setup/deploy

# The `river` command in .venv/bin, and nothing else.
venv: .setup/python

# A system's Python takes no packages, so that everything is in an environment; its pip installs uv, which installs the rest.
$(RUN)uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "River needs Python 3.11 or newer. If there is one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@$(RUN)python deploy/image/requirements.py requirements.lock uv > $(VENV)/uv.txt
	@$(RUN)python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENV)/uv.txt

.setup/python: requirements.lock pyproject.toml server/pyproject.toml clients/python/pyproject.toml examples/forum/pyproject.toml examples/assistant/pyproject.toml deploy/aws/pyproject.toml | $(RUN)uv
	@mkdir -p .setup
	@echo 'Installing the Python packages of requirements.lock into $(VENV) (half a minute)'
	@$(UV) pip install --quiet --python $(RUN)python --require-hashes --requirement requirements.lock
	@$(UV) pip install --quiet --python $(RUN)python --no-deps --editable server --editable clients/python --editable examples/forum --editable examples/assistant --editable deploy/aws
	@touch $@

.setup/system: scripts/install_system.sh
	bash scripts/install_system.sh
	@mkdir -p .setup && touch $@

.setup/autobahn.done: scripts/install_autobahn.sh | .setup/python
	bash scripts/install_autobahn.sh
	@touch $@

# A container engine, if none runs; what stands in for images that cannot be pulled; a Caddy.
.setup/containers: scripts/install_containers.sh | .setup/system
	bash scripts/install_containers.sh
	@mkdir -p .setup && touch $@

.setup/js: clients/js/package-lock.json examples/tasks/package-lock.json examples/vite/package-lock.json interop/package-lock.json
	npm --prefix clients/js ci
	npm --prefix examples/tasks ci
	npm --prefix examples/vite ci
	npm --prefix interop ci
	@mkdir -p .setup && touch $@

# The AWS toolkit's command and the wheels of the Lambda package: from then on deploy/aws needs no network.
.setup/deploy: deploy/aws/package-lock.json deploy/aws/src/riverd_aws/lambda.lock .setup/python
	npm --prefix deploy/aws ci
	$(RUN)python -m riverd_aws.lambda_package
	@touch $@

.setup/bench-clients: benchmarks/clients/package-lock.json | .setup/js
	npm --prefix benchmarks/clients ci
	@touch $@

clean:
	rm -rf .setup $(VENV) .coverage .pytest_cache .mypy_cache .ruff_cache site
