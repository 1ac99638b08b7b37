//! One record of a telegram: what it is, its unit and its value (EN 13757-3).
//!
//! The codes are looked up and the data decoded by the crate `m-bus-application-layer`. What it
//! gets wrong is walled off here:
//!
//! - Where a record ends is decided by [`shape`] alone, and the crate sees exactly one record. Its
//!   own reckoning goes by the value code for dates and times, so one record of an unexpected
//!   width would shift all that follow, and they would decode to plausible wrong values.
//! - An integer of no bytes (variable length, E0) panics in it where overflow is checked.
//! - The value that means "invalid" of a binary integer, the invalid bit of a date, an additive
//!   correction and the error codes of a record pass it unnoticed.

use super::names::{QUALIFIERS, QUANTITIES, Quantity};
use super::{Function, RecordName};
use m_bus_application_layer::data_information::{
    DataFieldCoding, DataType, FunctionField, Month, SingleEveryOrInvalid as Part,
};
use m_bus_application_layer::data_record::DataRecordHeader;
use m_bus_application_layer::value_information::{Unit as Factor, UnitName};
use std::sync::Arc;
use wellhead_driver::Raw;
use wellhead_model::{Reason, Unit};

/// Most extensions of a data or value code.
const EXTENSIONS_MAX: usize = 10;
/// From here on the rest of a telegram is the maker's own; with the next value, more follows.
const MANUFACTURER_DATA: u8 = 0x0F;
const MORE_FOLLOWS: u8 = 0x1F;
const FILLER: u8 = 0x2F;

/// What a record's number is counted in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// A unit of ours.
    Unit(Unit),
    /// None.
    Plain,
    /// Something that has no name here, or that needs a correction.
    Foreign,
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What it says of itself, if that has a name here.
    pub name: Option<RecordName>,
    /// What it is counted in.
    pub measure: Measure,
    /// Its value in that unit, or why there is none.
    pub value: Result<Raw, Reason>,
    /// All its bytes.
    pub bytes: Box<[u8]>,
}

/// The records of a telegram, and whether more follow in another. What can't be divided any
/// further, being cut off or of unknown length, is a last record without name or value.
pub fn records(mut rest: &[u8]) -> (Vec<Record>, bool) {
    let mut records = Vec::new();
    while let Some(&code) = rest.first() {
        match code {
            FILLER => rest = &rest[1..],
            MANUFACTURER_DATA | MORE_FOLLOWS => {
                if rest.len() > 1 {
                    records.push(unnamed(rest, Ok(Raw::Text(hex(&rest[1..])))));
                }
                return (records, code == MORE_FOLLOWS);
            }
            _ => {
                let Some((record, behind, shape)) =
                    shape(rest).and_then(|s| Some((rest.get(..s.end)?, rest.get(s.end..)?, s)))
                else {
                    records.push(unnamed(rest, Err(Reason::Undecodable)));
                    break;
                };
                records.push(decode(record, &shape));
                rest = behind;
            }
        }
    }
    (records, false)
}

fn unnamed(bytes: &[u8], value: Result<Raw, Reason>) -> Record {
    Record { name: None, measure: Measure::Plain, value, bytes: bytes.into() }
}

/// Bytes as people write them: `0F A1`.
pub fn hex(bytes: &[u8]) -> Arc<str> {
    let digits: Vec<_> = bytes.iter().map(|b| format!("{b:02X}")).collect();
    digits.join(" ").into()
}

/// Where the parts of a record lie.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    /// The value code.
    vif: usize,
    /// Its extensions, behind a unit in plain text if there is one.
    extensions: usize,
    data: usize,
    end: usize,
}

fn shape(bytes: &[u8]) -> Option<Shape> {
    let dif = *bytes.first()?;
    let vif = if dif & 0x80 == 0 { 1 } else { 1 + extensions(bytes.get(1..)?)? };
    let code = *bytes.get(vif)?;
    let mut at = vif + 1;
    if code & 0x7F == 0x7C {
        // Between the code and its extensions, where meters put it.
        at += 1 + usize::from(*bytes.get(at)?);
    }
    let data = if code & 0x80 == 0 { at } else { at + extensions(bytes.get(at..)?)? };
    let width = match dif & 0x0F {
        width @ 0..=4 => usize::from(width),
        5 => 4,
        6 => 6,
        7 => 8,
        8 => 0,
        bcd @ 9..=12 => usize::from(bcd - 8),
        13 => {
            1 + match *bytes.get(data)? {
                text @ 0..=0xBF => usize::from(text),
                number @ (0xC0..=0xC9 | 0xD0..=0xD9 | 0xE0..=0xEF) => usize::from(number & 0x0F),
                long @ 0xF0..=0xF4 => 4 * usize::from(long - 0xEC),
                _ => return None,
            }
        }
        14 => 6,
        _ => return None,
    };
    Some(Shape { vif, extensions: at, data, end: data + width })
}

/// How many bytes a chain of extensions has: each but the last has its top bit set.
fn extensions(bytes: &[u8]) -> Option<usize> {
    bytes.iter().take(EXTENSIONS_MAX).position(|b| b & 0x80 == 0).map(|last| last + 1)
}

/// What the extensions of a value code add.
#[derive(Debug, Default, PartialEq, Eq)]
struct Extras {
    qualifier: Option<&'static str>,
    /// The record reports an error in place of a value.
    error: Option<u8>,
    /// Something that can't be told by a name here, so that the record must not pass for a plain
    /// one.
    nameless: bool,
    /// An additive correction, which is not applied here.
    corrected: bool,
}

fn extras(extensions: &[u8]) -> Extras {
    let mut extras = Extras::default();
    let mut bytes = extensions.iter();
    while let Some(&byte) = bytes.next() {
        let code = match byte {
            0xFC => match bytes.next() {
                Some(next) => 0x100 | u16::from(next & 0x7F),
                None => 0x7C,
            },
            _ => u16::from(byte & 0x7F),
        };
        match code {
            // No error; factors, which the crate applies.
            0x00 | 0x70..=0x77 | 0x7D => {}
            0x01..=0x0F | 0x15..=0x1C => extras.error = Some(byte & 0x7F),
            0x78..=0x7B => extras.corrected = true,
            // What follows is the maker's own.
            0x7F => {
                extras.nameless = true;
                return extras;
            }
            _ => match QUALIFIERS.iter().find(|(c, _)| *c == code) {
                Some((_, qualifier)) if extras.qualifier.is_none() => {
                    extras.qualifier = Some(qualifier);
                }
                _ => extras.nameless = true,
            },
        }
    }
    extras
}

/// Decodes exactly one record.
fn decode(bytes: &[u8], shape: &Shape) -> Record {
    let header = DataRecordHeader::try_from(bytes).ok();
    let Some((information, meaning)) = header.and_then(|h| {
        let h = h.processed_data_record_header;
        Some((h.data_information?, h.value_information?))
    }) else {
        return unnamed(bytes, Err(Reason::Undecodable));
    };
    let (code, data) = (bytes[shape.vif], &bytes[shape.data..]);
    // FB and FD lead to other tables; the first extension belongs to the code itself.
    let own = shape.extensions + usize::from(matches!(code, 0xFB | 0xFD));
    let makers = code & 0x7E == 0x7E;
    let extras =
        if makers { Extras::default() } else { extras(&bytes[own.min(shape.data)..shape.data]) };
    let label = meaning.labels().next();
    let quantity = QUANTITIES.iter().find(|q| Some(q.label) == label && !makers);
    let function = match information.function_field {
        FunctionField::InstantaneousValue => Function::Instantaneous,
        FunctionField::MaximumValue => Function::Maximum,
        FunctionField::MinimumValue => Function::Minimum,
        _ => Function::Error,
    };
    let name = quantity.filter(|_| !extras.nameless).map(|q| RecordName {
        quantity: q.name,
        qualifier: extras.qualifier,
        function,
        storage: information.storage_number,
        tariff: information.tariff,
        subunit: information.device,
    });
    let factors: Vec<_> = meaning.units().collect();
    let scale = i32::try_from(meaning.decimal_scale_exponent).unwrap_or(0);
    let (measure, exponent, divisor) = if extras.corrected || makers {
        (Measure::Foreign, 0, 1.0)
    } else if code & 0x7F == 0x7C {
        (Measure::Foreign, scale, 1.0)
    } else {
        measure(&factors, scale, quantity)
    };
    let value = match extras.error {
        Some(error) => Err(Reason::Faulty(error)),
        None if function == Function::Error => Err(Reason::Faulty(0)),
        None => value(information.data_field_coding, bytes[0] & 0x0F, data, quantity),
    };
    let value = value.map(|raw| match raw {
        // What has a unit is measured, and a float whatever its decimals are.
        Raw::Int(n) if exponent == 0 && measure == Measure::Plain => Raw::Int(n),
        #[expect(clippy::cast_precision_loss, reason = "scaled values are floats")]
        Raw::Int(n) => Raw::Float(scaled(n as f64, exponent) / divisor),
        Raw::Float(n) => Raw::Float(scaled(n, exponent) / divisor),
        other => other,
    });
    Record { name, measure, value, bytes: bytes.into() }
}

/// `n` × 10^`exponent`, as the decimal that was meant: dividing by a whole number rounds once.
fn scaled(n: f64, exponent: i32) -> f64 {
    let power = 10f64.powi(exponent.abs());
    if exponent < 0 { n / power } else { n * power }
}

/// The unit in which a value is told, the power of ten that leads there, and what to divide by.
fn measure(factors: &[Factor], e: i32, quantity: Option<&Quantity>) -> (Measure, i32, f64) {
    use UnitName as N;
    let parts: Vec<_> = factors.iter().map(|f| (f.name, f.exponent)).collect();
    let (symbol, exponent, divisor) = match parts[..] {
        [] => return (Measure::Plain, e, 1.0),
        [(N::Watt, 1), (N::Hour, 1)] => ("kWh", e - 3, 1.0),
        [(N::Joul, 1)] => ("MJ", e - 6, 1.0),
        [(N::ReactiveWatt, 1), (N::Hour, 1)] => ("kvarh", e - 3, 1.0),
        [(N::Meter, 3)] => ("m³", e, 1.0),
        [(N::Kilogram, 1)] => ("kg", e, 1.0),
        [(N::Tonne, 1)] => ("t", e, 1.0),
        [(N::Watt, 1)] => ("kW", e - 3, 1.0),
        // J/h: 3.6 MJ/h is a kilowatt.
        [(N::Joul, 1), (N::Hour, -1)] => ("kW", e - 5, 36.0),
        [(N::ReactiveWatt, 1)] => ("kvar", e - 3, 1.0),
        [(N::ApparentWatt, 1)] => ("kVA", e - 3, 1.0),
        [(N::Meter, 3), (N::Hour, -1)] => ("m³/h", e, 1.0),
        [(N::Meter, 3), (N::Minute, -1)] => ("L/min", e + 3, 1.0),
        [(N::Meter, 3), (N::Second, -1)] => ("L/s", e + 3, 1.0),
        [(N::Kilogram, 1), (N::Hour, -1)] => ("kg/h", e, 1.0),
        [(N::Celsius, 1)] => ("°C", e, 1.0),
        [(N::Fahrenheit, 1)] => ("°F", e, 1.0),
        [(N::Kelvin, 1)] => ("K", e, 1.0),
        [(N::Bar, 1)] => ("bar", e, 1.0),
        [(N::Volt, 1)] => ("V", e, 1.0),
        [(N::Ampere, 1)] => ("A", e, 1.0),
        [(N::Hertz, 1)] => ("Hz", e, 1.0),
        [(N::Percent, 1)] => ("%", e, 1.0),
        [(N::Second, 1)] => ("s", e, 1.0),
        [(N::Minute, 1)] => ("min", e, 1.0),
        [(N::Hour, 1)] => ("h", e, 1.0),
        [(N::Day, 1)] => ("d", e, 1.0),
        _ => return (Measure::Foreign, 0, 1.0),
    };
    match Unit::parse(symbol) {
        // A difference in °F is no temperature in °F, and what a unit measures must fit the name.
        Ok(unit) if quantity.and_then(|q| q.dimension).is_none_or(|d| d == unit.dimension()) => {
            (Measure::Unit(unit), exponent, divisor)
        }
        _ => (Measure::Foreign, 0, 1.0),
    }
}

/// The number or text of a record, not yet scaled.
fn value(
    coding: DataFieldCoding,
    dif: u8,
    data: &[u8],
    quantity: Option<&Quantity>,
) -> Result<Raw, Reason> {
    let undecodable = Err(Reason::Undecodable);
    // The binary forms, of which the most negative number means that there is no value.
    if matches!(dif, 1..=4 | 6 | 7) && !is_date(coding) {
        let bits = data.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        if quantity.is_some_and(|q| q.bits) {
            return Ok(Raw::UInt(bits));
        }
        let unused = 64 - 8 * u32::try_from(data.len()).unwrap_or(8);
        #[expect(clippy::cast_possible_wrap, reason = "the sign is at the top now")]
        let number = (bits << unused) as i64 >> unused;
        let invalid = number == i64::MIN >> unused;
        return if invalid { Err(Reason::NoSensor) } else { Ok(Raw::Int(number)) };
    }
    match (dif, data) {
        // No data, or a mark for choosing what to read.
        (0 | 8, _) => return undecodable,
        (13, [text @ 0..=0xBF, letters @ ..]) if letters.len() == usize::from(*text) => {
            let text: String = letters.iter().rev().map(|b| char::from(*b)).collect();
            return Ok(Raw::Text(text.into()));
        }
        (13, [0xC0 | 0xD0 | 0xE0, ..]) => return undecodable,
        // Longer than any number here.
        (13, [0xE9..=0xFF, ..]) => return Ok(Raw::Text(hex(data))),
        _ => {}
    }
    let coding = match (coding, data) {
        // A time alone is three bytes under the code of date and time.
        (DataFieldCoding::DateTimeTypeF, [_, _, _]) => DataFieldCoding::DateTimeTypeJ,
        (coding, _) if coding.data_size(data) == Some(data.len()) => coding,
        _ => return undecodable,
    };
    let dated = is_date(coding);
    // The minute's or second's byte says that the clock is not right.
    if dated && coding != DataFieldCoding::DateTypeG && data.first().is_some_and(|b| b & 0x80 != 0)
    {
        return undecodable;
    }
    let Ok(decoded) = coding.parse(data, None) else { return undecodable };
    match decoded.value {
        Some(DataType::Number(n)) if n.fract() == 0.0 && n.abs() < 9e15 && dif != 5 =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
            Ok(Raw::Int(n as i64))
        }
        Some(DataType::Number(n)) => Ok(Raw::Float(n)),
        Some(date) if dated => time_text(&date).map_or(undecodable, |t| Ok(Raw::Text(t.into()))),
        _ => undecodable,
    }
}

fn is_date(coding: DataFieldCoding) -> bool {
    use DataFieldCoding as C;
    matches!(coding, C::DateTypeG | C::DateTimeTypeF | C::DateTimeTypeI | C::DateTimeTypeJ)
}

/// `2026-11-21`, `23:59:59`, `2026-11-21T23:59`; a part that stands for every one is `*`.
fn time_text(time: &DataType) -> Option<String> {
    match time {
        DataType::Date(day, month, year) => date_text(year, month, day),
        DataType::Time(s, m, h) => Some(format!("{}:{}:{}", hour(h)?, sixty(m)?, sixty(s)?)),
        DataType::DateTime(day, month, year, h, m) => {
            Some(format!("{}T{}:{}", date_text(year, month, day)?, hour(h)?, sixty(m)?))
        }
        DataType::DateTimeWithSeconds(day, month, year, h, m, s) => {
            let date = date_text(year, month, day)?;
            Some(format!("{date}T{}:{}:{}", hour(h)?, sixty(m)?, sixty(s)?))
        }
        _ => None,
    }
}

fn date_text(year: &Part<u16>, month: &Part<Month>, day: &Part<u8>) -> Option<String> {
    let month = match month {
        Part::Single(month) => format!("{:02}", *month as u8 + 1),
        _ => return None,
    };
    let year = part(year, |y| y <= 2099, 4)?;
    Some(format!("{year}-{month}-{}", part(day, |d| (1..=31).contains(&d), 2)?))
}

fn hour(part_of: &Part<u8>) -> Option<String> {
    part(part_of, |h| h < 24, 2)
}

fn sixty(part_of: &Part<u8>) -> Option<String> {
    part(part_of, |n| n < 60, 2)
}

fn part<N: Copy + Into<u32>>(
    part: &Part<N>,
    fits: impl Fn(N) -> bool,
    width: usize,
) -> Option<String> {
    match part {
        Part::Single(n) if fits(*n) => Some(format!("{:0width$}", (*n).into())),
        Part::Every() => Some("*".into()),
        _ => None,
    }
}
