//! The system's clock, and what is known of its synchronisation; and the clock of a simulated
//! plant that runs faster than the world.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
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

/// How fast a simulated plant lives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The plant's time at the start.
    pub start: Timestamp,
    /// Seconds of the plant in one real second, from 1 to [`SPEED_MAX`].
    pub speed: f64,
}

/// Faster than this, a poll a second no longer shows what the plant does.
pub const SPEED_MAX: f64 = 60.0;

/// The clock of a plant that lives faster: what is stamped and what plugins and control do runs
/// on its time, while polls, time-outs and acknowledgements stay real.
#[derive(Debug, Clone, Copy)]
pub struct ScaledClock {
    real: Instant,
    scale: Scale,
    intervals: Intervals,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intervals {
    Real,
    Plant,
}

impl ScaledClock {
    /// Both clocks of a plant: the one for lines and uplinks, whose intervals are real and whose
    /// stamps are the plant's, and the one for control and plugins, all of it the plant's.
    #[expect(clippy::disallowed_methods, reason = "the one place where time is taken")]
    pub fn pair(scale: Scale) -> (Self, Self) {
        let clock = Self { real: Instant::now(), scale, intervals: Intervals::Real };
        (clock, Self { intervals: Intervals::Plant, ..clock })
    }
}

impl ScaledClock {
    fn at(&self, real: Duration) -> Now {
        let plant = real.mul_f64(self.scale.speed);
        let ms = i64::try_from(plant.as_millis()).unwrap_or(i64::MAX);
        Now {
            utc: Timestamp(self.scale.start.0.saturating_add(ms)),
            mono: Mono(if self.intervals == Intervals::Plant { plant } else { real }),
            synced: true,
        }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Now {
        self.at(self.real.elapsed())
    }

    fn wall_pace(&self) -> f64 {
        if self.intervals == Intervals::Plant { 1.0 } else { self.scale.speed }
    }

    fn real(&self, interval: Duration) -> Duration {
        match self.intervals {
            Intervals::Real => interval,
            Intervals::Plant => interval.div_f64(self.scale.speed),
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
    ///
    /// `pace` is how fast the wall clock runs against monotonic time: 1 in the real world.
    pub fn look(&mut self, now: Now, pace: f64) -> Option<i64> {
        let passed = now.mono.0.mul_f64(pace);
        let mono = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        let offset = now.utc.0.saturating_sub(mono);
        let before = self.offset.replace(offset)?;
        let step = offset.saturating_sub(before);
        (step.abs() >= STEP_MS).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wellhead_model::ManualClock;

    #[test]
    fn a_plant_lives_faster_while_polls_stay_real() {
        let scale = Scale { start: Timestamp(1_000_000), speed: 60.0 };
        let (stamps, plant) = ScaledClock::pair(scale);
        let minute = Duration::from_secs(60);
        let (of_lines, of_plant) = (stamps.at(minute), plant.at(minute));
        assert_eq!(of_lines.utc, Timestamp(1_000_000 + 3_600_000));
        assert_eq!(of_plant.utc, of_lines.utc);
        assert_eq!(of_lines.mono, Mono(minute));
        assert_eq!(of_plant.mono, Mono(60 * minute));
        assert_eq!((stamps.real(minute), plant.real(minute)), (minute, Duration::from_secs(1)));
        let mut watch = StepWatch::default();
        assert_eq!(watch.look(stamps.at(Duration::ZERO), stamps.wall_pace()), None);
        assert_eq!(watch.look(of_lines, stamps.wall_pace()), None, "no step");
    }

    #[test]
    fn a_year_either_way_is_seen_as_a_step_and_passing_time_is_not() {
        const YEAR_MS: i64 = 365 * 86_400_000;
        let clock = ManualClock::new(Timestamp(1_700_000_000_000));
        let mut watch = StepWatch::default();
        assert_eq!(watch.look(clock.now(), 1.0), None);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(watch.look(clock.now(), 1.0), None);
        clock.step_wall(Timestamp(clock.now().utc.0 + YEAR_MS));
        assert_eq!(watch.look(clock.now(), 1.0), Some(YEAR_MS));
        assert_eq!(watch.look(clock.now(), 1.0), None, "told once");
        clock.step_wall(Timestamp(clock.now().utc.0 - YEAR_MS));
        assert_eq!(watch.look(clock.now(), 1.0), Some(-YEAR_MS));
    }
}
