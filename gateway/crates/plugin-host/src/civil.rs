//! Local time at the site, by the rules of its time zone.

use crate::bindings::wellhead::plugin::clock::Civil;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Local time at a moment. Moments beyond the calendar (9999 years either way) are its ends.
pub(crate) fn civil_at(zone: &TimeZone, utc_ms: i64) -> Civil {
    let end = if utc_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let moment = Timestamp::from_millisecond(utc_ms).unwrap_or(end);
    let offset = zone.to_offset(moment);
    let local = offset.to_datetime(moment);
    let small = |n: i8| n.unsigned_abs();
    Civil {
        year: local.year().into(),
        month: small(local.month()),
        day: small(local.day()),
        hour: small(local.hour()),
        minute: small(local.minute()),
        second: small(local.second()),
        weekday: small(local.weekday().to_monday_one_offset()),
        utc_offset: offset.seconds(),
    }
}

/// The first moment at or after a local time, in milliseconds UTC; none if it is no date.
pub(crate) fn moment_of(zone: &TimeZone, local: Civil) -> Option<i64> {
    let small = |n: u8| i8::try_from(n).ok();
    let local = DateTime::new(
        i16::try_from(local.year).ok()?,
        small(local.month)?,
        small(local.day)?,
        small(local.hour)?,
        small(local.minute)?,
        small(local.second)?,
        0,
    )
    .ok()?;
    let moment = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok()?,
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok()?,
        // The clocks jump over this local time; the first moment after it is the jump itself,
        // and by the offset that holds after the jump the local time lies just before.
        AmbiguousOffset::Gap { after, .. } => {
            let before_the_jump = after.to_timestamp(local).ok()?;
            zone.following(before_the_jump).next()?.timestamp()
        }
    };
    Some(moment.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn zone(rules: &str) -> TimeZone {
        TimeZone::posix(rules).unwrap()
    }

    fn civil(date: (i32, u8, u8), hour: u8, minute: u8) -> Civil {
        let (year, month, day) = date;
        Civil { year, month, day, hour, minute, second: 0, weekday: 0, utc_offset: 0 }
    }

    #[test]
    fn a_july_noon_in_shanghai_has_its_weekday_and_offset() {
        let c = civil_at(&zone("CST-8"), 1_784_347_200_000); // 2026-07-18T04:00:00Z
        assert_eq!((c.year, c.month, c.day, c.hour, c.minute), (2026, 7, 18, 12, 0));
        assert_eq!((c.weekday, c.utc_offset), (6, 8 * 3600));
    }

    #[test]
    fn a_local_time_that_the_clocks_jump_over_is_the_moment_of_the_jump() {
        // 2026-03-29 02:00 becomes 03:00 in Berlin, at 01:00 UTC.
        let jump = 1_774_746_000_000;
        for minute in [0, 30, 59] {
            assert_eq!(moment_of(&zone(BERLIN), civil((2026, 3, 29), 2, minute)), Some(jump));
        }
        assert_eq!(moment_of(&zone(BERLIN), civil((2026, 3, 29), 3, 0)), Some(jump));
    }

    #[test]
    fn a_local_time_that_comes_twice_is_the_first() {
        // 2026-10-25 03:00 CEST becomes 02:00 CET; 02:30 is first 00:30 UTC.
        assert_eq!(moment_of(&zone(BERLIN), civil((2026, 10, 25), 2, 30)), Some(1_792_888_200_000));
    }

    #[test]
    fn what_is_no_date_has_no_moment_and_no_moment_is_too_far() {
        assert_eq!(moment_of(&zone(BERLIN), civil((2026, 2, 30), 0, 0)), None);
        assert_eq!(moment_of(&zone(BERLIN), civil((2026, 1, 1), 24, 0)), None);
        assert_eq!(moment_of(&zone(BERLIN), civil((999_999, 1, 1), 0, 0)), None);
        assert_eq!(moment_of(&zone(BERLIN), civil((2026, 255, 1), 0, 0)), None);
        assert_eq!(civil_at(&zone(BERLIN), i64::MAX).year, 9999);
        assert_eq!(civil_at(&zone(BERLIN), i64::MIN).year, -9999);
    }
}
