//! Which kinds of unit heat or cool on which days: case 1.9's calendar is a table of such rows.

use serde::{Deserialize, Serialize};
use wellhead_sdk::MonthDay;

use crate::settings::Kind;

/// Most rows of the calendar.
pub(crate) const ROWS: usize = 12;

/// What the water is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// Heating.
    Heating,
    /// Cooling.
    Cooling,
}

/// One row: from one day to another, both included, across the new year if need be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Season {
    /// First day.
    pub(crate) from: MonthDay,
    /// Last day.
    pub(crate) to: MonthDay,
    /// What for.
    pub(crate) mode: Mode,
    /// The kind of unit that starts first.
    pub(crate) first: Kind,
    /// The kind that follows when all of those run.
    pub(crate) then: Option<Kind>,
    /// Supply temperature wanted, °C.
    pub(crate) setpoint_c: f64,
}

impl Season {
    /// Is the day in the season?
    pub(crate) fn holds(&self, day: MonthDay) -> bool {
        if self.from <= self.to {
            (self.from..=self.to).contains(&day)
        } else {
            day >= self.from || day <= self.to
        }
    }

    /// When a kind of unit comes: 0 first, 1 then, none never.
    pub(crate) fn rank(&self, kind: Kind) -> Option<u8> {
        if kind == self.first {
            Some(0)
        } else if Some(kind) == self.then {
            Some(1)
        } else {
            None
        }
    }
}

/// The calendar.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Seasons {
    rows: [Option<Season>; ROWS],
}

impl Seasons {
    /// A calendar of these rows, or the two rows, counted from 1, that claim the same day; or row
    /// [`ROWS`] + 1 twice when there are too many.
    ///
    /// # Errors
    /// See above.
    pub(crate) fn new(list: &[Season]) -> Result<Self, (usize, usize)> {
        if list.len() > ROWS {
            return Err((ROWS + 1, ROWS + 1));
        }
        for (later, row) in list.iter().enumerate() {
            let claims = |other: &Season| other.holds(row.from) || row.holds(other.from);
            if let Some(earlier) = list[..later].iter().position(claims) {
                return Err((earlier + 1, later + 1));
            }
        }
        let mut rows = [None; ROWS];
        for (slot, row) in rows.iter_mut().zip(list) {
            *slot = Some(*row);
        }
        Ok(Self { rows })
    }

    /// The number of the row of a day.
    pub(crate) fn of(&self, day: MonthDay) -> Option<u8> {
        let found = self.rows.iter().position(|row| row.is_some_and(|row| row.holds(day)))?;
        u8::try_from(found).ok()
    }

    /// A row by number.
    pub(crate) fn row(&self, number: u8) -> Option<Season> {
        self.rows.get(usize::from(number)).copied().flatten()
    }
}

/// How long a wall clock that jumped is not asked for the date.
const SETTLING_MS: u32 = 3_600_000;
/// Wall clock and interval clock may differ by so much between two ticks.
const JUMP_MS: i64 = 60_000;

/// The row in force. It follows the date while the wall clock can be trusted and stays what it was
/// while not: a box that wakes in January without a clock must not let the building freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Calendar {
    row: Option<u8>,
    untrusted_ms: u32,
    jumped_ms: u32,
    #[serde(skip)]
    last_utc_ms: Option<i64>,
}

/// What the clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wall {
    /// UTC, milliseconds.
    pub(crate) utc_ms: i64,
    /// Whether it is synchronised.
    pub(crate) synced: bool,
    /// Local date.
    pub(crate) day: MonthDay,
}

impl Calendar {
    /// Follows the date.
    pub(crate) fn step(&mut self, seasons: &Seasons, wall: Wall, dt_ms: u32) {
        self.jumped_ms = self.jumped_ms.saturating_sub(dt_ms);
        if let Some(last) = self.last_utc_ms {
            let jump = wall.utc_ms.saturating_sub(last).saturating_sub(i64::from(dt_ms));
            if jump.saturating_abs() > JUMP_MS {
                self.jumped_ms = SETTLING_MS;
            }
        }
        self.last_utc_ms = Some(wall.utc_ms);
        if wall.synced && self.jumped_ms == 0 {
            self.row = seasons.of(wall.day);
            self.untrusted_ms = 0;
        } else {
            self.untrusted_ms = self.untrusted_ms.saturating_add(dt_ms);
        }
    }

    /// The row in force.
    pub(crate) fn row(&self) -> Option<u8> {
        self.row
    }

    /// The date has not been trusted for an hour: somebody should look.
    pub(crate) fn lost(&self) -> bool {
        self.untrusted_ms > SETTLING_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> MonthDay {
        MonthDay::parse(text).unwrap()
    }

    fn season(from: &str, to: &str) -> Season {
        Season {
            from: day(from),
            to: day(to),
            mode: Mode::Heating,
            first: Kind::Ground,
            then: None,
            setpoint_c: 44.0,
        }
    }

    #[test]
    fn season_across_the_new_year_holds_both_ends_and_no_day_outside() {
        let season = season("12-11", "01-05");
        for inside in ["12-11", "12-31", "01-01", "01-05"] {
            assert!(season.holds(day(inside)), "{inside}");
        }
        for outside in ["12-10", "01-06", "07-01"] {
            assert!(!season.holds(day(outside)), "{outside}");
        }
    }

    #[test]
    fn rows_that_claim_the_same_day_are_named() {
        let rows = [season("11-15", "12-10"), season("12-11", "01-05"), season("01-05", "01-31")];
        assert_eq!(Seasons::new(&rows), Err((2, 3)));
        assert_eq!(Seasons::new(&[rows[0]; ROWS + 1]), Err((ROWS + 1, ROWS + 1)));
    }

    #[test]
    fn unsynchronised_clock_keeps_the_season_and_says_so_after_an_hour() {
        let seasons = Seasons::new(&[season("11-15", "03-15")]).unwrap();
        let mut calendar = Calendar::default();
        let winter = Wall { utc_ms: 0, synced: true, day: day("01-10") };
        calendar.step(&seasons, winter, 5000);
        assert_eq!(calendar.row(), Some(0));
        let lost = Wall { utc_ms: 5000, synced: false, day: day("07-01") };
        calendar.step(&seasons, lost, 5000);
        assert_eq!((calendar.row(), calendar.lost()), (Some(0), false));
        calendar.step(&seasons, Wall { utc_ms: 3_605_000, ..lost }, 3_600_000);
        assert_eq!((calendar.row(), calendar.lost()), (Some(0), true));
        calendar.step(&seasons, Wall { utc_ms: 3_610_000, synced: true, ..lost }, 5000);
        assert_eq!((calendar.row(), calendar.lost()), (None, false));
    }

    #[test]
    fn jump_of_the_wall_clock_is_not_followed_for_an_hour() {
        let seasons = Seasons::new(&[season("11-15", "03-15")]).unwrap();
        let mut calendar = Calendar::default();
        calendar.step(&seasons, Wall { utc_ms: 0, synced: true, day: day("01-10") }, 5000);
        let far = Wall { utc_ms: 15_000_000_000, synced: true, day: day("07-01") };
        calendar.step(&seasons, far, 5000);
        assert_eq!(calendar.row(), Some(0));
        let later = Wall { utc_ms: far.utc_ms + 3_600_000, ..far };
        calendar.step(&seasons, later, 3_600_000);
        assert_eq!(calendar.row(), None);
    }
}
