//! What can be known of an uplink from outside.

use crate::core::Counts;
use std::time::Duration;
use wellhead_model::Timestamp;
use wellhead_store::Stats;

/// Where the uplink stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Connected, acknowledged in time, nothing in the cache.
    Live,
    /// Not connected, or acknowledgements are late: batches go to the cache.
    Spilling,
    /// Connected and acknowledged in time; the backlog goes out beside what is live.
    CatchingUp,
    /// Stopping.
    Draining,
}

impl State {
    /// The word in `health` and metrics.
    pub fn word(self) -> &'static str {
        match self {
            State::Live => "live",
            State::Spilling => "spilling",
            State::CatchingUp => "catching_up",
            State::Draining => "draining",
        }
    }
}

/// What keeps an uplink from its broker that does not pass by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTrouble {
    /// The broker does not take username and password.
    LoginRefused,
    /// The broker ends each connection soon: another client seems to have the same id.
    IdContested,
}

impl LinkTrouble {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            LinkTrouble::LoginRefused => "login_refused",
            LinkTrouble::IdContested => "id_contested",
        }
    }
}

/// A snapshot, by [`crate::UplinkHandle::metrics`].
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Where it stands.
    pub state: State,
    /// Since when the connection stands, UTC.
    pub connected_since: Option<Timestamp>,
    /// Connections made since the start.
    pub connections: u64,
    /// Batches in memory that are not in the cache.
    pub window_batches: usize,
    /// Bytes of batches in memory.
    pub window_bytes: usize,
    /// Publishes without an answer.
    pub in_flight: usize,
    /// Refused batches set aside in the cache.
    pub parked: usize,
    /// Counts since the start.
    pub counts: Counts,
    /// From handing the last live batch to the transport until its acknowledgement.
    pub ack_latency: Duration,
    /// Bytes of messages sealed per second, averaged over about a minute.
    pub bytes_per_second: f64,
    /// What the cache said last; asked every 10 s.
    pub cache: Option<Stats>,
    /// Why the disk does not take what the cache should keep, if so: a power cut loses it.
    pub cache_error: Option<String>,
    /// Why there is no connection, in the words of whoever noticed.
    pub link_error: Option<String>,
    /// Connections in a row that the broker ended soon after it had taken them.
    pub closed_early: u32,
    /// What an operator must look at.
    pub trouble: Option<LinkTrouble>,
    /// How long the cache could take everything at the present rate before the oldest would be
    /// dropped. An estimate: it assumes that what comes compresses like what was written. `None`
    /// while there is no rate to tell it by, or nothing is kept on disk.
    pub hours_left: Option<f64>,
}

/// Stored bytes for one byte of message while this run has written nothing to measure it by;
/// measured on our messages with LZ4 it is rather less.
const STORED_SHARE: f64 = 0.35;

/// See [`Metrics::hours_left`]. `written` is what this run gave the cache to write, in bytes.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn hours_left(stats: &Stats, bytes_per_second: f64, written: u64) -> Option<f64> {
    let share = match (stats.bytes_written, written) {
        (0, _) | (_, 0) => STORED_SHARE,
        (stored, given) => (stored as f64 / given as f64).min(1.0),
    };
    let left = stats.bytes_held_max.saturating_sub(stats.bytes_held) as f64;
    (bytes_per_second > 0.0).then(|| left / (bytes_per_second * share) / 3600.0)
}

/// Bytes per second, smoothed over [`Rate::OVER`].
#[derive(Debug, Default)]
pub(crate) struct Rate {
    average: f64,
    bytes: f64,
    since: Duration,
    settled: bool,
}

impl Rate {
    const OVER: f64 = 60.0;
    const STEP: Duration = Duration::from_secs(1);

    pub(crate) fn add(&mut self, now: Duration, bytes: usize) {
        self.roll(now);
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let bytes = bytes as f64;
        self.bytes += bytes;
    }

    pub(crate) fn get(&mut self, now: Duration) -> f64 {
        self.roll(now);
        self.average
    }

    fn roll(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.since);
        if passed < Self::STEP {
            return;
        }
        let passed = passed.as_secs_f64();
        let rate = self.bytes / passed;
        // The first step has no past to be averaged with.
        let weight = if self.settled { 1.0 - (-passed / Self::OVER).exp() } else { 1.0 };
        self.average += (rate - self.average) * weight;
        self.settled |= self.bytes > 0.0;
        (self.bytes, self.since) = (0.0, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_left_follow_rate_and_compression() {
        let stats = Stats { bytes_held_max: 4_600_000, bytes_held: 1_000_000, ..Stats::default() };
        assert_eq!(hours_left(&stats, 0.0, 0), None);
        let packed = Stats { bytes_written: 250, ..stats.clone() };
        assert_eq!(hours_left(&packed, 1000.0, 1000), Some(4.0));
        let unknown = hours_left(&stats, 1000.0, 0).unwrap();
        assert!((unknown - 1.0 / STORED_SHARE).abs() < 1e-9, "{unknown}");
    }

    #[test]
    fn a_steady_rate_is_found_at_once_and_a_new_one_within_minutes() {
        let mut r = Rate::default();
        let mut feed = |from: u64, to: u64, bytes: usize| {
            for s in from..to {
                r.add(Duration::from_secs(s), bytes);
            }
            r.get(Duration::from_secs(to))
        };
        let first = feed(0, 10, 1000);
        assert!((first - 1000.0).abs() < 1.0, "{first}");
        let later = feed(10, 310, 4000);
        assert!((later - 4000.0).abs() < 100.0, "{later}");
    }
}
