# Slipway's tasks. Each does its own set-up, says what it does, and is quick the second time.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run dev build test test-sqlite test-postgres test-s3 test-kubernetes test-browser test-mlflow test-deploy test-image lint bench bench-tracking bench-ui conformance torture crowd screenshots audit

CARGO ?= cargo
# Where `make run` and `make dev` serve; the portal's other settings are environment variables too (slipway --help).
ADDR ?= 127.0.0.1
PORT ?= 3000
# Of `make torture` and `make crowd`.
CYCLES ?= 200
CROWD_SECONDS ?= 120
# How many of its parts `make test` runs at a time.
LANES ?= 3
# One set of packages and features for checks and tests: another would compile the dependencies again.
SERVER_SIDE := --locked --workspace --exclude frontend --features domain/testing

say = @echo; echo "== $(1)"

help: ## Lists these targets
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | awk -F ':[^#]*## ' '{ printf "%-15s %s\n", $$1, $$2 }'

run: ## Builds the release and serves the portal on http://localhost:3000 (PORT=…, ADDR=…)
	$(call say,building and serving http://localhost:$(PORT))
	@$(CARGO) xtask run --release -- serve --listen $(ADDR):$(PORT)

dev: ## The same with a quick, unoptimised build
	$(call say,building and serving http://localhost:$(PORT))
	@$(CARGO) xtask run -- serve --listen $(ADDR):$(PORT)

build: ## Builds the one binary with the site inside
	$(call say,building the release)
	@$(CARGO) xtask build --release

test: ## Runs every test: Rust on both databases, an S3 server and Kubernetes, the browser stories, MLflow's client, torture, the manifests
	$(call say,building what the tests need)
	@scripts/test-tools.sh
	@$(CARGO) test $(SERVER_SIDE) --no-run
	@$(CARGO) xtask build --release
	@scripts/mlflow-client.sh
	@scripts/with-kubernetes.sh true
	@scripts/with-s3.sh true
	@# Most of them wait for servers and browsers half of the time, so several go side by side, the longest first.
	@$(MAKE) --no-print-directory --jobs $(LANES) --output-sync=line test-browser torture test-mlflow test-postgres test-kubernetes test-sqlite crowd test-deploy test-s3

test-sqlite: ## The Rust tests on SQLite
	$(call say,Rust tests on SQLite)
	@scripts/with-uv.sh $(CARGO) test $(SERVER_SIDE)

test-postgres: ## The Rust tests on an own PostgreSQL cluster
	$(call say,Rust tests on PostgreSQL)
	@scripts/test-tools.sh
	@scripts/with-postgres.sh scripts/with-uv.sh $(CARGO) test $(SERVER_SIDE) --lib --tests

test-s3: ## Artifacts in a bucket, on moto's S3 server from PyPI
	$(call say,artifacts on an S3 server)
	@scripts/with-s3.sh $(CARGO) test $(SERVER_SIDE) --test domain bucket

test-kubernetes: ## The engine kubernetes on an own control plane (built the first time: 3 to 10 minutes) and PostgreSQL, on a real node where root
	$(call say,the engine kubernetes on a real API server)
	@scripts/test-tools.sh
	@$(CARGO) xtask build --release
	@scripts/with-kubernetes.sh bash -ec 'scripts/with-postgres.sh $(CARGO) test $(SERVER_SIDE) --test domain kubernetes -- --nocapture; \
		cd end2end && npx --no-install playwright test --config kubernetes.config.ts'

test-browser: ## The browser stories, on the release build
	$(call say,browser stories on the release build)
	@scripts/test-tools.sh
	@$(CARGO) xtask build --release
	@cd end2end && ../scripts/with-uv.sh npx --no-install playwright test $(STORY)

test-mlflow: ## MLflow's own client against the release build, on SQLite and on two replicas with PostgreSQL and a bucket
	$(call say,MLflow's own client on the release build)
	@scripts/test-tools.sh
	@$(CARGO) xtask build --release
	@scripts/mlflow-client.sh
	@scripts/mlflow-client.sh -m pytest -q -p no:cacheprovider end2end/mlflow
	@# Two replicas, as at scale: on PostgreSQL, files in a bucket, each request to the other one.
	@SLIPWAY_TEST_REPLICAS=2 scripts/with-postgres.sh scripts/with-s3.sh scripts/mlflow-client.sh -m pytest -q -p no:cacheprovider --ignore end2end/mlflow/test_import.py --ignore end2end/mlflow/test_demo.py end2end/mlflow

test-deploy: ## The manifests in deploy/ against a real Kubernetes API server: dry run, Pod Security, access
	$(call say,manifests on a Kubernetes API server)
	@deploy/check.sh

test-image: ## What the container image holds, without Docker: by itself, then as a pod of deploy/overlays/small on a real node; needs root and kubectl
	$(call say,the image's root file system)
	@$(CARGO) xtask build --release
	@deploy/check-image.sh
	$(call say,the overlay small on a real node)
	@deploy/check-pod.sh

torture: ## Kills the portal CYCLES times while clients log, on both databases: nothing may be lost, torn or doubled
	$(call say,torture: $(CYCLES) crashes on each database)
	@scripts/test-tools.sh
	@$(CARGO) build $(SERVER_SIDE) --bin slipway
	@python3 end2end/torture/torture.py --control --cycles 8
	@python3 end2end/torture/torture.py --cycles $(CYCLES)
	@scripts/with-postgres.sh python3 end2end/torture/torture.py --cycles $(CYCLES)

crowd: ## Thirty-two clients log for CROWD_SECONDS beside a reader of one moment, on both databases: nobody is refused
	$(call say,a crowd of writers and one long reader)
	@scripts/test-tools.sh
	@$(CARGO) xtask build --release
	@python3 end2end/torture/crowd.py --seconds $(CROWD_SECONDS)
	@scripts/with-postgres.sh python3 end2end/torture/crowd.py --seconds 20

lint: ## Format, clippy for server and browser, and the architecture's invariants
	$(call say,format)
	@$(CARGO) fmt --all --check
	$(call say,clippy for the server side)
	@$(CARGO) clippy $(SERVER_SIDE) --all-targets -- -D warnings
	$(call say,clippy for the browser side)
	@rustup target add wasm32-unknown-unknown 2>/dev/null || true
	@$(CARGO) clippy --locked --package frontend --target wasm32-unknown-unknown -- -D warnings
	$(call say,invariants)
	@scripts/invariants.sh

bench: ## Measures what docs/benchmarks.md promises and prints a table
	$(call say,benchmarks on the release build)
	@$(CARGO) xtask build --release
	@python3 bench/bench.py

bench-tracking: ## Slipway beside a real MLflow server on this machine, on both databases: ratios
	$(call say,tracking beside MLflow on the release build)
	@scripts/test-tools.sh
	@$(CARGO) xtask build --release
	@scripts/mlflow-client.sh
	@scripts/mlflow-client.sh bench/tracking.py --database sqlite
	@scripts/with-postgres.sh --durable scripts/mlflow-client.sh bench/tracking.py --database postgres

bench-ui: ## The screens in Chromium, beside those of a real MLflow server with the same runs: time to usable, bytes, interactions
	$(call say,screens beside MLflow on the release build)
	@scripts/test-tools.sh
	@$(CARGO) xtask build --release
	@scripts/mlflow-client.sh
	@scripts/mlflow-client.sh bench/ui.py

conformance: ## Asks for every endpoint of MLflow's server and runs its client; writes docs/mlflow.md
	$(call say,MLflow's API on the release build)
	@$(CARGO) xtask build --release
	@scripts/mlflow-client.sh
	@scripts/mlflow-client.sh bench/conformance.py

screenshots: ## Draws every page in both themes, wide and narrow, into end2end/screenshots
	$(call say,screenshots)
	@scripts/test-tools.sh
	@$(CARGO) xtask build --release
	@cd end2end && ../scripts/with-uv.sh npx --no-install playwright test --config screenshots.config.ts

audit: ## Checks licences and advisories of the dependencies
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is not installed: cargo install --locked cargo-deny"; exit 1; }
	@$(CARGO) deny check
