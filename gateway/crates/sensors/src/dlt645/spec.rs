//! What a DL/T 645 meter is. Plain data.

use crate::Timing;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::PointIndex;

/// Edition of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// Four bytes of data identifier.
    #[default]
    Y2007,
    /// Two bytes of data identifier.
    Y1997,
}

/// Address of a meter: twelve digits as printed on it, most significant first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(pub [u8; 6]);

/// A data identifier with the form of its value: `00010000`, or a name such as `energy` or
/// `voltage_a`; parsed from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Item {
    /// The identifier; only the low half is used in 1997.
    pub id: u32,
    /// Bytes of BCD.
    pub bytes: u8,
    /// Digits after the decimal point.
    pub decimals: u8,
    /// Whether the top bit is a sign.
    pub signed: bool,
    /// Which value of a block, from 0.
    pub position: u8,
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
    /// After the item's own decimals.
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
    /// Manners.
    pub timing: Timing,
    /// What it holds.
    pub points: Vec<PointSpec>,
}
