//! The order of the heat: exchanger, then the heat pump on the tail water, then bought heat.

use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Stages beyond the exchanger.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Cascade {
    stage: u8,
    unmet_for: Duration,
    met_for: Duration,
}

impl Cascade {
    /// Adds a stage once the load was unmet for a time, and takes one away once it was met as long
    /// again. The heat pump has nothing to take from a tail that is as cold as it should be, and is
    /// left out then. Without a supply temperature nothing more is asked for.
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
        let tail = tail_c.is_some_and(|c| c > s.tail_target_c + 1.0);
        if self.unmet_for >= s.unmet_after {
            self.stage = if self.stage == 0 && tail { 1 } else { 2 };
            self.unmet_for = Duration::ZERO;
        }
        if self.met_for >= s.unmet_after {
            self.stage = self.stage.saturating_sub(1);
            self.met_for = Duration::ZERO;
        }
    }

    /// Heat pump, bought heat.
    pub fn wants(&self, s: &Settings, tail_c: Option<f64>) -> (bool, bool) {
        let tail = tail_c.is_some_and(|c| c > s.tail_target_c - 5.0);
        (self.stage >= 1 && tail, self.stage >= 2)
    }
}
