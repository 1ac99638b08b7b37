#!/usr/bin/env bash
# The demo, by `make demo`: the plant room of Renze with an MQTT broker, and the gateway on it.
# Ctrl-C ends all. Logs are in target/demo.
#
# Time runs DEMO_SPEED times faster (10, at most 60). Polls stay real seconds, so a pump's proof
# within 30 s of the plant has to be there in 30/DEMO_SPEED real ones: much faster, and the staging
# takes a pump whose flow it reads too late for one that does not run.
set -euo pipefail
cd "$(dirname "$0")/.."
# The program finds profiles and plugins above itself, so it is built in this checkout.
unset CARGO_TARGET_DIR
bin=target/release
site=configs/sites/renze-baihe.toml
logs=target/demo
speed=${DEMO_SPEED:-10}
start=2026-07-01T08:00 # a summer morning: heat goes into the ground
mkdir -p "$logs"
pids=()

finish() {
    trap - EXIT INT TERM
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    echo
    echo "demo: ended; logs are in $logs"
    exit "${1:-0}"
}
trap 'finish 0' INT TERM
trap 'finish $?' EXIT

# Waits until a log has a line, or its program has ended.
await() { # pid file text what
    for _ in $(seq 200); do
        grep -q "$3" "$2" && return
        kill -0 "$1" 2>/dev/null || { echo "demo: $4 did not start:" >&2; cat "$2" >&2; exit 1; }
        sleep 0.1
    done
    echo "demo: $4 is not ready:" >&2; cat "$2" >&2; exit 1
}

# The plugins that the site names, as components; nobody signs them, hence --development below.
plugins=$(sed -n 's/^package = "\(.*\)".*/\1/p' "$site")
for plugin in $plugins; do "$bin/wellhead" plugin build "plugins/$plugin"; done

setsid "$bin/wellhead-plant" run --speed "$speed" --start "$start" \
    --modbus-tcp 127.0.0.1:1502 --rtu /tmp/wellhead-demo-rs485 \
    --mbus /tmp/wellhead-demo-mbus --dlt645 /tmp/wellhead-demo-dlt645 \
    --onewire /tmp/wellhead-demo-sys --bacnet 127.0.0.1:47810 \
    --control 127.0.0.1:1503 --broker 127.0.0.1:18830 >"$logs/plant.log" 2>&1 &
pids+=($!)
await $! "$logs/plant.log" '^ready' 'the plant'
setsid "$bin/wellhead" run --development --speed "$speed" --start "$start" "$site" \
    >"$logs/gateway.log" 2>&1 &
pids+=($!)
await $! "$logs/gateway.log" Connected 'the gateway'

cat <<EOF

The plant room of Shengshi Baihe is running from $start, $speed times real time:
heat pumps on Modbus TCP, pumps and sensors on one RS-485 line, meters on M-Bus, CJ/T 188 and DL/T 645,
32 probes on 1-Wire, the building's controllers on BACnet/IP, one gateway.
盛世百合机房已启动（$start 起，$speed 倍速）：热泵走 Modbus TCP，水泵和传感器走一条 RS-485，仪表走 M-Bus、CJ/T 188 和 DL/T 645，
32 个测温探头走 1-Wire，楼宇控制器走 BACnet/IP，一台网关。

  the values as a platform gets them  mosquitto_sub -V mqttv5 -p 18830 -t 'wellhead/v1/#' -v
  one value                           $bin/wellhead read heat-pump-1/load_leaving_temperature --site $site
  write a setpoint, 10 plant minutes  $bin/wellhead write heat-pump-1/leaving_setpoint 42 --site $site
  what the offline cache holds        $bin/wellhead cache --site $site
  what the plugins do and cost        $bin/wellhead plugin list --site $site
  make a device fall silent           $bin/wellhead-plant fault --unit 1 --for-s 30 silent
  spoil the heat meters' bus          $bin/wellhead-plant fault --line mbus --for-s 60 garbage
  figures for Prometheus              http://127.0.0.1:9464/metrics

EOF
if [ -t 1 ]; then
    read -r -t 15 -p 'The live table follows in 15 s (Enter: now, Ctrl-C: end all) ' || true
    "$bin/wellhead" watch --site "$site" || true
else
    echo 'Ctrl-C ends all.'
    wait -n "${pids[@]}"
fi
