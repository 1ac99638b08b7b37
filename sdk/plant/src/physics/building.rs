//! The heated floor area as one room behind one emitter.
//!
//! Loss = UA (T_room − T_outdoor) − gains; gains are worth 2 K, which makes the degree-hour base
//! 18 °C. Capacity 250 kJ/(m²·K). The emitter (floor heating) gives the design load at its design
//! mean water temperature with 20 °C inside.
//!
//! In summer the sun adds up to 18 W/m², and windows stand open above 30 °C (assumptions: rooms
//! without cooling; what the sun gives is what circulation alone can put into the ground).

use super::WATER_W_PER_M3H_K;

const DESIGN_OUTDOOR_C: f64 = -7.0;
const DESIGN_ROOM_C: f64 = 20.0;
const GAINS_K: f64 = 2.0;
const CAPACITY_J_PER_M2_K: f64 = 250e3;
/// Share of the emitter's conductance left when the water stands.
const STANDING: f64 = 0.02;
const SUN_W_PER_M2: f64 = 18.0;
/// From here on windows open, over one kelvin, and make the envelope's conductance fourfold.
const WINDOWS_C: f64 = 30.0;
const WINDOWS: f64 = 3.0;

/// Building and the water in its pipes.
#[derive(Debug, Clone, PartialEq)]
pub struct Building {
    floor_m2: f64,
    envelope_w_per_k: f64,
    emitter_w_per_k: f64,
    water_j_per_k: f64,
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
    /// Flow ratio and step length, and the conductance and decay they give.
    eased: (f64, f64, f64, f64),
}

impl Building {
    /// A building of `floor_m2` that needs `design_w_per_m2` at −7 °C, with everything at `room_c`.
    #[must_use]
    pub fn new(floor_m2: f64, design_w_per_m2: f64, design_water_c: f64, room_c: f64) -> Self {
        // 1.5 l of water per m² of floor: pipes of the floor heating and the mains (assumption).
        let water_m3 = floor_m2 * 1.5e-3;
        let design_w = floor_m2 * design_w_per_m2;
        Self {
            floor_m2,
            envelope_w_per_k: design_w / (DESIGN_ROOM_C - GAINS_K - DESIGN_OUTDOOR_C),
            emitter_w_per_k: design_w / (design_water_c - DESIGN_ROOM_C),
            water_j_per_k: water_m3 * 3600.0 * WATER_W_PER_M3H_K,
            room_c,
            water_c: room_c,
            loss_w: 0.0,
            emitted_w: 0.0,
            lost_j: 0.0,
            eased: (f64::NAN, f64::NAN, 0.0, 0.0),
        }
    }

    /// Advances by `dt_s` seconds while the plant gives `heat_w` to the load water, which flows at
    /// a share of its nominal flow; `sun` is the share of the summer's sun.
    pub fn step(&mut self, dt_s: f64, heat_w: f64, flow: f64, outdoor_c: f64, sun: f64) {
        if (self.eased.0, self.eased.1) != (flow, dt_s) {
            let emitter = self.emitter_w_per_k * flow.clamp(0.0, 1.2).powf(0.3).max(STANDING);
            self.eased = (flow, dt_s, emitter, (-emitter * dt_s / self.water_j_per_k).exp());
        }
        let (.., emitter, decay) = self.eased;
        // Exact for a constant room over the step; the room moves by millikelvins in a minute.
        let settled = self.room_c + heat_w / emitter;
        let next = settled + (self.water_c - settled) * decay;
        self.emitted_w = heat_w - self.water_j_per_k * (next - self.water_c) / dt_s;
        self.water_c = next;
        let open = 1.0 + WINDOWS * (self.room_c - WINDOWS_C).clamp(0.0, 1.0);
        self.loss_w = self.envelope_w_per_k * (open * (self.room_c - outdoor_c) - GAINS_K)
            - sun * SUN_W_PER_M2 * self.floor_m2;
        self.room_c +=
            (self.emitted_w - self.loss_w) * dt_s / (self.floor_m2 * CAPACITY_J_PER_M2_K);
        self.lost_j += self.loss_w * dt_s;
    }

    /// Heat that would hold the rooms at 20 °C, W.
    #[must_use]
    pub fn need_w(&self, outdoor_c: f64) -> f64 {
        (self.envelope_w_per_k * (DESIGN_ROOM_C - GAINS_K - outdoor_c)).max(0.0)
    }

    /// Heat in room and water relative to 0 °C, J.
    #[must_use]
    pub fn stored_j(&self) -> f64 {
        self.room_c * self.floor_m2 * CAPACITY_J_PER_M2_K + self.water_c * self.water_j_per_k
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn design_day_needs_the_design_load() {
        let building = Building::new(38_000.0, 40.0, 41.0, 20.0);
        assert!((building.need_w(-7.0) - 1520e3).abs() < 1.0);
    }

    #[test]
    fn heat_in_equals_heat_stored_and_lost() {
        let mut building = Building::new(38_000.0, 40.0, 41.0, 20.0);
        let before = building.stored_j();
        for _ in 0..1440 {
            building.step(60.0, 900e3, 0.87, -4.0, 0.0);
        }
        let balance = 900e3 * 86_400.0 - building.lost_j - (building.stored_j() - before);
        assert!(balance.abs() < 1e-6 * 900e3 * 86_400.0, "{balance}");
    }

    #[test]
    fn open_windows_keep_a_summer_room_near_the_air() {
        let mut building = Building::new(38_000.0, 40.0, 41.0, 25.0);
        (0..60 * 1440).for_each(|_| building.step(60.0, 0.0, 0.0, 27.0, 1.0));
        assert!((29.0..32.0).contains(&building.room_c), "{}", building.room_c);
    }
}
