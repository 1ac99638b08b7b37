//! A foreign Modbus device, the gateway, a foreign broker and a foreign subscriber: what the
//! device holds is what the platform gets, with unit, time and quality.

use serde_json::{Value as Json, json};
use std::path::Path;
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/test/box";

/// A site with the device of `tests/peers/modbus_server.py` on the given line.
fn site(broker: u16, line: &str) -> String {
    format!(
        r#"
[site]
id = "test"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
data_dir = "data"
commands = true
[uplink.cloud]
url = "mqtt://127.0.0.1:{broker}"
[line.field]
{line}
[device.hp1]
line = "field"
unit = 1
poll = "200ms"
response_timeout = "500ms"
backoff_first = "500ms"
backoff_max = "1s"
[device.hp1.point]
supply_temp = {{ holding = 0, type = "i16", scale = 0.1, unit = "°C" }}
source_temp = {{ holding = 1, type = "i16", scale = 0.1, unit = "°C" }}
energy = {{ holding = 2, type = "u32", unit = "kWh", class = "counter" }}
energy_swapped = {{ holding = 4, type = "u32", order = "cdab", unit = "kWh" }}
flow = {{ holding = 6, type = "f32", unit = "m³/h" }}
drift = {{ holding = 8, type = "f64" }}
big = {{ holding = 12, type = "u64" }}
serial = {{ holding = 16, type = "bcd", length = 1 }}
model = {{ holding = 17, type = "text", length = 4 }}
outdoor_temp = {{ holding = 21, type = "i16", no_sensor = [-32768], unit = "°C" }}
fault = {{ holding = 22, bit = 1 }}
warm = {{ holding = 22, bit = 2 }}
state = {{ holding = 23, type = "u16", states = {{ "0" = "off", "2" = "heat" }} }}
level = {{ input = 5, type = "u16" }}
contact = {{ discrete = 0 }}
[device.hp1.point.setpoint]
holding = 30
type = "i16"
scale = 0.1
unit = "°C"
class = "setpoint"
[device.hp1.point.setpoint.output]
limits = [30, 55]
safe = 40
watchdog = "communication time-out 60 s"
[device.hp1.point.relay]
coil = 3
[device.hp1.point.relay.output]
safe = false
watchdog = "none: a pump that stops by itself"
"#
    )
}

fn expected() -> Vec<(&'static str, Json)> {
    vec![
        ("supply_temp", json!(45.3)),
        ("source_temp", json!(-10.5)),
        ("energy", json!(123_456_789)),
        ("energy_swapped", json!(123_456_789)),
        ("flow", json!(12.5)),
        ("drift", json!(-0.001)),
        ("big", json!("9223372036854775809")),
        ("serial", json!(1234)),
        ("model", json!("HP-1642")),
        ("fault", json!(true)),
        ("warm", json!(false)),
        ("state", json!("heat")),
        ("level", json!(7005)),
        ("contact", json!(true)),
        ("setpoint", json!(40.0)),
    ]
}

fn await_point(p: &mut Platform, point: &str, fits: impl Fn(&WireSample) -> bool) -> WireSample {
    p.next(&format!("a sample of {point}"), |m| {
        samples(m).into_iter().find(|s| s.point == point && fits(s))
    })
}

/// Waits until each expected value has come, good and with a time of today.
fn everything_arrives(dir: &Path, line: &str) {
    let broker = Broker::start(dir);
    let platform = Platform::connect(broker.port, ROOT);
    let _gateway = Gateway::start(dir, &site(broker.port, line));
    let before = now_ms();
    for (point, value) in expected() {
        let got = eventually(point, || {
            let all = platform.messages();
            all.iter().flat_map(samples).find(|s| s.point == point && s.quality == "good")
        });
        assert_eq!(got.value, value, "{point}");
        assert!((got.t - before).abs() < 60_000, "{point}: source time {}", got.t);
        assert!(!got.hist);
    }
    let no_sensor = eventually("outdoor_temp", || {
        platform.messages().iter().flat_map(samples).find(|s| s.point == "outdoor_temp")
    });
    assert_eq!((no_sensor.value, &*no_sensor.quality), (Json::Null, "bad"));
    assert_eq!(no_sensor.reason.as_deref(), Some("no_sensor"));
    let catalog = eventually("the catalog", || {
        let all = platform.messages();
        all.iter().find(|m| m["topic"] == format!("{ROOT}/catalog/hp1")).map(payload)
    });
    let points = catalog["points"].as_array().unwrap();
    let unit = |id: &str| points.iter().find(|p| p["id"] == id).map(|p| p["unit"].clone());
    assert_eq!(unit("supply_temp"), Some(json!("°C")));
    assert_eq!(unit("energy"), Some(json!("kWh")));
    assert_eq!(unit("flow"), Some(json!("m³/h")));
}

fn now_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "compared with what came over the wire")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}

#[test]
fn every_value_of_a_tcp_device_arrives_as_the_device_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let device = ModbusServer::tcp();
    everything_arrives(dir.path(), &format!("tcp = \"127.0.0.1:{}\"", device.port));
}

#[test]
fn every_value_of_a_serial_device_arrives_as_the_device_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let cable = SerialPair::new(dir.path());
    let _device = ModbusServer::serial(&cable.a, 1);
    let line = format!("serial = \"{}\"\nbaud = 19200\nparity = \"none\"", cable.b.display());
    everything_arrives(dir.path(), &line);
}

#[test]
fn a_change_at_the_device_follows_and_numbers_have_no_hole() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let mut platform = Platform::connect(broker.port, ROOT);
    let mut device = ModbusServer::tcp();
    let line = format!("tcp = \"127.0.0.1:{}\"", device.port);
    let _gateway = Gateway::start(dir.path(), &site(broker.port, &line));
    await_point(&mut platform, "supply_temp", |s| s.value == json!(45.3));
    device.set(0, 512);
    await_point(&mut platform, "supply_temp", |s| s.value == json!(51.2));
    let all: Vec<WireSample> = platform.messages().iter().flat_map(samples).collect();
    let mut seqs: Vec<u64> = all.iter().map(|s| s.seq).collect();
    seqs.dedup();
    let first = seqs[0];
    let unbroken: Vec<u64> = (first..first + seqs.len() as u64).collect();
    assert_eq!(seqs, unbroken);
}

#[test]
fn a_device_that_goes_and_comes_is_told_and_polling_returns_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let mut platform = Platform::connect(broker.port, ROOT);
    let mut device = ModbusServer::tcp();
    let port = device.port;
    let line = format!("tcp = \"127.0.0.1:{port}\"");
    let _gateway = Gateway::start(dir.path(), &site(broker.port, &line));
    await_point(&mut platform, "supply_temp", |s| s.quality == "good");
    device.process().kill();
    let gone = await_point(&mut platform, "supply_temp", |s| s.quality == "bad");
    assert_eq!(gone.value, Json::Null);
    assert!(gone.reason.is_some());
    let _device = ModbusServer::tcp_at(port);
    await_point(&mut platform, "supply_temp", |s| s.value == json!(45.3));
    let kinds: Vec<Json> = platform
        .messages()
        .iter()
        .filter(|m| m["topic"] == format!("{ROOT}/event"))
        .flat_map(|m| payload(m)["events"].as_array().cloned().unwrap_or_default())
        .map(|e| e["kind"].clone())
        .collect();
    assert!(kinds.contains(&json!("device_down")), "{kinds:?}");
    assert!(kinds.contains(&json!("device_up")), "{kinds:?}");
}

#[test]
fn the_program_starts_without_device_and_broker_and_recovers_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(dir.path());
    let port = free_port();
    broker.stop();
    let line = format!("tcp = \"127.0.0.1:{port}\"");
    let mut gateway = Gateway::start(dir.path(), &site(broker.port, &line));
    gateway.process().wait_for("Device does not answer");
    broker.restart();
    let mut platform = Platform::connect(broker.port, ROOT);
    let _device = ModbusServer::tcp_at(port);
    await_point(&mut platform, "supply_temp", |s| s.value == json!(45.3));
    let told = gateway.process().lines();
    let told = told.iter().filter(|l| l.contains("Device does not answer")).count();
    assert_eq!(told, 1, "once, not once a poll");
}

fn mbpoll(port: u16, table: &str, reference: &str) -> String {
    let output = std::process::Command::new("mbpoll")
        .args(["-m", "tcp", "-a", "1", "-1", "-q", "-t", table, "-r", reference])
        .args(["-p", &port.to_string(), "127.0.0.1"])
        .output()
        .expect("mbpoll is installed by tests/setup.sh");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn mbpoll_reads_back_what_write_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let device = ModbusServer::tcp();
    let line = format!("tcp = \"127.0.0.1:{}\"", device.port);
    let mut gateway = Gateway::start(dir.path(), &site(broker.port, &line));
    gateway.process().wait_for("Running");
    let (text, code) = gateway.ask(&["write", "hp1/setpoint", "47.5", "--hold", "5min"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.trim(), "wrote 47.5, shows 47.5");
    let (text, code) = gateway.ask(&["write", "hp1/setpoint", "70", "--lang", "zh"]);
    assert_eq!((text.trim(), code), ("未写入: 70 超出 30 至 55 的范围", 1));
    // mbpoll counts references from 1.
    let shown = mbpoll(device.port, "4", "31");
    assert!(shown.contains("475"), "{shown}");
    let (text, code) = gateway.ask(&["write", "hp1/relay", "true"]);
    assert_eq!(code, 0, "{text}");
    let shown = mbpoll(device.port, "0", "4");
    assert!(shown.trim_end().ends_with('1'), "{shown}");
    let (text, code) = gateway.ask(&["write", "hp1/setpoint", "70"]);
    assert_eq!((text.trim(), code), ("not written: 70 is outside 30 to 55", 1));
    let (text, code) = gateway.ask(&["read", "hp1/setpoint"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("47.5 °C  good"), "{text}");
}

#[test]
fn a_command_over_mqtt_is_answered_runs_once_and_falls_back() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let mut platform = Platform::connect(broker.port, ROOT);
    let device = ModbusServer::tcp();
    let line = format!("tcp = \"127.0.0.1:{}\"", device.port);
    let mut gateway = Gateway::start(dir.path(), &site(broker.port, &line));
    gateway.process().wait_for("Running");
    await_point(&mut platform, "setpoint", |s| s.value == json!(40.0));
    let command = json!({
        "id": "c-1", "point": "hp1/setpoint", "value": 45, "expires": now_ms() + 20_000, "hold_s": 3,
    });
    let reply = platform.command(&command);
    assert_eq!((&reply["ok"], &reply["readback"]), (&json!(true), &json!(45.0)), "{reply}");
    let mut again = platform.command(&command);
    assert_eq!(again["duplicate"], true, "{again}");
    again.as_object_mut().unwrap().remove("duplicate");
    again["t"] = reply["t"].clone();
    assert_eq!(again, reply, "what it came to at first");
    await_point(&mut platform, "setpoint", |s| s.value == json!(45.0));
    await_point(&mut platform, "setpoint", |s| s.value == json!(40.0));
    let late =
        json!({ "id": "c-2", "point": "hp1/setpoint", "value": 45, "expires": now_ms() - 1 });
    assert_eq!(platform.command(&late)["code"], "expired");
    let kept =
        json!({ "id": "c-3", "point": "hp1/setpoint", "value": 45, "expires": now_ms() + 20_000 });
    assert_eq!(platform.command_text(&kept.to_string(), true)["code"], "retained");
    let nonsense = platform.command_text("{\"id\": 7", false);
    assert_eq!(nonsense["code"], "malformed");
    assert!(nonsense["text"].as_str().unwrap().contains("line 1"), "{nonsense}");
    let audits = eventually("an audit line for each", || {
        let all = platform.messages();
        let events =
            all.iter().flat_map(|m| payload(m)["events"].as_array().cloned().unwrap_or_default());
        let audits: Vec<Json> = events.filter(|e| e["kind"] == "audit").collect();
        (audits.len() >= 6).then_some(audits)
    });
    let texts: Vec<&str> = audits.iter().filter_map(|e| e["text"].as_str()).collect();
    assert!(texts.iter().any(|t| t.contains("back at its safe value 40: hold ended")), "{texts:?}");
}
