#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS each, one after another, and prints what they came to.
# New inputs stay in tests/fuzz/corpus, what breaks a target in tests/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${FUZZ_SECONDS:-60}
toolchain=${FUZZ_TOOLCHAIN:-nightly}
targets=${FUZZ_TARGETS:-modbus_reply modbus_value cache_block command dlt645_reply sensor_text bacnet_datagram bacnet_request modbus_request mbus cjt188}

rustup run "$toolchain" rustc --version >/dev/null 2>&1 || {
    echo "fuzz: installing the $toolchain compiler (rustup)"
    rustup toolchain install "$toolchain" --profile minimal
}
cargo "+$toolchain" fuzz --version >/dev/null 2>&1 || {
    echo "fuzz: installing cargo-fuzz 0.13.2 (cargo install)"
    (cd / && cargo "+$toolchain" install cargo-fuzz --locked --version 0.13.2)
}

cargo "+$toolchain" fuzz build --fuzz-dir . --target-dir target
# Run from a copy, so that all targets are of one state of the sources.
host=$(rustup run "$toolchain" rustc -vV | sed -n 's/^host: //p')
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
for target in $targets; do
    cp "target/$host/release/$target" "$programs"
done
row='%-14s %12s %8s %6s %6s %7s  %s\n'
table=$(printf "$row" target executions exec/s cov ft corpus result)
failed=0
for target in $targets; do
    mkdir -p "corpus/$target" "artifacts/$target"
    log=$(mktemp)
    options=(-max_total_time="$seconds" -print_final_stats=1 -max_len=2048 -timeout=10
        -rss_limit_mb=512 -malloc_limit_mb=16 -artifact_prefix="artifacts/$target/")
    [ ! -f "dict/$target.dict" ] || options+=(-dict="dict/$target.dict")
    echo "fuzz: $target for $seconds s"
    result=clean
    "$programs/$target" "${options[@]}" "corpus/$target" "seeds/$target" >"$log" 2>&1 ||
        { result=BROKEN failed=1; tail -n 40 "$log"; }
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
    # A target that broke at once has none.
    last=$(grep -E '^#[0-9]+.* cov: ' "$log" | tail -n 1) || last=
    field() { sed -nE "s/.* $1: ([0-9]+).*/\1/p" <<<"$last"; }
    corpus=$(sed -nE 's/.* corp: ([0-9]+)\/.*/\1/p' <<<"$last")
    table+=$'\n'$(printf "$row" "$target" "$(stat number_of_executed_units)" \
        "$(stat average_exec_per_sec)" "$(field cov)" "$(field ft)" "$corpus" "$result")
    rm -f "$log"
done
echo
echo "$table"
echo "cov: code edges reached; ft: edges by how often, and data compared; corpus: inputs that matter"
exit $failed
