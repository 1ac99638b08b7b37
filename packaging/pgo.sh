#!/usr/bin/env bash
# Builds target/pgo/wellhead for this machine: the program of `--profile dist`, laid out by what a
# program that counts was seen to do (profile-guided optimisation): simulated years, and devices
# read over Modbus, BACnet and 1-Wire. Wants mosquitto. Twice the time of a plain build; nothing is
# done again that stands.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
triple=$(rustc -vV | sed -n 's/^host: //p')
profdata=$(rustc --print sysroot)/lib/rustlib/$triple/bin/llvm-profdata
[ -x "$profdata" ] || rustup component add llvm-tools
out=$target/pgo
seen=$out/seen.profdata
# In this folder wherever cargo builds: it finds the plugins by where it lies.
program=$PWD/target/pgo/wellhead

# With --target, so that build scripts and macros are built without these flags.
build() { # flags, folder
    RUSTFLAGS=$1 cargo build --profile dist --locked --target "$triple" --target-dir "$2" -p wellhead
}

build "-Cprofile-generate=$out/raw" "$out/counting"
counting=$out/counting/$triple/dist/wellhead
if [ ! "$seen" -nt "$counting" ]; then
    rm -rf "$out/raw"
    install -D "$counting" "$program"
    cargo build --profile dist --locked -p wellhead-bench
    cargo build --profile dist --locked -p wellhead-bacnet --example fleet
    for manifest in plugins/*/plugin.toml; do
        "$program" plugin build "$(dirname "$manifest")" >/dev/null
    done
    for days in renze-baihe:20 changshu-storage:5 yanqing-wells:5; do
        "$program" simulate "configs/sites/${days%:*}.toml" --days "${days#*:}" >/dev/null
    done
    bench=(--wellhead "$program" --seconds 20 --dir "$out/bench")
    "$target/dist/wellhead-bench" "${bench[@]}" --job 100x100 --job 500x30 >/dev/null
    "$target/dist/bench-buses" "${bench[@]}" --fleet "$target/dist/examples/fleet" >/dev/null
    "$profdata" merge -o "$seen" "$out"/raw/*.profraw
fi
build "-Cprofile-use=$seen" "$out/used"
install -D "$out/used/$triple/dist/wellhead" "$program"
echo "packaging: $program, $(stat -c %s "$program") bytes"
