//! Dates of the plan, as long as the clock can be believed.

use std::time::Duration;
use wellhead_sdk::MonthDay;
use wellhead_sdk::help::ClockWatch;
use wellhead_sdk::prelude::{Civil, DateWindow, Now};

/// How long the last date is kept when the clock can't be believed.
const HOLD: Duration = Duration::from_secs(3600);
const DAYS_BEFORE: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Days since 1 January in a year of 365 days; 29 February counts as 1 March.
fn ordinal(day: MonthDay) -> u16 {
    DAYS_BEFORE[usize::from(day.month() - 1)] + u16::from(day.day()) - 1
}

/// The year in which the season that this day belongs to began.
#[must_use]
pub fn season(today: &Civil, start: MonthDay) -> i32 {
    if today.month_day() >= start { today.year } else { today.year - 1 }
}

/// Hours of a window that lie on or after a day, within the season that begins on `start`; whole
/// days, in a year of 365.
#[must_use]
pub fn hours_left(window: DateWindow, today: MonthDay, start: MonthDay) -> f64 {
    let since = |day: MonthDay| (ordinal(day) + 365 - ordinal(start)) % 365;
    let first = since(window.from).max(since(today));
    f64::from((since(window.to) + 1).saturating_sub(first)) * 24.0
}

/// Follows the clock, and tells the date as long as it can be believed.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    watch: ClockWatch,
    day: Option<Civil>,
}

impl Calendar {
    /// Today. While the clock is not synchronised, or has just jumped, the last believed date
    /// stands for an hour; then there is none. There is none at first, either: a box that wakes
    /// without the time does not know what season it is.
    pub fn today(&mut self, now: &Now) -> Option<Civil> {
        match self.watch.update(now) {
            None => self.day = Some(now.local),
            Some(doubted) if doubted > HOLD => self.day = None,
            Some(_) => {}
        }
        self.day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(month: u8, day: u8) -> MonthDay {
        MonthDay::new(month, day).expect("a date")
    }

    fn at(minutes: u64, month: u8, synced: bool) -> Now {
        let monotonic = Duration::from_secs(minutes * 60);
        let local = Civil::midnight(2026, month, 15);
        Now { utc_ms: minutes as i64 * 60_000, monotonic, synced, local }
    }

    fn month(day: Option<Civil>) -> Option<u8> {
        day.map(|day| day.month)
    }

    #[test]
    fn hours_left_shrink_as_the_window_passes() {
        let window = DateWindow { from: day(5, 15), to: day(6, 30) };
        let start = day(3, 16);
        for (today, hours) in [
            (day(4, 1), 1128.0),
            (day(5, 15), 1128.0),
            (day(6, 30), 24.0),
            (day(7, 1), 0.0),
            (day(12, 1), 0.0),
            (day(3, 1), 0.0),
        ] {
            assert_eq!(hours_left(window, today, start), hours, "{today:?}");
        }
    }

    #[test]
    fn unsynchronised_clock_keeps_the_date_for_an_hour() {
        let mut calendar = Calendar::default();
        assert_eq!(month(calendar.today(&at(0, 5, true))), Some(5));
        assert_eq!(month(calendar.today(&at(1, 7, false))), Some(5));
        assert_eq!(month(calendar.today(&at(61, 7, false))), Some(5));
        assert_eq!(month(calendar.today(&at(62, 7, false))), None);
        assert_eq!(month(calendar.today(&at(63, 5, true))), Some(5));
    }

    #[test]
    fn clock_that_was_never_right_tells_no_date() {
        assert_eq!(Calendar::default().today(&at(0, 7, false)), None);
    }

    #[test]
    fn season_begins_on_its_day() {
        let start = day(3, 16);
        assert_eq!(season(&Civil::midnight(2027, 3, 15), start), 2026);
        assert_eq!(season(&Civil::midnight(2027, 3, 16), start), 2027);
    }
}
