//! The simulated plant room, as a program of its own.

use crate::{Child, eventually, program};
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// `wellhead-plant run` on loopback, with all that hangs on files in a folder of its own.
pub struct Plant {
    child: Child,
    control: String,
    dir: TempDir,
}

impl Plant {
    /// Starts the room of Renze with the meters' buses, the 1-Wire string and the building's BACnet
    /// controllers, and with more arguments.
    pub fn start(arguments: &[&str]) -> Self {
        let dir = match tempfile::tempdir() {
            Ok(dir) => dir,
            Err(e) => panic!("no folder for the plant: {e}"),
        };
        let mut command = Command::new(program("wellhead-plant"));
        command.args(["run", "--modbus-tcp", "127.0.0.1:0", "--control", "127.0.0.1:0"]).args([
            "--bacnet",
            "127.0.0.1:0",
            "--rtu-latency-ms",
            "1-2",
        ]);
        for line in ["rtu", "mbus", "dlt645", "onewire"] {
            command.arg(format!("--{line}")).arg(dir.path().join(line));
        }
        command.args(arguments);
        let mut plant = Self { child: Child::start("plant", command), control: String::new(), dir };
        plant.child.wait_for("ready");
        plant.control = plant.address("control");
        plant
    }

    /// Where it listens: `modbus-tcp`, `mqtt`, …
    #[track_caller]
    pub fn address(&mut self, what: &str) -> String {
        let line = self.child.wait_for(&format!("listening {what} "));
        line.split(' ').next_back().unwrap_or_default().to_owned()
    }

    /// The link to one of its pseudo-terminals (`rtu`, `mbus`, `dlt645`), or the folder that stands
    /// for /sys (`onewire`).
    pub fn path(&self, what: &str) -> PathBuf {
        self.dir.path().join(what)
    }

    /// Sends one request on the control channel.
    ///
    /// # Panics
    /// When the plant refuses it.
    #[track_caller]
    pub fn ask(&self, request: &Json) -> Json {
        let answer = eventually("an answer on the control channel", || {
            let mut stream = TcpStream::connect(&self.control).ok()?;
            writeln!(stream, "{request}").ok()?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).ok()?;
            serde_json::from_str::<Json>(&line).ok()
        });
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        answer
    }

    /// What a point shows now.
    #[track_caller]
    pub fn value(&self, unit: u8, point: &str) -> f64 {
        let answer = self.ask(&json!({ "do": "value", "unit": unit, "point": point }));
        answer["value"].as_f64().unwrap_or(f64::NAN)
    }

    /// Makes something go wrong until it is cleared; returns its number.
    #[track_caller]
    pub fn fault(&self, mut request: Json) -> u64 {
        request["do"] = "fault".into();
        self.ask(&request)["id"].as_u64().unwrap_or_default()
    }

    /// Ends one fault.
    #[track_caller]
    pub fn clear(&self, id: u64) {
        self.ask(&json!({ "do": "clear", "id": id }));
    }
}
