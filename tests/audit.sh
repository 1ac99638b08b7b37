#!/usr/bin/env bash
# Judges every dependency by deny.toml with cargo-deny: licences, bans, sources; and known
# vulnerabilities, if the advisory database (a git repository on github.com) can be fetched.
# Fails on what it finds. What it could not check it says, and does not fail for it.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo deny --version >/dev/null 2>&1 || {
    echo "audit: installing cargo-deny 0.20.2 (cargo install)"
    (cd / && cargo install cargo-deny --locked --version 0.20.2)
}

failed=0
cargo deny check licenses bans sources || failed=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if cargo deny fetch db >"$log" 2>&1; then
    cargo deny check advisories || failed=1
    checked="licences, bans, sources, advisories"
else
    tail -n 3 "$log" >&2
    checked="licences, bans, sources; NOT known vulnerabilities: their database can't be fetched here"
fi
if [ $failed = 0 ]; then verdict=clean; else verdict="see above"; fi
echo "audit: $verdict (checked: $checked)"
exit $failed
