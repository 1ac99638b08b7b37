//! Hours, energy, and meters that roll over or are replaced.

use super::Lap;
use crate::{Now, millis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Counts how long something ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HourCounter {
    total: Duration,
    lap: Lap,
    #[serde(skip)]
    ran: bool,
}

impl HourCounter {
    /// Counts the time since the last call if it was running then, and returns the total. What a
    /// plugin switches on in one tick has run when the next one comes.
    pub fn update(&mut self, running: bool, now: &Now) -> Duration {
        let step = self.lap.step(now);
        if self.ran {
            self.total += step;
        }
        self.ran = running;
        self.total
    }

    /// What has been counted.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// What has been counted, in hours.
    pub fn hours(&self) -> f64 {
        self.total.as_secs_f64() / 3600.0
    }

    /// Starts again at zero: a new season.
    pub fn reset(&mut self) {
        self.total = Duration::ZERO;
    }
}

/// Makes energy out of power: kWh out of kW, or whatever times an hour.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PowerIntegrator {
    total: f64,
    missing: Duration,
    lap: Lap,
    #[serde(skip)]
    last: Option<f64>,
}

impl PowerIntegrator {
    /// Adds the energy since the last call by the mean of both powers, and returns it. Without a
    /// power at one of the ends, or a call at all for longer than `gap_max`, nothing is added and
    /// the time counts as missing.
    pub fn update(&mut self, power: Option<f64>, gap_max: Duration, now: &Now) -> f64 {
        let step = self.lap.step(now);
        let power = power.filter(|p| p.is_finite());
        let last = std::mem::replace(&mut self.last, power);
        match (last, power) {
            (Some(last), Some(power)) if step <= gap_max => {
                let energy = f64::midpoint(last, power) * step.as_secs_f64() / 3600.0;
                self.total += energy;
                energy
            }
            _ => {
                self.missing += step;
                0.0
            }
        }
    }

    /// What has been added up.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// The time for which nothing could be added.
    pub fn missing(&self) -> Duration {
        self.missing
    }

    /// Starts again at zero.
    pub fn reset(&mut self) {
        self.total = 0.0;
        self.missing = Duration::ZERO;
    }
}

/// What is known of a meter's register.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeterLimits {
    /// The reading at which it starts again at zero, if it does: 100 000 for five digits.
    pub rolls_over_at: Option<f64>,
    /// Most it can advance in an hour: the largest power there is, with a margin.
    pub per_hour_max: f64,
    /// Its smallest step.
    pub step: f64,
}

impl MeterLimits {
    fn judge(&self, from: f64, reading: f64, elapsed_ms: i64) -> Advance {
        let most = self.per_hour_max * elapsed_ms as f64 / 3.6e6 + self.step;
        let fits = |by: &f64| (0.0..=most).contains(by);
        let forward = reading - from;
        let around = self.rolls_over_at.map(|size| forward + size).filter(|_| forward < 0.0);
        if fits(&forward) {
            Advance::By(forward)
        } else if forward < 0.0 && -forward <= self.step {
            // A register read between two of its words, or a float that rounds: not an advance.
            Advance::By(0.0)
        } else {
            around.filter(fits).map_or(Advance::Replaced, Advance::By)
        }
    }
}

/// What a reading says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Advance {
    /// The first reading there is.
    First,
    /// It advanced by so much, over a rollover or not.
    By(f64),
    /// It can't have come here by advancing: another meter, or its register was set. Counting goes
    /// on from the new reading, and what was between is unknown.
    Replaced,
}

/// Follows the total of an energy meter, or of any register that only grows.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct EnergyMeter {
    last: Option<f64>,
    last_utc_ms: i64,
    total: f64,
    lap: Lap,
    /// The latest reading, while what came before this run waits for the clock. `last` and its time
    /// are then moved on by what this run counts: what is left between is the outage's.
    #[serde(skip)]
    waiting: Option<f64>,
}

impl EnergyMeter {
    /// Takes a good reading in; leave out the call when there is none. A jump that the meter can't
    /// have made in the time since the last reading is never counted.
    ///
    /// After a restart that time is taken from the wall clock. An advance that is too large for it
    /// by a clock that is not synchronised (without a battery it stood still meanwhile) waits, and
    /// is judged in the first call that finds the clock synchronised. Until then, and should that
    /// never come, what the meter advances from reading to reading is counted.
    pub fn update(&mut self, reading: f64, limits: &MeterLimits, now: &Now) -> Advance {
        if !reading.is_finite() {
            return Advance::By(0.0);
        }
        // Before the step: there is no lap yet after a restart.
        let restarted = self.lap.last.is_none();
        let step_ms = i64::try_from(millis(self.lap.step(now))).unwrap_or(i64::MAX);
        let Some(last) = self.last else {
            (self.last, self.last_utc_ms) = (Some(reading), now.utc_ms);
            return Advance::First;
        };
        let waited = self.waiting.take();
        let by_wall = restarted || (waited.is_some() && now.synced);
        let (from, elapsed_ms) = match waited {
            _ if by_wall => (last, now.utc_ms.saturating_sub(self.last_utc_ms).max(0)),
            Some(waited) => (waited, step_ms),
            None => (last, step_ms),
        };
        let advance = limits.judge(from, reading, elapsed_ms);
        if restarted && advance == Advance::Replaced && !now.synced {
            self.waiting = Some(reading);
            return Advance::By(0.0);
        }
        self.last_utc_ms =
            if now.synced { now.utc_ms } else { self.last_utc_ms.saturating_add(elapsed_ms) };
        self.last = match advance {
            Advance::By(by) => {
                self.total += by;
                // A step back is noise and moves nothing.
                let reached = if by > 0.0 { reading } else { from };
                self.waiting = waited.filter(|_| !by_wall).map(|_| reached);
                Some(if self.waiting.is_some() { last + by } else { reached })
            }
            _ => Some(reading),
        };
        advance
    }

    /// What has been counted since the first reading.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Starts again at zero, from the last reading.
    pub fn reset(&mut self) {
        self.total = 0.0;
    }
}
