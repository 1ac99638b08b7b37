//! Meters as they are bought: each with its own small, fixed error, and counters that only count.

use super::{WATER_W_PER_M3H_K, normal_hash};

/// A heat meter with two energy registers.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMeter {
    flow_factor: f64,
    offset_k: [f64; 2],
    /// Flow, m³/h.
    pub flow_m3h: f64,
    /// Temperature in the warmer pipe by design (supply), °C.
    pub supply_c: f64,
    /// Temperature in the other pipe (return), °C.
    pub return_c: f64,
    /// Power, W; positive when supply is warmer.
    pub power_w: f64,
    /// Energy with supply warmer, J.
    pub positive_j: f64,
    /// Energy with supply colder, J.
    pub negative_j: f64,
    /// Volume, m³.
    pub volume_m3: f64,
}

impl HeatMeter {
    /// A meter whose errors (flow 1 % and temperature 0.05 K at two standard deviations) are drawn
    /// from the seed.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let draw = |n| normal_hash(seed, stream, n);
        Self {
            flow_factor: 1.0 + 0.005 * draw(0),
            offset_k: [0.025 * draw(1), 0.025 * draw(2)],
            flow_m3h: 0.0,
            supply_c: 0.0,
            return_c: 0.0,
            power_w: 0.0,
            positive_j: 0.0,
            negative_j: 0.0,
            volume_m3: 0.0,
        }
    }

    /// Another meter of the kind takes its place: other errors, counters from nought.
    pub fn swap(&mut self, seed: u64, stream: u64) {
        *self = Self::new(seed, stream.wrapping_add(1000));
    }

    /// Measures the true values for `dt_s` seconds.
    pub fn step(&mut self, dt_s: f64, flow_m3h: f64, supply_c: f64, return_c: f64) {
        self.flow_m3h = flow_m3h * self.flow_factor;
        self.supply_c = supply_c + self.offset_k[0];
        self.return_c = return_c + self.offset_k[1];
        self.power_w = self.flow_m3h * WATER_W_PER_M3H_K * (self.supply_c - self.return_c);
        let energy = self.power_w * dt_s;
        self.positive_j += energy.max(0.0);
        self.negative_j += (-energy).max(0.0);
        self.volume_m3 += self.flow_m3h * dt_s / 3600.0;
    }
}

/// A three-phase electricity meter.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerMeter {
    factor: f64,
    /// Active power, W.
    pub power_w: f64,
    /// Energy, J.
    pub energy_j: f64,
    /// Highest power since it was last cleared, W.
    pub peak_w: f64,
}

/// Power factor of motors and compressors (assumption).
pub const POWER_FACTOR: f64 = 0.87;

impl PowerMeter {
    /// A meter of class 0.5 whose error is drawn from the seed.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let factor = 1.0 + 0.0025 * normal_hash(seed, stream, 0).clamp(-2.0, 2.0);
        Self { factor, power_w: 0.0, energy_j: 0.0, peak_w: 0.0 }
    }

    /// Measures the true power for `dt_s` seconds.
    pub fn step(&mut self, dt_s: f64, power_w: f64) {
        self.power_w = power_w * self.factor;
        self.energy_j += self.power_w * dt_s;
        self.peak_w = self.peak_w.max(self.power_w);
    }
}
