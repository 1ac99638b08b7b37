//! The values of a meter by name, and the form of each.
//!
//! Names, identifiers, lengths and decimals: DL/T 645-2007 annex A, tables A.1 (energy), A.2
//! (demand) and A.3 (present values); DL/T 645-1997 annex A. They were checked against published
//! frames and against another implementation, not against every meter.

use super::Edition;
use crate::SpecError;
use std::fmt;
use std::str::FromStr;
use wellhead_model::Unit;

/// A data identifier with the form of its value. Values are packed decimals, low byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Register {
    /// The identifier; only the low half is used in 1997.
    pub id: u32,
    /// Bytes of the value.
    pub bytes: u8,
    /// Digits after the decimal point.
    pub decimals: u8,
    /// Whether the top bit is a sign.
    pub signed: bool,
    /// Bytes that follow the value and are not read: the time of a greatest demand.
    pub tail: u8,
    /// Which value of a block, from 0.
    pub position: u8,
}

/// A value of a meter in the editions that have it. Parsed from text: a name (`energy`,
/// `energy_t2`, `voltage_a`); an identifier that has a name (`02010100`, or four digits for 1997);
/// any identifier with its form, bytes, point, decimals, `s` if signed, `@` and the position in a
/// block (`0201FF00:2.1@2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Item {
    /// In the edition of 2007.
    pub y2007: Option<Register>,
    /// In the edition of 1997.
    pub y1997: Option<Register>,
}

/// Which byte of an identifier counts tariffs or phases, and which of its values is the block's
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Series {
    /// No block.
    Alone,
    /// Total, then tariffs; the name takes `_t1` to `_t63` (1997: 14).
    Tariffs,
    /// Total, then three phases.
    Total,
    /// Three phases.
    Phases,
}

/// Name; unit; series; identifier, bytes and decimals of 2007 and 1997; signed; tail in 2007.
type Row = (&'static str, &'static str, Series, Form, Form, bool, u8);
type Form = Option<(u32, u8, u8)>;

#[rustfmt::skip]
const TABLE: &[Row] = {
    use Series::{Alone, Phases, Tariffs, Total};
    &[
        ("energy",            "kWh",   Tariffs, Some((0x0001_0000, 4, 2)), Some((0x9010, 4, 2)), false, 0),
        ("energy_reverse",    "kWh",   Tariffs, Some((0x0002_0000, 4, 2)), Some((0x9020, 4, 2)), false, 0),
        ("energy_combined",   "kWh",   Tariffs, Some((0x0000_0000, 4, 2)), None,                 true,  0),
        ("reactive_energy_1", "kvarh", Tariffs, Some((0x0003_0000, 4, 2)), None,                 true,  0),
        ("reactive_energy_2", "kvarh", Tariffs, Some((0x0004_0000, 4, 2)), None,                 true,  0),
        ("demand_max",        "kW",    Tariffs, Some((0x0101_0000, 3, 4)), Some((0xA010, 3, 4)), false, 5),
        ("demand_max_reverse","kW",    Tariffs, Some((0x0102_0000, 3, 4)), Some((0xA020, 3, 4)), false, 5),
        ("voltage_a",         "V",     Phases,  Some((0x0201_0100, 2, 1)), Some((0xB611, 2, 0)), false, 0),
        ("voltage_b",         "V",     Phases,  Some((0x0201_0200, 2, 1)), Some((0xB612, 2, 0)), false, 0),
        ("voltage_c",         "V",     Phases,  Some((0x0201_0300, 2, 1)), Some((0xB613, 2, 0)), false, 0),
        ("current_a",         "A",     Phases,  Some((0x0202_0100, 3, 3)), Some((0xB621, 2, 2)), true,  0),
        ("current_b",         "A",     Phases,  Some((0x0202_0200, 3, 3)), Some((0xB622, 2, 2)), true,  0),
        ("current_c",         "A",     Phases,  Some((0x0202_0300, 3, 3)), Some((0xB623, 2, 2)), true,  0),
        ("power",             "kW",    Total,   Some((0x0203_0000, 3, 4)), Some((0xB630, 3, 4)), true,  0),
        ("power_a",           "kW",    Total,   Some((0x0203_0100, 3, 4)), Some((0xB631, 3, 4)), true,  0),
        ("power_b",           "kW",    Total,   Some((0x0203_0200, 3, 4)), Some((0xB632, 3, 4)), true,  0),
        ("power_c",           "kW",    Total,   Some((0x0203_0300, 3, 4)), Some((0xB633, 3, 4)), true,  0),
        ("reactive_power",    "kvar",  Total,   Some((0x0204_0000, 3, 4)), Some((0xB640, 2, 2)), true,  0),
        ("reactive_power_a",  "kvar",  Total,   Some((0x0204_0100, 3, 4)), Some((0xB641, 2, 2)), true,  0),
        ("reactive_power_b",  "kvar",  Total,   Some((0x0204_0200, 3, 4)), Some((0xB642, 2, 2)), true,  0),
        ("reactive_power_c",  "kvar",  Total,   Some((0x0204_0300, 3, 4)), Some((0xB643, 2, 2)), true,  0),
        ("apparent_power",    "kVA",   Total,   Some((0x0205_0000, 3, 4)), None,                 true,  0),
        ("apparent_power_a",  "kVA",   Total,   Some((0x0205_0100, 3, 4)), None,                 true,  0),
        ("apparent_power_b",  "kVA",   Total,   Some((0x0205_0200, 3, 4)), None,                 true,  0),
        ("apparent_power_c",  "kVA",   Total,   Some((0x0205_0300, 3, 4)), None,                 true,  0),
        ("power_factor",      "1",     Total,   Some((0x0206_0000, 2, 3)), Some((0xB650, 2, 3)), true,  0),
        ("power_factor_a",    "1",     Total,   Some((0x0206_0100, 2, 3)), Some((0xB651, 2, 3)), true,  0),
        ("power_factor_b",    "1",     Total,   Some((0x0206_0200, 2, 3)), Some((0xB652, 2, 3)), true,  0),
        ("power_factor_c",    "1",     Total,   Some((0x0206_0300, 2, 3)), Some((0xB653, 2, 3)), true,  0),
        ("neutral_current",   "A",     Alone,   Some((0x0280_0001, 3, 3)), None,                 true,  0),
        ("frequency",         "Hz",    Alone,   Some((0x0280_0002, 2, 2)), None,                 false, 0),
        ("power_1min",        "kW",    Alone,   Some((0x0280_0003, 3, 4)), None,                 true,  0),
        ("demand",            "kW",    Alone,   Some((0x0280_0004, 3, 4)), None,                 true,  0),
        ("meter_temperature", "°C",    Alone,   Some((0x0280_0007, 2, 1)), None,                 true,  0),
    ]
};

/// Greatest tariff: 2007, 1997.
const TARIFF_MAX: [u8; 2] = [63, 14];

impl Series {
    /// Which byte of the identifier counts, as a shift: 2007, 1997 (there a half byte).
    fn place(edition: Edition) -> (u32, u32) {
        match edition {
            Edition::Y2007 => (8, 0xFF),
            Edition::Y1997 => (0, 0x0F),
        }
    }
}

fn row_register(row: &Row, edition: Edition, tariff: u8) -> Option<Register> {
    let &(_, _, series, y2007, y1997, signed, tail) = row;
    let form = match edition {
        Edition::Y2007 => y2007,
        Edition::Y1997 => y1997,
    };
    let (id, bytes, decimals) = form?;
    if tariff > TARIFF_MAX[usize::from(edition == Edition::Y1997)]
        || (tariff > 0 && series != Series::Tariffs)
    {
        return None;
    }
    let (shift, _) = Series::place(edition);
    let id = id + (u32::from(tariff) << shift);
    // The edition of 1997 gives the time of a demand, and a sign, by identifiers of their own.
    let of_2007 = edition == Edition::Y2007;
    let (signed, tail) = (signed && of_2007, if of_2007 { tail } else { 0 });
    Some(Register { id, bytes, decimals, signed, tail, position: 0 })
}

/// The row and tariff of an identifier.
fn find(edition: Edition, id: u32) -> Option<(&'static Row, u8)> {
    TABLE.iter().find_map(|row| {
        let tariffs = if row.2 == Series::Tariffs { 63 } else { 0 };
        (0..=tariffs)
            .find(|tariff| row_register(row, edition, *tariff).is_some_and(|r| r.id == id))
            .map(|tariff| (row, tariff))
    })
}

impl Item {
    /// Every name of the table; those of energy and demand also take a tariff, `_t1`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.0)
    }

    /// Where an edition has it.
    pub fn register(&self, edition: Edition) -> Option<Register> {
        match edition {
            Edition::Y2007 => self.y2007,
            Edition::Y1997 => self.y1997,
        }
    }

    /// The unit in which the standard gives it; unknown for an identifier without a name.
    pub fn unit(&self) -> Option<Unit> {
        let (row, _) = self.row()?;
        Unit::parse(row.1).ok()
    }

    fn row(&self) -> Option<(&'static Row, u8)> {
        let (edition, register) = match (self.y2007, self.y1997) {
            (Some(register), _) => (Edition::Y2007, register),
            (None, Some(register)) => (Edition::Y1997, register),
            (None, None) => return None,
        };
        let (row, tariff) = find(edition, register.id)?;
        (row_register(row, edition, tariff) == Some(register)).then_some((row, tariff))
    }

    fn named(row: &Row, tariff: u8) -> Self {
        let of = |edition| row_register(row, edition, tariff);
        Self { y2007: of(Edition::Y2007), y1997: of(Edition::Y1997) }
    }

    fn of(edition: Edition, register: Register) -> Self {
        match edition {
            Edition::Y2007 => Self { y2007: Some(register), y1997: None },
            Edition::Y1997 => Self { y2007: None, y1997: Some(register) },
        }
    }
}

/// The block that holds a value, and where in it; for values of the table only.
pub(crate) fn block(edition: Edition, register: &Register) -> Option<(u32, u8)> {
    let (row, tariff) = find(edition, register.id)?;
    let plain = Register { position: 0, ..*register };
    if row_register(row, edition, tariff) != Some(plain) || register.position != 0 {
        return None;
    }
    let (shift, mask) = Series::place(edition);
    let number = u8::try_from(register.id >> shift & mask).ok()?;
    let position = match row.2 {
        Series::Alone => return None,
        Series::Tariffs | Series::Total => number,
        Series::Phases => number.checked_sub(1)?,
    };
    Some((register.id | mask << shift, position))
}

/// Whether an identifier is that of a block: FF in the place that counts.
pub(crate) fn is_block(edition: Edition, id: u32) -> bool {
    let (shift, mask) = Series::place(edition);
    id >> shift & mask == mask
}

impl FromStr for Item {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (head, form) = match text.split_once(':') {
            Some((head, form)) => (head, Some(form)),
            None => (text, None),
        };
        let hex = head.bytes().all(|b| b.is_ascii_hexdigit());
        let identifier = match (head.len(), u32::from_str_radix(head, 16)) {
            (8, Ok(id)) if hex => Some((Edition::Y2007, id)),
            (4, Ok(id)) if hex => Some((Edition::Y1997, id)),
            _ => None,
        };
        match (identifier, form) {
            (Some((edition, id)), Some(form)) => match parse_form(form) {
                Some(register) => Ok(Self::of(edition, Register { id, ..register })),
                None => Err(SpecError(format!(
                    "`{form}` is no form of a value: give bytes, point and decimals such as `4.2`, \
                     then `s` if signed, then `@` and the position in a block"
                ))),
            },
            (Some((edition, id)), None) => match find(edition, id) {
                Some((row, tariff)) => Ok(Self::of(
                    edition,
                    row_register(row, edition, tariff).ok_or_else(|| unknown(text))?,
                )),
                None => Err(SpecError(format!(
                    "the form of {head} is not known here: give its bytes and decimals, such as \
                     `{head}:4.2`"
                ))),
            },
            (None, _) => by_name(text),
        }
    }
}

fn by_name(text: &str) -> Result<Item, SpecError> {
    if let Some(row) = TABLE.iter().find(|row| row.0 == text) {
        return Ok(Item::named(row, 0));
    }
    let tariff = text.rsplit_once("_t").and_then(|(base, tariff)| {
        let row = TABLE.iter().find(|row| row.0 == base && row.2 == Series::Tariffs)?;
        // Written one way only, so that a text names one item and an item has one text.
        let plain = !tariff.starts_with(['0', '+']);
        let tariff = tariff.parse().ok().filter(|t| plain && (1..=TARIFF_MAX[0]).contains(t))?;
        Some(Item::named(row, tariff))
    });
    tariff.ok_or_else(|| unknown(text))
}

fn unknown(text: &str) -> SpecError {
    let names: Vec<_> = Item::names().collect();
    SpecError(format!(
        "`{text}` is no value of a meter: give a name ({}), one of energy or demand with a tariff \
         (`energy_t1`), or an identifier of eight hex digits (four in 1997) with its form \
         (`00010000:4.2`)",
        names.join(", ")
    ))
}

/// `4.2`, `3.4s`, `2.1@2`.
fn parse_form(form: &str) -> Option<Register> {
    let (form, position) = match form.split_once('@') {
        Some((form, position)) => (form, number(position, 0..=63)?),
        None => (form, 0),
    };
    let (form, signed) = match form.strip_suffix('s') {
        Some(form) => (form, true),
        None => (form, false),
    };
    let (bytes, decimals) = form.split_once('.')?;
    let bytes = number(bytes, 1..=8)?;
    let decimals = number(decimals, 0..=2 * bytes)?;
    Some(Register { id: 0, bytes, decimals, signed, tail: 0, position })
}

fn number(text: &str, range: std::ops::RangeInclusive<u8>) -> Option<u8> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|n| plain && range.contains(n))
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.row().filter(|(row, tariff)| Item::named(row, *tariff) == *self);
        if let Some((row, tariff)) = named {
            return match tariff {
                0 => f.write_str(row.0),
                n => write!(f, "{}_t{n}", row.0),
            };
        }
        let (register, width) = match (self.y2007, self.y1997) {
            (Some(register), _) => (register, 8),
            (None, Some(register)) => (register, 4),
            (None, None) => return f.write_str("nothing"),
        };
        write!(f, "{:0width$X}", register.id)?;
        if self.row().is_some() {
            return Ok(());
        }
        write!(f, ":{}.{}", register.bytes, register.decimals)?;
        if register.signed {
            f.write_str("s")?;
        }
        match register.position {
            0 => Ok(()),
            n => write!(f, "@{n}"),
        }
    }
}
