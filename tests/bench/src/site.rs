//! The gateway's side of a job: its site file and how it is started.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Filter of the gateway's data topics.
pub const DATA_FILTER: &str = "wellhead/v1/bench/gw/data/+";

/// The site file: one line and one device per port, every register a point, polled each second.
#[must_use]
pub fn site(ports: &[u16], registers: u16, broker_port: u16, cache_dir: &Path) -> String {
    let mut out = format!(
        "[site]\nname = \"bench\"\ngateway = \"gw\"\n\n\
         [uplink]\nbroker = \"mqtt://127.0.0.1:{broker_port}\"\n\n\
         [cache]\ndir = \"{}\"\n",
        cache_dir.display()
    );
    for (index, port) in ports.iter().enumerate() {
        device(&mut out, index, *port, registers);
    }
    out
}

fn device(out: &mut String, index: usize, port: u16, registers: u16) {
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = out.write_fmt(text);
    };
    line(format_args!("\n[[line]]\nname = \"l{index:03}\"\ntcp = \"127.0.0.1:{port}\"\n"));
    line(format_args!("\n[[device]]\nname = \"d{index:03}\"\nline = \"l{index:03}\"\nunit = 1\n"));
    line(format_args!("poll = \"1s\"\npoints = [\n"));
    line(format_args!("  {{ name = \"clock\", holding = 0, type = \"u64\" }},\n"));
    line(format_args!("  {{ name = \"count\", holding = 4, type = \"u32\" }},\n"));
    for register in 6..registers {
        line(format_args!(
            "  {{ name = \"r{register}\", holding = {register}, type = \"u16\" }},\n"
        ));
    }
    line(format_args!("]\n"));
}

/// How the gateway is started on a site file.
#[must_use]
pub fn command(program: &Path, site_file: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("run").arg(site_file);
    command
}

/// Values the gateway reads from one answer: clock and count take six registers, the rest one each.
#[must_use]
pub fn points(registers: u16) -> u64 {
    u64::from(registers) - 4
}
