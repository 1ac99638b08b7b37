//! What an M-Bus meter is. Plain data.

use super::names;
use crate::{SpecError, Timing};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::PointIndex;

/// How a meter is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// Primary address, 0 to 250 (0 is a meter that was never given one), or 254: the only meter
    /// of a line, whatever its address.
    Primary(u8),
    /// Secondary address; written as 16 hex digits as most tools print it (identification, then
    /// the bytes of the maker's code as they travel, version, medium), or 8 digits of
    /// identification alone. `F` digits are wildcards.
    Secondary(Secondary),
}

/// A secondary address, possibly with wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Secondary {
    /// Eight BCD digits; 0xF is a wildcard.
    pub identification: u32,
    /// Maker's code; 0xFFFF is any.
    pub manufacturer: u16,
    /// 0xFF is any.
    pub version: u8,
    /// 0xFF is any.
    pub medium: u8,
}

impl Secondary {
    /// Every meter.
    pub const ANY: Self = Self {
        identification: u32::MAX,
        manufacturer: u16::MAX,
        version: u8::MAX,
        medium: u8::MAX,
    };

    /// Whether a meter of the address `other`, which has no wildcards, is meant.
    pub fn covers(&self, other: &Self) -> bool {
        let digits = (0..8).all(|i| {
            let digit = |n: u32| n >> (4 * i) & 0xF;
            digit(self.identification) == 0xF
                || digit(self.identification) == digit(other.identification)
        });
        digits
            && [other.manufacturer, u16::MAX].contains(&self.manufacturer)
            && [other.version, u8::MAX].contains(&self.version)
            && [other.medium, u8::MAX].contains(&self.medium)
    }
}

impl FromStr for Address {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = |why: &str| {
            Err(SpecError(format!(
                "`{text}` {why}: give a primary address, 0 to 250 (or 254 for the only meter of a \
                 line), 8 digits of identification, or 16 hex digits of secondary address"
            )))
        };
        let hex = |part: &str| u32::from_str_radix(part, 16).ok();
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return wrong("is no M-Bus address");
        }
        let identification = match text.len() {
            1..=3 => {
                return match text.parse() {
                    Ok(primary @ (0..=250 | 254)) => Ok(Address::Primary(primary)),
                    _ => wrong("is no primary address"),
                };
            }
            8 | 16 => hex(&text[..8]).unwrap_or(u32::MAX),
            _ => return wrong("has neither 3, 8 nor 16 digits"),
        };
        if (0..8).any(|i| (0xA..0xF).contains(&(identification >> (4 * i) & 0xF))) {
            return wrong("has a digit from A to E in its identification");
        }
        let rest = if text.len() == 16 { hex(&text[8..]).unwrap_or(u32::MAX) } else { u32::MAX };
        let [m0, m1, version, medium] = rest.to_be_bytes();
        let manufacturer = u16::from_le_bytes([m0, m1]);
        Ok(Address::Secondary(Secondary { identification, manufacturer, version, medium }))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Primary(address) => write!(f, "{address}"),
            Address::Secondary(s) => s.fmt(f),
        }
    }
}

impl fmt::Display for Secondary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.identification)?;
        if (self.manufacturer, self.version, self.medium) == (u16::MAX, u8::MAX, u8::MAX) {
            return Ok(());
        }
        let [m0, m1] = self.manufacturer.to_le_bytes();
        write!(f, "{m0:02X}{m1:02X}{:02X}{:02X}", self.version, self.medium)
    }
}

/// What kind of reading a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Function {
    #[default]
    Instantaneous,
    Maximum,
    Minimum,
    /// The value while the meter was in an error state; no point can name it.
    Error,
}

/// Which record of a meter's telegram a point is: `energy`, `volume storage=1`, `power max`,
/// `energy negative tariff=2`, `record=7`; parsed from text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordSelector {
    /// By what it says of itself. The first such record of a reading counts.
    Named(RecordName),
    /// By its place in the reading (over all its telegrams), from 0.
    Position(u16),
}

/// What a record says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordName {
    /// What is measured: `energy`, `supply_temperature`, … See [`RecordName::quantities`].
    pub quantity: &'static str,
    /// What narrows it down, if anything does: `positive`, `l1`, …
    pub qualifier: Option<&'static str>,
    /// What kind of reading.
    pub function: Function,
    /// 0 is the present value; others are kept ones.
    pub storage: u64,
    /// 0 is the total.
    pub tariff: u64,
    /// Part of a meter with several inputs.
    pub subunit: u64,
}

/// What kind of value a quantity has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Form {
    Number,
    Whole,
    Text,
}

impl RecordSelector {
    /// What kind of value a point of this record has; a record by its place is taken for a number.
    pub fn form(&self) -> Form {
        match self {
            Self::Named(name) if names::TEXTS.contains(&name.quantity) => Form::Text,
            Self::Named(name) if names::WHOLE.contains(&name.quantity) => Form::Whole,
            _ => Form::Number,
        }
    }
}

impl RecordName {
    /// Every quantity that has a name here.
    pub fn quantities() -> impl Iterator<Item = &'static str> {
        names::QUANTITIES.iter().map(|q| q.name)
    }
}

impl FromStr for RecordSelector {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = |why: String| Err(SpecError(why));
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or("");
        if let Some(position) = first.strip_prefix("record=") {
            return match (position.parse(), words.next()) {
                (Ok(position), None) => Ok(Self::Position(position)),
                (Ok(_), Some(more)) => wrong(format!("`{more}`: `{first}` says it all")),
                (Err(_), _) => wrong(format!("`{first}`: give the record's number, from 0")),
            };
        }
        let Some(quantity) = RecordName::quantities().find(|name| *name == first) else {
            let all: Vec<_> = RecordName::quantities().collect();
            return wrong(format!(
                "`{first}` is no quantity of an M-Bus meter; there are {}, and `record=7` for the \
                 eighth record whatever it is",
                all.join(", ")
            ));
        };
        let function = Function::Instantaneous;
        let (storage, tariff, subunit) = (0, 0, 0);
        let mut name = RecordName { quantity, qualifier: None, function, storage, tariff, subunit };
        for word in words {
            match word.split_once('=') {
                Some((key, number)) => {
                    let field = match key {
                        "storage" => &mut name.storage,
                        "tariff" => &mut name.tariff,
                        "subunit" => &mut name.subunit,
                        _ => return wrong(format!("`{word}`: there are storage, tariff, subunit")),
                    };
                    *field = match number.parse() {
                        Ok(number) => number,
                        Err(_) => return wrong(format!("`{word}`: give a whole number")),
                    };
                }
                None if word == "max" => name.function = Function::Maximum,
                None if word == "min" => name.function = Function::Minimum,
                None => match names::QUALIFIERS.iter().find(|(_, q)| *q == word) {
                    Some((_, qualifier)) => name.qualifier = Some(qualifier),
                    None => {
                        let all: Vec<_> = names::QUALIFIERS.iter().map(|(_, q)| *q).collect();
                        return wrong(format!(
                            "`{word}`: behind `{quantity}` there may be max, min, storage=1, \
                             tariff=1, subunit=1, {}",
                            all.join(", ")
                        ));
                    }
                },
            }
        }
        Ok(Self::Named(name))
    }
}

impl fmt::Display for RecordSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordSelector::Position(position) => write!(f, "record={position}"),
            RecordSelector::Named(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.quantity)?;
        if let Some(qualifier) = self.qualifier {
            write!(f, " {qualifier}")?;
        }
        match self.function {
            Function::Instantaneous => {}
            Function::Maximum => f.write_str(" max")?,
            Function::Minimum => f.write_str(" min")?,
            Function::Error => f.write_str(" error")?,
        }
        for (key, n) in
            [("storage", self.storage), ("tariff", self.tariff), ("subunit", self.subunit)]
        {
            if n != 0 {
                write!(f, " {key}={n}")?;
            }
        }
        Ok(())
    }
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
    /// Manners; most meters speak at 2400 baud 8E1.
    pub timing: Timing,
    /// Most telegrams of one reading; more means that the meter does not end.
    pub telegrams_max: u8,
    /// What it holds.
    pub points: Vec<PointSpec>,
}
