//! The program from outside: ports it announces, the control channel, the fleet, its end.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "shared with other tests")]
mod common;

use std::net::SocketAddr;
use std::process::Stdio;

use common::{PATIENCE, Wire};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// The program, running; killed when dropped.
struct Program {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    listening: Vec<(String, String)>,
}

impl Program {
    async fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wellhead-plant"));
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut program = Self { child, said, listening: Vec::new() };
        loop {
            let line = program.line().await.expect("ended before it was ready");
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["listening", what, address] => {
                    program.listening.push((what.to_owned(), address.to_owned()));
                }
                _ => break assert_eq!(line, "ready"),
            }
        }
        program
    }

    async fn line(&mut self) -> Option<String> {
        timeout(PATIENCE, self.said.next_line()).await.unwrap().unwrap()
    }

    fn address(&self, what: &str) -> SocketAddr {
        let found = self.listening.iter().find(|(name, _)| name == what);
        found.unwrap().1.parse().unwrap()
    }

    /// Asks it to end, as systemd would.
    async fn end(mut self) -> Vec<String> {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").arg(id).status().await.unwrap().success());
        let mut last = Vec::new();
        while let Some(line) = self.line().await {
            last.push(line);
        }
        assert!(timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap().success());
        last
    }
}

/// Runs another command of the program to its end.
async fn call(args: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_wellhead-plant")).args(args).output();
    let output = output.await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

async fn call_json(args: &[&str]) -> Value {
    serde_json::from_str(&call(args).await.unwrap()).unwrap()
}

const FREE: &str = "127.0.0.1:0";

#[tokio::test]
async fn orders_from_another_process_reach_the_wire() {
    let run = ["run", "--modbus-tcp", FREE, "--control", FREE, "--start", "2026-01-10T06:00"];
    let program = Program::start(&run).await;
    let control = program.address("control").to_string();
    let mut wire = Wire(TcpStream::connect(program.address("modbus-tcp")).await.unwrap());
    let poll: &[u8] = &[4, 0, 0, 0, 2];

    let fault = ["fault", "--control", &control, "--unit", "1", "exception", "--code", "6"];
    let id = call_json(&fault).await["id"].to_string();
    wire.ask(1, 1, poll).await;
    assert_eq!(wire.hear(9).await[7..], [0x84, 6]);
    let faults = call_json(&["faults", "--control", &control]).await;
    assert_eq!(faults["faults"][0]["fault"]["kind"], "exception");
    let cleared = call_json(&["clear", "--control", &control, "--id", &id]).await;
    assert_eq!(cleared["cleared"], 1);

    for expected in 1..=3 {
        wire.ask(1, 1, poll).await;
        assert_eq!(wire.hear(13).await[9..], [0, 0, 0, expected]);
    }
    let answered = call_json(&["answered", "--control", &control, "1", "--after", "1"]).await;
    let polls: Vec<_> = answered["answered"].as_array().unwrap().iter().map(|e| &e[0]).collect();
    assert_eq!((polls, &answered["polls"]), (vec![&2.into(), &3.into()], &3.into()));
    let stats = call_json(&["stats", "--control", &control]).await;
    let unit = &stats["units"][0];
    assert_eq!(
        (&unit["requests"], &unit["answered"], &unit["sent"]),
        (&4.into(), &4.into(), &3.into())
    );
    let value = call_json(&["value", "--control", &control, "1", "leaving_setpoint"]).await;
    assert_eq!(value["value"], 44.0);

    let refused = call(&["fault", "--control", &control, "stuck", "--point", "cop"]).await;
    assert!(refused.unwrap_err().contains("needs a unit"));
    let target = control.clone();
    program.end().await;
    let nobody = call(&["stats", "--control", &target]).await.unwrap_err();
    assert!(nobody.contains("no plant listens"), "{nobody}");
}

#[tokio::test]
async fn taken_port_ends_the_program_with_a_reason() {
    let holder = std::net::TcpListener::bind(FREE).unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let failed = call(&["run", "--modbus-tcp", &taken, "--control", FREE]).await.unwrap_err();
    assert!(failed.contains("Modbus TCP cannot listen on"), "{failed}");
}

#[tokio::test]
async fn map_lists_every_point_with_what_a_site_file_needs() {
    let rows: Vec<Value> = serde_json::from_str(&call(&["map", "--json"]).await.unwrap()).unwrap();
    assert!(rows.len() > 200);
    let row = |unit: u8, name: &str| {
        rows.iter().find(|row| row["unit"] == unit && row["name"] == name).unwrap()
    };
    let energy = row(21, "energy");
    assert_eq!(energy["type"], "u32");
    assert_eq!(energy["order"], "low_first");
    assert_eq!(energy["value_unit"], "kWh");
    assert_eq!(row(1, "status")["enum"][2], serde_json::json!([2, "running"]));
    assert_eq!(row(1, "leaving_setpoint")["max"], 55.0);
    assert_eq!(row(1, "fault")["bit"], 1);
    assert!(call(&["map"]).await.unwrap().contains("leaving_setpoint"));
}

#[tokio::test]
async fn every_room_can_be_listed_and_run() {
    for (room, unit, name) in [("changshu", 44, "period"), ("yanqing", 61, "back_wash")] {
        let listed = call(&["map", "--room", room, "--json"]).await.unwrap();
        let rows: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert!(rows.iter().any(|row| row["unit"] == unit && row["name"] == name), "{room}");
        let program = Program::start(&[
            "run",
            "--room",
            room,
            "--modbus-tcp",
            FREE,
            "--control",
            FREE,
            "--start",
            "2026-01-10T00:00",
        ])
        .await;
        let control = program.address("control").to_string();
        let unit = unit.to_string();
        let value = call_json(&["value", "--control", &control, &unit, name]).await;
        assert_eq!(value["value"], 0.0, "{room}");
        program.end().await;
    }
}

#[tokio::test]
async fn plants_own_faults_are_injected_and_taken_back() {
    let run = ["run", "--room", "yanqing", "--modbus-tcp", FREE, "--control", FREE];
    let program = Program::start(&run).await;
    let control = program.address("control").to_string();
    let lost = ["fault", "--control", &control, "--unit", "62", "well-lost"];
    let id = call_json(&lost).await["id"].to_string();
    let fault = ["value", "--control", &control, "62", "fault"];
    assert_eq!(call_json(&fault).await["value"], 1.0);
    call(&["clear", "--control", &control, "--id", &id]).await.unwrap();
    assert_eq!(call_json(&fault).await["value"], 0.0);
    let senseless = ["fault", "--control", &control, "--unit", "1", "river-drop"];
    assert!(call(&senseless).await.unwrap_err().contains("cannot befall unit 1"));
}

#[tokio::test]
async fn fleet_counts_and_shows_the_time() {
    let args = ["fleet", "--devices", "20", "--registers", "30", "--base-port", "0"];
    let program = Program::start(&args).await;
    let mut first = Wire(TcpStream::connect(program.address("fleet-first")).await.unwrap());
    let mut last = Wire(TcpStream::connect(program.address("fleet-last")).await.unwrap());
    let mut times = Vec::new();
    for count in 1..=3u16 {
        first.ask(count, 1, &[3, 0, 0, 0, 30]).await;
        let heard = first.hear(69).await;
        let word = |n: usize| u16::from_be_bytes([heard[9 + 2 * n], heard[10 + 2 * n]]);
        assert_eq!((word(0), word(1), word(29)), (count, 0, count + 29));
        times.push((2..6).rev().fold(0u64, |time, n| time << 16 | u64::from(word(n))));
    }
    assert!(times.is_sorted() && times[0] > 1_600_000_000_000, "{times:?}");
    last.ask(1, 9, &[4, 0, 0, 0, 2]).await;
    assert_eq!(last.hear(13).await[9..], [0, 1, 0, 0], "each device counts for itself");
    last.ask(1, 9, &[4, 0, 29, 0, 2]).await;
    assert_eq!(last.hear(9).await[7..], [0x84, 2]);
    assert_eq!(program.end().await, ["answered 5"]);
}
