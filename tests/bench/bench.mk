# Speed and size of the gateway beside the floor; needs mosquitto. About ten minutes, and a quiet
# machine: the last column of the table tells how quiet it was.
.PHONY: bench bench-plugins bench-buses bench-outage bench-soak bench-build

# What is packaged for this machine.
PROGRAM = target/pgo/wellhead
BUILT = $(or $(CARGO_TARGET_DIR),target)/dist
BENCH = $(BUILT)/wellhead-bench --wellhead $(PROGRAM)
FLEET = $(BUILT)/examples/fleet
BUSES = $(FLEET) && $(BUILT)/bench-buses --wellhead $(PROGRAM) --fleet $(FLEET)

bench: bench-build ## Speed and size beside a floor program, and of plugins and buses beside their aims
	$(BENCH)
	tests/bench/plugins.sh
	$(BUSES)

# What BACnet and 1-Wire cost, about three minutes: the client by itself, then the program.
bench-buses: bench-build
	$(BUSES)

# What plugins cost, about five minutes.
bench-plugins: bench-build
	tests/bench/plugins.sh

# The broker away for a minute, once gone and once stopped with its connections open.
bench-outage: bench-build
	$(BENCH) --outage end
	$(BENCH) --outage stop

# Ages and memory over ten minutes, a row a minute.
bench-soak: bench-build
	$(BENCH) --soak 600

bench-build:
	@tests/setup.sh test
	packaging/pgo.sh
	cargo build --profile dist --locked -p wellhead-bench
	cargo build --profile dist --locked -p wellhead-bacnet --example fleet
