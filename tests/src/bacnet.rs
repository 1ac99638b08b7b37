//! Foreign BACnet clients, and a BACnet device of ours for them.

use crate::{Child, eventually, repository};
use serde_json::{Value as Json, json};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::Command;

/// A UDP port that was free a moment ago.
fn free_udp_port() -> u16 {
    match UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|s| s.local_addr()) {
        Ok(address) => address.port(),
        Err(e) => panic!("no free port: {e}"),
    }
}

/// A foreign BACnet client, told what to do line by line.
pub struct BacnetClient {
    child: Child,
    read: usize,
}

impl BacnetClient {
    /// bacpypes3 (`tests/peers/bacnet_client.py`).
    pub fn python() -> Self {
        let root = repository();
        let python = root.join(".venv/bin/python");
        assert!(python.exists(), "{} is missing: tests/setup.sh test", python.display());
        let mut command = Command::new(python);
        let bind = SocketAddrV4::new(Ipv4Addr::LOCALHOST, free_udp_port());
        command.arg("-u").arg(root.join("tests/peers/bacnet_client.py"));
        command.args(["--bind", &bind.to_string()]);
        Self::start("bacpypes3", command)
    }

    /// @bacnet-js/client (`tests/peers/bacnet_client.mjs`).
    pub fn javascript() -> Self {
        let peers = repository().join("tests/peers");
        let modules = peers.join("node_modules");
        assert!(modules.exists(), "{} is missing: tests/setup.sh test", modules.display());
        let mut command = Command::new("node");
        command.arg(peers.join("bacnet_client.mjs")).arg(free_udp_port().to_string());
        Self::start("@bacnet-js/client", command)
    }

    fn start(name: &str, command: Command) -> Self {
        let mut child = Child::start(name, command);
        child.wait_for("ready");
        Self { child, read: 1 }
    }

    /// Has it do something, and returns its answer or what it says went wrong.
    ///
    /// # Errors
    /// What the client says of an error, reject or abort.
    #[track_caller]
    pub fn ask(&mut self, order: &Json) -> Result<Json, String> {
        self.child.tell(&order.to_string());
        let answer = self.next(|line| {
            (line.get("ok").is_some() || line.get("error").is_some()).then(|| line.clone())
        });
        match answer.get("error") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
            None => Ok(answer["ok"].clone()),
        }
    }

    /// Waits for a notification that says this of a property.
    #[track_caller]
    pub fn told(&mut self, property: &str, value: f64) -> Json {
        let says = |l: &Json| l["property"] == property && l["value"].as_f64() == Some(value);
        eventually(&format!("told that {property} is {value}"), || {
            self.lines().into_iter().find(&says)
        })
    }

    fn lines(&self) -> Vec<Json> {
        self.child.lines().iter().filter_map(|l| serde_json::from_str(l).ok()).collect()
    }

    #[track_caller]
    fn next(&mut self, pick: impl Fn(&Json) -> Option<Json>) -> Json {
        let (found, read) = eventually("an answer of the client", || {
            let lines = self.lines();
            let (at, found) =
                lines.iter().enumerate().skip(self.read).find_map(|(i, l)| Some((i, pick(l)?)))?;
            Some((found, at + 1))
        });
        self.read = read;
        found
    }

    /// Reads one property.
    ///
    /// # Errors
    /// What the client says of an error.
    #[track_caller]
    pub fn read(
        &mut self,
        to: SocketAddrV4,
        object: &str,
        property: &str,
        index: Option<u32>,
    ) -> Result<Json, String> {
        self.ask(&json!({
            "do": "read", "to": to, "object": object, "property": property, "index": index,
        }))
    }

    /// Writes Present_Value with a priority; null relinquishes it.
    ///
    /// # Errors
    /// What the client says of an error.
    #[track_caller]
    pub fn write(
        &mut self,
        to: SocketAddrV4,
        object: &str,
        (kind, value): (&str, Json),
        priority: u8,
    ) -> Result<Json, String> {
        self.ask(&json!({
            "do": "write", "to": to, "object": object, "property": "present-value",
            "kind": kind, "value": value, "priority": priority,
        }))
    }
}
