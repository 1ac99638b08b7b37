//! Every bus of the plant room through one gateway to a foreign subscriber: what is read is what
//! the plant shows, and what goes wrong on one bus is told and stays there.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/test/box";

/// The devices of the site.
const DEVICES: [&str; 7] = ["mbus", "cjt188", "el-31", "el-32", "bore", "substation", "pumps"];

struct Rig {
    plant: Plant,
    platform: Platform,
    _gateway: Gateway,
    _broker: Broker,
    _dir: tempfile::TempDir,
}

impl Rig {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(dir.path());
        let platform = Platform::connect(broker.port, ROOT);
        let mut plant = Plant::start(&["--start", "2026-01-10T06:00", "--speed", "600"]);
        let site = site(&mut plant, broker.port);
        let gateway = Gateway::start(dir.path(), &site);
        Self { plant, platform, _gateway: gateway, _broker: broker, _dir: dir }
    }

    /// The latest of every point among messages from `skip` on.
    fn latest(&self, skip: usize) -> BTreeMap<(String, String), WireSample> {
        let all = self.platform.messages();
        let samples = all.iter().skip(skip).flat_map(samples);
        samples.map(|s| ((s.device.clone(), s.point.clone()), s)).collect()
    }

    fn events(&self, skip: usize) -> Vec<Json> {
        let all = self.platform.messages();
        let topic = format!("{ROOT}/event");
        let bodies = all.iter().skip(skip).filter(|m| m["topic"] == topic).map(payload);
        bodies.flat_map(|b| b["events"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// Waits until every device has told a good value, and whatever point was told before is good, of
    /// messages from `skip` on. A device's messages keep their order, so nothing bad from before
    /// `skip` is still on its way then.
    #[track_caller]
    fn all_good(&self, skip: usize) {
        let known = self.latest(0);
        eventually("every point of every bus is good", || {
            let latest = self.latest(skip);
            let told = |d: &&str| latest.keys().any(|(device, _)| device == *d);
            let all_told = DEVICES.iter().all(told) && known.keys().all(|p| latest.contains_key(p));
            (all_told && latest.values().all(|s| s.quality == "good")).then_some(())
        });
    }

    /// Samples that are not good, and devices told to be down, among messages from `skip` on.
    fn wrong(&self, skip: usize) -> (Vec<WireSample>, Vec<Json>) {
        let all = self.platform.messages();
        let wrong = all.iter().skip(skip).flat_map(samples).filter(|s| s.quality != "good");
        let down = self.events(skip).into_iter().filter(|e| e["kind"] == "device_down");
        (wrong.collect(), down.collect())
    }
}

impl Rig {
    /// The latest among messages from `skip` on, once each device has told all that the test
    /// compares: a device's values come in several messages.
    #[track_caller]
    fn complete(&self, skip: usize) -> BTreeMap<(String, String), WireSample> {
        self.all_good(skip);
        let wanted = SHOWN.iter().map(|shown| (shown.0, shown.1));
        let wanted: Vec<_> =
            wanted.chain([("substation", "pump_running"), ("substation", "mode")]).collect();
        eventually("every value that is compared, and 32 probes", || {
            let latest = self.latest(skip);
            let has = |(d, p): &(&str, &str)| latest.contains_key(&((*d).into(), (*p).into()));
            let probes = latest.keys().filter(|(device, _)| device == "bore").count();
            (wanted.iter().all(has) && probes == 32).then_some(latest)
        })
    }
}

fn site(plant: &mut Plant, broker: u16) -> String {
    let profiles = repository().join("configs/profiles").display().to_string();
    let [mbus, dlt645, sys] =
        ["mbus", "dlt645", "onewire"].map(|what| plant.path(what).display().to_string());
    let modbus = plant.address("modbus-tcp");
    let substation = plant.address("bacnet-101");
    // Time-outs are far longer than anything takes, since the machine may be busy; a device that
    // failed is asked again soon.
    let manners = "poll = \"300ms\"\nreport = \"every\"\nstale_after = \"2min\"\n\
                   response_timeout = \"3s\"\n\
                   backoff_first = \"100ms\"\nbackoff_max = \"300ms\"\n";
    format!(
        r#"
[site]
id = "test"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
data_dir = "data"
profiles = ["{profiles}"]
[uplink.cloud]
url = "mqtt://127.0.0.1:{broker}"
[line.meters]
serial = "{mbus}"
parity = "none"
[line.electricity]
serial = "{dlt645}"
parity = "none"
[line.probes]
sysfs = "{sys}"
[line.building]
bacnet = "127.0.0.1:0"
[line.modbus]
tcp = "{modbus}"
[device.mbus]
line = "meters"
profile = "plant-heat-meter-mbus"
address = "21"
{manners}
[device.cjt188]
line = "meters"
profile = "plant-heat-meter-cjt188"
address = "78330041002211"
{manners}
[device.el-31]
line = "electricity"
profile = "plant-power-meter-dlt645"
address = "260600000031"
{manners}
[device.el-32]
line = "electricity"
profile = "plant-power-meter-dlt645"
address = "260600000032"
{manners}
[device.bore]
line = "probes"
profile = "plant-bore-probes"
poll = "1s"
report = "every"
stale_after = "2min"
[device.substation]
line = "building"
profile = "plant-substation"
instance = 1001
address = "{substation}"
cov_check = "1s"
{manners}
[device.pumps]
line = "modbus"
unit = 11
profile = "plant-drive"
points = ["turning", "output_frequency"]
{manners}
"#
    )
}

/// Device, point, what the plant calls it, factor from the plant's unit to the point's, and what one
/// count of the meter is worth in it.
const SHOWN: [(&str, &str, u8, &str, f64, f64); 22] = [
    ("mbus", "energy", 21, "energy", 1.0, 1.0),
    ("mbus", "volume", 21, "volume", 1.0, 0.01),
    ("mbus", "power", 21, "power", 1.0, 0.001),
    ("mbus", "flow", 21, "flow", 1.0, 0.001),
    ("mbus", "supply_temperature", 21, "supply_temperature", 1.0, 0.01),
    ("mbus", "return_temperature", 21, "return_temperature", 1.0, 0.01),
    ("cjt188", "heat", 22, "energy", 0.001, 0.01),
    ("cjt188", "volume", 22, "volume", 1.0, 0.01),
    ("cjt188", "power", 22, "power", 1.0, 0.01),
    ("cjt188", "flow", 22, "flow", 1.0, 0.0001),
    ("cjt188", "supply_temperature", 22, "supply_temperature", 1.0, 0.01),
    // A count of the meter is 80 behind its transformers.
    ("el-31", "energy", 31, "energy", 0.001, 0.8),
    ("el-31", "power", 31, "power", 1.0, 0.008),
    ("el-31", "voltage_l1", 31, "voltage_l1", 1.0, 0.1),
    ("el-31", "current", 31, "current", 1.0, 0.08),
    ("el-31", "power_factor", 31, "power_factor", 1.0, 0.001),
    ("el-31", "frequency", 31, "frequency", 1.0, 0.01),
    // Another probe at the same depth: each is half a kelvin good.
    ("bore", "at_30_m", 41, "at_30_m", 1.0, 1.0),
    ("bore", "at_150_m", 41, "at_150_m", 1.0, 1.0),
    ("substation", "supply_temperature", 101, "supply_temperature", 1.0, 0.0001),
    ("substation", "flow", 101, "flow", 1.0, 0.0001),
    ("substation", "heat_output", 101, "heat_output", 1.0, 0.001),
];

#[test]
fn values_and_units_of_every_bus_arrive_and_are_what_the_plant_shows() {
    let rig = Rig::start();
    rig.all_good(0);
    rig.plant.ask(&json!({ "do": "pause" }));
    // What was asked for before the plant stood still may still be on its way.
    rig.complete(rig.platform.messages().len());
    let latest = rig.complete(rig.platform.messages().len());
    let mut moved = 0;
    for (device, point, unit, name, factor, count) in SHOWN {
        let read = latest[&(device.to_owned(), point.to_owned())].value.as_f64().unwrap();
        let truth = rig.plant.value(unit, name) * factor;
        assert!((read - truth).abs() <= count * 1.001, "{device}/{point}: {read}, not {truth}");
        moved += usize::from(truth.abs() > 10.0 * count);
    }
    assert!(moved > 14, "only {moved} values are more than a few counts: is the plant at rest?");
    assert_eq!(latest[&("substation".into(), "pump_running".into())].value, true);
    assert_eq!(latest[&("substation".into(), "mode".into())].value, "heating");

    let mut units: BTreeMap<String, Json> = BTreeMap::new();
    for m in rig.platform.messages() {
        let topic = m["topic"].as_str().unwrap_or_default();
        if let Some(device) = topic.strip_prefix(&format!("{ROOT}/catalog/")) {
            for p in payload(&m)["points"].as_array().unwrap() {
                let name = format!("{device}/{}", p["id"].as_str().unwrap());
                units.insert(name, p["unit"].clone());
            }
        }
    }
    for (point, unit) in [
        ("mbus/energy", "kWh"),
        ("cjt188/heat", "MWh"),
        ("el-31/current", "A"),
        ("bore/at_30_m", "°C"),
        // Nobody configured these: the objects say so.
        ("substation/supply_temperature", "°C"),
        ("substation/flow", "m³/h"),
    ] {
        assert_eq!(units[point], unit, "{point}");
    }
}

/// One thing that goes wrong: which request makes it, whose points then turn how, for what reasons,
/// which is an event of the device unless a point is named.
struct Trouble {
    what: &'static str,
    fault: Json,
    device: &'static str,
    /// Only this point; `None` for all.
    point: Option<&'static str>,
    quality: &'static str,
    reasons: &'static [&'static str],
}

fn troubles() -> Vec<Trouble> {
    let all = |what, fault, device, reasons| Trouble {
        what,
        fault,
        device,
        point: None,
        quality: "bad",
        reasons,
    };
    let one = |what, fault, device, point, reasons| Trouble {
        point: Some(point),
        ..all(what, fault, device, reasons)
    };
    let silent = json!({"kind": "silent"});
    let garbage = json!({"kind": "garbage"});
    let crc = json!({"kind": "bad-crc"});
    let probe = |depth, shows| json!({"fault": {"kind": "probe", "depth": depth, "shows": shows}});
    vec![
        all(
            "an M-Bus meter falls silent",
            json!({"unit": 21, "line": "mbus", "fault": silent}),
            "mbus",
            &["no_reply"],
        ),
        all(
            "an M-Bus meter sends garbage",
            json!({"unit": 21, "line": "mbus", "fault": garbage}),
            "mbus",
            &["no_reply", "bad_reply"],
        ),
        all(
            "an M-Bus meter's checksum is wrong",
            json!({"unit": 21, "line": "mbus", "fault": crc}),
            "mbus",
            &["bad_reply"],
        ),
        one(
            "a wire of an M-Bus meter breaks",
            json!({"unit": 21, "fault": {"kind": "sentinel", "point": "supply_temperature"}}),
            "mbus",
            "supply_temperature",
            &["no_sensor"],
        ),
        all(
            "a CJ/T 188 meter falls silent",
            json!({"unit": 22, "line": "mbus", "fault": silent}),
            "cjt188",
            &["no_reply"],
        ),
        all(
            "a CJ/T 188 meter's checksum is wrong",
            json!({"unit": 22, "line": "mbus", "fault": crc}),
            "cjt188",
            &["bad_reply"],
        ),
        one(
            "a wire of a CJ/T 188 meter breaks",
            json!({"unit": 22, "fault": {"kind": "sentinel", "point": "return_temperature"}}),
            "cjt188",
            "return_temperature",
            &["no_sensor"],
        ),
        all(
            "a DL/T 645 meter falls silent",
            json!({"unit": 31, "line": "dlt645", "fault": silent}),
            "el-31",
            &["no_reply"],
        ),
        all(
            "a DL/T 645 meter sends garbage",
            json!({"unit": 31, "line": "dlt645", "fault": garbage}),
            "el-31",
            &["no_reply", "bad_reply"],
        ),
        all(
            "a DL/T 645 meter's checksum is wrong",
            json!({"unit": 31, "line": "dlt645", "fault": crc}),
            "el-31",
            &["bad_reply"],
        ),
        one(
            "a wire of a DL/T 645 meter breaks",
            json!({"unit": 31, "fault": {"kind": "sentinel", "point": "voltage_l2"}}),
            "el-31",
            "voltage_l2",
            &["no_sensor"],
        ),
        one("a probe is gone", probe(30, "missing"), "bore", "at_30_m", &["no_sensor"]),
        one("a probe's checksum is wrong", probe(60, "bad-crc"), "bore", "at_60_m", &["bad_reply"]),
        one(
            "a probe has lost its supply",
            probe(90, "power-on"),
            "bore",
            "at_90_m",
            &["bad_reply"],
        ),
        one("a probe is cut off", probe(5, "disconnected"), "bore", "at_5_m", &["no_sensor"]),
        all(
            "a BACnet controller falls silent",
            json!({"unit": 101, "fault": {"kind": "silent"}}),
            "substation",
            &["no_reply"],
        ),
        all(
            "a BACnet controller sends garbage",
            json!({"unit": 101, "fault": {"kind": "garbage"}}),
            "substation",
            &["no_reply", "bad_reply"],
        ),
        one(
            "a BACnet object says that its sensor is gone",
            json!({"unit": 101, "fault":
                {"kind": "unreliable", "point": "return_temperature", "reliability": 1}}),
            "substation",
            "return_temperature",
            &["faulty"],
        ),
        Trouble {
            quality: "uncertain",
            ..one(
                "a BACnet object is out of service",
                json!({"unit": 101, "fault": {"kind": "out-of-service", "point": "flow"}}),
                "substation",
                "flow",
                &["out_of_service"],
            )
        },
    ]
}

#[test]
fn what_goes_wrong_on_a_bus_is_told_stays_there_and_passes() {
    let rig = Rig::start();
    rig.all_good(0);
    for Trouble { what, fault, device, point, quality, reasons } in troubles() {
        let before = rig.platform.messages().len();
        let id = rig.plant.fault(fault);
        let is_meant = |s: &WireSample| s.device == device && point.is_none_or(|p| s.point == p);
        eventually(what, || {
            let latest = rig.latest(before);
            let mut meant = latest.values().filter(|s| is_meant(s)).peekable();
            let so =
                |s: &WireSample| s.quality == quality && (quality != "bad" || s.value.is_null());
            (meant.peek().is_some() && meant.all(so)).then_some(())
        });
        // Long enough for the others to be asked again, while one of their line is left alone.
        let during = rig.platform.messages().len();
        eventually("the neighbours go on", || {
            let latest = rig.latest(during);
            let told = |d: &&str| latest.values().any(|s| s.device == **d && !is_meant(s));
            let others = DEVICES.iter().filter(|d| **d != device || point.is_some());
            others.clone().all(told).then_some(())
        });
        let (wrong, down) = rig.wrong(before);
        let hurt: Vec<_> = wrong.iter().filter(|s| s.device != device).collect();
        assert!(hurt.is_empty(), "{what}: others are hurt: {hurt:?}");
        let down: Vec<_> = down.iter().filter(|e| e["device"] != device).collect();
        assert!(down.is_empty(), "{what}: others are down: {down:?}");
        for s in wrong.iter().filter(|s| is_meant(s)) {
            let reason = s.reason.as_deref().unwrap_or_default();
            assert!(reasons.contains(&reason), "{what}: {s:?}");
        }
        let told = |kind: &str| {
            let told = |e: &Json| e["kind"] == kind && e["device"] == device;
            rig.events(before).iter().filter(|e| told(e)).count()
        };
        if point.is_none() {
            eventually("an event tells", || (told("device_down") > 0).then_some(()));
        } else {
            assert_eq!(told("device_down"), 0, "{what}: the device answers");
        }
        rig.plant.clear(id);
        rig.all_good(rig.platform.messages().len());
        if point.is_none() {
            eventually("an event tells", || (told("device_up") > 0).then_some(()));
        }
    }
}
