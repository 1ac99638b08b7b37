//! Time as the gateway hands it in: frozen for the length of a call.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Local time by the site's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Civil {
    /// Year of the common era.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 1 is Monday, 7 is Sunday.
    pub weekday: u8,
    /// Seconds to add to UTC for this local time.
    pub utc_offset: i32,
}

impl Civil {
    /// Midnight at the beginning of a day. Weekday and offset are left at 0; the gateway ignores
    /// them in [`Clock::moment_of`].
    pub fn midnight(year: i32, month: u8, day: u8) -> Self {
        Civil { year, month, day, hour: 0, minute: 0, second: 0, weekday: 0, utc_offset: 0 }
    }

    /// The day of the year.
    pub fn month_day(&self) -> MonthDay {
        MonthDay { month: self.month, day: self.day }
    }

    /// The time of day, to the minute.
    pub fn time_of_day(&self) -> TimeOfDay {
        TimeOfDay { minutes: u16::from(self.hour) * 60 + u16::from(self.minute) }
    }
}

/// The moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970-01-01T00:00:00 UTC by the wall clock, which may jump. For calendars.
    pub utc_ms: i64,
    /// Time since an arbitrary start; never goes back, and starts anew with the gateway. For
    /// intervals.
    pub monotonic: Duration,
    /// Whether the wall clock is synchronised.
    pub synced: bool,
    /// Local time of `utc_ms`.
    pub local: Civil,
}

/// Whole milliseconds. `as_millis` multiplies 128 bits, which wasm has no instruction for: seventy
/// of others.
pub const fn millis(d: Duration) -> u64 {
    const SECONDS_MAX: u64 = u64::MAX / 1000 - 1;
    if d.as_secs() > SECONDS_MAX {
        return u64::MAX;
    }
    d.as_secs() * 1000 + d.subsec_millis() as u64
}

/// Who knows the time and the site's time zone: [`Init`](crate::Init) and [`Tick`](crate::Tick).
pub trait Clock {
    /// The moment of this call.
    fn now(&self) -> Now;

    /// Local time of another moment.
    fn civil_at(&self, utc_ms: i64) -> Civil;

    /// The first moment at or after a local time, in milliseconds UTC; none if it is no date. Of a
    /// local time that comes twice, when clocks go back, it is the first; of one that is left out,
    /// when they go forward, it is the moment of the change.
    fn moment_of(&self, local: Civil) -> Option<i64>;
}

/// A day of the year: `05-15`. Also a parameter of type `date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MonthDay {
    month: u8,
    day: u8,
}

impl MonthDay {
    /// This day, if there is one such in any year: 29 February is.
    pub const fn new(month: u8, day: u8) -> Option<Self> {
        let days = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if day < 1 || day > days {
            return None;
        }
        Some(MonthDay { month, day })
    }

    /// Reads `05-15`.
    pub fn parse(text: &str) -> Option<Self> {
        let (month, day) = two_digits(text, b'-')?;
        Self::new(month, day)
    }

    /// 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    pub const fn day(self) -> u8 {
        self.day
    }
}

/// A time of day to the minute: `23:00`; `24:00` is the end of a day. Also a parameter of type
/// `time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// This time, from 0:00 to 24:00.
    pub const fn new(hour: u8, minute: u8) -> Option<Self> {
        if (hour < 24 && minute < 60) || (hour == 24 && minute == 0) {
            Some(TimeOfDay { minutes: hour as u16 * 60 + minute as u16 })
        } else {
            None
        }
    }

    /// Reads `23:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = two_digits(text, b':')?;
        Self::new(hour, minute)
    }

    /// Minutes since midnight by the clock on the wall, 0 to 1440.
    pub const fn minutes(self) -> u16 {
        self.minutes
    }
}

fn two_digits(text: &str, between: u8) -> Option<(u8, u8)> {
    let [a, b, middle, c, d] = text.as_bytes() else { return None };
    let digits = [a, b, c, d];
    if *middle != between || !digits.iter().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let [a, b, c, d] = digits.map(|digit| digit - b'0');
    Some((a * 10 + b, c * 10 + d))
}
