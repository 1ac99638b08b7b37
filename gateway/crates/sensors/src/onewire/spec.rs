//! What a string of 1-Wire sensors is. Plain data.

use std::path::PathBuf;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::PointIndex;

/// A sensor's address as the kernel names it: `28-0316a2795bff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rom {
    /// Family code: 0x28 is DS18B20.
    pub family: u8,
    /// 48 bits of serial number.
    pub serial: u64,
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
    /// Correction: °C × `scale` + `offset`.
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
    /// The bus master, `w1_bus_master1`; without it conversion is not started for all at once.
    pub master: Option<String>,
    /// Whether 85 °C, which a sensor shows before its first conversion, is believed.
    pub believe_85: bool,
    /// Its sensors.
    pub points: Vec<PointSpec>,
}
