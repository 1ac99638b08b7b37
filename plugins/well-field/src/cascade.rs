//! The order of the heat: exchanger, then the heat pump on the tail water, then bought heat.

use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The tail is worth pumping when it is so much warmer than its target, K …
const TAIL_WARM_K: f64 = 1.0;
/// … and is not when it is so much colder: a heat pump by itself makes it several kelvin colder.
const TAIL_COLD_K: f64 = 5.0;

/// Stages beyond the exchanger.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Cascade {
    stage: u8,
    unmet_for: Duration,
    met_for: Duration,
    /// The tail has heat for the heat pump …
    tail: bool,
    /// … and how long it has seemed otherwise.
    otherwise_for: Duration,
}

impl Cascade {
    /// Adds a stage once the load was unmet for a time, and takes one away once it was met as long
    /// again. The heat pump is left out when the tail was cold for as long, and comes back when it
    /// was warm for as long: what is switched stays so for `unmet_after` at least while heat is
    /// called for. Without a supply temperature nothing more is asked for.
    pub fn step(
        &mut self,
        s: &Settings,
        call: bool,
        supply_c: Option<f64>,
        tail_c: Option<f64>,
        dt: Duration,
    ) {
        let Some(supply_c) = supply_c.filter(|_| call) else {
            *self = Self::default();
            return;
        };
        let (low, high) = (s.load_setpoint_c - s.load_band_k, s.load_setpoint_c + s.load_band_k);
        self.unmet_for = if supply_c < low { self.unmet_for + dt } else { Duration::ZERO };
        self.met_for = if supply_c > high { self.met_for + dt } else { Duration::ZERO };
        self.judge_tail(s, tail_c, dt);
        if self.unmet_for >= s.unmet_after {
            self.unmet_for = Duration::ZERO;
            if self.stage == 0 {
                self.tail = warm(s, tail_c);
                self.otherwise_for = Duration::ZERO;
            }
            self.stage = if self.stage == 0 && self.tail { 1 } else { 2 };
        }
        if self.met_for >= s.unmet_after {
            self.stage = self.stage.saturating_sub(1);
            self.met_for = Duration::ZERO;
        }
    }

    fn judge_tail(&mut self, s: &Settings, tail_c: Option<f64>, dt: Duration) {
        let otherwise = match self.tail {
            true => !tail_c.is_some_and(|c| c > s.tail_target_c - TAIL_COLD_K),
            false => warm(s, tail_c),
        };
        self.otherwise_for = if otherwise { self.otherwise_for + dt } else { Duration::ZERO };
        if self.otherwise_for >= s.unmet_after {
            self.tail = !self.tail;
            (self.otherwise_for, self.met_for) = (Duration::ZERO, Duration::ZERO);
        }
    }

    /// Heat pump, bought heat.
    pub fn wants(&self) -> (bool, bool) {
        (self.stage >= 1 && self.tail, self.stage >= 2)
    }
}

fn warm(s: &Settings, tail_c: Option<f64>) -> bool {
    tail_c.is_some_and(|c| c > s.tail_target_c + TAIL_WARM_K)
}
