//! One run's programs, started in order: broker, fleet, subscriber, and last the one under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::broker::Broker;
use crate::clock::{now, wall_us};
use crate::fleet::Fleet;
use crate::job::Job;
use crate::payload::FLOOR_PREFIX;
use crate::process::{self, Process};
use crate::site;
use crate::subscriber::Subscriber;

const FIRST_VALUE_WITHIN: Duration = Duration::from_secs(30);
/// No message for so long means that nothing more comes.
const QUIET: Duration = Duration::from_secs(2);
const QUIET_WITHIN: Duration = Duration::from_secs(120);

/// The program under test.
#[derive(Debug, Clone)]
pub enum Contender {
    /// The floor, at this path.
    Floor(PathBuf),
    /// The gateway, at this path.
    Wellhead(PathBuf),
}

impl Contender {
    /// As printed.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Floor(_) => "floor",
            Self::Wellhead(_) => "wellhead",
        }
    }
}

/// Everything that runs for one job. The order of the fields is the order of ending.
#[derive(Debug)]
pub struct Rig {
    /// The program under test.
    pub program: Process,
    /// What arrives.
    pub subscriber: Subscriber,
    /// The devices.
    pub fleet: Fleet,
    /// The broker between them.
    pub broker: Broker,
    /// From the start of the program to the arrival of its first good value, s.
    pub first_value_s: f64,
}

impl Rig {
    /// Starts all for one job with fresh files in `dir` and waits for the first value.
    ///
    /// # Errors
    /// When a part does not start or no value comes.
    pub fn start(job: &Job, who: &Contender, dir: &Path, persistent_broker: bool) -> Result<Self> {
        // Sockets of the fleet: a listener and a connection a device; the floor has one each.
        process::raise_file_limit(2 * job.devices as u64 + 100)?;
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("clear {}", dir.display()))?;
        }
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let broker = Broker::start(&dir, persistent_broker)?;
        let fleet = Fleet::start(job.devices, job.registers)?;
        let filter = match who {
            Contender::Floor(_) => format!("{FLOOR_PREFIX}+"),
            Contender::Wellhead(_) => site::DATA_FILTER.to_owned(),
        };
        let subscriber = Subscriber::start(broker.port, &filter, job.devices)?;
        let mut command = command(who, job, &dir, &fleet.ports, broker.port)?;
        let started_us = wall_us();
        let program = Process::start(&mut command, &dir.join("program.log"))?;
        let mut rig = Self { program, subscriber, fleet, broker, first_value_s: 0.0 };
        let first_us = rig.first_value_us().with_context(|| format!("see {}", dir.display()))?;
        rig.first_value_s = first_us.saturating_sub(started_us) as f64 / 1e6;
        Ok(rig)
    }

    fn first_value_us(&mut self) -> Result<u64> {
        let start = now();
        loop {
            if let Some(first) = self.subscriber.tally().arrivals.first() {
                return Ok(first.at_us);
            }
            self.program.still_runs()?;
            if start.elapsed() > FIRST_VALUE_WITHIN {
                bail!("no value within {FIRST_VALUE_WITHIN:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Silences the fleet, waits until nothing more arrives and tells what came of its answers.
    ///
    /// # Errors
    /// When messages never stop.
    pub fn settle(&self) -> Result<Delivery> {
        self.fleet.silence();
        let start = now();
        // Messages without a reading (bad quality, say) count as quiet: they bring nothing more.
        let mut known = (0, now());
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let arrivals = self.subscriber.tally().arrivals.len();
            if arrivals != known.0 {
                known = (arrivals, now());
            } else if known.1.elapsed() > QUIET {
                break;
            }
            if start.elapsed() > QUIET_WITHIN {
                bail!("still receiving {QUIET_WITHIN:?} after the last answer of the fleet");
            }
        }
        let answered = self.fleet.answered();
        let tally = self.subscriber.tally();
        Ok(Delivery {
            answered: answered.iter().map(|&n| u64::from(n)).sum(),
            lost: tally.lost(&answered),
            repeated: tally.repeated,
            misordered: tally.misordered,
            unreadable: tally.unreadable,
        })
    }
}

/// What became of the fleet's answers.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// Answers given.
    pub answered: u64,
    /// Never arrived.
    pub lost: u64,
    /// Arrived more than once.
    pub repeated: u64,
    /// Arrived after a later one of the same stream.
    pub misordered: u64,
    /// Messages that could not be read.
    pub unreadable: u64,
}

fn command(who: &Contender, job: &Job, dir: &Path, ports: &[u16], broker: u16) -> Result<Command> {
    match who {
        Contender::Floor(path) => {
            let mut command = Command::new(path);
            command.arg(broker.to_string()).arg(job.registers.to_string());
            command.args(ports.iter().map(u16::to_string));
            Ok(command)
        }
        Contender::Wellhead(path) => site::prepare(path, dir, ports, job.registers, broker),
    }
}
