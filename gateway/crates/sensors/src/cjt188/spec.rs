//! What a CJ/T 188 meter is. Plain data.

use crate::Timing;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::PointIndex;

/// Address of a meter: fourteen digits, most significant first; the first four are the maker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub [u8; 7]);

/// In which order the two bytes of a data identifier travel; makers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdentifierOrder {
    /// 1F 90, as the standard has it.
    #[default]
    LowFirst,
    /// 90 1F.
    HighFirst,
}

/// Whether the unit's byte stands behind its value or before it; makers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnitPosition {
    /// As the standard has it.
    #[default]
    AfterValue,
    /// Before the value.
    BeforeValue,
}

/// A value of the reply; parsed from text such as `heat` or `supply_temperature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Field {
    Heat,
    SettledHeat,
    Power,
    Flow,
    Volume,
    SettledVolume,
    SupplyTemperature,
    ReturnTemperature,
    Hours,
    Time,
    Status,
}

/// One point of a meter.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSpec {
    /// Its place in the device's list.
    pub index: PointIndex,
    /// Its id, for messages.
    pub name: String,
    /// Which value.
    pub field: Field,
    /// The unit that the configuration gives; values are converted to it.
    pub unit: Option<wellhead_model::Unit>,
    /// After the meter's own unit.
    pub conversion: Conversion,
    /// How often it is read; a meter is read as a whole, at the shortest of its points' periods.
    pub period: Duration,
}

/// A meter as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its id, for messages.
    pub name: String,
    /// Type of meter: 0x10 cold water, 0x20 heat, 0x21 cold, 0x30 gas, …
    pub kind: u8,
    /// Its address.
    pub address: Address,
    /// First switch.
    pub identifier_order: IdentifierOrder,
    /// Second switch.
    pub unit_position: UnitPosition,
    /// Leading 0xFE bytes of a request, 0 to 4.
    pub preamble: u8,
    /// Manners.
    pub timing: Timing,
    /// What it holds.
    pub points: Vec<PointSpec>,
}
