# Outages, kills and power cuts, judged against the promise. About two minutes; needs mosquitto,
# and root for the power cuts (they are skipped, and said to be, without).
drill: ## Outages, kills and power cuts: what was lost, judged against the promise
	@tests/setup.sh test
	$(CARGO) build --release --locked --target-dir target -p wellhead -p wellhead-plant -p wellhead-drill
	target/release/wellhead-drill
