#!/usr/bin/env bash
# Changes modbus, store and control in every small way, one at a time, and lists the changes that
# no test noticed (.cargo/mutants.toml says which are made). Hours for all; arguments are those of
# cargo-mutants and narrow it down, for example
#   tests/mutants.sh -f value.rs
# Every change that no test notices needs an answer in tests/mutants.md. Ends with 0 if each has
# one, and with 1 if not, or if the tests fail on the unchanged code. What is left of a run, logs
# and lists, lies in target/mutants/CRATE/mutants.out.
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
# A mutant may ask for memory without end.
ulimit -v 8000000

failed=0
run() {
    local crate=$1 out=$CARGO_TARGET_DIR/$1 code=0
    shift
    [ -n "$(cargo mutants -p "wellhead-$crate" "${narrow[@]}" --list)" ] || return 0
    echo "mutants: $crate"
    cargo mutants -p "wellhead-$crate" -j 1 --output "$out" "${@/#/-C=}" "${narrow[@]}" || code=$?
    # 2: some were missed. 3: some never ended, which the clock noticed.
    case $code in
    0 | 2 | 3) judge "$out/mutants.out" ;;
    *) failed=1 ;;
    esac
}
judge() {
    local unanswered
    (cd "$1" && awk -F: '
        FNR == 1 { way = FILENAME; sub(/\.txt$/, "", way) }
        { file = $1; sub(/.*crates\//, "", file); all[file]++; n[file, way]++ }
        END {
            printf "%-32s %6s %7s %7s %7s %9s\n", "file", "all", "caught", "missed", "timeout", "unviable"
            for (f in all) printf "%-32s %6d %7d %7d %7d %9d\n", f, all[f], n[f, "caught"],
                n[f, "missed"], n[f, "timeout"], n[f, "unviable"] | "sort"
        }' caught.txt missed.txt timeout.txt unviable.txt)
    # Lines move; what is changed, and in which function, does not.
    unanswered=$(comm -23 \
        <(sed -E 's|^[^:]*crates/([^:]+):[0-9]+:[0-9]+: |\1: |' "$1/missed.txt" | sort) \
        <(sed -nE 's|^- `(.*)`$|\1|p' tests/mutants.md | sort))
    [ -z "$unanswered" ] || {
        printf 'mutants: missed, and not answered in tests/mutants.md:\n%s\n' "$unanswered"
        failed=1
    }
}
narrow=("$@")
# Each crate's own fast tests; what needs a broker, root or minutes is left out.
run modbus --lib --test={codec,plan,driver,faults,scan,server,image}
run store --lib --test={conformance,damage}
run control --lib --test={rules,reload,commands,device,told,relinquish,budget}
exit $failed
