# Speed and size of the gateway beside the floor; needs mosquitto. About seven minutes, and a quiet
# machine: the last column of the table tells how quiet it was.
.PHONY: bench bench-plugins bench-outage bench-soak bench-build

BENCH = target/release/wellhead-bench --wellhead target/release/wellhead

bench: bench-build ## Speed and size beside a floor program, and of plugins beside their aims
	$(BENCH)
	tests/bench/plugins.sh

# Without the seven minutes: what plugins cost, about five.
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
	cargo build --release --locked -p wellhead -p wellhead-bench
