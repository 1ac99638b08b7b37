#!/usr/bin/env bash
# Prints how many lines of each library crate the tests of all five reach. Test code is not counted:
# neither tests/, nor modules that only tests compile.
set -euo pipefail
cd "$(dirname "$0")/.."
crates=(model driver modbus store uplink)
least=85

rustup component list --installed | grep -q '^llvm-tools' || {
    echo "coverage: installing llvm-tools (rustup component add)"
    rustup component add llvm-tools
}
cargo llvm-cov --version >/dev/null 2>&1 || {
    echo "coverage: installing cargo-llvm-cov 0.9.1 (cargo install)"
    (cd / && cargo install cargo-llvm-cov --locked --version 0.9.1)
}

lcov=$(mktemp)
trap 'rm -f "$lcov"' EXIT
packages=()
for crate in "${crates[@]}"; do packages+=(-p "wellhead-$crate"); done
cargo llvm-cov test "${packages[@]}" --lcov --output-path "$lcov"

only_tests='(_tests|test_points|conformance)\.rs$'
awk -F'[:,]' -v least="$least" -v only_tests="$only_tests" -v crates="${crates[*]}" '
    $1 == "SF" {
        counted = match($2, /gateway\/crates\/[a-z]+\/src\//) && $2 !~ only_tests
        split(substr($2, RSTART), part, "/")
        crate = part[3]
        # From here on the file is its tests.
        end = 0; number = 0; before = ""
        while (counted && (getline line < $2) > 0) {
            number++
            if (before == "#[cfg(test)]" && line ~ /^mod [a-z_]+ \{/) { end = number; break }
            before = line
        }
        close($2)
    }
    $1 == "DA" && counted && (!end || $2 < end) { lines[crate]++; reached[crate] += $3 > 0 }
    END {
        printf "%-8s %7s %7s %8s\n", "crate", "lines", "reached", "share"
        n = split(crates, name, " ")
        for (i = 1; i <= n; i++) {
            c = name[i]
            share = lines[c] ? 100 * reached[c] / lines[c] : 0
            printf "%-8s %7d %7d %7.1f%%%s\n", c, lines[c], reached[c], share,
                share < least ? "  below " least "%" : ""
        }
    }' "$lcov"
