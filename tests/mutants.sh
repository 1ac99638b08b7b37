#!/usr/bin/env bash
# Changes modbus, store and control in every small way, one at a time, and lists the changes that no test
# noticed (.cargo/mutants.toml says which). Hours for all; arguments narrow it down, for example
#   tests/mutants.sh -f value.rs
# The answers to the survivors stand in tests/mutants.md.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo mutants --version >/dev/null 2>&1 || {
    echo "mutants: installing cargo-mutants 27.1.0 (cargo install)"
    (cd / && cargo install cargo-mutants --locked --version 27.1.0)
}

# Nobody debugs a mutant.
export CARGO_PROFILE_DEV_DEBUG=0
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/mutants}
mkdir -p "$CARGO_TARGET_DIR"
failed=0
run() {
    local crate=$1
    shift
    echo "mutants: $crate"
    cargo mutants -p "wellhead-$crate" -j 1 --output "$CARGO_TARGET_DIR/$crate" "${narrow[@]}" \
        -- "$@" || failed=1
}
narrow=("$@")
# Each crate's own fast tests; what needs a broker, root or minutes is left out.
run modbus --lib --test codec --test plan --test faults
run store --lib --test conformance --test damage
run control --lib --test rules
exit $failed
