//! What a sensor of the kernel is. Plain data.

use std::path::PathBuf;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::PointIndex;

/// One channel of a chip: `hwmon` `temp1`, or `iio` `in_voltage0`; parsed from text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Channel {
    /// Its name without `_input` or `_raw`.
    pub name: String,
}

/// One point of a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSpec {
    /// Its place in the device's list.
    pub index: PointIndex,
    /// Its id, for messages.
    pub name: String,
    /// Which channel.
    pub channel: Channel,
    /// After the kernel's own scale, which gives °C, V, A, Pa, %.
    pub conversion: Conversion,
    /// How often it is read.
    pub period: Duration,
}

/// A chip.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its id, for messages.
    pub name: String,
    /// Folder of the class: `/sys/class/hwmon` or `/sys/bus/iio/devices`.
    pub root: PathBuf,
    /// What stands in the chip's `name` file, or its folder's name.
    pub chip: String,
    /// What it holds.
    pub points: Vec<PointSpec>,
}
