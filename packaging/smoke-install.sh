#!/usr/bin/env bash
# Installs this machine's package, uses it from the installed place, and purges it: all in a copy of
# this system that is thrown away (an overlay in memory). Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" != inside ]; then
    sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
    deb=${CARGO_TARGET_DIR:-target}/deb/wellhead_${version}_$(dpkg --print-architecture).deb
    [ -e "$deb" ] || { echo "smoke: $deb is missing; make package builds it" >&2; exit 1; }
    exec "${sudo[@]}" unshare --mount --propagation private "$0" inside "$(realpath "$deb")"
fi
deb=$2
if dpkg-query -W wellhead >/dev/null 2>&1; then
    echo "smoke: wellhead is installed here; this check wants a machine without it" >&2
    exit 1
fi

mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work none /mnt/root
for d in proc dev; do mount --rbind "/$d" "/mnt/root/$d"; done
mount -t tmpfs none /mnt/root/run
mount -t tmpfs none /mnt/root/tmp
cp "$deb" /mnt/root/tmp/wellhead.deb

chroot /mnt/root bash -euo pipefail <<'INSIDE'
cd /
fail() {
    echo "smoke: $*" >&2
    exit 1
}
dpkg -i /tmp/wellhead.deb

echo "smoke: as the service's user"
setpriv --reuid=wellhead --regid=wellhead --clear-groups wellhead check /etc/wellhead/site.toml
for profile in /usr/share/wellhead/profiles/*.toml; do
    wellhead check --profile "$profile" >/dev/null || fail "$profile is no good profile"
done
for site in /usr/share/wellhead/sites/*.toml; do
    wellhead check "$site" >/dev/null || fail "$site is no good site here"
done
packages=(/usr/share/wellhead/plugins/*.whp)
[ -e "${packages[0]}" ] || fail "no plugins came with the package"
for package in "${packages[@]}"; do
    # Signed by a key that came with it: that is what `install` asks for.
    wellhead plugin inspect "$package" >/dev/null || fail "$package would not run"
    wellhead plugin install "$package" >/dev/null || fail "$package is not trusted"
done
rm -r /var/lib/wellhead
wellhead plugin new smoke --at /tmp/smoke >/dev/null || fail "no plugin can be begun"
[ "$(stat -c '%a %U:%G' /etc/wellhead/site.toml)" = "640 root:wellhead" ] || fail "mode of site.toml"
schema=$(sed -n '1s|^#:schema file://||p' /etc/wellhead/site.toml)
wellhead check --schema site | cmp - "$schema" || fail "the schema is not the program's"
dpkg --verify wellhead | tee /tmp/changed
[ ! -s /tmp/changed ] || fail "installed files differ from the package"
systemd-analyze verify wellhead.service
[ -e /usr/lib/udev/rules.d/60-wellhead.rules ] || fail "no rules for 1-Wire and GPIO"
systemd-analyze security --offline=true wellhead.service | tail -n1
systemctl enable wellhead.service

echo secret >/etc/wellhead/broker-password
install -d -o wellhead -g wellhead /var/lib/wellhead
touch /var/lib/wellhead/cache
dpkg -i /tmp/wellhead.deb # an upgrade keeps all of it
[ -e /var/lib/wellhead/cache ] && [ -e /etc/systemd/system/multi-user.target.wants/wellhead.service ] ||
    fail "an upgrade lost something"
dpkg --remove wellhead
[ -e /etc/wellhead/site.toml ] && [ -e /var/lib/wellhead/cache ] || fail "remove is not purge"
dpkg --purge wellhead

if getent passwd wellhead || getent group wellhead; then fail "purge left the user"; fi
INSIDE

# The upper layer holds all that was written: what the system below lacks was left by us, and a
# character device stands for what was deleted. adduser and dpkg keep logs and old versions.
left=$(cd /mnt/upper && find . -mindepth 1 -printf '%P %y\n' | while read -r path kind; do
    if [ "$kind" = c ]; then echo "deleted /$path"; fi
    if [ ! -e "/$path" ] && [ ! -L "/$path" ]; then echo "left /$path"; fi
done | grep -vE '^left /(etc/(passwd|group|shadow|gshadow)-|var/log/(dpkg|alternatives)\.log)$' || true)
if [ -n "$left" ]; then
    echo "smoke: purge did not undo everything:" "$left" >&2
    exit 1
fi
echo "smoke: installed, used, upgraded, removed and purged; nothing is left"
