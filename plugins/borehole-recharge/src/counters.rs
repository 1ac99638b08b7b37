//! Hours, heat and electricity of the season.

use crate::inputs::Inputs;
use crate::settings::{Plan, WINDOWS_MAX};
use crate::source::{SOURCES, Source};
use wellhead_sdk::prelude::{DateWindow, Deserialize, Serialize};

/// What the season has used and brought so far. Hours are counted in milliseconds, so that a
/// budget ends exactly.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Counters {
    season: Option<i32>,
    /// What the windows were when their hours were counted.
    windows: Vec<(DateWindow, Source)>,
    used_ms: [u64; WINDOWS_MAX],
    run_ms: [u64; SOURCES],
    /// Heat brought into the field this season, whoever brought it, kWh.
    pub heat_kwh: f64,
    /// Electricity used while recharging this season, kWh.
    pub electric_kwh: f64,
}

impl Counters {
    /// Takes over a plan, maybe another one than before: hours stay with the window of the same
    /// dates and source.
    pub fn adopt(&mut self, plan: &Plan) {
        let windows: Vec<_> = plan.windows.iter().map(|w| (w.dates, w.source)).collect();
        if windows != self.windows {
            let mut used_ms = [0; WINDOWS_MAX];
            for (used_ms, window) in used_ms.iter_mut().zip(&windows) {
                let before = self.windows.iter().position(|known| known == window);
                *used_ms = before.map_or(0, |i| self.used_ms(i));
            }
            (self.windows, self.used_ms) = (windows, used_ms);
        }
    }

    /// What a window was when its hours were counted.
    #[must_use]
    pub fn window(&self, window: usize) -> Option<(DateWindow, Source)> {
        self.windows.get(window).copied()
    }

    /// Begins anew when a later season begins.
    pub fn turn(&mut self, season: i32) {
        match self.season {
            Some(known) if season <= known => {}
            Some(_) => {
                let windows = std::mem::take(&mut self.windows);
                *self = Self { season: Some(season), windows, ..Self::default() };
            }
            None => self.season = Some(season),
        }
    }

    /// Heat of the time that passed.
    pub fn heat(&mut self, inputs: &Inputs, noise_k: f64) {
        let rises = inputs.entering_c.zip(inputs.return_c).is_some_and(|(e, r)| e - r >= noise_k);
        if let Some(kw) = inputs.heat_kw().filter(|_| rises) {
            self.heat_kwh += kw * inputs.dt_ms as f64 / 3.6e6;
        }
    }

    /// A source ran for `dt_ms` on the budget of a window. What passes the end of the budget within
    /// one step is not counted: the source is stopped in that same step.
    pub fn run(&mut self, window: usize, source: Source, dt_ms: u64, budget_ms: u64) {
        let Some(used_ms) = self.used_ms.get_mut(window) else { return };
        let counted = dt_ms.min(budget_ms.saturating_sub(*used_ms));
        *used_ms += counted;
        self.run_ms[source.index()] += counted;
    }

    /// Electricity of the time that passed.
    pub fn electricity(&mut self, kw: Option<f64>, dt_ms: u64) {
        self.electric_kwh += kw.unwrap_or(0.0).max(0.0) * dt_ms as f64 / 3.6e6;
    }

    /// Run time used of a window, ms.
    #[must_use]
    pub fn used_ms(&self, window: usize) -> u64 {
        self.used_ms.get(window).copied().unwrap_or(0)
    }

    /// Hours a source ran this season.
    #[must_use]
    pub fn hours(&self, source: Source) -> f64 {
        self.run_ms[source.index()] as f64 / 3.6e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Window;
    use wellhead_sdk::MonthDay;

    #[test]
    fn budget_is_never_passed() {
        let mut counters = Counters::default();
        for _ in 0..10 {
            counters.run(0, Source::PumpOnly, 7, 60);
        }
        assert_eq!(counters.used_ms(0), 60);
    }

    #[test]
    fn counters_begin_anew_only_with_a_later_season() {
        let mut counters = Counters::default();
        counters.turn(2026);
        counters.run(0, Source::AirSource, 3_600_000, u64::MAX);
        counters.turn(2026);
        counters.turn(2025);
        assert_eq!(counters.hours(Source::AirSource), 1.0);
        counters.turn(2027);
        assert_eq!(counters.hours(Source::AirSource), 0.0);
    }

    #[test]
    fn hours_stay_with_their_window_when_the_plan_changes() {
        let day = |month, day| MonthDay::new(month, day).expect("a date");
        let window = |month, source| Window {
            dates: DateWindow { from: day(month, 1), to: day(month, 28) },
            source,
            budget_ms: 100,
            power_kw: 1.0,
        };
        let (june, july) = (window(6, Source::PumpOnly), window(7, Source::AirSource));
        let plan = |windows: &[Window]| Plan {
            windows: windows.to_vec(),
            season_start: day(3, 16),
            target_ratio: 1.0,
        };
        let mut counters = Counters::default();
        counters.adopt(&plan(&[june, july]));
        counters.run(0, Source::PumpOnly, 11, 100);
        counters.run(1, Source::AirSource, 22, 100);
        counters.adopt(&plan(&[window(5, Source::Solar), july, june]));
        assert_eq!([0, 1, 2].map(|i| counters.used_ms(i)), [0, 22, 11]);
    }
}
