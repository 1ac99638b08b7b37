#!/usr/bin/env bash
# Builds target/deb/wellhead_VERSION_ARCH.deb. Usage: packaging/build.sh amd64|arm64
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:?amd64 or arm64}
case $arch in
amd64) triple=x86_64-unknown-linux-gnu ;;
arm64)
    triple=aarch64-unknown-linux-gnu
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    ;;
*) echo "packaging: no such architecture: $arch" >&2; exit 2 ;;
esac
cargo build --release --locked --target "$triple" -p wellhead

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
out=${CARGO_TARGET_DIR:-target}
root=$out/deb/root-$arch
rm -rf "$root"
install -D -m 0755 "$out/$triple/release/wellhead" "$root/usr/bin/wellhead"
install -D -m 0644 packaging/wellhead.service "$root/lib/systemd/system/wellhead.service"
install -D -m 0640 configs/sites/example.toml "$root/etc/wellhead/site.toml"
for f in configs/profiles/*.toml; do
    install -D -m 0644 "$f" "$root/usr/share/wellhead/profiles/$(basename "$f")"
done
for f in configs/schema/*.json; do
    install -D -m 0644 "$f" "$root/usr/share/wellhead/schema/$(basename "$f")"
done
for f in README.md README.zh-CN.md CHANGELOG.md; do
    install -D -m 0644 "$f" "$root/usr/share/doc/wellhead/$f"
done
install -D -m 0644 LICENSE "$root/usr/share/doc/wellhead/copyright"
install -d "$root/DEBIAN"
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/" packaging/deb/control.in >"$root/DEBIAN/control"
install -m 0644 packaging/deb/conffiles "$root/DEBIAN/conffiles"
install -m 0755 packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm "$root/DEBIAN/"
deb=$out/deb/wellhead_${version}_$arch.deb
dpkg-deb --root-owner-group --build "$root" "$deb" >/dev/null
echo "packaging: $deb ($(du -h "$deb" | cut -f1))"
