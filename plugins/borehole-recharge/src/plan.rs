//! What the plan still has to bring into the ground, and where from.

use crate::calendar;
use crate::settings::Plan;
use crate::source::Source;
use wellhead_sdk::MonthDay;

/// What the ledger and the counters say.
#[derive(Debug, Clone, Copy)]
pub struct Books<'a> {
    /// Extracted in the last twelve months, kWh; none if the ledger does not know.
    pub extracted_kwh: Option<f64>,
    /// Brought into the ground this season, kWh.
    pub injected_kwh: f64,
    /// Run time used of each window, ms.
    pub used_ms: &'a [u64],
}

/// Hours a window can still run: its budget or its dates, whichever ends first.
#[must_use]
pub fn hours_left(plan: &Plan, window: usize, used_ms: u64, today: MonthDay) -> f64 {
    let window = &plan.windows[window];
    let budget_h = window.budget_ms.saturating_sub(used_ms) as f64 / 3.6e6;
    budget_h.min(calendar::hours_left(window.dates, today, plan.season_start))
}

/// Mean heat flow asked of a window from today on, kW.
///
/// Pumping alone balances the year, as in case 1.9: the other windows give their rated power for
/// the hours they have left, and what is missing of `target_ratio` × extraction is spread over the
/// hours left to pumping. 1250.7 MWh − 620 kW × 1440 h over 1080 h are 331.4 kW. Without a ledger
/// every window is asked for its rated power.
#[must_use]
pub fn asked_kw(plan: &Plan, books: Books, window: usize, today: MonthDay) -> f64 {
    let rated = plan.windows[window].power_kw;
    let Some(extracted) = books.extracted_kwh else { return rated };
    if plan.windows[window].source != Source::PumpOnly {
        return rated;
    }
    let mut missing_kwh = plan.target_ratio * extracted - books.injected_kwh;
    let mut pumping_h = 0.0;
    for (i, other) in plan.windows.iter().enumerate() {
        let hours = hours_left(plan, i, books.used_ms.get(i).copied().unwrap_or(0), today);
        if other.source == Source::PumpOnly {
            pumping_h += hours;
        } else {
            missing_kwh -= other.power_kw * hours;
        }
    }
    if pumping_h > 0.0 { (missing_kwh / pumping_h).max(0.0) } else { rated }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Window;
    use wellhead_sdk::prelude::DateWindow;

    const HOUR_MS: u64 = 3_600_000;

    fn day((month, day): (u8, u8)) -> MonthDay {
        MonthDay::new(month, day).expect("a date")
    }

    fn case_1_9() -> Plan {
        let window = |from: (u8, u8), to: (u8, u8), source, hours: u64, power_kw| Window {
            dates: DateWindow { from: day(from), to: day(to) },
            source,
            budget_ms: hours * HOUR_MS,
            power_kw,
        };
        Plan {
            windows: vec![
                window((5, 15), (6, 30), Source::PumpOnly, 1080, 331.4),
                window((7, 1), (8, 31), Source::AirSource, 1440, 620.0),
            ],
            season_start: day((3, 16)),
            target_ratio: 1.0,
        }
    }

    fn asked(extracted_mwh: f64, injected_mwh: f64, used_h: u64, today: (u8, u8)) -> f64 {
        let books = Books {
            extracted_kwh: Some(extracted_mwh * 1e3),
            injected_kwh: injected_mwh * 1e3,
            used_ms: &[used_h * HOUR_MS, 0],
        };
        asked_kw(&case_1_9(), books, 0, day(today))
    }

    #[test]
    fn pumping_is_asked_for_what_the_air_source_leaves() {
        assert!((asked(1250.7, 0.0, 0, (5, 15)) - 331.4).abs() < 0.05);
    }

    #[test]
    fn heat_already_brought_in_lowers_what_is_asked() {
        let rest = asked(1250.7, 178.95, 540, (6, 7));
        assert!((rest - 331.4).abs() < 0.05, "half the heat in half the hours: {rest}");
        assert!(asked(1250.7, 300.0, 540, (6, 7)) < 150.0);
        assert_eq!(asked(800.0, 0.0, 0, (5, 15)), 0.0, "the air source alone is enough");
    }

    #[test]
    fn hours_that_no_longer_fit_the_window_are_not_planned_with() {
        // 20 days of June are left: 480 h, although the budget has 1080.
        let rest = asked(1250.7, 0.0, 0, (6, 11));
        assert!((rest - (1250.7 - 892.8) * 1e3 / 480.0).abs() < 0.05, "{rest}");
    }

    #[test]
    fn without_a_ledger_the_planned_power_is_asked() {
        let books = Books { extracted_kwh: None, injected_kwh: 0.0, used_ms: &[] };
        assert_eq!(asked_kw(&case_1_9(), books, 1, day((7, 1))), 620.0);
        assert_eq!(asked_kw(&case_1_9(), books, 0, day((5, 15))), 331.4);
    }
}
