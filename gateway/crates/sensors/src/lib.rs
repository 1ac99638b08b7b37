//! Meters and sensors: wired M-Bus, DL/T 645, CJ/T 188, 1-Wire, hwmon and IIO, contacts on GPIO.
//!
//! Each protocol is a module with a specification (plain data), a codec or reader, and a driver.
//! None knows the others, where a specification comes from, or where a value goes; none stamps
//! time.

pub mod cjt188;
pub mod dlt645;
mod files;
pub mod gpio;
pub mod mbus;
pub mod onewire;
mod own_unit;
pub mod sysfs;

use std::sync::Arc;
use std::time::Duration;
use wellhead_driver::Group;
use wellhead_model::PointIndex;

/// Text that names no value, address or sensor of a protocol; says what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(pub String);

/// A mistake in a specification that its texts alone don't show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecProblem {
    /// Which point, by its id; `None` for the device itself.
    pub point: Option<String>,
    /// Which key.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
}

impl SpecProblem {
    fn new(point: Option<&str>, key: &'static str, message: String, message_zh: String) -> Self {
        Self { point: point.map(str::to_owned), key, message, message_zh }
    }
}

/// Manners of a meter on a shared line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Longest wait for a reply.
    pub response_timeout: Duration,
    /// Silence before each request.
    pub pause: Duration,
    /// How long a reply that missed its time might still come.
    pub late_window: Duration,
    /// On a serial line: its own speed and parity, if they are not the line's.
    pub mode: Option<wellhead_driver::SerialMode>,
}

/// Points of one period as a group each, and their positions in the list.
pub(crate) fn by_period(
    points: impl Iterator<Item = (PointIndex, Duration)>,
) -> (Vec<Group>, Vec<Arc<[usize]>>) {
    let mut groups: Vec<(Group, Vec<usize>)> = Vec::new();
    for (at, (index, period)) in points.enumerate() {
        let group = groups.iter().position(|(g, _)| g.period == period).unwrap_or_else(|| {
            groups.push((Group { period, points: Vec::new() }, Vec::new()));
            groups.len() - 1
        });
        groups[group].0.points.push(index);
        groups[group].1.push(at);
    }
    groups.into_iter().map(|(group, members)| (group, members.into())).unzip()
}
