#!/usr/bin/env bash
# Installs what `make demo` and `make test` need beyond rustup, and says what it does.
# Usage: tests/setup.sh demo|test|package
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?demo, test or package}

command -v cargo >/dev/null || {
    echo "setup: cargo is missing; install Rust with rustup first (https://rustup.rs)" >&2
    exit 1
}

packages=(gcc)
case $what in
demo) packages+=(mosquitto-clients) ;;
# clang and lld build the plugin in C; without them its test skips itself.
test) packages+=(python3-venv mosquitto mosquitto-clients socat mbpoll curl faketime openssl procps \
    e2fsprogs mount clang lld) ;;
package)
    packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross libgcc-s1-arm64-cross qemu-user-static \
        mosquitto mosquitto-clients jq systemd)
    ;;
esac
# npm of Debian wants Debian's own node; another node brings its own.
[ "$what" = test ] && ! command -v npm >/dev/null && packages+=(nodejs npm)
missing=()
for p in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "setup: installing with apt: ${missing[*]}"
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null
fi

if [ "$what" = test ]; then
    wanted=$(sha256sum tests/peers/requirements.txt | cut -d' ' -f1)
    if [ "$(cat .venv/wanted 2>/dev/null)" != "$wanted" ]; then
        echo "setup: Python peers into .venv (tests/peers/requirements.txt)"
        rm -rf .venv
        # Debian's own python, whose venv module apt has just brought.
        /usr/bin/python3 -m venv .venv
        .venv/bin/pip install -q --disable-pip-version-check -r tests/peers/requirements.txt
        echo "$wanted" >.venv/wanted
    fi
    wanted=$(sha256sum tests/peers/package-lock.json | cut -d' ' -f1)
    if [ "$(cat tests/peers/node_modules/.wanted 2>/dev/null)" != "$wanted" ]; then
        echo "setup: JavaScript peers into tests/peers/node_modules (tests/peers/package-lock.json)"
        (cd tests/peers && npm ci --silent --no-audit --no-fund)
        echo "$wanted" >tests/peers/node_modules/.wanted
    fi
fi

# rust-toolchain.toml lists these, but rustup does not add them to a toolchain that is there already.
# Without rustup, `wellhead plugin build` says what the distribution's compiler lacks.
targets=(wasm32-unknown-unknown)
[ "$what" = package ] && targets+=(aarch64-unknown-linux-gnu)
if command -v rustup >/dev/null; then
    installed=$(rustup target list --installed)
    for target in "${targets[@]}"; do
        grep -qx "$target" <<<"$installed" || rustup target add "$target"
    done
fi
