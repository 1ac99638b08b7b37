//! A district that draws heat or cold from one loop: a demand by weather and hour, and the water in
//! the pipes.

use super::WATER_W_PER_M3H_K;
use super::weather::Weather;

/// Share of the day's greatest demand, one for each hour: offices and shops.
const HOURS: [f64; 24] = [
    0.35, 0.32, 0.30, 0.30, 0.32, 0.40, 0.55, 0.75, 0.90, 0.95, 0.98, 1.00, 0.97, 0.98, 1.00, 1.00,
    0.97, 0.92, 0.85, 0.78, 0.70, 0.60, 0.48, 0.40,
];
const COOLING_BASE_C: f64 = 20.0;
const HEATING_BASE_C: f64 = 16.0;
/// Chilled water above, or warm water below these can do no more, over two kelvin.
const COOLING_LIMIT_C: f64 = 18.0;
const HEATING_LIMIT_C: f64 = 30.0;

/// A district.
#[derive(Debug, Clone, PartialEq)]
pub struct District {
    /// Greatest cooling demand, at 32 °C outdoors, W.
    pub cooling_w: f64,
    /// Greatest heating demand, at −6 °C outdoors, W.
    pub heating_w: f64,
    /// What it asks for now, W.
    pub demand_w: f64,
    /// What it draws, W: heat is positive, cold negative.
    pub drawn_w: f64,
    /// Asked for since the start, J.
    pub demand_j: f64,
    /// Drawn since the start, J, either way.
    pub drawn_j: f64,
    /// Temperature of the water that comes back, °C.
    pub water_c: f64,
    water_j_per_k: f64,
}

impl District {
    /// A district with so much water in its pipes.
    #[must_use]
    pub fn new(cooling_w: f64, heating_w: f64, water_m3: f64, water_c: f64) -> Self {
        Self {
            cooling_w,
            heating_w,
            demand_w: 0.0,
            drawn_w: 0.0,
            demand_j: 0.0,
            drawn_j: 0.0,
            water_c,
            water_j_per_k: water_m3 * 3600.0 * WATER_W_PER_M3H_K,
        }
    }

    /// Demand at an hour of the day, W, for cooling or heating.
    #[must_use]
    pub fn demand(&self, cooling: bool, air: Weather, hour: f64) -> f64 {
        let share = HOURS[(hour as usize).min(23)];
        if cooling {
            let warm = (air.outdoor_c - COOLING_BASE_C) / (32.0 - COOLING_BASE_C);
            self.cooling_w * share * warm.max(0.0)
        } else {
            let cold = (HEATING_BASE_C - air.outdoor_c) / (HEATING_BASE_C + 6.0);
            self.heating_w * (0.5 + 0.5 * share) * cold.max(0.0)
        }
    }

    /// Advances by `dt_s` seconds while the plant gives `heat_w` to the water (negative: cold).
    pub fn step(&mut self, dt_s: f64, cooling: bool, demand_w: f64, heat_w: f64) {
        self.demand_w = demand_w;
        let able = if cooling {
            (COOLING_LIMIT_C + 2.0 - self.water_c) / 2.0
        } else {
            (self.water_c - HEATING_LIMIT_C + 2.0) / 2.0
        }
        .clamp(0.0, 1.0);
        self.drawn_w = demand_w * able * if cooling { -1.0 } else { 1.0 };
        self.water_c += (heat_w - self.drawn_w) * dt_s / self.water_j_per_k;
        self.demand_j += demand_w * dt_s;
        self.drawn_j += self.drawn_w.abs() * dt_s;
    }

    /// Heat in the water above 0 °C, J.
    #[must_use]
    pub fn water_j(&self) -> f64 {
        self.water_j_per_k * self.water_c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn district_draws_what_it_asks_while_the_water_is_cold_enough() {
        let mut district = District::new(18e6, 12e6, 1000.0, 13.0);
        let air = Weather { outdoor_c: 32.0, humidity: 60.0, sun: 1.0 };
        let demand = district.demand(true, air, 14.5);
        assert_eq!(demand, 18e6);
        for _ in 0..60 {
            district.step(60.0, true, demand, -18e6);
        }
        assert!((district.water_c - 13.0).abs() < 1e-6);
        (0..600).for_each(|_| district.step(60.0, true, demand, -2e6));
        assert!(district.drawn_w > -2.1e6 && district.water_c > 18.0, "{}", district.water_c);
        assert!(district.drawn_j < district.demand_j);
    }
}
