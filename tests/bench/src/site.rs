//! The gateway's side of a job: its configuration and how it is started.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// Filter of the gateway's data topics.
pub const DATA_FILTER: &str = "wellhead/v1/bench/gw/data/+";

/// Registers of `clock` and `count`; each register after them is a point of its own.
const STAMP_REGISTERS: u16 = 6;

/// Values the gateway reads from one answer.
#[must_use]
pub fn points(registers: u16) -> u64 {
    2 + u64::from(registers.saturating_sub(STAMP_REGISTERS))
}

/// Writes the configuration of a job into `dir` and tells how to start the gateway on it.
///
/// # Errors
/// When the files cannot be written.
pub fn prepare(
    program: &Path,
    dir: &Path,
    ports: &[u16],
    registers: u16,
    broker_port: u16,
) -> Result<Command> {
    let write = |name: &str, text: String| {
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    };
    fs::create_dir_all(dir.join("profiles"))?;
    write("profiles/bench.toml", profile(registers))?;
    write("site.toml", site(ports, broker_port))?;
    let mut command = Command::new(program);
    command.arg("run").arg(dir.join("site.toml"));
    Ok(command)
}

/// One line and one device per port, each read once a second with every reading sent; cache,
/// window and all else as an operator gets them by default.
fn site(ports: &[u16], broker_port: u16) -> String {
    let mut out = format!(
        "[site]\nid = \"bench\"\ntimezone = \"Asia/Shanghai\"\n\n\
         [gateway]\nid = \"gw\"\ndata_dir = \"data\"\nprofiles = [\"profiles\"]\n\n\
         [uplink.broker]\nurl = \"mqtt://127.0.0.1:{broker_port}\"\n"
    );
    for (index, port) in ports.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n[line.l{index:03}]\ntcp = \"127.0.0.1:{port}\"\n\n\
             [device.d{index:03}]\nline = \"l{index:03}\"\nunit = 1\nprofile = \"bench\"\n"
        );
    }
    out
}

/// What all devices of the fleet have in common.
fn profile(registers: u16) -> String {
    let mut out = String::from(
        "[profile]\nid = \"bench\"\ntitle = \"Device of the benchmark's fleet\"\ngeneric = true\n\n\
         [device]\npoll = \"1s\"\nreport = \"every\"\n\n\
         [point.clock]\nholding = 0\ntype = \"u64\"\nunit = \"1\"\n\n\
         [point.count]\nholding = 4\ntype = \"u32\"\nunit = \"1\"\n",
    );
    for register in STAMP_REGISTERS..registers {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "\n[point.r{register}]\nholding = {register}\ntype = \"u16\"\nunit = \"1\"\n"
        );
    }
    out
}
