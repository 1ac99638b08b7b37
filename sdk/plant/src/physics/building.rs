//! The heated floor area as one room behind one emitter.
//!
//! Loss = UA (T_room − T_outdoor) − gains, 40 W/m² at −7 °C outdoors with 20 °C inside; gains are
//! worth 2 K, which makes the degree-hour base 18 °C. Capacity 250 kJ/(m²·K). The emitter (floor
//! heating) gives the design load at 41 °C mean water.

use super::WATER_W_PER_M3H_K;

/// Design load, W/m².
const DESIGN_W_PER_M2: f64 = 40.0;
const DESIGN_OUTDOOR_C: f64 = -7.0;
const DESIGN_ROOM_C: f64 = 20.0;
const DESIGN_WATER_C: f64 = 41.0;
const GAINS_K: f64 = 2.0;
const CAPACITY_J_PER_M2_K: f64 = 250e3;
/// Share of the emitter's conductance left when the water stands.
const STANDING: f64 = 0.02;

/// Building and the water in its pipes.
#[derive(Debug, Clone, PartialEq)]
pub struct Building {
    floor_m2: f64,
    water_m3: f64,
    /// Room temperature, °C.
    pub room_c: f64,
    /// Mean temperature of the load water, °C.
    pub water_c: f64,
    /// Heat lost through the envelope less gains, W.
    pub loss_w: f64,
    /// Heat from water to room, W.
    pub emitted_w: f64,
    /// Net heat lost since the start, J.
    pub lost_j: f64,
}

impl Building {
    /// A building of `floor_m2` with everything at `room_c`.
    #[must_use]
    pub fn new(floor_m2: f64, room_c: f64) -> Self {
        // 1.5 l of water per m² of floor: pipes of the floor heating and the mains (assumption).
        let water_m3 = floor_m2 * 1.5e-3;
        Self {
            floor_m2,
            water_m3,
            room_c,
            water_c: room_c,
            loss_w: 0.0,
            emitted_w: 0.0,
            lost_j: 0.0,
        }
    }

    fn envelope_w_per_k(&self) -> f64 {
        self.floor_m2 * DESIGN_W_PER_M2 / (DESIGN_ROOM_C - GAINS_K - DESIGN_OUTDOOR_C)
    }

    fn emitter_w_per_k(&self, flow_m3h: f64, nominal_m3h: f64) -> f64 {
        let full = self.floor_m2 * DESIGN_W_PER_M2 / (DESIGN_WATER_C - DESIGN_ROOM_C);
        full * (flow_m3h / nominal_m3h).clamp(0.0, 1.2).powf(0.3).max(STANDING)
    }

    fn water_j_per_k(&self) -> f64 {
        self.water_m3 * 3600.0 * WATER_W_PER_M3H_K
    }

    /// Advances by `dt_s` seconds while the plant gives `heat_w` to the load water.
    pub fn step(&mut self, dt_s: f64, heat_w: f64, flow: (f64, f64), outdoor_c: f64) {
        let capacity = self.water_j_per_k();
        let emitter = self.emitter_w_per_k(flow.0, flow.1);
        // Exact for a constant room over the step; the room moves by millikelvins in a minute.
        let settled = self.room_c + heat_w / emitter;
        let next = settled + (self.water_c - settled) * (-emitter * dt_s / capacity).exp();
        self.emitted_w = heat_w - capacity * (next - self.water_c) / dt_s;
        self.water_c = next;
        self.loss_w = self.envelope_w_per_k() * (self.room_c - GAINS_K - outdoor_c);
        self.room_c +=
            (self.emitted_w - self.loss_w) * dt_s / (self.floor_m2 * CAPACITY_J_PER_M2_K);
        self.lost_j += self.loss_w * dt_s;
    }

    /// Heat in room and water relative to 0 °C, J.
    #[must_use]
    pub fn stored_j(&self) -> f64 {
        self.room_c * self.floor_m2 * CAPACITY_J_PER_M2_K + self.water_c * self.water_j_per_k()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn design_day_needs_the_design_load() {
        let building = Building::new(38_000.0, 20.0);
        let loss = building.envelope_w_per_k() * (20.0 - GAINS_K + 7.0);
        assert!((loss - 1520e3).abs() < 1.0);
    }

    #[test]
    fn heat_in_equals_heat_stored_and_lost() {
        let mut building = Building::new(38_000.0, 20.0);
        let before = building.stored_j();
        for _ in 0..1440 {
            building.step(60.0, 900e3, (200.0, 230.0), -4.0);
        }
        let balance = 900e3 * 86_400.0 - building.lost_j - (building.stored_j() - before);
        assert!(balance.abs() < 1e-6 * 900e3 * 86_400.0, "{balance}");
    }
}
