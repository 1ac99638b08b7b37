//! Sensors that the kernel reads: 1-Wire, hwmon, IIO.

use super::{Form, Half, Reader};
use crate::config::file::{DeviceTable, PointTable, Protocol};
use crate::config::report::Findings;
use crate::config::resolve::At;
use crate::config::resolve::line::LineFound;
use crate::registry::LineSetup;
use std::path::PathBuf;
use wellhead_model::{Shape, Unit};
use wellhead_sensors::{onewire, sysfs};

/// A folder below the line's root.
fn below(line: &LineFound, folder: &str) -> PathBuf {
    match &line.setup {
        Some(LineSetup::Sysfs(root)) => root.join(folder),
        // The line was wrong, which has been told; or a profile is checked by itself.
        _ => PathBuf::from("/sys").join(folder),
    }
}

pub(super) fn onewire(
    t: &DeviceTable,
    line: &LineFound,
    reader: &mut Reader<'_, '_>,
) -> onewire::DeviceSpec {
    let place = |t: &PointTable, at: &At<'_>, findings: &mut Findings| {
        let text = t.sensor.as_deref();
        let rom: onewire::Rom =
            super::address("sensor", "\"28-0316a2795bff\"", text, at, findings)?;
        let unit = Unit::parse("°C").ok();
        Some((Form { unit, read_only: Some("`sensor`"), ..Form::of(Shape::Float) }, rom))
    };
    let point = |rom, half: Half| onewire::PointSpec {
        index: half.index,
        name: half.name,
        rom,
        unit: half.unit,
        conversion: half.conversion,
        period: half.period,
    };
    onewire::DeviceSpec {
        name: reader.name(),
        root: below(line, "bus/w1/devices"),
        master: t.master.clone(),
        believe_85: t.believe_85.unwrap_or(false),
        points: reader.points(place, point),
    }
}

/// hwmon or IIO, as the device's protocol says.
pub(super) fn chip(
    t: &DeviceTable,
    line: &LineFound,
    reader: &mut Reader<'_, '_>,
) -> Option<sysfs::DeviceSpec> {
    let chip = reader.needs("chip", t.chip.clone());
    let (folder, example) = match reader.protocol {
        Protocol::Iio => ("bus/iio/devices", "\"in_voltage0\""),
        _ => ("class/hwmon", "\"temp1\""),
    };
    let place = |t: &PointTable, at: &At<'_>, findings: &mut Findings| {
        let text = t.channel.as_deref();
        let channel: sysfs::Channel = super::address("channel", example, text, at, findings)?;
        let unit = channel.unit();
        Some((Form { unit, read_only: Some("`channel`"), ..Form::of(Shape::Float) }, channel))
    };
    let point = |channel, half: Half| sysfs::PointSpec {
        index: half.index,
        name: half.name,
        channel,
        unit: half.unit,
        conversion: half.conversion,
        period: half.period,
    };
    let points = reader.points(place, point);
    Some(sysfs::DeviceSpec { name: reader.name(), root: below(line, folder), chip: chip?, points })
}
