//! What is really published fits the schemas that platforms are given.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/test/box";

fn schema(name: &str) -> jsonschema::Validator {
    let path = repository().join(format!("gateway/crates/uplink/schema/{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

#[test]
fn every_message_of_a_run_fits_its_schema() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(dir.path());
    let mut modbus = ModbusServer::tcp();
    let mut platform = Platform::connect(broker.port, ROOT);
    let site = format!(
        r#"
[site]
id = "test"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
data_dir = "data"
commands = true
[uplink.cloud]
url = "mqtt://127.0.0.1:{}"
[line.field]
tcp = "127.0.0.1:{}"
[device.hp1]
line = "field"
unit = 1
poll = "200ms"
report = "every"
backoff_first = "300ms"
backoff_max = "1s"
title = "Heat pump \"1\""
[device.hp1.point]
supply_temp = {{ holding = 0, type = "i16", scale = 0.1, unit = "°C" }}
big = {{ holding = 12, type = "u64", class = "counter", unit = "Wh" }}
nothing = {{ holding = 21, type = "i16", no_sensor = [-32768], unit = "°C" }}
absent = {{ holding = 5000, type = "u16", unit = "count" }}
state = {{ holding = 23, type = "u16", states = {{ "0" = "off", "2" = "heat" }} }}
[device.hp1.point.setpoint]
holding = 30
type = "i16"
scale = 0.1
unit = "°C"
class = "setpoint"
[device.hp1.point.setpoint.output]
limits = [30, 55]
safe = 40
watchdog = "communication time-out"
"#,
        broker.port, modbus.port
    );
    let mut gateway = Gateway::start(dir.path(), &site);
    gateway.process().wait_for("Connected");
    let topics = |p: &Platform, text: &str| {
        p.messages().iter().filter(|m| m["topic"].as_str().unwrap().contains(text)).count()
    };
    eventually("health", || (topics(&platform, "/health") > 0).then_some(()));
    let good = json!({ "id": "1", "point": "hp1/setpoint", "value": 44.5, "expires": far() });
    let replies = [
        platform.command(&good),
        platform.command(&good),
        platform.command(&json!({ "id": "2", "point": "hp1/none", "value": 1, "expires": far() })),
        platform.command_text("garbage", false),
    ];
    assert_eq!(
        replies.each_ref().map(|r| r["ok"].clone()),
        [true, true, false, false].map(Json::from)
    );
    modbus.process().kill();
    eventually("bad samples", || {
        platform.messages().iter().flat_map(samples).any(|s| s.quality == "bad").then_some(())
    });
    let mut seen = platform.messages();
    broker.stop();
    eventually("something is held on disk", || {
        let _modbus = ModbusServer::tcp_at(modbus.port);
        let all: Json = serde_json::from_str(&gateway.ask(&["cache", "--json"]).0).ok()?;
        all[0]["cache"]["batches"].as_u64().filter(|n| *n > 0)
    });
    let platform = gateway.behind(&mut broker, ROOT);
    eventually("history", || {
        platform.messages().iter().flat_map(samples).any(|s| s.hist).then_some(())
    });
    gateway.process().signal("TERM");
    gateway.process().wait();
    eventually("the last words", || {
        let all = platform.messages();
        let last = all.iter().rfind(|m| m["topic"] == format!("{ROOT}/status")).map(payload)?;
        (last["state"] == "offline").then_some(())
    });
    seen.extend(platform.messages());
    let mut counts = BTreeMap::<&str, usize>::new();
    for message in &seen {
        let topic = message["topic"].as_str().unwrap();
        let name = match topic.strip_prefix(ROOT).and_then(|t| t.split('/').nth(1)) {
            Some("cmd") => continue, // our own questions
            // What is over is an empty message.
            Some("alarm") if message["payload"] == "" => continue,
            Some(name @ ("data" | "event" | "status" | "catalog" | "health" | "alarm")) => name,
            Some(other) => panic!("a topic without a schema: {other}"),
            None => "reply",
        };
        let body = payload(message);
        let wrong: Vec<String> =
            schema(name).iter_errors(&body).map(|e| format!("{}: {e}", e.instance_path)).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?} in {body:#}");
        *counts.entry(name).or_default() += 1;
    }
    for name in ["data", "event", "status", "catalog", "health", "reply"] {
        assert!(counts.contains_key(name), "no message of {name} in {counts:?}");
    }
}

fn far() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "a command's expiry is wall time")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_millis() as i64 + 60_000
}
