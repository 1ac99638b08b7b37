//! Meters on buses of their own: the room's heat meters on M-Bus and CJ/T 188, its electricity
//! meters on DL/T 645.
//!
//! They are the same meters as on Modbus, behind their second port: same physics, same faults of
//! their sensors, the unit's number as primary address. What can be wrong with a bus of meters is
//! in [`line`](mod@line), once for every protocol; a protocol is a [`line::Protocol`].

pub mod cjt188;
pub mod dlt645;
pub mod line;
pub mod mbus;

use crate::devices::Device;
use crate::room::Room;

/// All that are spoken on the bus of the meters.
pub(crate) fn protocols() -> Vec<Box<dyn line::Protocol>> {
    vec![Box::<mbus::MBus>::default(), Box::new(cjt188::Cjt188)]
}

/// What is spoken on the bus of the electricity meters.
pub(crate) fn electricity() -> Vec<Box<dyn line::Protocol>> {
    vec![Box::new(dlt645::Dlt645)]
}

/// Sum of bytes, as all these protocols check their frames.
#[must_use]
pub fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// A number's last `2 × bytes` decimal digits, two a byte, lowest first.
#[must_use]
pub fn bcd(number: u64, bytes: usize) -> Vec<u8> {
    let pair = |i| (number / 100u64.pow(i) % 100) as u8;
    (0..bytes as u32).map(|i| ((pair(i) / 10) << 4) | (pair(i) % 10)).collect()
}

/// The heat meters of a room.
fn heat_meters(room: &Room) -> Vec<Device> {
    let devices = room.plant.config().preset.devices().iter();
    devices.filter(|device| device.model.kind == "heat_meter").copied().collect()
}

/// Number on a heat meter's plate.
fn serial_number(meter: &Device) -> u64 {
    41_002_210 + meter.index as u64
}

/// What a heat meter shows; NaN is a broken wire.
fn shown(room: &Room, meter: &Device, point: &str) -> f64 {
    room.reading(meter.unit, point).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_travel_in_pairs_lowest_first() {
        assert_eq!(bcd(41_002_210, 4), [0x10, 0x22, 0x00, 0x41]);
        assert_eq!(bcd(1_234_567, 2), [0x67, 0x45]);
    }
}
