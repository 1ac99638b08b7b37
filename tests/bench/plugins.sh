#!/bin/sh
# What plugins cost on this machine, each figure beside its aim: a call and memory, the size of
# components, the speed of `simulate`. Wants target/pgo/wellhead and the wasm32 target of Rust.
set -eu
cd "$(dirname "$0")/../.."
wellhead=target/pgo/wellhead

cargo run --quiet --profile dist --locked -p wellhead-plugin-host --example plugins

echo
for manifest in plugins/*/plugin.toml; do
	folder=$(dirname "$manifest")
	"$wellhead" plugin build "$folder" >/dev/null
	name=$(basename "$folder")
	size=$(wc -c <"$folder/build/$name.wasm")
	awk -v n="$name" -v s="$size" \
		'BEGIN { printf "%-48s %9.1f kB   aim 100%s\n", "component " n, s / 1000, s < 1e5 ? "" : "   OVER" }'
done

# Wall seconds of a run.
simulated() {
	what=$1 aim=$2
	shift 2
	begun=$(date +%s.%N)
	"$wellhead" simulate "$@" >/dev/null
	awk -v w="$what" -v a="$aim" -v b="$begun" -v e="$(date +%s.%N)" \
		'BEGIN { printf "%-48s %9.1f s    aim %s\n", w, e - b, a }'
}
simulated "simulate, a year of a tank site" 10 configs/sites/changshu-storage.toml --years 1
simulated "simulate, ten years of a bore field" 60 configs/sites/renze-baihe.toml --years 10
