# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
CARGO ?= cargo

.PHONY: help demo test drill soak

help: ## What can be made
	@grep -hE "^[a-z-]+:.*##" $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort

demo: ## A simulated plant room, an MQTT broker and the gateway, on this machine
	@tests/setup.sh demo
	$(CARGO) build --release --target-dir target -p wellhead -p wellhead-plant
	@tests/demo.sh

test: ## Everything CI runs
	@tests/setup.sh test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -q -- -D warnings
	$(CARGO) build --workspace --all-targets
	$(CARGO) test --workspace

# With SOAK_SECONDS (3600) of faults and a minute of peace; SOAK_SEED (1) draws them. Needs mosquitto.
soak: ## Random faults on every bus: what was not seen, what stayed bad, and whether memory stayed flat
	@tests/setup.sh test
	$(CARGO) build --release --target-dir target -p wellhead -p wellhead-plant
	.venv/bin/python tests/soak.py --seconds $(or $(SOAK_SECONDS),3600) --seed $(or $(SOAK_SEED),1)

include tests/bench/bench.mk
include tests/drill/drill.mk
include packaging/package.mk
include tests/quality.mk
