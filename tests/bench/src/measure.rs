//! The three measurements: steady, through an outage, and over a long time.

use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use crate::clock::{now, wall_us};
use crate::process::{Usage, machine_cpu_s, own_cpu_s};
use crate::rig::{Delivery, Rig};
use crate::tally::percentile;

/// Connecting and the first polls are told by the first value; ages and CPU are of the steady state.
const WARM_UP: Duration = Duration::from_secs(3);
/// The backlog is drained when nothing of it has come for so long.
const DRAINED_AFTER_US: u64 = 3_000_000;
const DRAINED_WITHIN: Duration = Duration::from_secs(600);

/// Percentiles of ages, ms; absent when nothing arrived.
#[derive(Debug, Clone, Copy)]
pub struct Ages {
    /// Median.
    pub p50_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Largest.
    pub max_ms: Option<f64>,
}

/// The steady state over a window.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Resident memory at the end, MB.
    pub rss_mb: f64,
    /// Most resident memory since the start of the program, MB.
    pub rss_max_mb: f64,
    /// CPU seconds, scaled to 60 s.
    pub cpu_s: f64,
    /// Ages of live values.
    pub ages: Ages,
    /// Bytes given to the storage layer per value delivered, or absent when nothing arrived.
    pub bytes_per_value: Option<f64>,
    /// Share of one core that programs outside the benchmark used: the noise.
    pub others_cores: f64,
}

/// Lets the program warm up.
pub fn warm_up() {
    std::thread::sleep(WARM_UP);
}

/// Measures the steady state for `length`.
///
/// # Errors
/// When the program ends.
pub fn window(rig: &mut Rig, length: Duration) -> Result<Window> {
    let before = Mark::take(rig)?;
    std::thread::sleep(length);
    rig.program.still_runs()?;
    before.window(rig)
}

/// A moment from which a window is counted.
struct Mark {
    wall_us: u64,
    usage: Usage,
    values: u64,
    others_cpu_s: f64,
}

impl Mark {
    fn take(rig: &Rig) -> Result<Self> {
        let usage = rig.program.usage()?;
        let ours = usage.cpu_s + rig.broker.process().usage()?.cpu_s + own_cpu_s()?;
        let tally = rig.subscriber.tally();
        Ok(Self {
            wall_us: wall_us(),
            usage,
            values: tally.values_live + tally.values_hist,
            others_cpu_s: machine_cpu_s()? - ours,
        })
    }

    fn window(&self, rig: &Rig) -> Result<Window> {
        let end = Self::take(rig)?;
        let seconds = (end.wall_us - self.wall_us) as f64 / 1e6;
        let ages = ages(&rig.subscriber.tally().live_ages(self.wall_us, end.wall_us));
        let values = end.values - self.values;
        let written = end.usage.written - self.usage.written;
        Ok(Window {
            rss_mb: megabytes(end.usage.rss_kb),
            rss_max_mb: megabytes(end.usage.rss_max_kb),
            cpu_s: (end.usage.cpu_s - self.usage.cpu_s) * 60.0 / seconds,
            ages,
            bytes_per_value: (values > 0).then(|| written as f64 / values as f64),
            others_cores: (end.others_cpu_s - self.others_cpu_s) / seconds,
        })
    }
}

/// How the broker goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Absence {
    /// It ends and starts again: connections are refused.
    End,
    /// It is stopped: connections stay open and nothing answers.
    Stop,
}

/// What an outage did.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    /// The steady state before.
    pub before: Window,
    /// Most resident memory seen during outage and drain, above that before, MB.
    pub rss_growth_mb: f64,
    /// Answers of the fleet × values of an answer, while the broker was away.
    pub values_meanwhile: u64,
    /// Bytes given to the storage layer per value read while the broker was away.
    pub bytes_per_value_away: f64,
    /// Same, per value, from the return until the backlog was drained.
    pub bytes_per_value_drain: f64,
    /// From the return of the broker to the first message, s.
    pub first_back_s: Option<f64>,
    /// From the first to the last message of the backlog, s.
    pub drain_s: f64,
    /// Values of the backlog delivered in that time.
    pub values_drained: u64,
    /// Ages of live values that were read during the drain.
    pub live_ages: Ages,
    /// How many answers those ages are of.
    pub live_count: usize,
    /// What became of all answers.
    pub delivery: Delivery,
}

/// Takes the broker away for `away` after `online`, then waits until the backlog is drained.
///
/// # Errors
/// When a program ends or the drain does not.
pub fn outage(
    rig: &mut Rig,
    values_per_answer: u64,
    online: Duration,
    away: Duration,
    how: Absence,
) -> Result<Outage> {
    let before = window(rig, online)?;
    let rss_before_mb = megabytes(rig.program.usage()?.rss_kb);
    let left = Step::take(rig)?;
    match how {
        Absence::End => rig.broker.leave()?,
        Absence::Stop => rig.broker.process().signal(Signal::STOP)?,
    }
    let mut rss_most_mb = rss_before_mb;
    let gone = now();
    while gone.elapsed() < away {
        std::thread::sleep(Duration::from_millis(500));
        rig.program.still_runs()?;
        rss_most_mb = rss_most_mb.max(megabytes(rig.program.usage()?.rss_kb));
    }
    let back_us = wall_us();
    let back = Step::take(rig)?;
    match how {
        Absence::End => rig.broker.come_back()?,
        Absence::Stop => rig.broker.process().signal(Signal::CONT)?,
    }
    let hist = drained(rig, back_us, &mut rss_most_mb)?;
    let end = Step::take(rig)?;
    let (live, first_back_us) = {
        let tally = rig.subscriber.tally();
        let read_meanwhile = |a: &&crate::tally::Arrival| {
            // What was read before the gateway was connected again had to wait for that.
            !a.hist && a.at_us - a.age_us >= hist.first_us && a.at_us <= hist.last_us
        };
        let mut live: Vec<u64> =
            tally.arrivals.iter().filter(read_meanwhile).map(|a| a.age_us).collect();
        live.sort_unstable();
        (live, tally.arrivals.iter().find(|a| a.at_us >= back_us).map(|a| a.at_us))
    };
    let values_meanwhile = (back.answered - left.answered) * values_per_answer;
    let values_after = (end.answered - back.answered) * values_per_answer + hist.values;
    Ok(Outage {
        before,
        rss_growth_mb: rss_most_mb - rss_before_mb,
        values_meanwhile,
        bytes_per_value_away: per(back.written - left.written, values_meanwhile),
        bytes_per_value_drain: per(end.written - back.written, values_after),
        first_back_s: first_back_us.map(|us| (us - back_us) as f64 / 1e6),
        drain_s: hist.last_us.saturating_sub(hist.first_us) as f64 / 1e6,
        values_drained: hist.values,
        live_ages: ages(&live),
        live_count: live.len(),
        delivery: rig.settle()?,
    })
}

/// A moment of an outage.
struct Step {
    written: u64,
    answered: u64,
}

impl Step {
    fn take(rig: &Rig) -> Result<Self> {
        let answered = rig.fleet.answered().iter().map(|&n| u64::from(n)).sum();
        Ok(Self { written: rig.program.usage()?.written, answered })
    }
}

/// The backlog as it came.
struct Backlog {
    first_us: u64,
    last_us: u64,
    values: u64,
}

fn drained(rig: &mut Rig, back_us: u64, rss_most_mb: &mut f64) -> Result<Backlog> {
    let start = now();
    let values_before = rig.subscriber.tally().values_hist;
    loop {
        std::thread::sleep(Duration::from_millis(100));
        rig.program.still_runs()?;
        *rss_most_mb = rss_most_mb.max(megabytes(rig.program.usage()?.rss_kb));
        let tally = rig.subscriber.tally();
        let mut times =
            tally.arrivals.iter().filter(|a| a.hist && a.at_us >= back_us).map(|a| a.at_us);
        let first_us = times.next();
        let last_us = times.next_back().or(first_us);
        let quiet_since = last_us.unwrap_or(back_us);
        // A program that never sends a backlog has a minute to begin.
        let patience_us = if last_us.is_some() { DRAINED_AFTER_US } else { 60_000_000 };
        if wall_us().saturating_sub(quiet_since) > patience_us {
            return Ok(Backlog {
                first_us: first_us.unwrap_or(back_us),
                last_us: quiet_since,
                values: tally.values_hist - values_before,
            });
        }
        drop(tally);
        anyhow::ensure!(start.elapsed() < DRAINED_WITHIN, "not drained in {DRAINED_WITHIN:?}");
    }
}

fn ages(sorted_us: &[u64]) -> Ages {
    let at = |percent| percentile(sorted_us, percent).map(|us| us as f64 / 1000.0);
    Ages { p50_ms: at(50), p99_ms: at(99), max_ms: at(100) }
}

fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

fn per(bytes: u64, values: u64) -> f64 {
    if values == 0 { 0.0 } else { bytes as f64 / values as f64 }
}
