//! Windows of the year and of the day, by the site's local time.

use super::Lap;
use crate::{Civil, Clock, MonthDay, Now, TimeOfDay, millis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A part of the year, both days included. It may wrap around the new year.
///
/// A window that begins on 29 February begins on 1 March in other years; one that ends there ends
/// on 28 February.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateWindow {
    /// First day.
    pub from: MonthDay,
    /// Last day.
    pub to: MonthDay,
}

impl DateWindow {
    /// Whether a day is in the window.
    pub fn contains(&self, local: &Civil) -> bool {
        self.season(local).is_some()
    }

    /// The year in which the window of this day began, if the day is in the window: a name for the
    /// season, so that its budget can start anew with the next one.
    pub fn season(&self, local: &Civil) -> Option<i32> {
        let day = local.month_day();
        if self.from <= self.to {
            return (self.from <= day && day <= self.to).then_some(local.year);
        }
        if day >= self.from {
            Some(local.year)
        } else if day <= self.to {
            Some(local.year - 1)
        } else {
            None
        }
    }
}

/// A part of every day, from one time on the wall clock to another: the tariff's valley from 23:00
/// to 07:00. It may wrap around midnight; from a time to the same time is the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyWindow {
    /// Where it begins.
    pub from: TimeOfDay,
    /// Where it ends; this minute is outside.
    pub to: TimeOfDay,
}

impl DailyWindow {
    /// The window in which this moment lies, if it lies in one. Its ends are moments, so that in
    /// the nights when clocks change it is an hour shorter or longer, and never comes twice.
    pub fn current(&self, clock: &impl Clock) -> Option<Span> {
        let now = clock.now();
        let today = day_start(clock, &now.local)?;
        let yesterday = clock.civil_at(today - 1);
        let is_now = |span: &Span| (span.start_ms..span.end_ms).contains(&now.utc_ms);
        self.on(clock, &now.local)
            .filter(is_now)
            .or_else(|| self.on(clock, &yesterday).filter(is_now))
    }

    /// The window that begins on this day.
    pub fn on(&self, clock: &impl Clock, day: &Civil) -> Option<Span> {
        let next = next_day(clock, day)?;
        let end_day = if self.to > self.from { day } else { &next };
        let start_ms = moment(clock, day, self.from)?;
        Some(Span { start_ms, end_ms: moment(clock, end_day, self.to)? })
    }
}

fn day_start(clock: &impl Clock, day: &Civil) -> Option<i64> {
    clock.moment_of(Civil::midnight(day.year, day.month, day.day))
}

fn next_day(clock: &impl Clock, day: &Civil) -> Option<Civil> {
    // A day and a half after a day's start it is the next day, whether that has 23 or 25 hours.
    Some(clock.civil_at(day_start(clock, day)? + 36 * 3_600_000))
}

fn moment(clock: &impl Clock, day: &Civil, time: TimeOfDay) -> Option<i64> {
    if time.minutes() == 24 * 60 {
        return day_start(clock, &next_day(clock, day)?);
    }
    let midnight = Civil::midnight(day.year, day.month, day.day);
    let (hour, minute) = (time.minutes() / 60, time.minutes() % 60);
    clock.moment_of(Civil { hour: hour as u8, minute: minute as u8, ..midnight })
}

/// From one moment to another, in milliseconds UTC; the end is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub start_ms: i64,
    /// The first moment after it.
    pub end_ms: i64,
}

impl Span {
    /// Time since its start; nothing before.
    pub fn elapsed(&self, now: &Now) -> Duration {
        between(self.start_ms, now.utc_ms)
    }

    /// Time to its end; nothing after.
    pub fn remaining(&self, now: &Now) -> Duration {
        between(now.utc_ms, self.end_ms)
    }

    /// Time from its start to its end.
    pub fn length(&self) -> Duration {
        between(self.start_ms, self.end_ms)
    }
}

fn between(from_ms: i64, to_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0))
}

/// Largest difference between wall clock and monotonic clock over one call that is no jump.
const JUMP: Duration = Duration::from_secs(60);

/// Watches the wall clock, for rules that go by it: tariffs and calendars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClockWatch {
    doubted: Option<Duration>,
    lap: Lap,
    #[serde(skip)]
    utc_ms: i64,
}

impl ClockWatch {
    /// For how long the wall clock can't be trusted, because it is not synchronised or has just
    /// jumped by more than a minute; none while it can. A rule that goes by the clock holds what
    /// it did for up to an hour of this, and then falls back to what is right at any time.
    pub fn update(&mut self, now: &Now) -> Option<Duration> {
        let first = self.lap.last.is_none();
        let step = self.lap.step(now);
        let wall = now.utc_ms.saturating_sub(std::mem::replace(&mut self.utc_ms, now.utc_ms));
        let drift = wall.saturating_sub(i64::try_from(millis(step)).unwrap_or(i64::MAX));
        let jumped = !first && drift.unsigned_abs() > millis(JUMP);
        self.doubted = match self.doubted {
            _ if now.synced && !jumped => None,
            Some(doubted) => Some(doubted + step),
            None => Some(Duration::ZERO),
        };
        self.doubted
    }
}
