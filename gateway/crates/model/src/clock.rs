//! Time, handed in everywhere and taken nowhere.
//!
//! A plant-room box has no battery clock: after a power cut its wall clock may be years off until
//! the network comes. So two times travel together. Intervals, ages and order use [`Mono`];
//! [`Timestamp`] is what the outside world reads, and [`Now::synced`] says whether to believe it.

use std::sync::Mutex;
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00 UTC, by the wall clock. May jump either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Time since an arbitrary start (usually that of the program). Never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(pub Duration);

impl Mono {
    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Mono) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for Mono {
    type Output = Mono;
    fn add(self, d: Duration) -> Mono {
        Mono(self.0.saturating_add(d))
    }
}

/// One reading of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall time, UTC.
    pub utc: Timestamp,
    /// Monotonic time.
    pub mono: Mono,
    /// Whether the wall clock is known to be synchronised to a reference.
    pub synced: bool,
}

/// Where time comes from: the system, a test, a scaled demo, a simulation.
pub trait Clock: Send + Sync {
    /// Reads the clock.
    fn now(&self) -> Now;

    /// How fast its wall time runs against its monotonic time. Not 1 only where a simulated plant
    /// lives faster than the lines to it.
    fn wall_pace(&self) -> f64 {
        1.0
    }

    /// How long an interval of its monotonic time takes in the real world.
    fn real(&self, interval: Duration) -> Duration {
        interval
    }
}

/// A clock that moves only when told to. For tests and for replay.
#[derive(Debug)]
pub struct ManualClock(Mutex<Now>);

impl ManualClock {
    /// A synchronised clock standing at `utc`.
    pub fn new(utc: Timestamp) -> Self {
        Self(Mutex::new(Now { utc, mono: Mono::default(), synced: true }))
    }

    /// Lets `d` pass on both times.
    pub fn advance(&self, d: Duration) {
        self.change(|n| {
            n.mono = n.mono + d;
            n.utc.0 = n.utc.0.saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
        });
    }

    /// Sets the wall clock as an operator or a time server would; monotonic time goes on.
    pub fn step_wall(&self, utc: Timestamp) {
        self.change(|n| n.utc = utc);
    }

    /// Says whether the wall clock is synchronised.
    pub fn set_synced(&self, synced: bool) {
        self.change(|n| n.synced = synced);
    }

    fn change(&self, f: impl FnOnce(&mut Now)) {
        f(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_step_leaves_monotonic_time_alone() {
        let c = ManualClock::new(Timestamp(1_000_000));
        c.advance(Duration::from_secs(5));
        c.step_wall(Timestamp(7));
        let n = c.now();
        assert_eq!(n.utc, Timestamp(7));
        assert_eq!(n.mono, Mono(Duration::from_secs(5)));
    }
}
