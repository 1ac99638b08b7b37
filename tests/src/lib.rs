//! A rig for tests with real parts: the gateway as a program, a foreign Modbus server (pymodbus),
//! a foreign broker (mosquitto) and a foreign subscriber (paho).
//!
//! Everything listens on loopback at a port the system gave, lives in one temporary folder, and
//! is ended by its process id when its value is dropped. Nothing here knows how the gateway works
//! inside.

mod bacnet;
mod child;
mod network;
mod peers;
mod plant;
mod workshop;

pub use bacnet::BacnetClient;
pub use child::{Child, free_port};
pub use network::Host;
pub use peers::{
    BacnetDevice, Broker, Dlt645Meter, ModbusServer, Platform, SerialPair, mbus_master,
    modbus_master,
};
pub use plant::Plant;
pub use workshop::{Workshop, plugin};

use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A guard against hanging; nothing is asserted about how long anything takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer. Panics with `what` when patience ends.
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let mut waited = Duration::ZERO;
    let pause = Duration::from_millis(20);
    while waited < PATIENCE {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(pause);
        waited += pause;
    }
    panic!("never happened: {what}");
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// A program of this workspace, built beside the tests (`make test` builds all of them first).
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let folder = test.ancestors().nth(2).unwrap_or(Path::new("."));
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: cargo build --workspace --bins", path.display());
    path
}

/// The running gateway.
pub struct Gateway {
    child: Child,
    site: PathBuf,
}

impl Gateway {
    /// Writes the site file into `dir` and starts on it.
    pub fn start(dir: &Path, site: &str) -> Self {
        let path = dir.join("site.toml");
        if let Err(e) = std::fs::write(&path, site) {
            panic!("{}: {e}", path.display());
        }
        Self::start_on(&path)
    }

    /// Starts on a site file.
    pub fn start_on(site: &Path) -> Self {
        Self::start_with(site, &[])
    }

    /// Starts on a site file, with more arguments.
    pub fn start_with(site: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program("wellhead"));
        command.arg("run").arg(site).args(arguments).env("LANG", "C");
        Self { child: Child::start("wellhead", command), site: site.to_owned() }
    }

    /// The process, for signals and for what it printed.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Lets the broker come back and a platform subscribe before the gateway can notice: a
    /// subscriber that comes after the backlog would miss it.
    pub fn behind(&self, broker: &mut Broker, root: &str) -> Platform {
        self.child.signal("STOP");
        broker.restart();
        let platform = Platform::connect(broker.port, root);
        self.child.signal("CONT");
        platform
    }

    /// Runs another command of the program against this one; its output and exit code.
    pub fn ask(&self, arguments: &[&str]) -> (String, i32) {
        let mut command = Command::new(program("wellhead"));
        command.args(arguments).env("WELLHEAD_SITE", &self.site).env("LANG", "C");
        match command.output() {
            Ok(o) => {
                let text = [o.stdout, o.stderr].concat();
                (String::from_utf8_lossy(&text).into_owned(), o.status.code().unwrap_or(-1))
            }
            Err(e) => panic!("wellhead {arguments:?}: {e}"),
        }
    }
}

/// One sample as it went over the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct WireSample {
    /// Device.
    pub device: String,
    /// Point.
    pub point: String,
    /// Run of the gateway.
    pub boot: String,
    /// Number of its batch.
    pub seq: u64,
    /// Whether it came late, from the cache.
    pub hist: bool,
    /// Source time.
    pub t: i64,
    /// Value, or null.
    pub value: Json,
    /// `good` unless it says otherwise.
    pub quality: String,
    /// Why not good.
    pub reason: Option<String>,
}

/// Takes a message apart, if it is one with data.
pub fn samples(message: &Json) -> Vec<WireSample> {
    let topic = message["topic"].as_str().unwrap_or_default();
    let Some((_, device)) = topic.split_once("/data/") else { return Vec::new() };
    let body = payload(message);
    let one = |s: &Json| WireSample {
        device: device.to_owned(),
        point: s["p"].as_str().unwrap_or_default().to_owned(),
        boot: body["boot"].as_str().unwrap_or_default().to_owned(),
        seq: body["seq"].as_u64().unwrap_or_default(),
        hist: body["hist"].as_bool().unwrap_or(false),
        t: s["t"].as_i64().unwrap_or_default(),
        value: s["v"].clone(),
        quality: s["q"].as_str().unwrap_or("good").to_owned(),
        reason: s["r"].as_str().map(str::to_owned),
    };
    body["samples"].as_array().map(|list| list.iter().map(one).collect()).unwrap_or_default()
}

/// The payload of a message, as JSON.
pub fn payload(message: &Json) -> Json {
    let text = message["payload"].as_str().unwrap_or_default();
    serde_json::from_str(text).unwrap_or(Json::Null)
}
