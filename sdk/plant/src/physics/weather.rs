//! Outdoor air like Xingtai's: a year, a day, and on request a cold snap.

use std::f64::consts::TAU;

use super::normal_hash;

/// A spell of cold laid over the formula.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColdSnap {
    /// First day of the year it covers (1 = 1 January).
    pub first_day: u16,
    /// How many days.
    pub days: u16,
    /// How much colder, K.
    pub depth_k: f64,
}

/// Air at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Dry-bulb temperature, °C.
    pub outdoor_c: f64,
    /// Relative humidity, %.
    pub humidity: f64,
    /// Share of the summer's sun, 0 in the heating season.
    pub sun: f64,
}

/// Air of one day, before the hour is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    mean_c: f64,
    humidity: f64,
    sun: f64,
}

impl Day {
    /// A day of the year (1 = 1 January).
    ///
    /// T = 13 + 14.5 cos(2π(d−200)/365) + 4.5 cos(2π(h−15)/24), −6.0 … 32.0 °C. Humidity falls by
    /// day and in winter and differs from day to day by the seed (assumption). The sun is a cosine
    /// about midsummer, a daily mean.
    #[must_use]
    pub fn new(day: u16, seed: u64, snap: Option<ColdSnap>) -> Self {
        let d = f64::from(day);
        let cold = snap
            .filter(|s| (s.first_day..s.first_day.saturating_add(s.days)).contains(&day))
            .map_or(0.0, |s| s.depth_k);
        let wet_season = 10.0 * (TAU * (d - 215.0) / 365.0).cos();
        let daily = 8.0 * normal_hash(seed, 0x4A1D, u64::from(day));
        Self {
            mean_c: 13.0 + 14.5 * (TAU * (d - 200.0) / 365.0).cos() - cold,
            humidity: 64.0 + wet_season + daily,
            sun: (TAU * (d - 172.0) / 365.0).cos().max(0.0),
        }
    }

    /// Air at an hour of the day (0–24).
    #[must_use]
    pub fn at(&self, hour: f64) -> Weather {
        let diurnal = (TAU * (hour - 15.0) / 24.0).cos();
        Weather {
            outdoor_c: self.mean_c + 4.5 * diurnal,
            humidity: (self.humidity - 14.0 * diurnal).clamp(10.0, 100.0),
            sun: self.sun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn year_spans_the_published_range_and_degree_hours() {
        let (mut low, mut high, mut degree_hours) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        for day in 1..=365u16 {
            for hour in 0..24 {
                let t = Day::new(day, 1, None).at(f64::from(hour)).outdoor_c;
                (low, high) = (low.min(t), high.max(t));
                if !(75..319).contains(&day) {
                    degree_hours += (18.0 - t).max(0.0);
                }
            }
        }
        assert!((low + 6.0).abs() < 0.01 && (high - 32.0).abs() < 0.01, "{low} {high}");
        // Published 49 335 K·h for 15 November to 15 March; where the day starts moves it a little.
        assert!((degree_hours / 49_335.0 - 1.0).abs() < 0.01, "{degree_hours}");
    }

    #[test]
    fn cold_snap_is_cold_on_its_days_only() {
        let snap = Some(ColdSnap { first_day: 10, days: 3, depth_k: 13.0 });
        let t = |day| Day::new(day, 1, snap).at(3.0).outdoor_c;
        assert!(t(12) < -18.0, "{}", t(12));
        assert!(t(13) > -7.0);
    }
}
