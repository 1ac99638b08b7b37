//! The ground's own memory: monitoring bores by the month, and where the temperature is heading.
//!
//! The forecast is a light one: the field as two heat capacities per metre of bore, the cylinder
//! of ground that belongs to a bore and an edge node between it and the ground that nobody
//! disturbs, as the plant's simulator has them outside its radial grid. It is driven by the mean
//! heat flow of the last twelve months, so it tells how the yearly mean moves if the years to come
//! are like the last; it knows nothing of the swing within a year.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

const DAY_S: f64 = 86_400.0;
/// Months kept: five years, and one to compare with.
const MONTHS_MAX: usize = 72;
/// Pairs of months a year apart that make a trend.
const PAIRS_MIN: usize = 3;

/// Ground and field, per metre of bore.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Undisturbed temperature, °C.
    pub undisturbed_c: f64,
    /// Heat capacity of the ground, J/(m³·K).
    pub capacity: f64,
    /// Distance of the bores, m.
    pub spacing_m: f64,
    /// From the cylinder to the edge, W/(m·K).
    pub to_edge: f64,
    /// Of the edge, J/(m·K).
    pub edge_capacity: f64,
    /// From the edge to undisturbed ground, W/(m·K).
    pub to_far: f64,
    /// Length of all bores, m.
    pub length_m: f64,
}

/// Temperatures of the two capacities above undisturbed ground, K.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Nodes {
    cylinder_k: f64,
    edge_k: f64,
}

impl Nodes {
    /// A day of a heat flow, W per metre of bore, injection positive.
    pub fn day(&mut self, field: &Field, w_per_m: f64) {
        let cylinder = field.capacity * PI * (field.spacing_m / PI.sqrt()).powi(2);
        let out = field.to_edge * (self.cylinder_k - self.edge_k);
        let far = field.to_far * self.edge_k;
        self.cylinder_k += (w_per_m - out) * DAY_S / cylinder;
        self.edge_k += (out - far) * DAY_S / field.edge_capacity;
    }

    /// Mean temperature of the ground between the bores, °C.
    #[must_use]
    pub fn ground_c(&self, field: &Field) -> f64 {
        field.undisturbed_c + self.cylinder_k
    }

    /// How far it will have moved after some years of this heat flow, K.
    #[must_use]
    pub fn change_k(mut self, field: &Field, w_per_m: f64, years: u32) -> f64 {
        let now = self.cylinder_k;
        for _ in 0..years * 365 {
            self.day(field, w_per_m);
        }
        self.cylinder_k - now
    }
}

/// Means of the monitoring bores, a month each.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Bores {
    month: i32,
    sum: f64,
    count: u32,
    means: Vec<(i32, f32)>,
}

impl Bores {
    /// A believed mean of the bores in a month, numbered year × 12 + month − 1.
    pub fn read(&mut self, month: i32, mean_c: f64) {
        if month != self.month {
            if self.count > 0 {
                let mean = (self.sum / f64::from(self.count)) as f32;
                self.means.retain(|(known, _)| *known != self.month);
                self.means.push((self.month, mean));
                let old = self.means.len().saturating_sub(MONTHS_MAX);
                self.means.drain(..old);
            }
            (self.month, self.sum, self.count) = (month, 0.0, 0);
        }
        self.sum += mean_c;
        self.count += 1;
    }

    fn mean_of(&self, month: i32) -> Option<f64> {
        self.means.iter().find(|(known, _)| *known == month).map(|(_, mean)| f64::from(*mean))
    }

    /// Mean of the last twelve closed months, °C, if there are that many.
    #[must_use]
    pub fn year_c(&self) -> Option<f64> {
        let months = self.month - 12..self.month;
        let sum: Option<f64> = months.map(|month| self.mean_of(month)).sum();
        sum.map(|sum| sum / 12.0)
    }

    /// How the temperature moves, K a year: the mean of what each closed month of the last
    /// `years` differs from the same month a year before, so that the seasons cancel.
    #[must_use]
    pub fn trend(&self, years: u32) -> Option<f64> {
        let first = self.month - 12 * i32::try_from(years).unwrap_or(1);
        let (mut sum, mut pairs) = (0.0, 0);
        for month in first..self.month {
            if let (Some(now), Some(before)) = (self.mean_of(month), self.mean_of(month - 12)) {
                sum += now - before;
                pairs += 1;
            }
        }
        (pairs >= PAIRS_MIN).then(|| sum / pairs as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 656 bores of 80 m, phase I of case 1.15.
    const YANGZHOU: Field = Field {
        undisturbed_c: 17.0,
        capacity: 2e6,
        spacing_m: 5.0,
        to_edge: 0.6714,
        edge_capacity: 3.2378e7,
        to_far: 0.3304,
        length_m: 52_480.0,
    };

    #[test]
    fn forecast_follows_the_reference_field() {
        // Oracle B: yearly mean wall temperature of 4196 kW in and 2940 kW out, 1200 h each, less
        // that of a balanced field, in the middle of years 2, 5 and 10, by g-function.
        let w_per_m = (4196.0 - 2940.0) * 1200.0 * 1e3 / 8760.0 / YANGZHOU.length_m;
        // From the wall to the mean of the cylinder, settled: (ln(r_o/r_b) − 3/4) / 2πk.
        let wall_k = w_per_m * ((5.0 / PI.sqrt() / 0.075).ln() - 0.75) / (2.0 * PI * 2.0);
        for (days, reference_k) in [(548, 3.6), (1643, 7.1), (3468, 10.6)] {
            let mut nodes = Nodes::default();
            (0..days).for_each(|_| nodes.day(&YANGZHOU, w_per_m));
            let risen = nodes.ground_c(&YANGZHOU) - 17.0 + wall_k;
            assert!((risen - reference_k).abs() < 0.7, "day {days}: {risen} K, {reference_k} K");
        }
    }

    #[test]
    fn change_is_what_the_days_bring() {
        let mut nodes = Nodes::default();
        let change = nodes.change_k(&YANGZHOU, -3.0, 1);
        (0..365).for_each(|_| nodes.day(&YANGZHOU, -3.0));
        assert_eq!(17.0 + change, nodes.ground_c(&YANGZHOU));
        assert!(change < -1.0);
    }

    #[test]
    fn trend_is_free_of_the_seasons() {
        let mut bores = Bores::default();
        for month in 24_000..24_030 {
            let season = 4.0 * (f64::from(month % 12) / 12.0 * 2.0 * PI).cos();
            let drift = -0.4 * f64::from(month - 24_000) / 12.0;
            bores.read(month, 15.0 + season + drift);
            let known = bores.trend(3);
            assert_eq!(known.is_some(), month >= 24_015, "{month}");
        }
        let trend = bores.trend(3).expect("known");
        assert!((trend + 0.4).abs() < 1e-6, "{trend}");
    }

    #[test]
    fn months_without_a_reading_are_no_zero() {
        let mut bores = Bores::default();
        for month in (0..40).filter(|month| month % 5 != 0) {
            bores.read(month, 15.0);
        }
        assert_eq!(bores.trend(3), Some(0.0));
        assert_eq!(bores.year_c(), None);
    }
}
