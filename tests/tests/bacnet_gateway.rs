//! From a foreign Modbus device through the gateway to a foreign BACnet workstation, and back; and
//! the gateway as one of several who command a foreign BACnet device.

use serde_json::{Value as Json, json};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use wellhead_tests::{BacnetClient, BacnetDevice, Gateway, ModbusServer, eventually};

fn site(modbus: u16, bacnet: SocketAddrV4) -> String {
    format!(
        r#"
[site]
id = "renze"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
data_dir = "data"
commands = true
[line.field]
tcp = "127.0.0.1:{modbus}"
[device.hp1]
line = "field"
unit = 1
title = "Heat pump 1"
title_zh = "1号热泵"
poll = "200ms"
response_timeout = "500ms"
backoff_first = "500ms"
backoff_max = "1s"
[device.hp1.point.supply_temp]
holding = 0
type = "i16"
scale = 0.1
unit = "°C"
title_zh = "供水温度"
[device.hp1.point.state]
holding = 23
type = "u16"
states = {{ "0" = "off", "2" = "heat" }}
title_zh = "状态"
[device.hp1.point.setpoint]
holding = 30
type = "i16"
scale = 0.1
unit = "°C"
class = "setpoint"
title_zh = "设定"
[device.hp1.point.setpoint.output]
limits = [30, 55]
safe = 40
watchdog = "communication time-out 60 s"
[device.hp1.point.relay]
coil = 3
title_zh = "继电器"
[device.hp1.point.relay.output]
safe = false
watchdog = "none: a pump that stops by itself"
[server.bacnet]
bind = "{bacnet}"
broadcast = "127.0.0.1"
instance = 1234
name = "任泽机房"
names = "zh"
points = ["hp1/supply_temp", "hp1/state", "hp1/setpoint", "hp1/relay"]
commands = ["hp1/setpoint"]
"#
    )
}

fn free() -> SocketAddrV4 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, socket.local_addr().unwrap().port())
}

#[track_caller]
fn shows(client: &mut BacnetClient, to: SocketAddrV4, object: &str, property: &str, value: &Json) {
    eventually(&format!("{object} {property} is {value}"), || {
        let read = client.read(to, object, property, None).ok()?;
        let same = read == *value || (read.is_number() && read.as_f64() == value.as_f64());
        same.then_some(())
    });
}

#[test]
fn workstation_reads_the_plant_and_commands_what_the_site_lists() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = ModbusServer::tcp();
    let to = free();
    let gateway = Gateway::start(dir.path(), &site(device.port, to));
    let mut client = BacnetClient::python();
    let supply = "analog-input,1";
    let setpoint = "analog-output,3";

    eventually("the BACnet device answers", || {
        let found = client.ask(&json!({"do": "who_is", "to": to})).ok()?;
        (found[0]["device"] == "device,1234").then_some(())
    });
    let list = client.read(to, "device,1234", "object-list", None).unwrap();
    let objects = ["device,1234", supply, "multi-state-input,2", setpoint, "binary-value,4"];
    assert!(
        list == json!(objects) || list[4] == "binary-input,4",
        "an output that is not listed is no output: {list}"
    );
    assert_eq!(client.read(to, supply, "object-name", None).unwrap(), "1号热泵 供水温度");
    assert_eq!(client.read(to, supply, "description", None).unwrap(), "hp1/supply_temp");
    shows(&mut client, to, "multi-state-input,2", "present-value", &json!(2));
    let read = client.read(to, supply, "present-value", None).unwrap();
    assert!((read.as_f64().unwrap() - 45.3).abs() < 1e-5, "{read}");

    let order = json!({"do": "subscribe", "to": to, "object": supply, "id": 3, "confirmed": true});
    client.ask(&order).unwrap();
    device.set(0, 500);
    client.told("present-value", 50.0);

    client.write(to, setpoint, ("real", json!(45.0)), 9).unwrap();
    shows(&mut client, to, setpoint, "present-value", &json!(45.0));
    let slot = client.read(to, setpoint, "priority-array", Some(9)).unwrap();
    assert_eq!(slot.as_f64(), Some(45.0));
    let (text, code) = gateway.ask(&["write", "hp1/setpoint", "50"]);
    assert_eq!(code, 0, "{text}");
    shows(&mut client, to, setpoint, "present-value", &json!(50.0));
    let slot = client.read(to, setpoint, "priority-array", Some(8)).unwrap();
    assert_eq!(slot.as_f64(), Some(50.0), "the operator's, as Control has it");
    let refused = client.write(to, setpoint, ("real", Json::Null), 8);
    assert!(refused.is_err(), "what the operator holds is not ours to give back: {refused:?}");

    for (object, value, priority) in [
        (setpoint, json!(60.0), 9),
        (setpoint, json!(45.0), 2),
        (setpoint, json!(45.0), 7),
        ("binary-input,4", json!(1), 9),
    ] {
        let kind = if object == setpoint { "real" } else { "enumerated" };
        let refused = client.write(to, object, (kind, value.clone()), priority);
        assert!(refused.is_err(), "{object} {value} at {priority}: {refused:?}");
    }

    client.write(to, setpoint, ("real", Json::Null), 9).unwrap();
    let slot = client.read(to, setpoint, "priority-array", Some(9)).unwrap();
    assert_eq!(slot, Json::Null);

    device.process().kill();
    shows(&mut client, to, supply, "reliability", &json!("communication-failure"));
    let last = client.read(to, supply, "present-value", None).unwrap();
    assert_eq!(last.as_f64(), Some(50.0), "the last one, under the fault flag");
}

/// Two outputs of a foreign device; only the valve is given back.
fn commands(device: u16) -> String {
    format!(
        r#"
[site]
id = "renze"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
data_dir = "data"
commands = true
[line.building]
bacnet = "127.0.0.1:0"
broadcast = "127.0.0.1"
[device.ahu]
line = "building"
instance = 12
address = "127.0.0.1:{device}"
poll = "200ms"
[device.ahu.point.valve]
object = "analog-output:1"
priority = 10
[device.ahu.point.valve.output]
limits = [0, 100]
safe = 0
relinquish = true
watchdog = "the device's own programme at priority 16"
[device.ahu.point.pump]
object = "binary-output:1"
priority = 9
[device.ahu.point.pump.output]
safe = false
watchdog = "the device's own programme at priority 16"
"#
    )
}

#[test]
fn an_output_that_nobody_wants_any_more_is_relinquished_where_the_site_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = BacnetDevice::start(&[]);
    let gateway = Gateway::start(dir.path(), &commands(device.port));
    let written = |point: &str, value: &str, hold: &str| {
        let (text, code) = gateway.ask(&["write", point, value, "--hold", hold]);
        assert_eq!(code, 0, "{text}");
    };
    let mut until = |ask: &str, answer: &str| {
        eventually(&format!("{ask}: {answer}"), || {
            device.ask(ask).starts_with(answer).then_some(())
        });
    };
    eventually("the gateway reads the valve", || {
        (gateway.ask(&["read", "ahu/valve"]).1 == 0).then_some(())
    });
    written("ahu/valve", "42.5", "3s");
    until("slot valve 10", "valve real 42.5");
    until("slot valve 10", "valve null");
    // What the device falls back to by itself, read and left alone.
    until("get valve", "valve 5.0");
    eventually("the gateway shows the device's own value", || {
        gateway.ask(&["read", "ahu/valve"]).0.starts_with("5.0 %").then_some(())
    });
    until("slot valve 10", "valve null");
    written("ahu/valve", "5", "1h");
    until("slot valve 10", "valve real 5.0");

    written("ahu/pump", "true", "2s");
    until("slot pump 9", "pump enumerated active");
    until("slot pump 9", "pump enumerated inactive");
}
