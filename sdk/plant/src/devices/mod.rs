//! The devices of the room as they stand on the bus.
//!
//! | unit | device | actuator |
//! |---|---|---|
//! | 1, 2 | ground-source heat pumps | yes |
//! | 3 | air-source bank | yes |
//! | 11, 12, 13 | pump drives: ground, load, air-source circuit | yes |
//! | 14 | valve module | yes |
//! | 21, 22 | heat meters: ground, load | |
//! | 31, 32, 33 | electricity meters: heat pumps, air-source bank, pumps | |
//! | 41 | ground temperature string | |
//! | 42 | weather station | |
//! | 43 | room sensor | |
//!
//! The maps are inventions in the manner of the trade, mixing the layouts met in the field; they
//! copy no vendor's document.

pub mod air_source;
pub mod drive;
pub mod heat_pump;
pub mod map;
pub mod meters;
pub mod sensors;
pub mod valves;

use map::{Get, Kind, Register, Set, holding, input};

use crate::panel::Keeper;

/// A kind of device: what it says of itself, and its map.
pub struct Model {
    /// What it is, e.g. `heat_pump`.
    pub kind: &'static str,
    /// Vendor name in its identification.
    pub vendor: &'static str,
    /// Product code in its identification.
    pub product: &'static str,
    /// Revision in its identification.
    pub revision: &'static str,
    /// Every register.
    pub map: &'static [Register],
}

/// One device of the room.
#[derive(Clone, Copy)]
pub struct Device {
    /// Unit id on the bus.
    pub unit: u8,
    /// Name in the room.
    pub name: &'static str,
    /// Index among its kind.
    pub index: usize,
    /// Its kind.
    pub model: &'static Model,
}

const fn device(unit: u8, name: &'static str, index: usize, model: &'static Model) -> Device {
    Device { unit, name, index, model }
}

/// All devices, by unit id.
pub static DEVICES: [Device; 15] = [
    device(1, "heat-pump-1", 0, &heat_pump::MODEL),
    device(2, "heat-pump-2", 1, &heat_pump::MODEL),
    device(3, "air-source", 0, &air_source::MODEL),
    device(11, "ground-pump", 0, &drive::MODEL),
    device(12, "load-pump", 1, &drive::MODEL),
    device(13, "air-pump", 2, &drive::MODEL),
    device(14, "valves", 0, &valves::MODEL),
    device(21, "ground-heat-meter", 0, &meters::HEAT_METER),
    device(22, "load-heat-meter", 1, &meters::HEAT_METER),
    device(31, "heat-pump-power-meter", 0, &meters::POWER_METER),
    device(32, "air-source-power-meter", 1, &meters::POWER_METER),
    device(33, "pump-power-meter", 2, &meters::POWER_METER),
    device(41, "ground-string", 0, &sensors::GROUND_STRING),
    device(42, "weather-station", 0, &sensors::WEATHER_STATION),
    device(43, "room-sensor", 0, &sensors::ROOM_SENSOR),
];

/// Names of a bit that is a command.
pub const OFF_ON: &[(u16, &str)] = &[(0, "off"), (1, "on")];

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// The registers by which an actuator is kept: heartbeat, watchdog time, who commands.
///
/// `$keeper` gives the device's keeper from the plant and the device's index.
const fn keeping(
    at: u16,
    heartbeat: (Get, Set),
    time: (Get, Set),
    source: (Get, Set),
) -> [Register; 3] {
    [
        holding(at, Kind::U16, "heartbeat")
            .read(heartbeat.0)
            .write(0.0, 65_535.0, heartbeat.1)
            .note("any write keeps a remote device from its watchdog; it does not make it remote"),
        holding(at + 1, Kind::U16, "watchdog_time")
            .scaled(1.0, "s")
            .read(time.0)
            .write(0.0, 3600.0, time.1)
            .note("real seconds without a write until the device's own defaults; 0 is never"),
        holding(at + 2, Kind::U16, "control_source")
            .states(&[(0, "panel"), (1, "remote")])
            .read(source.0)
            .write(0.0, 1.0, source.1)
            .note("the first command written makes the device remote; 0 gives it back"),
    ]
}

fn set_heartbeat(keeper: &mut Keeper, value: f64) {
    keeper.heartbeat = value as u16;
    keeper.refresh();
}

fn set_watchdog(keeper: &mut Keeper, seconds: f64) {
    keeper.timeout_s = seconds;
    keeper.refresh();
}

fn set_source(keeper: &mut Keeper, remote: f64) {
    if remote == 0.0 { keeper.release() } else { keeper.commanded() }
}

/// Expands to the three keeping registers at an address, for a keeper found by `$index`.
macro_rules! kept {
    ($at:expr, $index:expr) => {
        $crate::devices::keeping(
            $at,
            (
                |plant, i| f64::from(plant.keepers[$index(i)].heartbeat),
                |plant, i, v| {
                    $crate::devices::set_heartbeat(&mut plant.keepers[$index(i)], v);
                    Ok(())
                },
            ),
            (
                |plant, i| plant.keepers[$index(i)].timeout_s,
                |plant, i, v| {
                    $crate::devices::set_watchdog(&mut plant.keepers[$index(i)], v);
                    Ok(())
                },
            ),
            (
                |plant, i| $crate::devices::flag(plant.keepers[$index(i)].remote),
                |plant, i, v| {
                    $crate::devices::set_source(&mut plant.keepers[$index(i)], v);
                    Ok(())
                },
            ),
        )
    };
}
pub(crate) use kept;

/// Temperature in tenths of a degree, with the noise of a Pt1000 and 0x8000 for a broken wire.
const fn temperature(address: u16, name: &'static str) -> Register {
    input(address, Kind::I16, name).scaled(0.1, "°C").missing(0x8000).noise(0.05)
}

#[cfg(test)]
mod tests {
    use super::*;
    use map::Table;

    #[test]
    fn no_two_registers_share_a_place_or_a_name() {
        for device in &DEVICES {
            for (i, a) in device.model.map.iter().enumerate() {
                for b in &device.model.map[i + 1..] {
                    let both_bits = matches!((a.kind, b.kind), (Kind::Bit { bit: x }, Kind::Bit { bit: y }) if x != y);
                    assert_ne!(a.name, b.name, "{}", device.name);
                    let clash = a.table == b.table && a.overlaps(b.address, b.words());
                    assert!(!clash || both_bits, "{}: {} and {}", device.name, a.name, b.name);
                }
            }
        }
    }

    #[test]
    fn every_unit_counts_its_polls_at_input_register_zero() {
        for device in &DEVICES {
            let first = &device.model.map[0];
            assert_eq!(
                (first.table, first.address, first.name),
                (Table::InputRegister, 0, "poll_counter")
            );
        }
    }
}
