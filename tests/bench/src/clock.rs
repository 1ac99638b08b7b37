//! The benchmark's clocks: ages are taken on real time, between real sockets.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Wall clock in µs since 1970, as the fleet stamps its replies and the subscriber its arrivals.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Monotonic now, for pacing and windows.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}
