//! `wellhead scan onewire`: sensors that the kernel reads.

use super::Output;
use super::found::{Address, Device, Found, Point, text};
use clap::Args;
use serde_json::{Value as Json, json};
use std::io;
use std::path::PathBuf;
use wellhead_model::Reason;
use wellhead_sensors::{onewire, sysfs};

/// Finds 1-Wire sensors, and the board's own by hwmon and IIO, and reads them.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead scan onewire --write site.toml\n\n\
    A bus of 30 sensors takes a second where the kernel converts in parallel, half a minute where \
    not.\nWarm one sensor after the other by hand to see which hangs where.")]
pub(super) struct Onewire {
    /// Root of the kernel's files
    #[arg(long, value_name = "DIR", default_value = "/sys")]
    sysfs: PathBuf,
    #[command(flatten)]
    pub(super) output: Output,
}

impl Onewire {
    pub(super) fn scan(&self) -> anyhow::Result<Found> {
        anyhow::ensure!(self.sysfs.is_dir(), "{} is no folder", self.sysfs.display());
        let (mut devices, mut unclear) = (Vec::new(), Vec::new());
        let wires = self.sysfs.join("bus/w1/devices");
        match there(onewire::scan(&wires)) {
            Ok(sensors) => strings(sensors, &mut devices),
            Err(error) => unclear.push(format!("{}: {error}", wires.display())),
        }
        for (protocol, below) in [("hwmon", "class/hwmon"), ("iio", "bus/iio/devices")] {
            let below = self.sysfs.join(below);
            match there(sysfs::scan(&below)) {
                Ok(chips) => devices.extend(chips.into_iter().map(|c| chip(protocol, c))),
                Err(error) => unclear.push(format!("{}: {error}", below.display())),
            }
        }
        let line_keys = vec![("sysfs", text(self.sysfs.display()))];
        Ok(Found { protocol: "onewire", line: "wires", line_keys, devices, unclear })
    }
}

/// A kernel without such a bus has no such sensors.
fn there<T>(found: io::Result<Vec<T>>) -> io::Result<Vec<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        found => found,
    }
}

fn shown(value: Result<f64, Reason>) -> Option<Result<Json, String>> {
    Some(value.map(|v| json!(v)).map_err(|why| why.to_string()))
}

/// One device for each bus master.
fn strings(sensors: Vec<onewire::Found>, devices: &mut Vec<Device>) {
    for sensor in sensors {
        let known = devices.iter_mut().position(|d| d.place == sensor.master);
        let at = known.unwrap_or_else(|| {
            devices.push(Device {
                place: sensor.master.clone(),
                number: sensor.master.clone(),
                keys: vec![("protocol", text("onewire")), ("master", text(&sensor.master))],
                ..Device::default()
            });
            devices.len() - 1
        });
        let rom = sensor.rom.to_string();
        devices[at].points.push(Point {
            key: "sensor",
            number: format!("t_{rom}"),
            address: Address::Text(rom),
            unit: sensor.rom.is_thermometer().then(|| "°C".into()),
            unread: !sensor.rom.is_thermometer(),
            value: shown(sensor.celsius),
            hints: vec!["depth = 40.0: how deep it hangs in its bore, in m".into()],
            ..Point::default()
        });
    }
}

fn chip(protocol: &'static str, found: sysfs::FoundChip) -> Device {
    let channel = |c: sysfs::FoundChannel| Point {
        key: "channel",
        address: Address::Text(c.channel.to_string()),
        name: c.label,
        number: c.channel.to_string(),
        unit: c.unit.map(|u| u.symbol().to_owned()),
        value: shown(c.value),
        ..Point::default()
    };
    Device {
        place: format!("{protocol} {}", found.chip),
        number: found.chip.clone(),
        keys: vec![("protocol", text(protocol)), ("chip", text(&found.chip))],
        points: found.channels.into_iter().map(channel).collect(),
        ..Device::default()
    }
}
