//! What `check` says about whole files.

use super::*;
use std::fs;

const SITE: &str = r#"
[site]
id = "renze-baihe"
timezone = "Asia/Shanghai"
[gateway]
id = "box1"
[line.field]
tcp = "127.0.0.1:1502"
[device.hp1]
line = "field"
unit = 1
[device.hp1.point.supply_temp]
input = 100
type = "i16"
scale = 0.1
unit = "°C"
[device.hp1.point.setpoint]
holding = 10
type = "u16"
scale = 0.1
unit = "°C"
[device.hp1.point.setpoint.output]
limits = [30, 55]
safe = 40
watchdog = "communication time-out 60 s"
"#;

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.toml");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn loaded(text: &str) -> Result<(Site, Report), Report> {
    let (_dir, path) = written(text);
    load(&path, &[])
}

#[test]
fn a_small_site_becomes_points_lines_and_devices() {
    let (site, report) = loaded(SITE).map_err(|r| r.render(Lang::En)).unwrap();
    assert_eq!(report.render(Lang::En), "");
    let [setpoint, supply] = &*site.devices[0].points else { panic!() };
    assert_eq!(supply.unit.map(|u| u.symbol()), Some("°C"));
    let output = setpoint.output.as_ref().unwrap();
    assert_eq!(output.safe, wellhead_model::Value::float(40.0).unwrap());
    assert_eq!(output.readback_tolerance, 0.05);
    let device = &site.devices[0];
    assert_eq!(device.spec.points[1].address, 100);
    assert!(!site.gateway.commands);
}
