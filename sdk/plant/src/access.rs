//! The plant's points without a bus, for `simulate`: found once by unit, table and address, then
//! read and written as engineering values.
//!
//! ```
//! use wellhead_plant::access::Access;
//! use wellhead_plant::devices::map::Table;
//! use wellhead_plant::plant::{Config, Plant};
//!
//! let mut plant = Plant::new(Config::default(), 1);
//! let preset = plant.config().preset;
//! let setpoint = Access::find(preset, 1, Table::HoldingRegister, 1, None).ok_or("no such point")?;
//! setpoint.write(&mut plant, 42.0).map_err(|refused| format!("{refused:?}"))?;
//! plant.step(60.0);
//! assert_eq!(setpoint.read(&plant), Some(42.0));
//! # Ok::<(), String>(())
//! ```

use crate::devices::Device;
use crate::devices::map::{Exception, Kind, Register, Source, Table};
use crate::physics::normal_hash;
use crate::plant::Plant;
use crate::presets::Preset;

/// One numeric point of one device.
#[derive(Clone, Copy)]
pub struct Access {
    /// The device.
    pub device: &'static Device,
    /// Its register.
    pub register: &'static Register,
    read: fn(&Plant, usize) -> f64,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.device.name, self.register.name)
    }
}

impl Access {
    /// The numeric point at an address of a unit; `bit` picks one of a word. Texts and the poll
    /// counter are no quantities of the plant and are not found.
    #[must_use]
    pub fn find(
        preset: Preset,
        unit: u8,
        table: Table,
        address: u16,
        bit: Option<u8>,
    ) -> Option<Self> {
        let device = preset.devices().iter().find(|device| device.unit == unit)?;
        let register = device.model.map.iter().find(|register| {
            let same_bit = match register.kind {
                Kind::Bit { bit: own } => bit == Some(own),
                _ => bit.is_none(),
            };
            register.table == table && register.address == address && same_bit
        })?;
        match register.source {
            Source::Number(read) => Some(Self { device, register, read }),
            Source::PollCounter | Source::Text(_) => None,
        }
    }

    /// The quantity itself, as exact as the plant knows it; `None` when no sensor is fitted.
    #[must_use]
    pub fn truth(&self, plant: &Plant) -> Option<f64> {
        let value = (self.read)(plant, self.device.index);
        (!value.is_nan()).then_some(value)
    }

    /// The quantity as the sensor shows it without noise: in the register's steps, counters gone
    /// round. `None` when no sensor is fitted.
    #[must_use]
    pub fn read(&self, plant: &Plant) -> Option<f64> {
        self.truth(plant).map(|value| self.register.shown(value))
    }

    /// The same with the sensor's noise at this step, as the bus would carry it.
    #[must_use]
    pub fn read_noisy(&self, plant: &Plant) -> Option<f64> {
        let value = self.truth(plant)?;
        Some(self.register.shown(value + noise(plant, self.device.unit, self.register)))
    }

    /// Writes a value as a master would.
    ///
    /// # Errors
    /// The exception the device gives: read-only, outside its limits, or refused in its state.
    pub fn write(&self, plant: &mut Plant, value: f64) -> Result<(), Exception> {
        let rule = self.register.write.ok_or(Exception::IllegalDataAddress)?;
        let value = self.register.shown(value);
        if !self.register.admits(value) {
            return Err(Exception::IllegalDataValue);
        }
        (rule.set)(plant, self.device.index, value)
    }
}

/// Noise of a unit's register at this step, in its unit.
pub(crate) fn noise(plant: &Plant, unit: u8, register: &Register) -> f64 {
    if register.noise == 0.0 {
        return 0.0;
    }
    let stream = u64::from(unit) << 16 | u64::from(register.address);
    register.noise * normal_hash(plant.seed(), stream, plant.steps())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::Config;
    use crate::unit::Unit;
    use clap::ValueEnum;

    #[test]
    fn every_number_reads_like_its_words_on_the_bus() {
        for preset in Preset::value_variants() {
            let mut plant = Plant::new(Config { preset: *preset, ..Config::default() }, 1);
            (0..30).for_each(|_| plant.step(60.0));
            let mut numbers = 0;
            for device in preset.devices() {
                let unit = Unit::new(*device);
                for register in device.model.map {
                    let bit = match register.kind {
                        Kind::Bit { bit } => Some(bit),
                        _ => None,
                    };
                    let found =
                        Access::find(*preset, device.unit, register.table, register.address, bit);
                    let Some(access) = found else { continue };
                    assert_eq!(access.register.name, register.name, "{}", device.name);
                    let words = unit.words(&plant, register);
                    let wire = register.value(&words);
                    let ours = access.read_noisy(&plant);
                    let close = match (wire, ours) {
                        (Some(wire), Some(ours)) => {
                            (wire - ours).abs() <= 1e-6 * wire.abs().max(1.0)
                        }
                        (wire, ours) => wire.is_none() == ours.is_none(),
                    };
                    assert!(close, "{} {}: {wire:?} {ours:?}", device.name, register.name);
                    numbers += 1;
                }
            }
            assert!(numbers > 150, "{preset:?}: {numbers}");
        }
    }

    #[test]
    fn writes_keep_to_the_devices_own_limits() {
        let mut plant = Plant::new(Config::default(), 1);
        let find = |address| {
            Access::find(Preset::Renze, 1, Table::HoldingRegister, address, None).unwrap()
        };
        let setpoint = find(1);
        assert_eq!(setpoint.write(&mut plant, 41.234), Ok(()));
        assert_eq!(setpoint.read(&plant), Some(41.2));
        assert_eq!(setpoint.write(&mut plant, 80.0), Err(Exception::IllegalDataValue));
        assert_eq!(setpoint.write(&mut plant, f64::NAN), Err(Exception::IllegalDataValue));
        assert_eq!(setpoint.read(&plant), Some(41.2));
        let power = Access::find(Preset::Renze, 1, Table::InputRegister, 10, None).unwrap();
        assert_eq!(power.write(&mut plant, 1.0), Err(Exception::IllegalDataAddress));
        plant.keepers[0].local = true;
        assert_eq!(setpoint.write(&mut plant, 40.0), Err(Exception::DeviceFailure));
    }

    #[test]
    fn what_is_no_number_is_not_found() {
        let find = |unit, table, address, bit| {
            Access::find(Preset::Renze, unit, table, address, bit).is_some()
        };
        assert!(!find(1, Table::InputRegister, 0, None), "the poll counter");
        assert!(!find(1, Table::InputRegister, 34, None), "a text");
        assert!(!find(9, Table::InputRegister, 3, None), "no such unit");
        assert!(!find(1, Table::InputRegister, 2, None), "a word of bits without a bit");
        assert!(find(1, Table::InputRegister, 2, Some(1)));
    }
}
