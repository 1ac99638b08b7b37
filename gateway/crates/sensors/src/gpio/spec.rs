//! What contacts on a GPIO chip are. Plain data.

use std::path::PathBuf;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::PointIndex;

/// Pull of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Bias {
    #[default]
    AsIs,
    Disabled,
    PullUp,
    PullDown,
}

/// What a line of the chip is used as.
#[derive(Debug, Clone, PartialEq)]
pub enum Pin {
    /// A contact.
    Input {
        /// Pull.
        bias: Bias,
        /// Changes shorter than this are not believed.
        debounce: Duration,
    },
    /// A relay.
    Relay {
        /// The state it is given when the gateway opens and when it ends.
        safe: bool,
    },
    /// Pulses, counted; the count is kept over restarts.
    Counter {
        /// Pull.
        bias: Bias,
        /// Pulses shorter than this are not counted.
        debounce: Duration,
    },
}

/// One point: a line of the chip.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSpec {
    /// Its place in the device's list.
    pub index: PointIndex,
    /// Its id, for messages.
    pub name: String,
    /// Number of the line on its chip.
    pub line: u32,
    /// Whether a low level means true.
    pub active_low: bool,
    /// What it is used as.
    pub pin: Pin,
    /// From raw to value: pulses × scale.
    pub conversion: Conversion,
    /// How often it is read; edges are told at once besides.
    pub period: Duration,
}

/// A chip.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its id, for messages.
    pub name: String,
    /// `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// Where counts are kept.
    pub counts: PathBuf,
    /// What it holds.
    pub points: Vec<PointSpec>,
}
