//! From a wavering condition to a steady decision.

use super::Lap;
use crate::Now;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// On beyond one threshold, off beyond another, and unchanged in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hysteresis {
    on: bool,
}

impl Hysteresis {
    /// Whether it is on for this value. With `on_at > off_at` it switches on when the value rises
    /// to `on_at` and off when it falls to `off_at`; with `on_at < off_at` the other way round.
    /// Equal thresholds make a plain comparison: on from `on_at` upwards.
    pub fn update(&mut self, value: f64, on_at: f64, off_at: f64) -> bool {
        if on_at >= off_at {
            if value >= on_at {
                self.on = true;
            } else if value <= off_at {
                self.on = false;
            }
        } else if value <= on_at {
            self.on = true;
        } else if value >= off_at {
            self.on = false;
        }
        self.on
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Switches it, whatever the value was.
    pub fn set(&mut self, on: bool) {
        self.on = on;
    }
}

/// On once its input has been on for a time without a break; off at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OnDelay {
    held: Option<Duration>,
    lap: Lap,
}

impl OnDelay {
    /// Whether the input has been on for `delay`.
    pub fn update(&mut self, input: bool, delay: Duration, now: &Now) -> bool {
        let step = self.lap.step(now);
        // The call that first sees the input on starts the time.
        self.held = input.then(|| self.held.map_or(Duration::ZERO, |held| held + step));
        self.held.is_some_and(|held| held >= delay)
    }

    /// How long the input has been on.
    pub fn held(&self) -> Duration {
        self.held.unwrap_or_default()
    }

    /// Starts anew.
    pub fn reset(&mut self) {
        self.held = None;
    }
}

/// On at once; off once its input has been off for a time without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OffDelay {
    on: bool,
    released: OnDelay,
}

impl OffDelay {
    /// Whether the input is on, or was within `delay`.
    pub fn update(&mut self, input: bool, delay: Duration, now: &Now) -> bool {
        let released = self.released.update(!input, delay, now);
        self.on = input || (self.on && !released);
        self.on
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.on
    }
}

/// Follows a wish, but stays on and off for at least a time each.
///
/// A new one counts as switched off just now, so that a machine of which nothing is known waits its
/// shortest time off before its first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MinTime {
    on: bool,
    held: Duration,
    lap: Lap,
}

impl MinTime {
    /// What the machine may do now.
    pub fn update(&mut self, wish: bool, min_on: Duration, min_off: Duration, now: &Now) -> bool {
        self.held += self.lap.step(now);
        let least = if self.on { min_on } else { min_off };
        if wish != self.on && self.held >= least {
            self.on = wish;
            self.held = Duration::ZERO;
        }
        self.on
    }

    /// Switches at once, for protection: no shortest time stands against that.
    pub fn force(&mut self, on: bool, now: &Now) {
        self.held += self.lap.step(now);
        if self.on != on {
            self.on = on;
            self.held = Duration::ZERO;
        }
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// For how long it has been so.
    pub fn held(&self) -> Duration {
        self.held
    }
}
