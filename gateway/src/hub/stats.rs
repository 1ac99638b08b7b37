//! How a device has been doing: the figures behind metrics and `wellhead watch`.

use std::time::Duration;
use wellhead_driver::{DeviceError, Recovery};
use wellhead_model::Mono;

/// Counts since the device was configured.
#[derive(Debug, Clone, Default)]
pub struct DeviceStats {
    /// Polls that were answered.
    pub answered: u64,
    /// Polls without any reply.
    pub silent: u64,
    /// Polls whose reply was no reply.
    pub garbled: u64,
    /// Polls that the device refused.
    pub refused: u64,
    /// Polls that could not be sent, since the line is down.
    pub unreachable: u64,
    /// When it last answered.
    pub last_answer: Option<Mono>,
    /// How long the last answer took.
    pub latency: Duration,
    /// What the last failure was, until the next answer.
    pub error: Option<DeviceError>,
}

impl DeviceStats {
    /// Whether the device answered when it was last asked.
    pub fn is_up(&self) -> bool {
        self.error.is_none() && self.last_answer.is_some()
    }

    pub(super) fn answered(&mut self, now: Mono, latency: Duration) {
        self.answered += 1;
        self.last_answer = Some(now);
        self.latency = latency;
        self.error = None;
    }

    pub(super) fn failed(&mut self, error: &DeviceError) {
        match (error, error.recovery()) {
            (_, Recovery::LineDown) => self.unreachable += 1,
            (DeviceError::NoReply(_), _) => self.silent += 1,
            (_, Recovery::DeviceDown) => self.garbled += 1,
            (_, Recovery::Answered) => self.refused += 1,
        }
        self.error = Some(error.clone());
    }
}
