//! Writes per year, for registers that wear out.

use serde::{Deserialize, Serialize};
use wellhead_model::{Now, Timestamp};

/// Writes counted in a calendar year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteBudget {
    /// The year (UTC) that is counted; 0 until the clock was synchronised once.
    pub year: i32,
    /// Writes since it began, as far as a device may have taken them.
    pub writes: u32,
}

impl WriteBudget {
    /// Begins anew with a new year. A clock that is not synchronised can't say that there is one,
    /// and one that goes back gives nothing back.
    pub(crate) fn roll(&mut self, now: Now) {
        if !now.synced {
            return;
        }
        let year = year_of(now.utc);
        if self.year != 0 && year > self.year {
            self.writes = 0;
        }
        self.year = year;
    }

    pub(crate) fn count(&mut self) {
        self.writes = self.writes.saturating_add(1);
    }

    /// One that was counted did not reach its device.
    pub(crate) fn give_back(&mut self) {
        self.writes = self.writes.saturating_sub(1);
    }

    /// 80 % or more.
    pub(crate) fn nearly_spent(self, max: u32) -> bool {
        u64::from(self.writes) * 5 >= u64::from(max) * 4
    }

    pub(crate) fn spent(self, max: u32) -> bool {
        self.writes >= max
    }
}

/// The civil year of a moment, UTC (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn year_of(t: Timestamp) -> i32 {
    let days = t.0.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    // Years of this algorithm begin in March.
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let after_december = i64::from(day_of_year >= 306);
    i32::try_from(year + era * 400 + after_december).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wellhead_model::Mono;

    fn at(utc: i64, synced: bool) -> Now {
        Now { utc: Timestamp(utc), mono: Mono::default(), synced }
    }

    const NEW_YEAR_2026: i64 = 1_767_225_600_000;

    #[test]
    fn years_turn_at_midnight_utc() {
        let cases = [
            (0, 1970),
            (-1, 1969),
            (NEW_YEAR_2026 - 1, 2025),
            (NEW_YEAR_2026, 2026),
            (951_782_400_000, 2000), // 29 February 2000
            (951_868_800_000, 2000), // 1 March 2000, where 400 years begin
            (978_307_199_999, 2000), // last millisecond of a leap year
            (978_307_200_000, 2001),
            (4_107_542_400_000, 2100), // 1 March 2100, no leap year
            (1_772_323_200_000, 2026), // 1 March 2026
            (1_772_323_199_999, 2026), // 28 February 2026
        ];
        for (utc, year) in cases {
            assert_eq!(year_of(Timestamp(utc)), year, "{utc}");
        }
    }

    #[test]
    fn only_a_synchronised_clock_that_goes_on_begins_a_new_year() {
        let mut b = WriteBudget::default();
        b.count();
        b.roll(at(NEW_YEAR_2026 - 1, true));
        assert_eq!(b, WriteBudget { year: 2025, writes: 1 });
        b.roll(at(NEW_YEAR_2026, false));
        assert_eq!(b, WriteBudget { year: 2025, writes: 1 });
        b.roll(at(NEW_YEAR_2026, true));
        assert_eq!(b, WriteBudget { year: 2026, writes: 0 });
        b.count();
        b.roll(at(NEW_YEAR_2026 - 1, true));
        assert_eq!(b, WriteBudget { year: 2025, writes: 1 }, "set back: nothing is given back");
    }

    #[test]
    fn it_warns_at_four_fifths_and_is_spent_at_the_last() {
        let b = |writes| WriteBudget { year: 2026, writes };
        assert!(!b(3).nearly_spent(5) && b(4).nearly_spent(5));
        assert!(!b(4).spent(5) && b(5).spent(5));
    }
}
