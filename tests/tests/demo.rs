//! The demo's site against the demo's plant, as `make demo` starts them.

use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use wellhead_tests::*;

/// `listening modbus-tcp 127.0.0.1:1502` → the last word.
fn listening(plant: &mut Child, what: &str) -> String {
    let line = plant.wait_for(&format!("listening {what} "));
    line.split(' ').next_back().unwrap_or_default().to_owned()
}

#[test]
fn every_point_of_the_demo_site_is_read_from_the_plant_and_shows_what_the_plant_shows() {
    let dir = tempfile::tempdir().unwrap();
    let rtu = dir.path().join("rs485");
    let mut command = Command::new(program("wellhead-plant"));
    command
        .args(["run", "--modbus-tcp", "127.0.0.1:0", "--control", "127.0.0.1:0"])
        .args(["--broker", &format!("127.0.0.1:{}", free_port()), "--rtu"])
        .arg(&rtu)
        .args(["--start", "2026-12-15T06:00", "--rtu-latency-ms", "1-2"]);
    let mut plant = Child::start("plant", command);
    let broker = listening(&mut plant, "mqtt");
    let modbus = listening(&mut plant, "modbus-tcp");
    let control = listening(&mut plant, "control");
    let port: u16 = broker.rsplit(':').next().unwrap().parse().unwrap();
    let root = "wellhead/v1/renze-baihe/box1";
    let platform = Platform::connect(port, root);

    let file = repository().join("configs/sites/renze-baihe.toml");
    let profiles = repository().join("configs/profiles");
    let site = std::fs::read_to_string(file)
        .unwrap()
        .replace("127.0.0.1:18830", &broker)
        .replace("127.0.0.1:1502", &modbus)
        .replace("/tmp/wellhead-demo-rs485", &rtu.display().to_string())
        .replace("../../target/demo", "data")
        .replace("\"../profiles\"", &format!("\"{}\"", profiles.display()))
        .replace("metrics = \"127.0.0.1:9464\"", "");
    // Plugins show up as devices too; what they publish is not read from the plant.
    let devices: BTreeSet<&str> = site
        .lines()
        .filter_map(|l| l.strip_prefix("[device.")?.strip_suffix(']'))
        .filter(|d| !d.contains('.'))
        .collect();
    let _gateway = Gateway::start(dir.path(), &site);

    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    eventually("the catalog of fifteen devices", || {
        for m in platform.messages() {
            let topic = m["topic"].as_str().unwrap_or_default();
            let device = topic.strip_prefix(&format!("{root}/catalog/"));
            if let Some(device) = device.filter(|d| devices.contains(d)) {
                let points = payload(&m)["points"].as_array().cloned().unwrap_or_default();
                let ids = points.iter().filter_map(|p| p["id"].as_str().map(str::to_owned));
                wanted.insert(device.to_owned(), ids.collect());
            }
        }
        (wanted.len() == 15).then_some(())
    });
    let mut latest: BTreeMap<(String, String), WireSample> = BTreeMap::new();
    eventually("a sample of every point that is good or says that there is no sensor", || {
        for s in platform.messages().iter().flat_map(samples) {
            latest.insert((s.device.clone(), s.point.clone()), s);
        }
        let read = |d: &String, p: &String| {
            latest
                .get(&(d.clone(), p.clone()))
                .is_some_and(|s| s.quality == "good" || s.reason.as_deref() == Some("no_sensor"))
        };
        wanted.iter().all(|(d, points)| points.iter().all(|p| read(d, p))).then_some(())
    });
    assert!(latest.len() > 200, "{}", latest.len());

    // A nameplate value never moves, so both sides can be asked at different times.
    let shown = Command::new(program("wellhead-plant"))
        .args(["value", "--control", &control, "1", "serial_number"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&shown.stdout);
    let point = latest.get(&("heat-pump-1".into(), "serial_number".into()));
    let value = point.map(|s| s.value.clone()).unwrap_or(Json::Null);
    assert!(shown.status.success() && value.is_number(), "{value}: {text}");
    assert!(text.contains(&value.to_string()), "the gateway read {value}, the plant says {text}");
}
