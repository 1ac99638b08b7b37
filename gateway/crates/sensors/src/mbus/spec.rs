//! What an M-Bus meter is. Plain data.

use crate::Timing;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::PointIndex;

/// How a meter is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// Primary address, 1 to 250 (0 is a meter without one, 254 any single meter).
    Primary(u8),
    /// Secondary address; written as 16 hex digits (identification, maker, version, medium), or 8
    /// digits of identification alone. `F` digits are wildcards.
    Secondary {
        /// Eight BCD digits; 0xF is a wildcard.
        identification: u32,
        /// Maker's code; 0xFFFF is any.
        manufacturer: u16,
        /// 0xFF is any.
        version: u8,
        /// 0xFF is any.
        medium: u8,
    },
}

/// Which record of a meter's telegram a point is: `energy`, `volume storage=1`, `power max`,
/// `supply_temperature`, `record=7`, …; parsed from text, see its `FromStr`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordSelector {
    /// What is measured, or `None` to take the record by `position`.
    pub quantity: Option<String>,
    /// Storage number; 0 is the present value.
    pub storage: u32,
    /// Tariff; 0 is all.
    pub tariff: u32,
    /// Subunit.
    pub subunit: u32,
    /// `instantaneous`, `maximum`, `minimum` or `error`, as 0 to 3 in the standard's order.
    pub function: u8,
    /// Position in the telegram (over all telegrams), from 0.
    pub position: Option<u16>,
}

/// One point of a meter.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSpec {
    /// Its place in the device's list.
    pub index: PointIndex,
    /// Its id, for messages.
    pub name: String,
    /// Which record.
    pub record: RecordSelector,
    /// The unit that the configuration gives; values are converted to it.
    pub unit: Option<wellhead_model::Unit>,
    /// After the record's own scaling and unit conversion.
    pub conversion: Conversion,
    /// How often it is read; a meter is read as a whole, at the shortest of its points' periods.
    pub period: Duration,
}

/// A meter as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its id, for messages.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// Manners.
    pub timing: Timing,
    /// Most telegrams of one reading; more means that the meter does not end.
    pub telegrams_max: u8,
    /// What it holds.
    pub points: Vec<PointSpec>,
}
