//! The system's clock, and what is known of its synchronisation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use wellhead_model::{Clock, Mono, Now, Timestamp};

/// The kernel's clocks. Everything in the program takes time from one of these, handed in.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    synced: AtomicBool,
}

impl SystemClock {
    /// Starts monotonic time at zero.
    #[expect(clippy::disallowed_methods, reason = "the one place where time is taken")]
    pub fn new() -> Self {
        let clock = Self { start: Instant::now(), synced: AtomicBool::new(false) };
        clock.refresh();
        clock
    }

    /// Asks the kernel again whether the wall clock is synchronised. Cheap, but a system call:
    /// done once a second, not once a sample.
    pub fn refresh(&self) {
        self.synced.store(kernel_is_synced(), Ordering::Relaxed);
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time is taken")]
    fn now(&self) -> Now {
        // Before 1970 counts as 1970: a box that wrong is marked unsynchronised anyway.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            utc: Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            mono: Mono(self.start.elapsed()),
            synced: self.synced.load(Ordering::Relaxed),
        }
    }
}

/// The kernel's own opinion (`STA_UNSYNC`), which every time daemon sets: chrony, ntpd,
/// systemd-timesyncd.
fn kernel_is_synced() -> bool {
    // SAFETY: `timex` is plain data for which all zeroes is valid, and with `modes` zero
    // adjtimex only fills it in.
    #[expect(unsafe_code, reason = "no safe wrapper without a heavier dependency")]
    let (state, status) = unsafe {
        let mut t: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut t), t.status)
    };
    state >= 0 && state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0
}

/// Sees the wall clock jump against monotonic time.
#[derive(Debug, Default)]
pub struct StepWatch {
    /// Wall minus monotonic time, in milliseconds, when last looked at.
    offset: Option<i64>,
}

/// Slewing moves a clock by at most 0.05 %; a second's difference between two looks is a step.
const STEP_MS: i64 = 1000;

impl StepWatch {
    /// Looks at the clock: the step in milliseconds since the last look, if there was one.
    pub fn look(&mut self, now: Now) -> Option<i64> {
        let mono = i64::try_from(now.mono.0.as_millis()).unwrap_or(i64::MAX);
        let offset = now.utc.0.saturating_sub(mono);
        let before = self.offset.replace(offset)?;
        let step = offset.saturating_sub(before);
        (step.abs() >= STEP_MS).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use wellhead_model::ManualClock;

    #[test]
    fn a_year_either_way_is_seen_as_a_step_and_passing_time_is_not() {
        const YEAR_MS: i64 = 365 * 86_400_000;
        let clock = ManualClock::new(Timestamp(1_700_000_000_000));
        let mut watch = StepWatch::default();
        assert_eq!(watch.look(clock.now()), None);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(watch.look(clock.now()), None);
        clock.step_wall(Timestamp(clock.now().utc.0 + YEAR_MS));
        assert_eq!(watch.look(clock.now()), Some(YEAR_MS));
        assert_eq!(watch.look(clock.now()), None, "told once");
        clock.step_wall(Timestamp(clock.now().utc.0 - YEAR_MS));
        assert_eq!(watch.look(clock.now()), Some(-YEAR_MS));
    }
}
