//! How fast history goes out. A broker and its subscribers take in a minute's backlog at once if
//! they are given it, and what is live then waits behind it in their queues.

use std::time::Duration;

/// At most this much a second: some 200 000 samples.
const BYTES_PER_S: f64 = 12e6;
/// At most this much at once after a pause: 20 ms worth.
const BURST_BYTES: f64 = BYTES_PER_S * 0.02;
/// How soon paced history goes on.
pub(crate) const PACE: Duration = Duration::from_millis(10);

/// A bucket that fills with time.
#[derive(Debug)]
pub(crate) struct Pace {
    room: f64,
    at: Duration,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { room: BURST_BYTES, at: Duration::ZERO }
    }

    /// Whether there is room at `now`. A message that is larger than the room still goes, and
    /// the next one waits the longer.
    pub(crate) fn allows(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = now;
        self.room = (self.room + passed * BYTES_PER_S).min(BURST_BYTES);
        !self.is_spent()
    }

    pub(crate) fn spend(&mut self, bytes: usize) {
        self.room -= bytes as f64;
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.room <= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_goes_at_the_pace_and_not_at_once() {
        let mut pace = Pace::new();
        let (mut sent, message) = (0usize, 6000);
        for ms in (0..10_000).step_by(10) {
            while pace.allows(Duration::from_millis(ms)) {
                pace.spend(message);
                sent += message;
            }
        }
        let expected = BYTES_PER_S * 10.0;
        assert!((sent as f64 - expected).abs() < expected * 0.01, "{sent}");
    }

    #[test]
    fn a_pause_saves_up_no_more_than_one_burst() {
        let mut pace = Pace::new();
        let mut sent = 0;
        while pace.allows(Duration::from_secs(3600)) {
            pace.spend(1000);
            sent += 1000;
        }
        assert!(sent as f64 <= BURST_BYTES + 1000.0, "{sent}");
    }
}
