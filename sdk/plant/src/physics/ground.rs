//! The ground around the bores of a field, as a ladder of shells whose wall answers like the
//! field's g-function.
//!
//! The g-function is written as a resistance and a sum of relaxations, g/(2πk) ≈ R0 +
//! Σ R_i (1 − e^(−t/τ_i)), with fixed τ_i and no R_i below nought. Every such sum is the answer of
//! one ladder of capacities joined by conductances (its Cauer form, found by Lanczos steps on the
//! τ_i): the first shell lies at the bore wall, the last one leaks into the undisturbed ground. So
//! the plant steps a dozen temperatures, follows the g-function, and its heat is accounted for.
//! Below about an hour the g-function itself means nothing; pipes and grout are not in it.

use std::f64::consts::PI;

use super::borefield::Borefield;
use super::g_function::GFunction;
use super::relaxation::{Ladder, fit};

/// From half an hour to about a hundred years.
const RELAXATIONS: Ladder = Ladder { shortest_s: 1800.0, ratio: 2.8, count: 15 };

/// What the ground is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Soil {
    /// Conductivity, W/(m·K).
    pub conductivity: f64,
    /// Volumetric heat capacity, J/(m³·K).
    pub capacity: f64,
    /// Undisturbed temperature, °C.
    pub undisturbed_c: f64,
}

impl Default for Soil {
    fn default() -> Self {
        Self { conductivity: 2.0, capacity: 2.0e6, undisturbed_c: 18.0 }
    }
}

impl Soil {
    /// Diffusivity, m²/s.
    #[must_use]
    pub fn diffusivity(&self) -> f64 {
        self.conductivity / self.capacity
    }
}

/// One shell of ground around a bore, per metre of bore.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shell {
    /// J/(m·K).
    capacity: f64,
    /// To the next shell, or from the last one to the undisturbed ground, W/(m·K).
    outward: f64,
    /// Temperature above the undisturbed ground, K.
    excess: f64,
    /// capacity/dt, and the factors of the eliminated system, for the step length last used.
    storage: f64,
    inverse_pivot: f64,
    carry: f64,
}

/// The ground around one bore, standing for every bore of the field.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground {
    soil: Soil,
    length_m: f64,
    bore_radius_m: f64,
    wall_resistance: f64,
    shells: Vec<Shell>,
    factored_dt_s: f64,
    extracted_j_per_m: f64,
    from_far_j_per_m: f64,
}

impl Ground {
    /// Ground at rest, at its undisturbed temperature. Computes the field's g-function.
    #[must_use]
    pub fn new(field: &Borefield, soil: Soil) -> Self {
        let g = GFunction::of(field, soil.diffusivity());
        let two_pi_k = 2.0 * PI * soil.conductivity;
        let falls: Vec<(f64, f64)> = g
            .times_s
            .iter()
            .zip(&g.g)
            .filter(|(time, _)| **time >= 3600.0)
            .map(|(time, g)| (*time, g / two_pi_k))
            .collect();
        let (wall_resistance, mut relaxations) = fit(&falls, RELAXATIONS);
        relaxations.retain(|(_, resistance)| *resistance > 1e-9);
        Self {
            soil,
            length_m: field.length_m(),
            bore_radius_m: field.radius_m,
            wall_resistance,
            shells: ladder(&relaxations),
            factored_dt_s: 0.0,
            extracted_j_per_m: 0.0,
            from_far_j_per_m: 0.0,
        }
    }

    /// Implicit Euler: (C/dt + L) x' = C/dt x − q e0, with L tridiagonal, eliminated once a step
    /// length.
    fn factor(&mut self, dt_s: f64) {
        self.factored_dt_s = dt_s;
        let (mut inward, mut carried) = (0.0, 0.0);
        for shell in &mut self.shells {
            shell.storage = shell.capacity / dt_s;
            shell.inverse_pivot = 1.0 / (shell.storage + inward + shell.outward - inward * carried);
            shell.carry = shell.outward * shell.inverse_pivot;
            (inward, carried) = (shell.outward, shell.carry);
        }
    }

    /// Takes `extraction` W per metre of bore (negative: injection) for `dt_s` seconds.
    pub fn step(&mut self, extraction: f64, dt_s: f64) {
        if self.factored_dt_s != dt_s {
            self.factor(dt_s);
        }
        // What comes down the ladder at the first shell is what the bores do not take.
        let mut incoming = -extraction;
        for shell in &mut self.shells {
            shell.excess = (shell.storage * shell.excess + incoming) * shell.inverse_pivot;
            incoming = shell.outward * shell.excess;
        }
        // The undisturbed ground is the nought of the excess.
        let mut next = 0.0;
        for shell in self.shells.iter_mut().rev() {
            shell.excess += shell.carry * next;
            next = shell.excess;
        }
        self.extracted_j_per_m += extraction * dt_s;
        if let Some(last) = self.shells.last() {
            self.from_far_j_per_m -= last.outward * last.excess * dt_s;
        }
    }

    /// Temperature at the bore wall while `extraction` W/m is being taken, °C.
    #[must_use]
    pub fn wall_c(&self, extraction: f64) -> f64 {
        self.near_c() - extraction * self.wall_resistance
    }

    /// Temperature of the innermost shell, °C.
    #[must_use]
    pub fn near_c(&self) -> f64 {
        self.soil.undisturbed_c + self.shells.first().map_or(0.0, |shell| shell.excess)
    }

    /// Resistance from the bore wall to the innermost shell, m·K/W.
    #[must_use]
    pub fn wall_resistance(&self) -> f64 {
        self.wall_resistance
    }

    /// Temperature at a distance from a bore's axis, °C: of the shell that, filled with ground from
    /// the bore outwards, holds that distance. Beyond half the way to the next bore it is the
    /// field's own surroundings that are meant.
    #[must_use]
    pub fn at_c(&self, radius_m: f64) -> f64 {
        let inside = PI * (radius_m.powi(2) - self.bore_radius_m.powi(2)) * self.soil.capacity;
        let mut held = 0.0;
        let shell = self.shells.iter().find(|shell| {
            held += shell.capacity;
            held >= inside
        });
        self.soil.undisturbed_c + shell.map_or(0.0, |shell| shell.excess)
    }

    /// The undisturbed temperature, °C.
    #[must_use]
    pub fn undisturbed_c(&self) -> f64 {
        self.soil.undisturbed_c
    }

    /// Metres of bore in the field.
    #[must_use]
    pub fn length_m(&self) -> f64 {
        self.length_m
    }

    /// Heat stored relative to the undisturbed ground, J for the whole field.
    #[must_use]
    pub fn stored_j(&self) -> f64 {
        let per_metre: f64 = self.shells.iter().map(|shell| shell.capacity * shell.excess).sum();
        per_metre * self.length_m
    }

    /// Heat that has come in from the far ground since the start, J for the whole field.
    #[must_use]
    pub fn from_far_j(&self) -> f64 {
        self.from_far_j_per_m * self.length_m
    }

    /// Net heat taken out through the bores since the start, J for the whole field.
    #[must_use]
    pub fn extracted_j(&self) -> f64 {
        self.extracted_j_per_m * self.length_m
    }
}

/// The ladder whose first shell answers a step like Σ R (1 − e^(−t/τ)).
fn ladder(relaxations: &[(f64, f64)]) -> Vec<Shell> {
    let n = relaxations.len();
    let rates: Vec<f64> = relaxations.iter().map(|(tau, _)| 1.0 / tau).collect();
    // Σ (R/τ)/(s + 1/τ) = bᵀ(s + Λ)⁻¹b. Lanczos from b makes Λ tridiagonal.
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(n);
    let mut vector: Vec<f64> = relaxations.iter().map(|(tau, r)| (r / tau).sqrt()).collect();
    let mut capacity = 1.0 / dot(&vector, &vector);
    let mut inward = 0.0;
    let mut shells = Vec::with_capacity(n);
    for step in 0..n {
        let length = dot(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|v| *v /= length);
        if step > 0 {
            // `length` joins this shell to the one before: inward = length · √(capacities).
            capacity = (inward / length).powi(2) / capacity;
        }
        let turned: Vec<f64> = vector.iter().zip(&rates).map(|(v, rate)| v * rate).collect();
        let outward = dot(&vector, &turned) * capacity - inward;
        shells.push(Shell {
            capacity,
            outward,
            excess: 0.0,
            storage: 0.0,
            inverse_pivot: 0.0,
            carry: 0.0,
        });
        inward = outward;
        basis.push(vector);
        vector = turned;
        // Twice, since once leaves what rounding put back.
        for _ in 0..2 {
            for known in &basis {
                let along = dot(known, &vector);
                vector.iter_mut().zip(known).for_each(|(v, k)| *v -= along * k);
            }
        }
    }
    shells
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::super::well::well_function;
    use super::*;

    const DAY: usize = 24;

    fn site() -> Borefield {
        Borefield::rectangle(8, 19, 5.0, 150.0)
    }

    #[test]
    fn shells_are_ground_and_lie_one_behind_the_other() {
        for field in
            [site(), Borefield::rectangle(1, 1, 5.0, 100.0), Borefield::l_shape(9, 6, 5.0, 90.0)]
        {
            let ground = Ground::new(&field, Soil::default());
            assert!(ground.shells.len() >= 6, "{:?}", ground.shells);
            for shell in &ground.shells {
                assert!(shell.capacity > 0.0 && shell.outward > 0.0, "{:?}", ground.shells);
            }
        }
    }

    #[test]
    fn ground_of_the_plant_follows_the_published_g_functions() {
        let days = [1, 7, 30, 120, 365, 730, 1825, 3650];
        for (field, expected) in [
            (site(), [1.777, 2.739, 3.511, 5.277, 9.409, 14.562, 25.809, 37.737]),
            (
                Borefield::rectangle(10, 10, 5.0, 100.0),
                [1.776, 2.736, 3.503, 5.227, 9.101, 13.686, 22.872, 31.650],
            ),
            (
                Borefield::rectangle(5, 5, 5.0, 100.0),
                [1.776, 2.736, 3.497, 5.062, 8.133, 11.258, 16.519, 20.691],
            ),
        ] {
            let soil = Soil::default();
            let mut ground = Ground::new(&field, soil);
            let mut hour = 0;
            for (day, expected) in days.into_iter().zip(expected) {
                while hour < day * DAY {
                    ground.step(1.0, 3600.0);
                    hour += 1;
                }
                let fall = soil.undisturbed_c - ground.wall_c(1.0);
                let error = fall * 2.0 * PI * soil.conductivity / expected - 1.0;
                assert!(error.abs() < 0.02, "{} bores, {day} d: {error:.4}", field.bores());
            }
        }
    }

    #[test]
    fn line_source_formula_gives_the_published_table() {
        // Model table, 30 W/m, K, at r = 0.075, 0.5, 1, 2.5 and 5 m.
        for (days, row) in [
            (1.0, [4.2459, 0.4269, 0.0178, 0.0000, 0.0000]),
            (10.0, [6.9770, 2.5309, 1.1132, 0.0763, 0.0001]),
            (100.0, [9.7238, 5.2032, 3.5741, 1.5588, 0.4269]),
            (365.0, [11.2691, 6.7424, 5.0947, 2.9562, 1.4683]),
        ] {
            for (r, expected) in [0.075f64, 0.5, 1.0, 2.5, 5.0].into_iter().zip(row) {
                let u = r * r / (4.0 * 1e-6 * days * 86_400.0);
                let fall = 30.0 / (4.0 * PI * 2.0) * well_function(u);
                assert!((fall - expected).abs() < 1e-4, "{days} d, {r} m: {fall}");
            }
        }
    }

    #[test]
    fn a_bore_before_its_neighbours_are_felt_follows_the_line_source() {
        // Until ~10 days a bore 5 m from the next behaves as if alone.
        let soil = Soil::default();
        let mut ground = Ground::new(&site(), soil);
        for minute in 1..=10 * DAY * 60 {
            ground.step(30.0, 60.0);
            let hour = minute / 60;
            if minute % 60 == 0 && [3, 8, DAY, 10 * DAY].contains(&hour) {
                let u = 0.075f64.powi(2) / (4.0 * 1e-6 * hour as f64 * 3600.0);
                let line = 30.0 / (4.0 * PI * 2.0) * well_function(u);
                let fall = soil.undisturbed_c - ground.wall_c(30.0);
                assert!((fall / line - 1.0).abs() < 0.01, "{hour} h: {fall} against {line}");
            }
        }
    }

    #[test]
    fn heat_taken_out_is_heat_missing_or_come_from_far() {
        let mut ground = Ground::new(&site(), Soil::default());
        for hour in 0..8760 {
            let q = if hour % 700 < 350 { 30.0 } else { -20.0 };
            ground.step(q, 3600.0);
        }
        let balance = ground.extracted_j() + ground.stored_j() - ground.from_far_j();
        assert!(balance.abs() < 1e-9 * 30.0 * 8760.0 * 3600.0 * 22_800.0, "{balance} J");
        assert!(ground.from_far_j() > 0.0, "nothing came from far");
    }

    /// Lowest wall temperature of each of ten years, and that on 31 March of the last, for the
    /// fixed loads of the site: 912 kW at COP 4.2 in three 25-day windows, a recharge of 620 kW
    /// for 60 days (A1), with another 331.5 kW for 45 days (A2). Years start on 1 April.
    fn ten_years(recharge: u8) -> (Vec<f64>, f64) {
        let mut ground = Ground::new(&site(), Soil::default());
        let (mut lowest, mut wall) = (Vec::new(), 0.0);
        for _ in 0..10 {
            let mut year = f64::INFINITY;
            for day in 0..365 {
                let heating = [254, 280, 306].iter().any(|from| (0..25).contains(&(day - from)));
                let q = match day {
                    44..89 if recharge >= 2 => -331.5e3,
                    91..151 if recharge >= 1 => -620e3,
                    _ if heating => 912e3 * (1.0 - 1.0 / 4.2),
                    _ => 0.0,
                } / 22_800.0;
                for _ in 0..DAY {
                    ground.step(q, 3600.0);
                    wall = ground.wall_c(q);
                    year = year.min(wall);
                }
            }
            lowest.push(year);
        }
        (lowest, wall)
    }

    #[test]
    fn ten_years_of_the_site_match_the_superposed_reference() {
        for (recharge, expected, march) in [
            (0, [7.28, 4.51, -1.50, -7.77], -0.43),
            (1, [9.53, 8.56, 6.57, 4.57], 11.73),
            (2, [10.40, 10.14, 9.72, 9.40], 16.50),
        ] {
            let (lowest, last_march) = ten_years(recharge);
            for (year, expected) in [1, 2, 5, 10].into_iter().zip(expected) {
                let got = lowest[year - 1];
                assert!(
                    (got - expected).abs() < 0.25,
                    "A{recharge} year {year}: {got:.2}, {expected}"
                );
            }
            assert!((last_march - march).abs() < 0.25, "A{recharge}: {last_march:.2}, {march}");
        }
    }

    #[test]
    fn balance_of_the_residential_site_decides_where_its_ground_goes() {
        // 656 × 80 m, T0 17 °C, 120 days of 10 h/d in summer and in winter, as daily means.
        for (summer_kw, winter_kw, expected) in [
            (6300.0, 2940.0, [24.6, 28.3, 36.9, 46.0]),
            (4196.0, 2940.0, [21.2, 22.3, 25.2, 28.3]),
            (2940.0, 2940.0, [19.1, 18.7, 18.1, 17.7]),
        ] {
            let soil = Soil { undisturbed_c: 17.0, ..Soil::default() };
            let mut ground = Ground::new(&Borefield::rectangle(16, 41, 5.0, 80.0), soil);
            let mean = |ground: &mut Ground| {
                let mut sum = 0.0;
                for day in 0..365 {
                    let kw = match day {
                        45..165 => -summer_kw,
                        228..348 => winter_kw,
                        _ => 0.0,
                    };
                    let q = kw * 1e3 * 10.0 / 24.0 / ground.length_m();
                    (0..DAY).for_each(|_| ground.step(q, 3600.0));
                    sum += ground.wall_c(q);
                }
                sum / 365.0
            };
            let years: Vec<f64> = (0..10).map(|_| mean(&mut ground)).collect();
            for (year, expected) in [1, 2, 5, 10].into_iter().zip(expected) {
                let got = years[year - 1];
                let tolerance = f64::max(0.25, 0.015 * f64::abs(expected - 17.0));
                assert!(
                    (got - expected).abs() < tolerance,
                    "{summer_kw} kW, year {year}: {got:.2}, {expected}"
                );
            }
        }
    }
}
