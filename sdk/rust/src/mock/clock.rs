//! Virtual time in a real time zone.

use crate::{Civil, Clock, Now};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::time::Duration;

/// A wall clock and a monotonic clock in a time zone, moved by hand. Also for testing what takes a
/// [`Clock`] without a plugin around it.
#[derive(Debug, Clone)]
pub struct Zone {
    zone: TimeZone,
    utc_ms: i64,
    monotonic: Duration,
    synced: bool,
}

impl Zone {
    /// A clock that shows this local time, such as `2026-07-01T00:00`, in this zone of the IANA
    /// database, such as `Asia/Shanghai`.
    pub fn new(zone: &str, local: &str) -> Self {
        let zone = match TimeZone::get(zone) {
            Ok(zone) => zone,
            Err(error) => panic!("the time zone `{zone}`: {error}"),
        };
        let local: DateTime = match local.parse() {
            Ok(local) => local,
            Err(error) => panic!("the local time `{local}`: {error}"),
        };
        let Ok(start) = zone.to_timestamp(local) else { panic!("{local} is out of range") };
        let utc_ms = start.as_millisecond();
        Zone { zone, utc_ms, monotonic: Duration::ZERO, synced: true }
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: Duration) {
        self.monotonic += by;
        self.utc_ms += i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    }

    /// Moves the wall clock alone, as setting it does.
    pub fn jump_seconds(&mut self, seconds: i64) {
        self.utc_ms += seconds * 1000;
    }

    /// Says whether the wall clock is synchronised.
    pub fn set_synced(&mut self, synced: bool) {
        self.synced = synced;
    }

    /// Lets time pass while the machine is off: the monotonic clock starts anew.
    pub(crate) fn power_cycle(&mut self, off: Duration) {
        self.advance(off);
        self.monotonic = Duration::ZERO;
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.monotonic
    }
}

impl Clock for Zone {
    fn now(&self) -> Now {
        Now {
            utc_ms: self.utc_ms,
            monotonic: self.monotonic,
            synced: self.synced,
            local: self.civil_at(self.utc_ms),
        }
    }

    fn civil_at(&self, utc_ms: i64) -> Civil {
        let utc_ms = utc_ms.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
        let timestamp = Timestamp::from_millisecond(utc_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let offset = self.zone.to_offset(timestamp);
        let local = offset.to_datetime(timestamp);
        Civil {
            year: i32::from(local.year()),
            month: local.month().unsigned_abs(),
            day: local.day().unsigned_abs(),
            hour: local.hour().unsigned_abs(),
            minute: local.minute().unsigned_abs(),
            second: local.second().unsigned_abs(),
            weekday: local.weekday().to_monday_one_offset().unsigned_abs(),
            utc_offset: offset.seconds(),
        }
    }

    fn moment_of(&self, local: Civil) -> Option<i64> {
        let local = DateTime::new(
            i16::try_from(local.year).ok()?,
            i8::try_from(local.month).ok()?,
            i8::try_from(local.day).ok()?,
            i8::try_from(local.hour).ok()?,
            i8::try_from(local.minute).ok()?,
            i8::try_from(local.second).ok()?,
            0,
        )
        .ok()?;
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let moment = match ambiguous.offset() {
            // The local time is left out: the first moment after it is that of the change, which
            // is where the old offset would have shown the first time that is left out.
            jiff::tz::AmbiguousOffset::Gap { .. } => {
                let later = ambiguous.later().ok()?;
                // A little later still: `preceding` leaves out a change at this very moment.
                let later = later + jiff::SignedDuration::from_millis(1);
                self.zone.preceding(later).next()?.timestamp()
            }
            _ => ambiguous.earlier().ok()?,
        };
        Some(moment.as_millisecond())
    }
}
