#!/usr/bin/env bash
# Makes the manifest of the workspace that the SDK is installed as, of the repository's own on
# standard input: the same versions of everything, but only the SDK's crates.
set -euo pipefail
sed -e '/^\[profile\./,$d' \
    -e 's|^members = .*|members = ["manifest", "rust"]|' \
    -e 's|path = "sdk/|path = "|' \
    -e '/path = "\(gateway\|plugins\|plant\)/d'
