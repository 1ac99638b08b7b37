//! Why a request came to nothing.

use crate::wire::{self, Malformed, abort_meaning, abort_reason, error_meaning, reject_meaning};
use std::time::Duration;
use wellhead_driver::DeviceError;

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no way to the device: no socket, no route, or a router that says so.
    #[error("{0}")]
    Unreachable(String),
    /// Nobody answered.
    #[error("no reply within {} ms", .0.as_millis())]
    NoReply(Duration),
    /// What came is no answer to the question.
    #[error("bad reply: {0}")]
    BadReply(&'static str),
    /// The device answered with an error.
    #[error("error {} ({})", .0.code, error_meaning(.0.code))]
    Error(wire::Error),
    /// The device did not understand the request.
    #[error("{} ({})", reject_meaning(*.0), .0)]
    Reject(u8),
    /// The device gave the request up.
    #[error("{} ({})", abort_meaning(*.0), .0)]
    Abort(u8),
    /// The request is longer than the device takes.
    #[error("a request of {len} bytes is more than the device's {max}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest APDU that the device takes, in bytes.
        max: usize,
    },
}

impl From<Malformed> for Failure {
    fn from(m: Malformed) -> Self {
        Failure::BadReply(m.0)
    }
}

impl Failure {
    /// Whether the device can't put the answer into what one message carries: asking for less may
    /// help.
    pub fn is_too_much(&self) -> bool {
        const REJECT_BUFFER_OVERFLOW: u8 = 1;
        const REJECT_TOO_MANY_ARGUMENTS: u8 = 7;
        const ABORT_OUT_OF_RESOURCES: u8 = 9;
        match self {
            Failure::Abort(reason) => matches!(
                *reason,
                abort_reason::BUFFER_OVERFLOW
                    | abort_reason::SEGMENTATION_NOT_SUPPORTED
                    | abort_reason::APDU_TOO_LONG
                    | ABORT_OUT_OF_RESOURCES
            ),
            Failure::Reject(reason) => {
                matches!(*reason, REJECT_BUFFER_OVERFLOW | REJECT_TOO_MANY_ARGUMENTS)
            }
            // What is told as an error code elsewhere: 51 and 54 are the first two aborts above.
            Failure::Error(e) => matches!(e.code, 51 | 54 | 59 | 65 | 123 | 125),
            Failure::TooLong { .. } => true,
            _ => false,
        }
    }

    /// Whether the device answered at all.
    pub fn is_answer(&self) -> bool {
        matches!(self, Failure::Error(_) | Failure::Reject(_) | Failure::Abort(_))
    }

    /// As the gateway's drivers tell it; `target` is the device.
    pub fn device_error(self, target: &str) -> DeviceError {
        match self {
            Failure::Unreachable(error) => {
                DeviceError::Unreachable { target: target.to_owned(), error }
            }
            Failure::NoReply(waited) => DeviceError::NoReply(waited),
            Failure::BadReply(why) => DeviceError::BadReply(why),
            Failure::Error(e) => {
                // Codes beyond 255 are vendors' own.
                let code = u8::try_from(e.code).unwrap_or(u8::MAX);
                let meaning = error_meaning(e.code);
                // Configuration in progress, busy, operational problem, timeout.
                if matches!(e.code, 2 | 3 | 25 | 30 | 82 | 83) {
                    DeviceError::DeviceFailure { code, meaning }
                } else {
                    DeviceError::Refused { code, meaning }
                }
            }
            Failure::Reject(code) => DeviceError::Refused { code, meaning: reject_meaning(code) },
            Failure::Abort(code) => {
                DeviceError::DeviceFailure { code, meaning: abort_meaning(code) }
            }
            Failure::TooLong { .. } => DeviceError::Unencodable(self.to_string()),
        }
    }
}
