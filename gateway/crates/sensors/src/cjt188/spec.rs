//! What a CJ/T 188 meter is. Plain data.

use crate::{SpecError, Timing};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::{Dimension, PointIndex};

/// Address of a meter: fourteen digits, most significant first; the first four are the maker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub [u8; 7]);

impl Address {
    /// What every meter takes for its own; only for finding the address of the one meter on a
    /// line.
    pub const ANY: Self = Self([0xAA; 7]);
}

impl FromStr for Address {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut address = [0; 7];
        let digits = text.as_bytes();
        if digits.len() != 14 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(SpecError(format!(
                "`{text}` is no CJ/T 188 address: give fourteen digits, e.g. 78330011223344"
            )));
        }
        for (byte, pair) in address.iter_mut().zip(digits.chunks(2)) {
            *byte = (pair[0] - b'0') << 4 | (pair[1] - b'0');
        }
        Ok(Self(address))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// What a meter measures, which decides what its reply holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MeterKind {
    /// Types 10 to 19, and gas 30 to 39: volume alone.
    Volume(u8),
    /// Types 20 to 29: heat or cold.
    Heat(u8),
}

impl MeterKind {
    /// The type's number on the wire.
    pub fn code(self) -> u8 {
        match self {
            MeterKind::Volume(code) | MeterKind::Heat(code) => code,
        }
    }
}

/// Usual names of types.
const KINDS: &[(&str, MeterKind)] = &[
    ("cold_water", MeterKind::Volume(0x10)),
    ("hot_water", MeterKind::Volume(0x11)),
    ("drinking_water", MeterKind::Volume(0x12)),
    ("reclaimed_water", MeterKind::Volume(0x13)),
    ("heat", MeterKind::Heat(0x20)),
    ("cold", MeterKind::Heat(0x21)),
    ("gas", MeterKind::Volume(0x30)),
];

impl FromStr for MeterKind {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == text) {
            return Ok(*kind);
        }
        match u8::from_str_radix(text, 16) {
            Ok(code @ (0x10..=0x19 | 0x30..=0x39)) if text.len() == 2 => Ok(Self::Volume(code)),
            Ok(code @ 0x20..=0x29) if text.len() == 2 => Ok(Self::Heat(code)),
            _ => {
                let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
                Err(SpecError(format!(
                    "`{text}` is no type of meter; there are {}, and the types' numbers, 10 to 39",
                    names.join(", ")
                )))
            }
        }
    }
}

impl fmt::Display for MeterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match KINDS.iter().find(|(_, kind)| kind == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{:02x}", self.code()),
        }
    }
}

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

/// Field, name, and what it measures.
const FIELDS: &[(Field, &str, Option<Dimension>)] = &[
    (Field::Heat, "heat", Some(Dimension::Energy)),
    (Field::SettledHeat, "settled_heat", Some(Dimension::Energy)),
    (Field::Power, "power", Some(Dimension::Power)),
    (Field::Flow, "flow", Some(Dimension::VolumeFlow)),
    (Field::Volume, "volume", Some(Dimension::Volume)),
    (Field::SettledVolume, "settled_volume", Some(Dimension::Volume)),
    (Field::SupplyTemperature, "supply_temperature", Some(Dimension::Temperature)),
    (Field::ReturnTemperature, "return_temperature", Some(Dimension::Temperature)),
    (Field::Hours, "hours", Some(Dimension::Time)),
    (Field::Time, "time", None),
    (Field::Status, "status", None),
];

impl Field {
    /// What it measures; `None` for text and bits.
    pub fn dimension(self) -> Option<Dimension> {
        FIELDS.iter().find(|(field, ..)| *field == self).and_then(|(.., d)| *d)
    }

    /// Whether a meter of this kind tells it.
    pub fn told_by(self, kind: MeterKind) -> bool {
        match kind {
            MeterKind::Volume(_) => {
                matches!(self, Self::Volume | Self::SettledVolume | Self::Time | Self::Status)
            }
            MeterKind::Heat(_) => self != Self::SettledVolume,
        }
    }
}

impl FromStr for Field {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        FIELDS.iter().find(|(_, name, _)| *name == text).map(|(field, ..)| *field).ok_or_else(
            || {
                let names: Vec<_> = FIELDS.iter().map(|(_, name, _)| *name).collect();
                SpecError(format!(
                    "`{text}` is no field of a CJ/T 188 meter; there are {}",
                    names.join(", ")
                ))
            },
        )
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FIELDS.iter().find(|(field, ..)| field == self).map_or("", |(_, name, _)| name))
    }
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
    /// What it measures.
    pub kind: MeterKind,
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
