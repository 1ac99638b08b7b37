//! The kinds of devices that stand on a bus, each with its register map; the presets say which
//! stand where.
//!
//! The maps are inventions in the manner of the trade, mixing the layouts met in the field; they
//! copy no vendor's document.

pub mod air_source;
pub mod drive;
pub mod heat_pump;
pub mod map;
pub mod meters;
pub mod sensors;
pub mod storage;
pub mod supply;
pub mod valves;
pub mod wells;

use map::{Exception, Get, Kind, Register, Set, holding, input};

use crate::panel::Keeper;
use crate::plant::Plant;

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

pub(crate) const fn device(
    unit: u8,
    name: &'static str,
    index: usize,
    model: &'static Model,
) -> Device {
    Device { unit, name, index, model }
}

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

/// Notes that a command came over the bus for an actuator.
///
/// # Errors
/// When its switch stands on local.
fn order(plant: &mut Plant, actuator: usize) -> Result<(), Exception> {
    if plant.keepers[actuator].local {
        return Err(Exception::DeviceFailure);
    }
    plant.keepers[actuator].commanded();
    Ok(())
}

fn set_heartbeat(keeper: &mut Keeper, value: f64) {
    keeper.heartbeat = value as u16;
    keeper.refresh();
}

fn set_watchdog(keeper: &mut Keeper, seconds: f64) {
    keeper.timeout_s = seconds;
    keeper.refresh();
}

fn set_source(plant: &mut Plant, actuator: usize, remote: f64) -> Result<(), Exception> {
    if remote == 0.0 {
        plant.keepers[actuator].release();
        return Ok(());
    }
    order(plant, actuator)
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
                |plant, i, v| $crate::devices::set_source(plant, $index(i), v),
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
    use crate::presets::Preset;
    use clap::ValueEnum;
    use map::Table;

    fn devices() -> impl Iterator<Item = &'static Device> {
        Preset::value_variants().iter().flat_map(|preset| preset.devices())
    }

    #[test]
    fn no_two_registers_share_a_place_or_a_name() {
        for device in devices() {
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
        for device in devices() {
            let first = &device.model.map[0];
            assert_eq!(
                (first.table, first.address, first.name),
                (Table::InputRegister, 0, "poll_counter")
            );
        }
    }
}
