//! The parts that most plugins are made of: hysteresis, timers, counters, calendars, a state
//! machine.
//!
//! Each is a small piece of state with `Default`, `Serialize` and `Deserialize`, so that it can
//! stand in a plugin's [`State`](crate::State) and survive a restart. What a site may set,
//! thresholds and times, is handed in with every call, so that a changed parameter takes effect
//! while the state stays. Intervals are measured by the monotonic clock; time during which nobody
//! called, because the gateway was off, counts for nothing.

pub mod array;
mod calendar;
mod counter;
mod machine;
mod switch;
mod text;

pub use calendar::{ClockWatch, DailyWindow, DateWindow, Span};
pub use counter::{Advance, EnergyMeter, HourCounter, MeterLimits, PowerIntegrator};
pub use machine::Machine;
pub use switch::{Hysteresis, MinTime, OffDelay, OnDelay};
pub use text::{Fixed, fixed};

use crate::Now;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Measures the time between calls. Starts anew after a restart: the monotonic clock does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Lap {
    #[serde(skip)]
    last: Option<Duration>,
}

impl Lap {
    /// The time since the last call; nothing at the first.
    fn step(&mut self, now: &Now) -> Duration {
        let last = self.last.replace(now.monotonic);
        last.map_or(Duration::ZERO, |last| now.monotonic.saturating_sub(last))
    }
}
