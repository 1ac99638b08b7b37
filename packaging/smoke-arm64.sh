#!/usr/bin/env bash
# Runs the program of the arm64 package, exactly as it ships, under qemu-user: `check` on every site
# of the repository, then `run` on the simulated plant room with a foreign broker and subscriber,
# both native. Usage: packaging/smoke-arm64.sh [SECONDS], a minute unless told otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
target=${CARGO_TARGET_DIR:-target}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
deb=$target/deb/wellhead_${version}_arm64.deb
plant=$target/dist/wellhead-plant
for f in "$deb" "$plant"; do
    [ -e "$f" ] || { echo "smoke: $f is missing; make package-smoke builds it" >&2; exit 1; }
done

work=$(mktemp -d)
pids=()
finish() {
    local status=$?
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    if [ $status = 0 ]; then rm -rf "$work"; else echo "smoke: failed; logs are in $work" >&2; fi
}
trap finish EXIT
fail() {
    echo "smoke: $*" >&2
    exit 1
}
# Waits until a command holds; the bound is only against hanging.
await() {
    local what=$1
    shift
    for _ in $(seq 300); do
        if "$@"; then return; fi
        sleep 0.1
    done
    fail "waited in vain for $what"
}

dpkg-deb -x "$deb" "$work/root"
wellhead=(qemu-aarch64-static -L /usr/aarch64-linux-gnu "$work/root/usr/bin/wellhead")
for site in configs/sites/*.toml "$work/root/etc/wellhead/site.toml"; do
    "${wellhead[@]}" check "$site"
done

"$plant" run --modbus-tcp 127.0.0.1:0 --control 127.0.0.1:0 --rtu-tcp 127.0.0.1:0 \
    >"$work/plant.out" 2>"$work/plant.log" &
pids+=($!)
# The broker cannot say which port it was given, so it is handed one that was free just now.
broker=$(perl -MIO::Socket::INET -e \
    'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport')
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$broker" >"$work/mosquitto.conf"
mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
pids+=($!)
await "the plant" grep -qsx ready "$work/plant.out"
await "the broker" grep -qs ' running$' "$work/mosquitto.log"
address() { sed -n "s/^listening $1 //p" "$work/plant.out"; }
mosquitto_sub -p "$broker" -q 1 -t 'wellhead/v1/+/+/data/#' -F '%J' >"$work/data.jsonl" &
pids+=($!)

# The demo's Modbus devices, on these ports and with the packaged profiles. The serial line becomes
# RTU over TCP: qemu-user 7.2 lacks the system calls that set a serial port (TCGETS2), so the meters'
# lines are left out, as is what is neither.
others='heat-meters|electricity-meters|probes|building'
awk -v RS= -v ORS='\n\n' -v no="^\\[line[.]($others)\\]|line = \"($others)\"|^\\[device[.]rooms-" \
    '$0 !~ no' configs/sites/renze-baihe.toml >"$work/modbus.toml"
sed -e "s|^data_dir = .*|data_dir = \"$work/data\"|" -e '/^profiles = /d' -e '/^metrics = /d' \
    -e "s|^url = .*|url = \"mqtt://127.0.0.1:$broker\"|" \
    -e "s|^tcp = .*|tcp = \"$(address modbus-tcp)\"|" -e '/^baud = /d' -e '/^parity = /d' \
    -e "s|^serial = .*|tcp = \"$(address rtu-tcp)\"\nframing = \"rtu\"|" \
    "$work/modbus.toml" >"$work/site.toml"
"${wellhead[@]}" run "$work/site.toml" 2>"$work/wellhead.log" &
gateway=$!
pids+=("$gateway")

answered() { # how many requests were answered on Modbus TCP (units 1 to 3) and on the RTU line
    "$plant" stats --control "$(address control)" | jq -c '.units
        | [map(select(.unit < 10)), map(select(.unit > 10))] | map(map(.answered) | add)'
}
sleep $((seconds / 2))
before=$(answered)
sleep $((seconds - seconds / 2))
after=$(answered)
kill -0 "$gateway" 2>/dev/null || fail "the gateway ended by itself"
kill -TERM "$gateway"
stopped() { ! kill -0 "$gateway" 2>/dev/null; }
for _ in $(seq 50); do
    if stopped; then break; fi
    sleep 0.1
done
stopped || fail "the gateway did not end within 5 s of SIGTERM"
wait "$gateway" || fail "the gateway ended with code $?"

jq -rs 'map(.topic as $t | .payload.samples[]
        | {device: ($t | split("/") | last), good: (.q == null and .v != null)})
    | group_by(.device)[] | "\(.[0].device) \(map(select(.good)) | length) \(length)"' \
    "$work/data.jsonl" >"$work/counts"
echo "device good-samples all-samples" | cat - "$work/counts" | column -t
sed -n 's/^\[device\.\([a-z0-9-]*\)\]$/\1/p' "$work/site.toml" >"$work/devices"
[ -s "$work/devices" ] || fail "no devices in the site"
while read -r device; do
    grep -q "^$device [1-9]" "$work/counts" || fail "no good sample of $device arrived"
done <"$work/devices"
jq -en --argjson a "$before" --argjson b "$after" '$b[0] > $a[0] and $b[1] > $a[1]' >/dev/null ||
    fail "polling ended half way: $before answers, then $after"
if grep -E 'ERROR|panicked' "$work/wellhead.log"; then fail "the gateway logged errors"; fi
echo "smoke: in $seconds s the plant answered the arm64 program $after times (Modbus TCP, RTU);" \
    "warnings in its log: $(grep -c WARN "$work/wellhead.log" || true)"
