//! The foreign parts.

use crate::{Child, Host, eventually, free_port, repository};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn python(script: &str) -> Command {
    let root = repository();
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: tests/setup.sh test", python.display());
    let mut command = Command::new(python);
    command.arg("-u").arg(root.join("tests/peers").join(script));
    command
}

/// mosquitto.
pub struct Broker {
    /// Where it listens.
    pub port: u16,
    config: PathBuf,
    child: Option<Child>,
}

impl Broker {
    /// Starts one that lets anybody in.
    pub fn start(dir: &Path) -> Self {
        Self::with(dir, "allow_anonymous true\n")
    }

    /// Starts one with more settings, one a line.
    pub fn with(dir: &Path, settings: &str) -> Self {
        let port = free_port();
        let config = dir.join(format!("mosquitto-{port}.conf"));
        let text = format!(
            "listener {port} 127.0.0.1\n{settings}persistence false\nmax_queued_messages 0\n\
             user root\n"
        );
        if let Err(e) = std::fs::write(&config, text) {
            panic!("{}: {e}", config.display());
        }
        let mut broker = Self { port, config, child: None };
        broker.restart();
        broker
    }

    /// Ends it; connections break.
    pub fn stop(&mut self) {
        self.child = None;
    }

    /// Starts it again on the same port, remembering nothing.
    pub fn restart(&mut self) {
        self.stop();
        let mut command = Command::new("/usr/sbin/mosquitto");
        command.arg("-c").arg(&self.config);
        self.child = Some(Child::start("mosquitto", command));
        eventually("mosquitto listens", || {
            std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// The process, for signals.
    pub fn process(&mut self) -> &mut Child {
        match &mut self.child {
            Some(child) => child,
            None => panic!("the broker is stopped"),
        }
    }
}

/// The cloud platform: subscribes to everything below a root and sends commands.
pub struct Platform {
    child: Child,
    read: usize,
}

impl Platform {
    /// Connects and subscribes.
    pub fn connect(port: u16, root: &str) -> Self {
        Self::with(port, root, &[])
    }

    /// With more arguments for `mqtt_client.py`.
    pub fn with(port: u16, root: &str, arguments: &[&str]) -> Self {
        let mut command = python("mqtt_client.py");
        command.args(["--port", &port.to_string(), "--root", root]).args(arguments);
        let mut child = Child::start("platform", command);
        child.wait_for("ready");
        Self { child, read: 0 }
    }

    /// Every message so far.
    pub fn messages(&self) -> Vec<Json> {
        let parse = |l: &String| serde_json::from_str::<Json>(l).ok();
        let all = self.child.lines();
        all.iter().filter_map(parse).filter(|m| m["topic"].is_string()).collect()
    }

    /// Waits for the next message that `pick` takes; what came before it is passed over.
    #[track_caller]
    pub fn next<T>(&mut self, what: &str, pick: impl Fn(&Json) -> Option<T>) -> T {
        eventually(what, || {
            let all = self.messages();
            for (i, m) in all.iter().enumerate().skip(self.read) {
                if let Some(found) = pick(m) {
                    self.read = i + 1;
                    return Some(found);
                }
            }
            None
        })
    }

    /// Passes over everything that came so far.
    pub fn skip(&mut self) {
        self.read = self.messages().len();
    }

    /// Sends a command and waits for its reply.
    #[track_caller]
    pub fn command(&mut self, command: &Json) -> Json {
        self.command_text(&command.to_string(), false)
    }

    /// Sends any text as a command, perhaps retained, and waits for the reply.
    #[track_caller]
    pub fn command_text(&mut self, text: &str, retain: bool) -> Json {
        let correlation = format!("c{}", self.child.lines().len());
        let wish = json!({ "payload": text, "correlation": correlation, "retain": retain });
        self.child.tell(&wish.to_string());
        eventually("a reply to the command", || {
            let all = self.messages();
            let reply = all.iter().find(|m| {
                m["topic"] == "platform/replies" && m["correlation"] == correlation.as_str()
            })?;
            Some(crate::payload(reply))
        })
    }
}

/// A foreign Modbus device (`tests/peers/modbus_server.py`).
pub struct ModbusServer {
    child: Child,
    /// TCP port, if it has one.
    pub port: u16,
}

impl ModbusServer {
    /// On TCP, as unit 1.
    pub fn tcp() -> Self {
        Self::tcp_at(free_port())
    }

    /// On TCP at a given port.
    pub fn tcp_at(port: u16) -> Self {
        Self::start(&["--port", &port.to_string()], port)
    }

    /// RTU on a serial device.
    pub fn serial(path: &Path, unit: u8) -> Self {
        let path = path.display().to_string();
        Self::start(&["--serial", &path, "--unit", &unit.to_string()], 0)
    }

    fn start(arguments: &[&str], port: u16) -> Self {
        let mut command = python("modbus_server.py");
        command.args(arguments);
        let mut child = Child::start("modbus server", command);
        child.wait_for("ready");
        Self { child, port }
    }

    /// Changes a holding register from the device's side.
    pub fn set(&mut self, address: u16, value: u16) {
        self.child.tell(&format!("set {address} {value}"));
    }

    /// The process, for signals.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// A foreign BACnet/IP device (`tests/peers/bacnet_device.py`).
pub struct BacnetDevice {
    child: Child,
    /// UDP port.
    pub port: u16,
}

impl BacnetDevice {
    /// Starts one with these arguments, at a port of its own.
    pub fn start(arguments: &[&str]) -> Self {
        let bound = std::net::UdpSocket::bind(("127.0.0.1", 0)).and_then(|s| s.local_addr());
        let port = match bound {
            Ok(address) => address.port(),
            Err(e) => panic!("no free port: {e}"),
        };
        let mut command = python("bacnet_device.py");
        command.args(["--port", &port.to_string()]).args(arguments);
        Self::of(command, port)
    }

    /// Starts one with these arguments on another host, at the standard port.
    pub fn start_on(host: &Host, arguments: &[&str]) -> Self {
        let port = 47808;
        let mut command = python("bacnet_device.py");
        command.args(["--port", &port.to_string()]).args(arguments);
        Self::of(host.enter(&command), port)
    }

    fn of(command: Command, port: u16) -> Self {
        let mut child = Child::start("bacnet device", command);
        child.wait_for("ready");
        Self { child, port }
    }

    /// Tells it something from the device's side; `bacnet_device.py` says what.
    pub fn tell(&mut self, line: &str) {
        self.child.tell(line);
    }

    /// Asks it something and returns the line that it prints.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        let before = self.child.lines().len();
        self.child.tell(line);
        eventually("an answer of the device", || self.child.lines().get(before).cloned())
    }

    /// The process, for signals.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// Reads a meter by a foreign M-Bus master (`tests/peers/mbus_master.py`) behind a TCP port.
pub fn mbus_master(port: u16, address: &str) -> Json {
    let mut command = python("mbus_master.py");
    command.args(["--port", &port.to_string(), address]);
    let output = match command.output() {
        Ok(output) => output,
        Err(e) => panic!("mbus_master.py: {e}"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match serde_json::from_str(&text) {
        Ok(told) => told,
        Err(e) => panic!("{e}: {text}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Asks a server on TCP by a foreign Modbus master (`tests/peers/modbus_master.py`), with words
/// as that script takes them.
#[track_caller]
pub fn modbus_master(port: u16, wish: &str) -> Json {
    let mut command = python("modbus_master.py");
    command.args(["--port", &port.to_string()]).args(wish.split(' '));
    let output = match command.output() {
        Ok(output) => output,
        Err(e) => panic!("modbus_master.py: {e}"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match serde_json::from_str(&text) {
        Ok(told) => told,
        Err(e) => panic!("{wish}: {e}: {text}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// A foreign DL/T 645 meter (`tests/peers/dlt645_server.py`), address 123456781012.
pub struct Dlt645Meter {
    child: Child,
    /// TCP port, if it has one.
    pub port: u16,
}

impl Dlt645Meter {
    /// On TCP, as behind a converter.
    pub fn tcp() -> Self {
        let port = free_port();
        Self::start(&["--port", &port.to_string()], port)
    }

    /// On a serial device.
    pub fn serial(path: &Path) -> Self {
        Self::start(&["--serial", &path.display().to_string()], 0)
    }

    fn start(arguments: &[&str], port: u16) -> Self {
        let mut command = python("dlt645_server.py");
        command.args(arguments);
        let mut child = Child::start("DL/T 645 meter", command);
        child.wait_for("ready");
        Self { child, port }
    }

    /// Changes a value, and waits until the meter has it.
    pub fn set(&mut self, identifier: &str, value: &str) {
        let wish = format!("set {identifier} {value}");
        self.child.tell(&wish);
        self.child.wait_for(&wish);
    }
}

/// Two serial devices joined by a cable (socat).
pub struct SerialPair {
    /// One end.
    pub a: PathBuf,
    /// The other.
    pub b: PathBuf,
    _cable: Child,
}

impl SerialPair {
    /// Lays the cable in `dir`.
    pub fn new(dir: &Path) -> Self {
        let (a, b) = (dir.join("ttyA"), dir.join("ttyB"));
        let end = |p: &Path| format!("pty,raw,echo=0,link={}", p.display());
        let mut command = Command::new("socat");
        command.arg(end(&a)).arg(end(&b));
        let cable = Child::start("socat", command);
        eventually("both ends of the serial cable", || (a.exists() && b.exists()).then_some(()));
        Self { a, b, _cable: cable }
    }
}
