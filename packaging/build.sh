#!/usr/bin/env bash
# Builds TARGET/deb/wellhead_VERSION_ARCH.deb, for another architecture than this machine's with
# Debian's cross compiler. TARGET is CARGO_TARGET_DIR, or target/.
# Usage: packaging/build.sh amd64|arm64
set -euo pipefail
cd "$(dirname "$0")/.."

# The oldest libc that the package promises to run on: Debian 12's.
libc_max=2.36

arch=${1:?amd64 or arm64}
case $arch in
amd64) triple=x86_64-unknown-linux-gnu gnu=x86_64-linux-gnu ;;
arm64) triple=aarch64-unknown-linux-gnu gnu=aarch64-linux-gnu ;;
*)
    echo "packaging: no such architecture: $arch" >&2
    exit 2
    ;;
esac
target=${CARGO_TARGET_DIR:-target}
# This machine's own program, which also builds and signs the plugins. One for another machine is
# not laid out by what it was seen to do: it would have to be watched there.
packaging/pgo.sh
host=target/pgo/wellhead
if [ "$(rustc -vV | sed -n 's/^host: //p')" = "$triple" ]; then
    program=$host
else
    command -v "$gnu-gcc" >/dev/null || {
        echo "packaging: $gnu-gcc is missing; tests/setup.sh package installs it" >&2
        exit 1
    }
    linker=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$triple")_LINKER
    env "$linker=$gnu-gcc" cargo build --profile dist --locked --target "$triple" -p wellhead
    program=$target/$triple/dist/wellhead
fi

libc=$("$gnu-objdump" -T "$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -n1)
if [ "$(printf '%s\n' "$libc" "$libc_max" | sort -V | tail -n1)" != "$libc_max" ]; then
    echo "packaging: the program wants glibc $libc, newer than $libc_max; build on Debian 12" >&2
    exit 1
fi
needed=$("$gnu-objdump" -p "$program" | sed -n 's/^ *NEEDED *//p' | tr '\n' ' ')

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
root=$target/deb/$arch
rm -rf "$root"
put() { # mode, file, place below the root
    install -D -m "$1" "$2" "$root/$3"
}
put 0755 "$program" usr/bin/wellhead
"$gnu-strip" --strip-unneeded "$root/usr/bin/wellhead"
put 0644 packaging/wellhead.service usr/lib/systemd/system/wellhead.service
put 0644 packaging/60-wellhead.rules usr/lib/udev/rules.d/60-wellhead.rules
for f in configs/profiles/*.toml; do
    put 0644 "$f" "usr/share/wellhead/profiles/$(basename "$f")"
done
for f in configs/schema/*.json; do
    put 0644 "$f" "usr/share/wellhead/schema/$(basename "$f")"
done
put 0640 configs/sites/example.toml etc/wellhead/site.toml
# Editors follow this line; in the repository it is relative.
for f in "$root"/etc/wellhead/site.toml "$root"/usr/share/wellhead/profiles/*.toml; do
    sed -i 's|^#:schema \.\./schema/|#:schema file:///usr/share/wellhead/schema/|' "$f"
done
# Examples; their `../profiles` and `../schema` are beside them here too. The schema stays in the
# first line, where editors look for it.
for f in renze-baihe changshu-storage yanqing-wells; do
    put 0644 "configs/sites/$f.toml" "usr/share/wellhead/sites/$f.toml"
    sed -i -e '1a # An example, to read and for `wellhead simulate`. To `wellhead run` it takes the program that' \
        -e '1a # simulates its plant, wellhead-plant, which is in the repository and not in the package.' \
        -e 's|^data_dir = .*|data_dir = "/var/lib/wellhead"|' "$root/usr/share/wellhead/sites/$f.toml"
done

# The plugins, signed with a key that nobody keeps: what a box believes by it is this very build.
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
"$host" plugin key "$keys/wellhead" >/dev/null
install -d "$root/usr/share/wellhead/plugins"
for f in plugins/*/plugin.toml; do
    folder=$(dirname "$f")
    "$host" plugin build "$folder"
    "$host" plugin pack "$folder" --key "$keys/wellhead" \
        --out "$root/usr/share/wellhead/plugins/$(basename "$folder").whp"
done
rm "$keys/wellhead"
put 0644 "$keys/wellhead.pub" usr/share/wellhead/trusted-keys/wellhead.pub

# What `wellhead plugin new` needs, in a workspace of its own.
find sdk/rust sdk/manifest sdk/wit sdk/template sdk/README.md \
    \( -name target -o -name build \) -prune -o -type f ! -name Cargo.lock -print |
    while read -r f; do put 0644 "$f" "usr/share/wellhead/$f"; done
packaging/sdk-workspace.sh <Cargo.toml >"$root/usr/share/wellhead/sdk/Cargo.toml"

# The first page, and what its links lead to, in the same places beside it.
for f in README.md README.zh-CN.md docs/*.md gateway/crates/uplink/schema/*.json \
    plugins/*/README.md plugins/*/plugin.toml; do
    put 0644 "$f" "usr/share/doc/wellhead/$f"
done
ln -s ../../wellhead "$root/usr/share/doc/wellhead/configs"
ln -s ../../wellhead/sdk "$root/usr/share/doc/wellhead/sdk"
put 0644 packaging/deb/copyright usr/share/doc/wellhead/copyright
gzip -9n <CHANGELOG.md >"$root/usr/share/doc/wellhead/changelog.gz"
chmod -R u=rwX,go=rX "$root/usr"
chmod 0750 "$root/etc/wellhead"

size=$(du -sk "$root" | cut -f1)
install -d -m 0755 "$root/DEBIAN"
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@LIBC@/$libc/; s/@SIZE@/$size/" \
    packaging/deb/control.in >"$root/DEBIAN/control"
put 0644 packaging/deb/conffiles DEBIAN/conffiles
for f in postinst prerm postrm; do put 0755 "packaging/deb/$f" "DEBIAN/$f"; done
(cd "$root" && find usr -type f | LC_ALL=C sort | xargs md5sum >DEBIAN/md5sums)
deb=$target/deb/wellhead_${version}_$arch.deb
dpkg-deb --root-owner-group --build "$root" "$deb" >/dev/null
echo "packaging: $deb, $(stat -c %s "$deb") bytes; the program $(stat -c %s "$root/usr/bin/wellhead")" \
    "bytes, needs glibc $libc and ${needed% }; plugins:" \
    "$(cd "$root/usr/share/wellhead/plugins" && echo *.whp)"
