//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use jiff::civil::DateTime;
use wellhead_plant::fault::{Fault, Line};
use wellhead_plant::modbus::exchange::Latency;
use wellhead_plant::physics::weather::ColdSnap;
use wellhead_plant::plant::Config;
use wellhead_plant::presets::Preset;
use wellhead_plant::serve::Options;

/// A simulated plant room on real protocols.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  \
    wellhead-plant run --modbus-tcp 127.0.0.1:1502 --start 2026-01-10T06:00 --speed 10 &\n  \
    wellhead-plant map | less\n  \
    wellhead-plant fault --unit 1 silent"
)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the plant room until Ctrl-C or SIGTERM.
    ///
    /// Prints one line a port on standard output, e.g. `listening modbus-tcp 127.0.0.1:1502`, and
    /// `ready` when all are open; the log goes to standard error (RUST_LOG sets its level).
    #[command(after_help = "Example:\n  \
        wellhead-plant run --modbus-tcp 127.0.0.1:1502 --rtu /tmp/bus --broker 127.0.0.1:1883")]
    Run(Box<Run>),
    /// Serve many cheap counter devices, one a port, for load tests.
    ///
    /// Functions 3 and 4 answer alike, for any unit id. Registers 0–1: requests answered so far
    /// by this device, this one included (u32). Registers 2–5: wall clock at the answer, ms since
    /// 1970 (u64). Both least significant word first. Register n from 6 on: count + n, modulo
    /// 65536. One `fleet-first` and one `fleet-last` line name the ports.
    #[command(after_help = "Example:\n  \
        wellhead-plant fleet --devices 500 --registers 30 --base-port 20000")]
    Fleet(Fleet),
    /// Print the register map of every unit of a room.
    #[command(after_help = "Example:\n  wellhead-plant map --json | jq '.[] | select(.unit==21)'")]
    Map {
        /// Which room.
        #[arg(long, default_value = "renze")]
        room: Preset,
        /// As a JSON array, one object a point.
        #[arg(long)]
        json: bool,
    },
    /// Make something go wrong in a running plant.
    ///
    /// Concerns every unit on every line unless told otherwise. Sensor faults (stuck, drift,
    /// sentinel, scale) and those of a machine need a unit; cut and refuse concern whole lines, a
    /// power blip the whole room.
    #[command(after_help = "Examples:\n  \
        wellhead-plant fault --unit 1 --for-s 30 silent\n  \
        wellhead-plant fault --line tcp cut\n  \
        wellhead-plant fault --unit 21 drift --point supply_temperature --per-day 0.05")]
    Fault {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        scope: ScopeArgs,
        /// For so many real seconds; until cleared when left out.
        #[arg(long)]
        for_s: Option<f64>,
        /// What goes wrong.
        #[command(subcommand)]
        fault: Fault,
    },
    /// Clear one fault, or all of them.
    #[command(after_help = "Example:\n  wellhead-plant clear --id 3")]
    Clear {
        #[command(flatten)]
        target: Target,
        /// Number that `fault` printed.
        #[arg(long)]
        id: Option<u64>,
    },
    /// List what is wrong.
    #[command(after_help = "Example:\n  wellhead-plant faults")]
    Faults {
        #[command(flatten)]
        target: Target,
    },
    /// Requests and answers of every unit.
    #[command(after_help = "Example:\n  wellhead-plant stats | jq '.units[] | {name, answered}'")]
    Stats {
        #[command(flatten)]
        target: Target,
    },
    /// Poll counts given out by a unit, each with the wall time (ms since 1970) at which its
    /// answer left. Up to the last 200 000.
    #[command(after_help = "Example:\n  wellhead-plant answered 21 --after 1000")]
    Answered {
        #[command(flatten)]
        target: Target,
        /// Unit id.
        unit: u8,
        /// Only counts after this one.
        #[arg(long, default_value_t = 0)]
        after: u32,
    },
    /// What a point shows now.
    #[command(after_help = "Example:\n  wellhead-plant value 43 temperature")]
    Value {
        #[command(flatten)]
        target: Target,
        /// Unit id.
        unit: u8,
        /// Name in the map.
        point: String,
    },
    /// Stop simulated time; the devices go on answering.
    #[command(after_help = "Example:\n  wellhead-plant pause")]
    Pause {
        #[command(flatten)]
        target: Target,
    },
    /// Let simulated time run again.
    #[command(after_help = "Example:\n  wellhead-plant resume")]
    Resume {
        #[command(flatten)]
        target: Target,
    },
}

/// Which plant.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// Its control channel.
    #[arg(long, default_value = "127.0.0.1:1503", value_name = "HOST:PORT")]
    pub(crate) control: SocketAddr,
}

/// Whom a fault concerns.
#[derive(Debug, clap::Args)]
pub(crate) struct ScopeArgs {
    /// One unit.
    #[arg(long)]
    pub(crate) unit: Option<u8>,
    /// One line.
    #[arg(long)]
    pub(crate) line: Option<Line>,
}

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Which room.
    #[arg(long, default_value = "renze")]
    room: Preset,
    /// Serve Modbus TCP here; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:1502", value_name = "HOST:PORT")]
    modbus_tcp: SocketAddr,
    /// Serve RTU on a pseudo-terminal, with a symbolic link to it at this path.
    #[arg(long, value_name = "PATH")]
    rtu: Option<PathBuf>,
    /// Serve RTU frames over TCP here.
    #[arg(long, value_name = "HOST:PORT")]
    rtu_tcp: Option<SocketAddr>,
    /// Serve the heat meters on M-Bus and CJ/T 188 on a pseudo-terminal, with a symbolic link to it
    /// at this path.
    #[arg(long, value_name = "PATH")]
    mbus: Option<PathBuf>,
    /// Serve the heat meters on M-Bus and CJ/T 188 over TCP here, as behind a converter.
    #[arg(long, value_name = "HOST:PORT")]
    mbus_tcp: Option<SocketAddr>,
    /// Serve the electricity meters on DL/T 645 on a pseudo-terminal, with a symbolic link to it at
    /// this path.
    #[arg(long, value_name = "PATH")]
    dlt645: Option<PathBuf>,
    /// Keep the files of a 1-Wire string of 32 probes below this folder, which stands for /sys.
    #[arg(long, value_name = "DIR")]
    pub(crate) onewire: Option<PathBuf>,
    /// Serve the building's BACnet/IP controllers, the first here and the others at the ports after
    /// it; port 0 takes free ones. Only Renze has any.
    #[cfg(feature = "bacnet")]
    #[arg(long, value_name = "HOST:PORT")]
    bacnet: Option<std::net::SocketAddrV4>,
    /// The control channel. It has no password: keep it on loopback.
    #[arg(long, default_value = "127.0.0.1:1503", value_name = "HOST:PORT")]
    control: SocketAddr,
    /// Run an MQTT 5 broker in this program.
    #[cfg(feature = "broker")]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) broker: Option<SocketAddr>,
    /// Simulated seconds per second, 1 to 600.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Local time at which the plant starts.
    #[arg(long, default_value = "2026-07-01T00:00")]
    start: DateTime,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Real seconds without a write until an actuator falls back to its own defaults; 0 is never.
    #[arg(long, default_value_t = 300.0, value_parser = seconds)]
    watchdog_s: f64,
    /// A cold snap: first day of the year, days, kelvin colder.
    #[arg(long, value_name = "DAY,DAYS,K", value_parser = cold_snap)]
    cold_snap: Option<ColdSnap>,
    /// Response time on Modbus TCP, ms, least and greatest.
    #[arg(long, default_value = "0-0", value_name = "MS-MS", value_parser = latency)]
    tcp_latency_ms: Latency,
    /// Response time on RTU, ms, least and greatest.
    #[arg(long, default_value = "20-80", value_name = "MS-MS", value_parser = latency)]
    rtu_latency_ms: Latency,
}

impl Run {
    /// The plant asked for.
    pub(crate) fn config(&self) -> Config {
        Config {
            preset: self.room,
            start: self.start,
            watchdog_s: self.watchdog_s,
            cold_snap: self.cold_snap,
            ..Config::default()
        }
    }

    /// The lines asked for.
    pub(crate) fn options(&self) -> Options {
        Options {
            modbus_tcp: Some(self.modbus_tcp),
            rtu_tcp: self.rtu_tcp,
            rtu: self.rtu.clone(),
            mbus: self.mbus.clone(),
            mbus_tcp: self.mbus_tcp,
            dlt645: self.dlt645.clone(),
            #[cfg(feature = "bacnet")]
            bacnet: self.bacnet,
            control: Some(self.control),
            onewire: self.onewire.clone(),
            speed: self.speed,
            tcp_latency: self.tcp_latency_ms,
            rtu_latency: self.rtu_latency_ms,
        }
    }
}

/// Options of `fleet`.
#[derive(Debug, clap::Args)]
pub(crate) struct Fleet {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Devices, one a port.
    #[arg(long, default_value_t = 500)]
    pub(crate) devices: u16,
    /// Holding (and input) registers of each, at least 6.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(6..))]
    pub(crate) registers: u16,
    /// Port of the first device; the others follow. 0 takes a free port for each.
    #[arg(long)]
    pub(crate) base_port: u16,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (1.0..=600.0).contains(&speed) { Ok(speed) } else { Err("give 1 to 600".to_owned()) }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("give 0 to 3600".to_owned()) }
}

fn latency(text: &str) -> Result<Latency, String> {
    let parsed = text.split_once('-').and_then(|(min, max)| {
        Some(Latency { min_ms: min.parse().ok()?, max_ms: max.parse().ok()? })
    });
    match parsed {
        Some(latency) if latency.min_ms <= latency.max_ms => Ok(latency),
        _ => Err("give least and greatest, e.g. 20-80".to_owned()),
    }
}

fn cold_snap(text: &str) -> Result<ColdSnap, String> {
    let parts: Vec<&str> = text.split(',').collect();
    let parsed = match parts[..] {
        [day, days, depth] => (day.parse().ok(), days.parse().ok(), depth.parse().ok()),
        _ => (None, None, None),
    };
    match parsed {
        (Some(first_day), Some(days), Some(depth_k)) => Ok(ColdSnap { first_day, days, depth_k }),
        _ => Err("give first day of the year, days and kelvin, e.g. 10,3,13".to_owned()),
    }
}
