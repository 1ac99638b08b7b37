//! The demo's site against the demo's plant, as `make demo` starts them.

use std::collections::{BTreeMap, BTreeSet};
use wellhead_tests::*;

/// Devices of the demo's site; plugins show up as devices too, and are read from nowhere.
const DEVICES: usize = 23;

#[test]
fn every_point_of_the_demo_site_is_read_from_the_plant_and_shows_what_the_plant_shows() {
    let dir = tempfile::tempdir().unwrap();
    let mut plant = Plant::start(&[
        "--broker",
        &format!("127.0.0.1:{}", free_port()),
        "--start",
        "2026-12-15T06:00",
    ]);
    let broker = plant.address("mqtt");
    let port: u16 = broker.rsplit(':').next().unwrap().parse().unwrap();
    let root = "wellhead/v1/renze-baihe/box1";
    let platform = Platform::connect(port, root);

    let file = repository().join("configs/sites/renze-baihe.toml");
    let profiles = repository().join("configs/profiles");
    let mut site = std::fs::read_to_string(file)
        .unwrap()
        .replace("127.0.0.1:18830", &broker)
        .replace("127.0.0.1:1502", &plant.address("modbus-tcp"))
        .replace("127.0.0.1:47808", "127.0.0.1:0")
        .replace("../../target/demo", "data")
        .replace("\"../profiles\"", &format!("\"{}\"", profiles.display()))
        .replace("metrics = \"127.0.0.1:9464\"", "");
    for (demo, here) in
        [("rs485", "rtu"), ("mbus", "mbus"), ("dlt645", "dlt645"), ("sys", "onewire")]
    {
        let path = plant.path(here).display().to_string();
        site = site.replace(&format!("/tmp/wellhead-demo-{demo}\""), &format!("{path}\""));
    }
    for (unit, port) in [(101, 47810), (102, 47811), (103, 47812)] {
        let address = plant.address(&format!("bacnet-{unit}"));
        site = site.replace(&format!("127.0.0.1:{port}"), &address);
    }
    let devices: BTreeSet<&str> = site
        .lines()
        .filter_map(|l| l.strip_prefix("[device.")?.strip_suffix(']'))
        .filter(|d| !d.contains('.'))
        .collect();
    let _gateway = Gateway::start(dir.path(), &site);

    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    eventually("the catalog of every device", || {
        for m in platform.messages() {
            let topic = m["topic"].as_str().unwrap_or_default();
            let device = topic.strip_prefix(&format!("{root}/catalog/"));
            if let Some(device) = device.filter(|d| devices.contains(d)) {
                let points = payload(&m)["points"].as_array().cloned().unwrap_or_default();
                let ids = points.iter().filter_map(|p| p["id"].as_str().map(str::to_owned));
                wanted.insert(device.to_owned(), ids.collect());
            }
        }
        (wanted.len() == DEVICES).then_some(())
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
    assert!(latest.len() > 300, "{}", latest.len());

    // A nameplate value never moves, so both sides can be asked at different times.
    let shown = plant.value(1, "serial_number");
    let point = latest.get(&("heat-pump-1".into(), "serial_number".into()));
    let value = point.and_then(|s| s.value.as_f64());
    assert_eq!(value, Some(shown));
}
