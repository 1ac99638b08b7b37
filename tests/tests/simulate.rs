//! `wellhead simulate` as a planner uses it, against figures that another model gave.

use serde_json::Value as Json;
use std::process::Command;
use wellhead_tests::*;

/// Shengshi Baihe's room, without its plugins: the ground alone is asked.
const SITE: &str = r#"
[site]
id = "baihe"
timezone = "Asia/Shanghai"

[simulation]
room = "renze"

[gateway]
id = "box"
data_dir = "data"

[line.bus]
tcp = "127.0.0.1:502"

[device.field]
line = "bus"
unit = 1

[device.field.point.any]
holding = 0
type = "u16"
unit = "1"

[uplink.broker]
url = "mqtt://127.0.0.1:1883"
"#;

/// 912 kW of heat at a COP of 4.2 for three times 25 days.
const HEATING: &str = "12-11,25,694.86\n01-06,25,694.86\n02-01,25,694.86\n";
/// The air-source machines for 60 days.
const AIR_SOURCE: &str = "07-01,60,-620\n";
/// The pump alone for 45 days.
const PUMP_ONLY: &str = "05-15,45,-331.5\n";

/// The lowest bore wall temperature of each of ten heating seasons, °C.
fn coldest(load: &str) -> Vec<f64> {
    let dir = tempfile::tempdir().unwrap();
    let (site, plan) = (dir.path().join("site.toml"), dir.path().join("load.csv"));
    std::fs::write(&site, SITE).unwrap();
    std::fs::write(&plan, load).unwrap();
    let mut command = Command::new(program("wellhead"));
    command.arg("simulate").arg(&site).arg("--ground-load").arg(&plan);
    command.args(["--start", "2026-04-01T00:00", "--years", "10", "--json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let runs: Json = serde_json::from_slice(&output.stdout).unwrap();
    let seasons = runs[0]["seasons"].as_array().unwrap();
    (2026..2036)
        .map(|year| {
            let name = format!("{year}/{:02} heating", (year + 1) % 100);
            let season = seasons.iter().find(|s| s["season"] == name.as_str()).unwrap();
            season["sums"]["bore wall"]["min"].as_f64().unwrap()
        })
        .collect()
}

/// Superposed g-functions, daily steps, gave these for years 1, 2, 5 and 10.
#[track_caller]
fn agrees(load: &str, expected: [f64; 4]) {
    let lowest = coldest(load);
    for (year, expected) in [1, 2, 5, 10].into_iter().zip(expected) {
        let got = lowest[year - 1];
        assert!((got - expected).abs() < 0.25, "year {year}: {got:.2} °C, expected {expected}");
    }
}

#[test]
fn a0_without_recharge_the_ground_freezes_in_ten_years() {
    agrees(HEATING, [7.28, 4.51, -1.50, -7.77]);
}

#[test]
fn a1_air_source_alone_slows_the_fall() {
    agrees(&[HEATING, AIR_SOURCE].concat(), [9.53, 8.56, 6.57, 4.57]);
}

#[test]
fn a2_a_balanced_year_holds_the_ground() {
    agrees(&[HEATING, AIR_SOURCE, PUMP_ONLY].concat(), [10.40, 10.14, 9.72, 9.40]);
}

#[test]
fn a_line_that_is_no_load_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (site, plan) = (dir.path().join("site.toml"), dir.path().join("load.csv"));
    std::fs::write(&site, SITE).unwrap();
    std::fs::write(&plan, "12-11,25,694.86\n13-01,25,1\n").unwrap();
    let mut command = Command::new(program("wellhead"));
    let output = command.arg("simulate").arg(&site).arg("--ground-load").arg(&plan).output();
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(told.contains("load.csv") && told.contains("line 2"), "{told}");
}

/// What is told of a few days of a room on its own panel.
fn told(room: &str, start: &str, days: &str, more: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site.toml");
    std::fs::write(&site, SITE.replace("renze", room)).unwrap();
    let mut command = Command::new(program("wellhead"));
    command.arg("simulate").arg(&site).args(["--start", start, "--days", days]).args(more);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The integral of a quantity over the first season, in its unit times hours.
fn integral(report: &str, name: &str) -> f64 {
    let runs: Json = serde_json::from_str(report).unwrap();
    let sum = runs[0]["seasons"][0]["sums"][name]["integral_h"].as_f64();
    sum.unwrap_or_else(|| panic!("no `{name}` in {report}"))
}

#[test]
fn water_that_wells_give_is_told_with_what_goes_back_and_what_pumping_takes() {
    let report = told("yanqing", "2027-01-10T00:00", "3", &["--json"]);
    let (out, back) = (integral(&report, "wells produced"), integral(&report, "wells reinjected"));
    assert!(out > 3.0 * 24.0 * 150.0 && (back / out - 1.0).abs() < 1e-9, "{out} {back} m³");
    let pumping = integral(&report, "well pumps power");
    let machines = integral(&report, "heat pumps power") + integral(&report, "pump power");
    assert!(pumping > 0.0);
    assert!((pumping + machines - integral(&report, "electricity")).abs() < 1.0);
}

#[test]
fn electricity_is_told_by_price_period_and_costs_what_the_periods_cost() {
    let report = told("changshu", "2026-07-14T00:00", "2", &["--json"]);
    let kwh = ["valley", "flat", "peak", "sharp"]
        .map(|period| integral(&report, &format!("electricity {period}")) / 1000.0);
    let all = integral(&report, "electricity") / 1000.0;
    assert!(kwh.iter().all(|e| *e > 0.0) && (kwh.iter().sum::<f64>() - all).abs() < 1e-6 * all);
    let cost: f64 = kwh.iter().zip([0.32, 0.65, 1.08, 1.30]).map(|(e, price)| e * price).sum();
    let told = integral(&report, "electricity cost");
    assert!((told - cost).abs() < 1e-6 * cost, "{told} CNY for {kwh:?} kWh");
}

#[test]
fn report_is_in_chinese_for_whoever_reads_chinese() {
    let report = told("changshu", "2027-01-10T00:00", "1", &["--lang", "zh"]);
    assert!(report.contains("总耗电（MWh）\n  2026/27 供暖季"), "{report}");
    let latin = |line: &&str| {
        let text = line.replace("MWh", "").replace("°C", "");
        text.contains(|c: char| c.is_ascii_alphabetic())
    };
    let english: Vec<_> = report.lines().filter(latin).collect();
    assert!(english.is_empty(), "{english:?}");
}
