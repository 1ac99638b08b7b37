//! Surface water as a source: rivers, and reclaimed sewage.
//!
//! Yangtze-like 18 + 11 cos(2π(d−215)/365) + 0.4 cos(2π(h−16)/24), 6.6–29.4 °C; Huangpu-like
//! 18.5 + 11.3 cos(…) + 1.2 sin(2π·t/9 d) + 0.3 cos(…), 5.8–31.2 °C. Level 2.2 + 1.0 sin of the
//! 12.42 h tide and a noise of 0.3 m a day. Reclaimed water 14 °C in winter, 24 °C in summer, its
//! flow 70–130 % over the day.

use std::f64::consts::TAU;

use super::normal_hash;

/// Which water.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Water {
    /// The Yangtze.
    Yangtze,
    /// The Huangpu, which goes below 7 °C in winter and above 28 °C in summer.
    Huangpu,
    /// Reclaimed water of a sewage works.
    Reclaimed,
}

/// A surface source.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    water: Water,
    /// Temperature, °C.
    pub water_c: f64,
    /// Level at the intake, m.
    pub level_m: f64,
    /// Water to be had, share of its mean.
    pub available: f64,
    /// By how much the level is lowered (a fault), m.
    pub drop_m: f64,
    /// Water taken since the filter was washed, m³.
    pub filtered_m3: f64,
    /// Pressure across the intake filter, kPa.
    pub filter_kpa: f64,
}

/// Filter: clean at its nominal flow, kPa; fouling per m³ taken doubles it in about half a year.
const FILTER_KPA: f64 = 9.0;
const FOULING_PER_M3: f64 = 1.0 / 6e6;

impl Source {
    /// A source as it is on 1 January, its filter clean.
    #[must_use]
    pub fn new(water: Water) -> Self {
        let mut source = Self {
            water,
            water_c: 0.0,
            level_m: 0.0,
            available: 1.0,
            drop_m: 0.0,
            filtered_m3: 0.0,
            filter_kpa: 0.0,
        };
        source.flow_in(1.0, 0.0, 0, 0.0);
        source
    }

    fn flow_in(&mut self, day: f64, hour: f64, seed: u64, time_s: f64) {
        let year = (TAU * (day - 215.0) / 365.0).cos();
        let daily = (TAU * (hour - 16.0) / 24.0).cos();
        let days = day + hour / 24.0;
        (self.water_c, self.available) = match self.water {
            Water::Yangtze => (18.0 + 11.0 * year + 0.4 * daily, 1.0),
            Water::Huangpu => {
                (18.5 + 11.3 * year + 1.2 * (TAU * days / 9.0).sin() + 0.3 * daily, 1.0)
            }
            Water::Reclaimed => (19.0 + 5.0 * year, 1.0 + 0.3 * (TAU * (hour - 20.0) / 24.0).cos()),
        };
        let tide = (TAU * time_s / 3600.0 / 12.42).sin();
        let surge = 0.3 * normal_hash(seed, 0x71DE, day as u64);
        self.level_m = (2.2 + tide + surge - self.drop_m).max(0.0);
    }

    /// Advances by `dt_s` seconds to a day of the year and an hour, while water is taken.
    pub fn step(&mut self, dt_s: f64, when: (f64, f64, f64), seed: u64, flow: (f64, f64)) {
        let (day, hour, time_s) = when;
        let (flow_m3h, nominal_m3h) = flow;
        self.flow_in(day, hour, seed, time_s);
        self.filtered_m3 += flow_m3h * dt_s / 3600.0;
        let fouled = 1.0 + FOULING_PER_M3 * self.filtered_m3;
        self.filter_kpa = FILTER_KPA * (flow_m3h / nominal_m3h).powi(2) * fouled;
    }

    /// Washes the intake filter.
    pub fn wash(&mut self) {
        self.filtered_m3 = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(water: Water) -> Vec<(f64, f64, f64)> {
        let mut source = Source::new(water);
        let mut all = Vec::new();
        for hour in 0..8760 {
            let (day, of_day) = (f64::from(hour / 24), f64::from(hour % 24));
            source.flow_in(day, of_day, 1, f64::from(hour) * 3600.0);
            all.push((day, source.water_c, source.level_m));
        }
        all
    }

    fn span(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        (low, values.fold(f64::NEG_INFINITY, f64::max))
    }

    #[test]
    fn rivers_keep_to_their_published_ranges() {
        for (water, low, high) in [(Water::Yangtze, 6.6, 29.4), (Water::Huangpu, 5.8, 31.2)] {
            let (least, most) = span(year(water).iter().map(|(_, c, _)| *c));
            assert!((least - low).abs() < 0.06 && (most - high).abs() < 0.06, "{least} {most}");
        }
    }

    #[test]
    fn switch_over_hours_of_the_huangpu_are_those_published() {
        let all = year(Water::Huangpu);
        let winter = all.iter().filter(|(day, ..)| *day >= 348.0 || *day < 74.0);
        let (cold, hours) =
            winter.fold((0, 0), |(cold, n), (_, c, _)| (cold + i32::from(*c < 7.0), n + 1));
        let warm = all.iter().filter(|(_, c, _)| *c > 28.0).count();
        // Published 398 of 2184 and 1544; a day's fraction of the year moves a few hours.
        assert_eq!(hours, 2184);
        assert!((380..=416).contains(&cold), "{cold}");
        assert!((1520..=1570).contains(&warm), "{warm}");
    }

    #[test]
    fn ebb_falls_below_the_intake_limit_at_times() {
        let all = year(Water::Yangtze);
        let low = all.iter().filter(|(_, _, level)| *level < 1.5).count();
        assert!((500..4000).contains(&low), "{low} hours below 1.5 m");
    }
}
