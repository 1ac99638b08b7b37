#!/usr/bin/env python3
"""A long run with random faults on every bus, by `make soak`.

The simulated plant room serves Modbus TCP, RTU, M-Bus, CJ/T 188, DL/T 645, 1-Wire and BACnet/IP;
the gateway runs on the demo's site without its plugins. Left out is GPIO: no kernel of a build
machine has a chip with lines to pull.

On each bus one fault follows another. Each must be met by a poll, as the plant counts; be told to
the subscriber of that device and, where it is of one point, that point, as an event or a quality
that is not good, for a reason that fits; and pass when it is over. Nothing else may be told to be
wrong, unless this machine stood still for longer than a device is waited for. Printed each minute:
resident memory, faults made, faults seen. At the end: all that was not so, which points are not
good a minute after the last fault, and whether memory stayed flat.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import paho.mqtt.client as mqtt

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOPIC = "wellhead/v1/renze-baihe/box1"
# How long a fault lasts and how long there is peace after it, s. A device is polled each 5 s and
# left alone for 10 s at most.
LASTS, PEACE = (18, 35), (22, 40)
# How much longer a fault is kept up until it was met and told, and how long after it a device may
# take to be good again, s.
PATIENCE_S = 40
# A round of this script takes 0.2 s. One that took longer than this says that the machine stood
# still, s, and excuses what is told within so many seconds of it.
STILL_S, EXCUSED_S = 0.8, 15
WARM_UP_S = 300
FLAT_KIB = 2048

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--seconds", type=int, default=3600, help="how long faults are made")
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--programs", type=pathlib.Path, default=ROOT / "target/release")
a = arguments.parse_args()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Program:
    """A program with its output in a file, ended with this one."""

    all = []

    def __init__(self, name, log, command):
        self.log = log / f"{name}.log"
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log.open("w"), stderr=subprocess.STDOUT
        )
        Program.all.append(self)

    def await_line(self, text):
        for _ in range(1200):
            for line in self.log.read_text().splitlines():
                if text in line:
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"soak: no `{text}` in {self.log}:\n{self.log.read_text()[-2000:]}")

    def rss_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


class Platform:
    """What a subscriber knows: the latest quality of each point, and all that was wrong."""

    def __init__(self, port):
        self.quality = {}
        # Time, device, point or None for an event, reason.
        self.wrong = []
        self.events = collections.Counter()
        self.never_good = set()  # nothing is concluded from these
        self.lock = threading.Lock()
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.on_connect = lambda c, *_: c.subscribe(f"{TOPIC}/#", qos=1)
        client.on_message = lambda _c, _d, m: self.take(m)
        client.connect("127.0.0.1", port)
        client.loop_start()

    def take(self, m):
        now = time.monotonic()
        kind, _, device = m.topic.removeprefix(TOPIC + "/").partition("/")
        if kind not in ("data", "event"):
            return
        body = json.loads(m.payload)
        with self.lock:
            for s in body.get("samples", []):
                q, reason = s.get("q", "good"), s.get("r")
                self.quality[(device, s["p"])] = (q, reason)
                if q != "good" and (device, s["p"]) not in self.never_good:
                    self.wrong.append((now, device, s["p"], reason))
            for e in body.get("events", []):
                self.events[e["kind"]] += 1
                if e["kind"] == "device_down":
                    self.wrong.append((now, e["device"], None, e["reason"]))

    def told(self, device, point, reasons, since):
        """When a device, or of it a point, was first told to be wrong for one of these reasons."""
        with self.lock:
            for at, d, p, reason in self.wrong:
                if at >= since and d == device and point in (None, p) and reason in reasons:
                    return at
        return None

    def not_good(self, device):
        """The device's points that were good at first and are not now."""
        with self.lock:
            now = [(p, q) for (d, p), q in self.quality.items() if d == device]
        return [(p, q) for p, q in now if q[0] != "good" and (device, p) not in self.never_good]


class Plant:
    """The plant's control channel."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.file = socket.create_connection((host, int(port))).makefile("rw")

    def ask(self, **request):
        self.file.write(json.dumps(request) + "\n")
        self.file.flush()
        answer = json.loads(self.file.readline())
        if not answer["ok"]:
            sys.exit(f"soak: {request}: {answer}")
        return answer


def on_line(line, units, kinds):
    """Faults of the answers of units, named by the devices that read them on this line."""

    def draw(rng):
        unit, kind = rng.choice(sorted(units)), rng.choice(kinds)
        return {"unit": unit, "line": line, "fault": kind}, [(units[unit], None)]

    return draw


# What a fault is told as.
GONE, SPOILED = {"no_reply"}, {"bad_reply"}
REASONS = {
    "silent": GONE, "garbage": SPOILED, "bad-crc": SPOILED, "short": SPOILED,
    "foreign-unit": SPOILED, "foreign-transaction": SPOILED, "exception": {"device_failure"},
    "refuse": {"unreachable"}, "sentinel": {"no_sensor"}, "unreliable": {"faulty", "no_sensor"},
    "out-of-service": {"out_of_service"},
}
PROBE_REASONS = {
    "bad-crc": SPOILED, "power-on": SPOILED, "disconnected": {"no_sensor"}, "missing": {"no_sensor"},
}
SPOILT = [{"kind": k} for k in ("silent", "garbage", "bad-crc", "short", "foreign-unit")]
BUSY = {"kind": "exception", "code": 6}
TCP = {1: "heat-pump-1", 2: "heat-pump-2", 3: "air-source"}
RTU = {
    11: "ground-pump", 12: "load-pump", 13: "air-pump", 14: "valves", 21: "ground-heat-meter",
    22: "load-heat-meter", 31: "heat-pump-power-meter", 32: "air-source-power-meter",
    33: "pump-power-meter", 41: "ground-string", 42: "weather-station", 43: "room-sensor",
}
DEPTHS = [1, 2, *range(5, 151, 5)]


def tcp(rng):
    if rng.random() < 0.2:
        return {"line": "tcp", "fault": {"kind": "refuse"}}, [(d, None) for d in TCP.values()]
    return on_line("tcp", TCP, [*SPOILT, {"kind": "foreign-transaction"}, BUSY])(rng)


def heat_meters(rng):
    if rng.random() < 0.25:
        point = rng.choice(["supply_temperature", "return_temperature"])
        unit, device = rng.choice([(21, "ground-heat-mbus"), (22, "load-heat-cjt188")])
        return {"unit": unit, "fault": {"kind": "sentinel", "point": point}}, [(device, point)]
    return on_line("mbus", {21: "ground-heat-mbus", 22: "load-heat-cjt188"}, SPOILT)(rng)


def probes(rng):
    depth = rng.choice(DEPTHS)
    shows = rng.choice(["bad-crc", "power-on", "disconnected", "missing"])
    fault = {"kind": "probe", "depth": depth, "shows": shows}
    return {"fault": fault}, [("bore-probes", f"at_{depth}_m")]


def building(rng):
    unit, device = rng.choice([(101, "substation"), (102, "rooms-south"), (103, "rooms-north")])
    kind = rng.choice(["silent", "garbage", "short", "unreliable", "out-of-service"])
    fault, point = {"kind": kind}, None
    if kind in ("unreliable", "out-of-service"):
        point = {101: "supply_temperature", 102: "room_101", 103: "room_103"}[unit]
        fault["point"] = point
    if kind == "unreliable":
        fault["reliability"] = rng.randint(1, 7)
    return {"unit": unit, "fault": fault}, [(device, point)]


BUSES = {
    "Modbus TCP": tcp,
    "Modbus RTU": on_line("rtu", RTU, [*SPOILT, BUSY]),
    "M-Bus, CJ/T 188": heat_meters,
    "DL/T 645": on_line("dlt645", {31: "heat-pump-dlt645", 32: "air-source-dlt645"}, SPOILT),
    "1-Wire": probes,
    "BACnet": building,
}


def site(folder, plant, broker):
    """The demo's site at this run's ports, without plugins."""
    text = (ROOT / "configs/sites/renze-baihe.toml").read_text()
    text = text[: text.index("\n[plugin.")]
    # No output is moved here, so what holds them need not be told.
    text = re.sub(r"\[device\.[a-z0-9-]+\.point\.[a-z0-9_]+\.output\]\n(?:.+\n)*", "", text)
    text = re.sub(r"(\[device\.[a-z0-9-]+\]\n)", r'\1poll = "5s"\nbackoff_max = "10s"\n', text)
    # Subscribed objects of the building are polled beside it, so that silence is noticed.
    text = text.replace("instance = 1001\n", 'instance = 1001\ncov_check = "5s"\n')
    for old, new in [
        ("127.0.0.1:18830", f"127.0.0.1:{broker}"),
        ("127.0.0.1:1502", plant.await_line("listening modbus-tcp").split()[-1]),
        ("../../target/demo", str(folder / "data")),
        ("../profiles", str(ROOT / "configs/profiles")),
        *[
            (f"127.0.0.1:{port}", plant.await_line(f"listening bacnet-{unit}").split()[-1])
            for unit, port in [(101, 47810), (102, 47811), (103, 47812)]
        ],
        ("127.0.0.1:47808", "127.0.0.1:0"),
        ('metrics = "127.0.0.1:9464"\n', ""),
        ("/tmp/wellhead-demo-", f"{folder}/"),
    ]:
        text = text.replace(old, new)
    path = folder / "site.toml"
    path.write_text(text)
    return path


def reasons(bus, fault):
    """What a fault may be told as."""
    if fault["kind"] == "probe":
        return PROBE_REASONS[fault["shows"]]
    # What is no frame of BACnet is dropped as if it had not come.
    if bus == "BACnet" and fault["kind"] in ("garbage", "short"):
        return GONE
    # Of an acknowledgement of M-Bus, one byte, nothing is left.
    if bus == "M-Bus, CJ/T 188" and fault["kind"] == "short":
        return GONE | SPOILED
    return REASONS[fault["kind"]]


class Bus:
    """One fault after the other on one bus."""

    def __init__(self, name, draw, rig):
        self.name, self.draw, self.rig = name, draw, rig
        self.rng = random.Random(f"{a.seed} {name}")
        self.made, self.seen = collections.Counter(), collections.Counter()
        self.failures = []
        self.slowest = 0.0
        self.drawn = self.now = None
        # What is over, until its devices are good again.
        self.passing = None
        # Device → when it had a fault, up to when it was good again.
        self.windows = collections.defaultdict(list)
        self.window = None
        self.next = time.monotonic() + self.rng.uniform(*PEACE)

    def step(self, may_begin, met):
        now = time.monotonic()
        if self.passing:
            self.let_pass(now)
        if now < self.next:
            return
        if self.now:
            self.end(now, met)
        elif may_begin and not self.passing:
            self.begin()

    def begin(self):
        request, where = self.drawn = self.drawn or self.draw(self.rng)
        since = time.monotonic()
        # What is already told for the same reason, because the machine stood still, is not told
        # again.
        if bad := {d: points for d, _ in where if (points := self.rig.platform.not_good(d)[:3])}:
            if since < self.next + PATIENCE_S:
                return
            self.failures.append(f"{json.dumps(request)}: not good before it: {bad}")
        self.drawn = None
        made = self.rig.plant.ask(do="fault", **request)["id"]
        self.now = (request, since, made, where)
        self.next = since + self.rng.uniform(*LASTS)
        self.window = [since, None]
        touched = [device for device, _ in where]
        if request["fault"]["kind"] == "sentinel":
            # The meter shows it at its other port too.
            touched.append(RTU[request["unit"]])
        for device in touched:
            self.windows[device].append(self.window)

    def end(self, now, met):
        request, since, made, where = self.now
        fault = request["fault"]
        # Connections that are refused, and what a sensor shows, the plant cannot count.
        unmet = fault["kind"] not in ("refuse", "sentinel", "probe") and met[made] == 0
        fitting = reasons(self.name, fault)
        told = {w: self.rig.platform.told(*w, fitting, since) for w in where}
        unseen = [w for w, at in told.items() if at is None]
        if (unmet or unseen) and now < self.next + PATIENCE_S:
            return
        self.rig.plant.ask(do="clear", id=made)
        kind = fault["kind"]
        self.made[kind] += 1
        if unmet:
            self.failures.append(f"{json.dumps(request)}: met by no poll")
        elif unseen:
            known = {d: self.rig.platform.not_good(d)[:3] for d, _ in unseen}
            self.failures.append(f"{json.dumps(request)}: met {met[made]} times, not seen: {known}")
        else:
            self.seen[kind] += 1
            self.slowest = max(self.slowest, *(at - since for at in told.values()))
        self.now, self.passing = None, (now, request, [device for device, _ in where])
        self.next = now + self.rng.uniform(*PEACE)

    def let_pass(self, now):
        over, request, devices = self.passing
        bad = {d: self.rig.platform.not_good(d)[:3] for d in devices}
        bad = {d: points for d, points in bad.items() if points}
        if bad and now < over + PATIENCE_S:
            return
        if bad:
            self.failures.append(f"{json.dumps(request)}: over, and still {bad}")
        self.window[1] = now
        self.passing = None


class Rig:
    """Everything that runs."""

    def __init__(self, folder):
        programs = a.programs
        plant = Program("plant", folder, [
            programs / "wellhead-plant", "run", "--modbus-tcp", "127.0.0.1:0", "--control",
            "127.0.0.1:0", "--rtu", folder / "rs485", "--mbus", folder / "mbus", "--dlt645",
            folder / "dlt645", "--onewire", folder / "sys", "--bacnet", "127.0.0.1:0",
            "--rtu-latency-ms", "5-20", "--start", "2026-01-10T06:00",
        ])
        plant.await_line("ready")
        self.plant = Plant(plant.await_line("listening control").split()[-1])
        port = free_port()
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        broker = Program("mosquitto", folder, ["/usr/sbin/mosquitto", "-c", config])
        broker.await_line("running")
        self.platform = Platform(port)
        file = site(folder, plant, port)
        self.gateway = Program("gateway", folder, [programs / "wellhead", "run", file])


def unexplained(platform, buses, still):
    """What was told to be wrong while no fault was made there; and how much of that is excused."""
    windows = collections.defaultdict(list)
    for bus in buses:
        for device, of in bus.windows.items():
            windows[device] += of
    strange, excused = [], 0
    for at, device, point, reason in platform.wrong:
        # What was under way when the points were good again.
        if any(begun <= at <= end + 2 for begun, end in windows[device]):
            continue
        if any(begun <= at <= begun + took + EXCUSED_S for begun, took in still):
            excused += 1
        else:
            strange.append((device, point, reason))
    return strange, excused


def soak(folder):
    rig = Rig(folder)
    start = time.monotonic()
    # Until each point was read, apart from those that are read once an hour and those without a
    # sensor, which stay as they are.
    while time.monotonic() < start + 45:
        time.sleep(1)
    good = {k for k, (q, _) in rig.platform.quality.items() if q == "good"}
    devices = {d for d, _ in good}
    never = sorted(k for k, (q, _) in rig.platform.quality.items() if q != "good")
    with rig.platform.lock:
        rig.platform.never_good.update(never)
        rig.platform.wrong.clear()
    print(f"soak: {len(good)} points of {len(devices)} devices are good; not: {never}", flush=True)
    if len(devices) < 23:
        sys.exit(f"soak: only {sorted(devices)} are read; logs in {folder}")
    start = time.monotonic()
    buses = [Bus(name, draw, rig) for name, draw in BUSES.items()]
    rss, still = [], []
    while (past := time.monotonic() - start) < a.seconds or any(b.now or b.passing for b in buses):
        begun = time.monotonic()
        met = {f["id"]: f["met"] for f in rig.plant.ask(do="faults")["faults"]}
        for bus in buses:
            bus.step(past < a.seconds, met)
        if rig.gateway.process.poll() is not None:
            sys.exit(f"soak: the gateway ended, {rig.gateway.log}")
        if past >= 60 * len(rss):
            rss.append(rig.gateway.rss_kib())
            made, seen = (sum(sum(getattr(b, f).values()) for b in buses) for f in ("made", "seen"))
            minutes = len(rss) - 1
            figures = f"RSS {rss[-1]:6} KiB, {made} faults, {seen} seen"
            print(f"soak: minute {minutes:3}, {figures}", flush=True)
        time.sleep(0.2)
        if (took := time.monotonic() - begun) > STILL_S:
            still.append((begun, took))
    time.sleep(60)
    after = dict(rig.platform.quality)
    stuck = sorted((*k, *after[k]) for k in good if after[k][0] != "good")
    for bus in buses:
        kinds = ", ".join(f"{k} {bus.seen[k]}/{n}" for k, n in sorted(bus.made.items()))
        print(f"soak: {bus.name}: seen/made {kinds}; told after {bus.slowest:.0f} s at most")
    failures = [f"{b.name}: {m}" for b in buses for m in b.failures]
    strange, excused = unexplained(rig.platform, buses, still)
    took = f", {max(t for _, t in still):.1f} s at most" if still else ""
    print(f"soak: events {dict(rig.platform.events)}")
    print(f"soak: the machine stood still {len(still)} times{took}; told because of it: {excused}")
    print(f"soak: wrong without a fault: {strange or 'nothing'}")
    print(f"soak: not met, not seen or not over: {failures or 'nothing'}")
    print(f"soak: not good a minute after the last fault: {stuck or 'none'}")
    warm = rss[WARM_UP_S // 60 :]
    grown = max(warm) - warm[0] if len(warm) > 1 else None
    if grown is None:
        print("soak: too short to say anything about memory")
    else:
        print(f"soak: RSS {warm[0]} KiB after warm-up, then at most {max(warm)}, last {warm[-1]}")
    failed = bool(failures or strange or stuck or (grown or 0) > FLAT_KIB)
    print("soak: FAILED" if failed else "soak: passed", flush=True)
    return int(failed)


signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: ended by a signal"))
with tempfile.TemporaryDirectory(prefix="wellhead-soak-") as name:
    try:
        code = soak(pathlib.Path(name))
    finally:
        for p in reversed(Program.all):
            p.process.terminate()
        for p in Program.all:
            p.process.wait()
sys.exit(code)
