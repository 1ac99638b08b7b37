//! What a sensor of the kernel is. Plain data.

use crate::{SpecError, SpecProblem};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::{PointIndex, Unit};

/// One channel of a chip: `temp1` of hwmon, or `in_voltage0` of IIO; parsed from text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Channel {
    /// Its name without `_input` or `_raw`.
    pub name: String,
}

impl FromStr for Channel {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let name = text.strip_suffix("_input").or_else(|| text.strip_suffix("_raw"));
        let name = name.unwrap_or(text);
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-';
        let fits = name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(plain);
        if fits {
            Ok(Self { name: name.into() })
        } else {
            Err(SpecError(format!(
                "`{text}` is no channel: give the start of its file's name, such as `temp1` (of \
                 `temp1_input`) or `in_voltage0` (of `in_voltage0_raw`)"
            )))
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
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
    /// The unit that the configuration gives; values are converted to it.
    pub unit: Option<Unit>,
    /// After the kernel's own scale (which gives °C, V, A, Pa, %, …) and the unit conversion.
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
    /// What stands in the chip's `name` file (`lm75`); with `@` and its place on the bus
    /// (`lm75@1-0048`) where there are several of that name; or its folder's name (`hwmon3`),
    /// which may change when the box starts again.
    pub chip: String,
    /// What it holds.
    pub points: Vec<PointSpec>,
}

/// What is wrong with a specification; empty if nothing.
pub fn check(spec: &DeviceSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    if spec.chip.is_empty() || spec.chip.contains('/') {
        let message = format!("`{}` is no chip: give what stands in its `name` file", spec.chip);
        let zh = format!("`{}` 不是芯片名：请写其 `name` 文件中的内容", spec.chip);
        problems.push(SpecProblem::new(None, "chip", message, zh));
    }
    for point in &spec.points {
        if let (Some(own), Some(wanted)) = (point.channel.unit(), point.unit)
            && own.dimension() != wanted.dimension()
        {
            let message = format!("`{}` is in {own}, which is no {wanted}", point.channel);
            let zh = format!("`{}` 的单位是 {own}，不能换算为 {wanted}", point.channel);
            problems.push(SpecProblem::new(Some(&point.name), "unit", message, zh));
        }
    }
    problems
}
