//! The building's BACnet controllers, read and commanded by another author's client (bacpypes3).
#![cfg(feature = "bacnet")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "shared with other tests")]
mod common;

use std::net::{SocketAddrV4, UdpSocket};
use std::path::Path;
use std::process::Stdio;

use common::{PATIENCE, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use wellhead_plant::fault::{Fault, FaultError, Scope};
use wellhead_plant::panel::pump_keeper;
use wellhead_plant::plant::LOAD_PUMP;
use wellhead_plant::serve::{Options, Server};

const SUBSTATION: u8 = 101;

/// bacpypes3, told what to do line by line; ended when dropped.
struct Client {
    _child: Child,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    /// Notifications that came while waiting for an answer.
    changes: Vec<Value>,
}

impl Client {
    async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join(".venv/bin/python");
        assert!(python.exists(), "{} is missing: tests/setup.sh test", python.display());
        let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut child = Command::new(python)
            .arg("-u")
            .arg(root.join("tests/peers/bacnet_client.py"))
            .args(["--bind", &free.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut client = Self { _child: child, orders, said, changes: Vec::new() };
        assert_eq!(client.line().await, json!({"ok": "ready"}));
        client
    }

    async fn line(&mut self) -> Value {
        let line = timeout(PATIENCE * 3, self.said.next_line()).await.unwrap().unwrap();
        serde_json::from_str(&line.unwrap()).unwrap()
    }

    async fn ask(&mut self, order: Value) -> Result<Value, String> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        loop {
            let mut line = self.line().await;
            if line.get("cov").is_some() {
                self.changes.push(line);
            } else if let Some(error) = line.get("error") {
                return Err(error.as_str().unwrap().to_owned());
            } else {
                return Ok(line["ok"].take());
            }
        }
    }

    async fn read(&mut self, to: SocketAddrV4, object: &str, property: &str) -> Value {
        let order = json!({"do": "read", "to": to, "object": object, "property": property});
        self.ask(order).await.unwrap()
    }

    /// Reads until the property has the value asked for; panics when it never does.
    async fn until(&mut self, to: SocketAddrV4, object: &str, property: &str, wanted: Value) {
        let mut last = Value::Null;
        for _ in 0..200 {
            last = self.read(to, object, property).await;
            if last == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{object} {property} stays {last}, not {wanted}");
    }

    async fn write(
        &mut self,
        to: SocketAddrV4,
        object: &str,
        (kind, value): (&str, Value),
        priority: u8,
    ) -> Result<Value, String> {
        self.ask(json!({
            "do": "write", "to": to, "object": object, "property": "present-value",
            "kind": kind, "value": value, "priority": priority,
        }))
        .await
    }
}

async fn building() -> (Server, SocketAddrV4, Client) {
    let server =
        serve(Options { bacnet: Some("127.0.0.1:0".parse().unwrap()), ..Options::tcp() }).await;
    let (unit, address) = server.bacnet()[0];
    assert_eq!(unit, SUBSTATION);
    (server, address, Client::start().await)
}

fn point(name: &str) -> String {
    name.to_owned()
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{what}: never");
}

#[tokio::test]
async fn controllers_are_found_and_list_their_objects_by_chinese_names() {
    let (server, address, mut client) = building().await;
    let found = client.ask(json!({"do": "who_is", "to": address})).await.unwrap();
    assert_eq!(found[0]["device"], "device,1001", "{found}");
    let list = client.read(address, "device,1001", "object-list").await;
    assert_eq!(list.as_array().unwrap().len(), 15, "{list}");
    assert_eq!(client.read(address, "device,1001", "object-name").await, "楼宇换热站");
    assert_eq!(client.read(address, "analog-input,1", "object-name").await, "供水温度");
    assert_eq!(client.read(address, "analog-input,1", "units").await, "degrees-celsius");
    assert_eq!(client.read(address, "multi-state-input,1", "state-text").await[1], "供热");
    for (i, (unit, room)) in server.bacnet()[1..].iter().enumerate() {
        assert_eq!(usize::from(*unit), 102 + i);
        let device = format!("device,{}", 1002 + i);
        let list = client.read(*room, &device, "object-list").await;
        assert_eq!(list.as_array().unwrap().len(), 5, "{list}");
    }
}

#[tokio::test]
async fn values_are_those_of_the_plant() {
    let (server, address, mut client) = building().await;
    let truth = {
        let plant = &server.room().plant;
        [plant.load_loop.supply_c, plant.load_loop.return_c, plant.weather.outdoor_c]
    };
    for (i, truth) in (1..).zip(truth) {
        let shown = client.read(address, &format!("analog-input,{i}"), "present-value").await;
        let shown = shown.as_f64().unwrap();
        assert!((shown - truth).abs() < 0.5, "analog-input {i} shows {shown}, is {truth}");
    }
    assert_eq!(client.read(address, "binary-input,1", "present-value").await, "active");
    assert_eq!(client.read(address, "multi-state-input,1", "present-value").await, 2);
    let room_c = server.room().plant.buildings[0].room_c;
    let (_, rooms) = server.bacnet()[2];
    let north = client.read(rooms, "analog-input,1", "present-value").await.as_f64().unwrap();
    assert!((north - (room_c - 0.7)).abs() < 0.5, "{north} for {room_c}");
}

#[tokio::test]
async fn command_moves_the_plant_until_the_last_priority_is_relinquished() {
    let (server, address, mut client) = building().await;
    let keeper = pump_keeper(LOAD_PUMP);
    let before = server.room().plant.pumps[LOAD_PUMP].speed_command;
    client.until(address, "analog-output,1", "present-value", json!(before * 50.0)).await;
    client.write(address, "analog-output,1", ("real", json!(30.0)), 8).await.unwrap();
    client.write(address, "analog-output,1", ("real", json!(40.0)), 12).await.unwrap();
    eventually("30 Hz at the pump", || server.room().plant.pumps[LOAD_PUMP].speed_command == 0.6)
        .await;
    assert!(server.room().plant.keepers[keeper].remote);
    client.write(address, "analog-output,1", ("real", Value::Null), 8).await.unwrap();
    eventually("40 Hz at the pump", || server.room().plant.pumps[LOAD_PUMP].speed_command == 0.8)
        .await;
    client.write(address, "analog-output,1", ("real", Value::Null), 12).await.unwrap();
    eventually("the panel has it again", || {
        let room = server.room();
        room.plant.pumps[LOAD_PUMP].speed_command == before && !room.plant.keepers[keeper].remote
    })
    .await;
    client.write(address, "analog-output,1", ("real", json!(5.0)), 8).await.unwrap();
    eventually("the drive's least, 20 Hz", || {
        server.room().plant.pumps[LOAD_PUMP].speed_command == 0.4
    })
    .await;
}

#[tokio::test]
async fn change_is_told_to_who_subscribed() {
    let (server, address, mut client) = building().await;
    let order = json!({
        "do": "subscribe", "to": address, "object": "binary-output,1", "id": 7, "confirmed": true,
    });
    client.ask(order).await.unwrap();
    client.write(address, "binary-output,1", ("enumerated", json!(0)), 8).await.unwrap();
    let stopped = loop {
        let line = match client.changes.pop() {
            Some(line) => line,
            None => client.line().await,
        };
        if line["property"] == "present-value" && line["value"] == "inactive" {
            break line;
        }
    };
    assert_eq!(stopped["cov"], 7);
    eventually("the pump is off", || !server.room().plant.pumps[LOAD_PUMP].run).await;
}

#[tokio::test]
async fn faults_of_points_show_in_their_flags() {
    let (server, address, mut client) = building().await;
    let scope = Scope::unit(SUBSTATION);
    let unreliable = Fault::Unreliable { point: point("supply_temperature"), reliability: 4 };
    server.inject(scope, unreliable, None).unwrap();
    client.until(address, "analog-input,1", "reliability", json!("open-loop")).await;
    // In alarm too: the event state of an object at fault is "fault".
    client.until(address, "analog-input,1", "status-flags", json!([1, 1, 0, 0])).await;
    let out = Fault::OutOfService { point: point("return_temperature") };
    server.inject(scope, out, None).unwrap();
    client.until(address, "analog-input,2", "out-of-service", json!(1)).await;
    client.until(address, "analog-input,2", "status-flags", json!([0, 0, 0, 1])).await;
    server.inject(scope, Fault::Stuck { point: point("outdoor_temperature") }, None).unwrap();
    let stuck = server.room().reading(SUBSTATION, "outdoor_temperature").unwrap();
    (0..7200).for_each(|_| server.room().plant.step(1.0));
    assert_eq!(server.room().reading(SUBSTATION, "outdoor_temperature"), Some(stuck));
    server.clear(None);
    client.until(address, "analog-input,1", "status-flags", json!([0, 0, 0, 0])).await;
    client.until(address, "analog-input,2", "status-flags", json!([0, 0, 0, 0])).await;
}

#[tokio::test]
async fn silent_controller_is_silent_and_its_neighbour_is_not() {
    let (server, address, mut client) = building().await;
    server.inject(Scope::unit(SUBSTATION), Fault::Silent, None).unwrap();
    let heard = client.ask(json!({"do": "who_is", "to": address})).await.unwrap();
    assert_eq!(heard, json!([]));
    let (_, rooms) = server.bacnet()[1];
    let heard = client.ask(json!({"do": "who_is", "to": rooms})).await.unwrap();
    assert_eq!(heard[0]["device"], "device,1002");
    server.clear(None);
    server.inject(Scope::unit(SUBSTATION), Fault::Delay { ms: 300 }, None).unwrap();
    assert_eq!(client.read(address, "device,1001", "vendor-name").await, "Wellhead Plant");
}

#[tokio::test]
async fn what_cannot_befall_a_controller_is_refused() {
    let (server, ..) = building().await;
    let inject = |scope, fault| server.inject(scope, fault, None);
    let scope = Scope::unit(SUBSTATION);
    assert_eq!(inject(scope, Fault::BadCrc), Err(FaultError::NotAtController(SUBSTATION)));
    let missing = Fault::Stuck { point: point("nothing") };
    assert!(matches!(inject(scope, missing), Err(FaultError::NoSuchPoint { .. })));
    let out = Fault::OutOfService { point: point("supply_temperature") };
    assert_eq!(inject(Scope::unit(21), out), Err(FaultError::OnlyAtController));
}
