//! What a string of 1-Wire sensors is. Plain data.

use crate::{SpecError, SpecProblem};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::{Dimension, PointIndex, Unit};

/// A sensor's address as the kernel names it: `28-0316a2795bff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rom {
    /// Family code: 0x28 is DS18B20.
    pub family: u8,
    /// 48 bits of serial number.
    pub serial: u64,
}

/// Families of thermometers that the kernel's driver reads: DS18S20, DS1822, DS18B20, DS1825 and
/// DS28EA00 (`drivers/w1/slaves/w1_therm.c`).
pub(crate) const THERMOMETERS: [u8; 5] = [0x10, 0x22, 0x28, 0x3B, 0x42];

impl Rom {
    /// Whether the kernel gives a temperature for it.
    pub fn is_thermometer(self) -> bool {
        THERMOMETERS.contains(&self.family)
    }
}

impl FromStr for Rom {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let parts = text.split_once('-').filter(|(family, serial)| {
            let hex = |t: &str| t.bytes().all(|b| b.is_ascii_hexdigit());
            family.len() == 2 && serial.len() == 12 && hex(family) && hex(serial)
        });
        let parsed = parts.and_then(|(family, serial)| {
            let family = u8::from_str_radix(family, 16).ok()?;
            Some(Rom { family, serial: u64::from_str_radix(serial, 16).ok()? })
        });
        parsed.ok_or_else(|| {
            SpecError(format!(
                "`{text}` is no 1-Wire address: give it as the kernel names the sensor's folder, \
                 two hex digits, a hyphen and twelve, such as `28-0316a2795bff`"
            ))
        })
    }
}

impl fmt::Display for Rom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}-{:012x}", self.family, self.serial)
    }
}

/// One sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSpec {
    /// Its place in the device's list.
    pub index: PointIndex,
    /// Its id, for messages.
    pub name: String,
    /// Its address.
    pub rom: Rom,
    /// The unit that the configuration gives; values are converted to it from °C.
    pub unit: Option<Unit>,
    /// Correction, after the unit conversion: value × `scale` + `offset`.
    pub conversion: Conversion,
    /// How often it is read.
    pub period: Duration,
}

/// One bus master with its string of sensors.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its id, for messages.
    pub name: String,
    /// Folder of the kernel's 1-Wire devices, `/sys/bus/w1/devices`.
    pub root: PathBuf,
    /// The bus master, `w1_bus_master1`. Without it, conversion is not started for all at once and
    /// sensors that nobody configured are not told of.
    pub master: Option<String>,
    /// Whether 85 °C, which a sensor shows before its first conversion, is believed.
    pub believe_85: bool,
    /// Its sensors.
    pub points: Vec<PointSpec>,
}

/// What is wrong with a specification; empty if nothing.
pub fn check(spec: &DeviceSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    if let Some(master) = &spec.master
        && (master.is_empty() || master.contains(['/', '.']))
    {
        let message = format!(
            "`{master}` is no bus master: give its folder's name, such as `w1_bus_master1`"
        );
        let zh = format!("`{master}` 不是总线主机：请写其文件夹名，例如 `w1_bus_master1`");
        problems.push(SpecProblem::new(None, "master", message, zh));
    }
    for (i, point) in spec.points.iter().enumerate() {
        let mut wrong = |key, message, zh| {
            problems.push(SpecProblem::new(Some(&point.name), key, message, zh));
        };
        if !point.rom.is_thermometer() {
            let message =
                format!("`{}` is no thermometer: those begin with 10, 22, 28, 3b or 42", point.rom);
            let zh = format!("`{}` 不是温度传感器：其地址以 10、22、28、3b 或 42 开头", point.rom);
            wrong("sensor", message, zh);
        }
        if let Some(twin) = spec.points[..i].iter().find(|other| other.rom == point.rom) {
            let message = format!("`{}` is the sensor of `{}` already", point.rom, twin.name);
            let zh = format!("`{}` 已是 `{}` 的传感器", point.rom, twin.name);
            wrong("sensor", message, zh);
        }
        if let Some(unit) = point.unit.filter(|u| u.dimension() != Dimension::Temperature) {
            let message = format!("the sensor gives °C, which is no {unit}");
            wrong("unit", message, format!("传感器给出 °C，不能换算为 {unit}"));
        }
    }
    problems
}
