//! What goes wrong in a drill.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::image::Disk;
use crate::judge::{Judgement, judge};
use crate::pulse::{Pulse, now_ms};
use crate::report::Outcome;
use crate::rig::Rig;

/// How much of it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The gateway's program.
    pub wellhead: PathBuf,
    /// Folder for everything a drill writes; on a disk, not in memory.
    pub dir: PathBuf,
    /// How long the broker is away or stalled.
    pub outage: Duration,
    /// Random kills.
    pub kills: u32,
    /// Power cuts.
    pub cuts: u32,
    /// Of everything random.
    pub seed: u64,
}

impl Settings {
    /// What a test run does.
    #[must_use]
    pub fn quick(wellhead: PathBuf, dir: PathBuf, seed: u64) -> Self {
        Self { wellhead, dir, outage: Duration::from_secs(10), kills: 5, cuts: 3, seed }
    }
}

/// The scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// The broker is away
    Outage,
    /// The same, and the gateway killed half way
    OutageKill,
    /// Kills at random moments: on line, off line, while the backlog goes out
    Kills,
    /// Power cuts at random moments off line, of a disk image
    PowerCuts,
    /// The broker stands still with its connections open
    Stall,
}

impl Scenario {
    /// All.
    pub const ALL: [Self; 5] =
        [Self::Outage, Self::OutageKill, Self::Kills, Self::PowerCuts, Self::Stall];

    /// What happens, in a line.
    #[must_use]
    pub fn title(self, s: &Settings) -> String {
        let away = s.outage.as_secs();
        match self {
            Self::Outage => format!("broker away for {away} s"),
            Self::OutageKill => format!("broker away for {away} s, gateway killed half way"),
            Self::Kills => format!("{} random kills, seed {}", s.kills, s.seed),
            Self::PowerCuts => format!("{} power cuts off line, seed {}", s.cuts, s.seed),
            Self::Stall => format!("broker stalled for {away} s"),
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::OutageKill => "outage-kill",
            Self::Kills => "kills",
            Self::PowerCuts => "power-cuts",
            Self::Stall => "stall",
        }
    }

    /// Runs it and judges.
    ///
    /// # Errors
    /// When a part does not do its work; the gateway ending by itself is among that.
    pub fn run(self, settings: &Settings, pulse: &Arc<Pulse>) -> Result<Outcome> {
        let dir = settings.dir.join(self.folder());
        std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
        let mut rng = fastrand::Rng::with_seed(settings.seed);
        let rig = |data: &Path| Rig::start(&dir, data, &settings.wellhead, pulse);
        let judged = |judgement: Judgement| Outcome::Judged(judgement);
        match self {
            Self::Outage => outage(rig(&dir.join("data"))?, settings.outage, false).map(judged),
            Self::OutageKill => outage(rig(&dir.join("data"))?, settings.outage, true).map(judged),
            Self::Kills => kills(rig(&dir.join("data"))?, settings.kills, &mut rng).map(judged),
            Self::Stall => stall(rig(&dir.join("data"))?, settings.outage).map(judged),
            Self::PowerCuts => {
                let disk = match Disk::new(&dir) {
                    Ok(disk) => disk,
                    Err(error) => return Ok(Outcome::Skipped(format!("{error:#}"))),
                };
                let rig = rig(&disk.path().join("data"))?;
                power_cuts(rig, disk, settings.cuts, &mut rng).map(judged)
            }
        }
    }
}

fn sleep_ms(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

const BEFORE_MS: u64 = 2000;

fn outage(mut rig: Rig, away: Duration, kill: bool) -> Result<Judgement> {
    rig.start_gateway()?;
    sleep_ms(BEFORE_MS);
    rig.broker_leaves()?;
    std::thread::sleep(away / 2);
    if kill {
        rig.kill_gateway()?;
        rig.start_gateway()?;
    }
    std::thread::sleep(away / 2);
    rig.broker_returns(true)?;
    rig.settle().map(|evidence| judge(&evidence))
}

fn stall(mut rig: Rig, away: Duration) -> Result<Judgement> {
    rig.start_gateway()?;
    sleep_ms(BEFORE_MS);
    rig.stall_broker(true)?;
    std::thread::sleep(away);
    rig.stall_broker(false)?;
    rig.settle().map(|evidence| judge(&evidence))
}

/// Longest wait for the first message of a backlog.
const FIRST_BACK: Duration = Duration::from_secs(10);

fn kills(mut rig: Rig, kills: u32, rng: &mut fastrand::Rng) -> Result<Judgement> {
    rig.start_gateway()?;
    sleep_ms(BEFORE_MS);
    let (mut online, mut off, mut draining, mut on) = (true, 0, 0, 0);
    for _ in 0..kills {
        match rng.u32(..3) {
            0 => {
                if !std::mem::replace(&mut online, true) {
                    rig.broker_returns(false)?;
                }
                sleep_ms(rng.u64(50..2500));
                on += 1;
            }
            1 => {
                if std::mem::replace(&mut online, false) {
                    rig.broker_leaves()?;
                }
                sleep_ms(rng.u64(50..4000));
                off += 1;
            }
            _ => {
                if std::mem::replace(&mut online, true) {
                    rig.broker_leaves()?;
                }
                sleep_ms(rng.u64(2000..4000));
                let at_ms = now_ms();
                rig.broker_returns(false)?;
                rig.arrival_after(at_ms, FIRST_BACK)?;
                sleep_ms(rng.u64(..40));
                draining += 1;
            }
        }
        rig.kill_gateway()?;
        sleep_ms(rng.u64(..500));
        rig.start_gateway()?;
    }
    if !online {
        rig.broker_returns(false)?;
    }
    let mut judgement = judge(&rig.settle()?);
    judgement.remarks.push(format!(
        "{on} kills with the broker there, {off} without, {draining} just after it came back"
    ));
    Ok(judgement)
}

fn power_cuts(
    mut rig: Rig,
    mut disk: Disk,
    cuts: u32,
    rng: &mut fastrand::Rng,
) -> Result<Judgement> {
    rig.start_gateway()?;
    sleep_ms(BEFORE_MS);
    for round in 1..=cuts {
        rig.broker_leaves()?;
        sleep_ms(rng.u64(1000..6000));
        rig.stop_gateway()?;
        let copy = disk.snapshot(&format!("image-{round}"))?;
        rig.end_stopped_gateway();
        disk.replace(copy)?;
        rig.start_gateway()?;
        sleep_ms(rng.u64(..1000));
        rig.broker_returns(false)?;
        sleep_ms(rng.u64(500..2000));
    }
    // The gateway has ended when this returns, so that the disk can be unmounted.
    rig.settle().map(|evidence| judge(&evidence))
}
