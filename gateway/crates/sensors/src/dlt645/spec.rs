//! What a DL/T 645 meter is. Plain data.

use super::items::Item;
use crate::{SpecError, SpecProblem, Timing};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::{PointIndex, Unit};

/// Edition of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// Four bytes of data identifier.
    #[default]
    Y2007,
    /// Two bytes of data identifier.
    Y1997,
}

/// Address of a meter: twelve digits as printed on it, most significant first. A pair `AA` stands
/// for any two digits; all six pairs are for the only meter of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub [u8; 6]);

/// A byte of an address that stands for any two digits.
pub(crate) const ANY: u8 = 0xAA;

impl Address {
    /// Whichever meter is there.
    pub const ANY: Self = Self([ANY; 6]);

    /// Whether a meter of this address is meant by the address `asked`.
    pub fn answers_to(&self, asked: &Address) -> bool {
        self.0.iter().zip(asked.0).all(|(own, asked)| asked == ANY || *own == asked)
    }

    /// Whether it stands for more than one meter.
    pub fn has_wildcard(&self) -> bool {
        self.0.contains(&ANY)
    }
}

impl FromStr for Address {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || {
            SpecError(format!(
                "`{text}` is no meter address: give the twelve digits printed on the meter, such \
                 as `000000000161`, or `AAAAAAAAAAAA` for the only meter of a line"
            ))
        };
        let digits = text.as_bytes();
        let mut bytes = [0; 6];
        if digits.len() != 2 * bytes.len() {
            return Err(wrong());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = match pair {
                [b'A' | b'a', b'A' | b'a'] => ANY,
                [high @ b'0'..=b'9', low @ b'0'..=b'9'] => (high - b'0') << 4 | (low - b'0'),
                _ => return Err(wrong()),
            };
        }
        if bytes == [0x99; 6] {
            return Err(SpecError("`999999999999` is the broadcast that no meter answers".into()));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
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
    pub item: Item,
    /// The unit that the configuration gives; values are converted to it.
    pub unit: Option<Unit>,
    /// After the item's own decimals and unit conversion.
    pub conversion: Conversion,
    /// How often it is read.
    pub period: Duration,
}

/// A meter as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its id, for messages.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// Edition.
    pub edition: Edition,
    /// Leading 0xFE bytes of a request, 0 to 4.
    pub preamble: u8,
    /// Whether values of one block (three voltages, all tariffs) are read together, by the block's
    /// identifier with FF. Not every meter has the blocks; one that refuses a block is asked for
    /// each value from then on.
    pub blocks: bool,
    /// Manners.
    pub timing: Timing,
    /// What it holds.
    pub points: Vec<PointSpec>,
}

/// What is wrong with a specification; empty if nothing.
pub fn check(spec: &DeviceSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    if spec.preamble > 4 {
        let message = format!("{} bytes: the standard allows 0 to 4", spec.preamble);
        let zh = format!("{} 个前导字节：标准允许 0 到 4 个", spec.preamble);
        problems.push(SpecProblem::new(None, "preamble", message, zh));
    }
    for point in &spec.points {
        let of = |key, message, zh| SpecProblem::new(Some(&point.name), key, message, zh);
        if point.item.register(spec.edition).is_none() {
            let (edition, zh) = match spec.edition {
                Edition::Y2007 => {
                    ("2007 (four bytes, eight hex digits)", "2007 版（四字节，八位十六进制）")
                }
                Edition::Y1997 => {
                    ("1997 (two bytes, four hex digits)", "1997 版（两字节，四位十六进制）")
                }
            };
            let message = format!("`{}` has no identifier in the edition of {edition}", point.item);
            problems.push(of("item", message, format!("`{}` 在 {zh}中没有数据标识", point.item)));
        }
        if let (Some(own), Some(wanted)) = (point.item.unit(), point.unit)
            && own.dimension() != wanted.dimension()
        {
            let message = format!("`{}` is in {own}, which is no {wanted}", point.item);
            let zh = format!("`{}` 的单位是 {own}，不能换算为 {wanted}", point.item);
            problems.push(of("unit", message, zh));
        }
    }
    problems
}
