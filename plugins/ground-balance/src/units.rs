//! The other side of the machines: what they say of the ground, to fill gaps and to doubt meters.

use serde::{Deserialize, Serialize};

/// Comparisons are made of this much operation at a time, ms.
const BLOCK_MS: u64 = 3_600_000;

/// One machine.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Unit {
    /// Heat to the load, kW.
    pub heat_kw: f64,
    /// Cold to the load, kW.
    pub cold_kw: f64,
    /// Electric power, kW.
    pub electric_kw: f64,
}

impl Unit {
    /// Heat into the ground, kW: Q (1 − 1/COP) is taken while heating, Q (1 + 1/EER) given while
    /// cooling, which is the heat less, and the cold plus, the electric power.
    #[must_use]
    pub fn ground_kw(self) -> f64 {
        if self.heat_kw > self.cold_kw {
            -(self.heat_kw - self.electric_kw).max(0.0)
        } else if self.cold_kw > 0.0 {
            self.cold_kw + self.electric_kw
        } else {
            0.0
        }
    }
}

/// Compares the ground's meters with the units, an hour of operation at a time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CrossCheck {
    block_ms: u64,
    meter_kwh: f64,
    units_kwh: f64,
    disagree_ms: u64,
    agree_ms: u64,
    suspect: bool,
}

impl CrossCheck {
    /// A step in which the meters counted `meter_kwh` net into the ground while the units said
    /// `units_kw`. Only time in which units run is compared: recharge and rest have no other side.
    pub fn step(&mut self, meter_kwh: f64, units_kw: f64, dt_ms: u64, share: f64, after_ms: u64) {
        if units_kw == 0.0 {
            return;
        }
        self.block_ms += dt_ms;
        self.meter_kwh += meter_kwh;
        self.units_kwh += units_kw * dt_ms as f64 / 3.6e6;
        if self.block_ms < BLOCK_MS {
            return;
        }
        let larger = self.meter_kwh.abs().max(self.units_kwh.abs());
        if (self.meter_kwh - self.units_kwh).abs() > share * larger {
            self.disagree_ms += self.block_ms;
            self.agree_ms = 0;
        } else {
            self.agree_ms += self.block_ms;
            self.disagree_ms = 0;
        }
        if self.disagree_ms >= after_ms {
            self.suspect = true;
        } else if self.agree_ms >= after_ms {
            self.suspect = false;
        }
        (self.block_ms, self.meter_kwh, self.units_kwh) = (0, 0.0, 0.0);
    }

    /// Meters and units have disagreed for the time given, and not agreed for as long since.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.suspect
    }
}
