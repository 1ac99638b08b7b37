//! Hours, energy, and meters that roll over or are replaced.

use super::Lap;
use crate::Now;
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
}

impl EnergyMeter {
    /// Takes a good reading in; leave out the call when there is none. A jump that the meter can't
    /// have made in the time since the last reading is never counted. After a restart that time is
    /// taken from the wall clock.
    pub fn update(&mut self, reading: f64, limits: &MeterLimits, now: &Now) -> Advance {
        let elapsed = self.elapsed(now);
        if !reading.is_finite() {
            return Advance::By(0.0);
        }
        let Some(last) = self.last.replace(reading) else { return Advance::First };
        let most = limits.per_hour_max * elapsed.as_secs_f64() / 3600.0 + limits.step;
        let fits = |by: f64| (0.0..=most).contains(&by);
        let forward = reading - last;
        let around = limits.rolls_over_at.map(|size| forward + size);
        if fits(forward) {
            self.total += forward;
            return Advance::By(forward);
        }
        if forward < 0.0 && -forward <= limits.step {
            // A register read between two of its words, or a float that rounds: not an advance.
            self.last = Some(last);
            return Advance::By(0.0);
        }
        match around.filter(|by| forward < 0.0 && fits(*by)) {
            Some(by) => {
                self.total += by;
                Advance::By(by)
            }
            None => Advance::Replaced,
        }
    }

    fn elapsed(&mut self, now: &Now) -> Duration {
        let wall = u64::try_from(now.utc_ms.saturating_sub(self.last_utc_ms)).unwrap_or(0);
        let by_wall = Duration::from_millis(wall);
        self.last_utc_ms = now.utc_ms;
        // Before the step: there is no lap yet after a restart.
        let restarted = self.lap.last.is_none();
        let step = self.lap.step(now);
        if restarted { by_wall } else { step }
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
