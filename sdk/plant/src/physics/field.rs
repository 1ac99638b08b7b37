//! A bore field with the water in its pipes.

use super::WATER_W_PER_M3H_K;
use super::ground::Ground;

/// Ground and the water in its bores.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The ground.
    pub ground: Ground,
    /// Mean water temperature in the bores, °C.
    pub water_c: f64,
    /// Heat extracted per metre of bore, W/m.
    pub extraction_w_per_m: f64,
    /// Heat taken from the bores since the start, J.
    pub extracted_j: f64,
    /// Heat put into the bores since the start, J.
    pub injected_j: f64,
    water_j_per_k: f64,
    bore_resistance: f64,
    /// Step length and what is left of a difference after it.
    decay: (f64, f64),
}

impl Field {
    /// A field at rest. `bore_resistance` lies between water and wall, m·K/W.
    #[must_use]
    pub fn new(ground: Ground, bore_resistance: f64, water_m3: f64) -> Self {
        Self {
            water_c: ground.undisturbed_c(),
            extraction_w_per_m: 0.0,
            extracted_j: 0.0,
            injected_j: 0.0,
            water_j_per_k: water_m3 * 3600.0 * WATER_W_PER_M3H_K,
            bore_resistance,
            ground,
            decay: (0.0, 1.0),
        }
    }

    /// Temperature at the bore wall, °C.
    #[must_use]
    pub fn wall_c(&self) -> f64 {
        self.ground.wall_c(self.extraction_w_per_m)
    }

    /// Heat in the water above 0 °C, J.
    #[must_use]
    pub fn water_j(&self) -> f64 {
        self.water_j_per_k * self.water_c
    }

    /// Advances by `dt_s` seconds while the plant gives `heat_w` to the water (negative: takes).
    pub fn step(&mut self, dt_s: f64, heat_w: f64) {
        // Water against the innermost shell; the time constant, about ten minutes, is the lag of
        // pipes and grout. Exact over the step, and what leaves the water enters the ground.
        let length = self.ground.length_m();
        let conductance = length / (self.bore_resistance + self.ground.wall_resistance());
        if self.decay.0 != dt_s {
            self.decay = (dt_s, (-conductance * dt_s / self.water_j_per_k).exp());
        }
        let settled = self.ground.near_c() + heat_w / conductance;
        let next = settled + (self.water_c - settled) * self.decay.1;
        let from_ground_w = self.water_j_per_k * (next - self.water_c) / dt_s - heat_w;
        self.water_c = next;
        self.extraction_w_per_m = from_ground_w / length;
        self.extracted_j += from_ground_w.max(0.0) * dt_s;
        self.injected_j += (-from_ground_w).max(0.0) * dt_s;
        self.ground.step(self.extraction_w_per_m, dt_s);
    }
}
