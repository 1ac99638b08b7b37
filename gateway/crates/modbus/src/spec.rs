//! What a Modbus device is, as configuration and profiles say it. Plain data, checked by the plan.

use std::time::Duration;
use wellhead_driver::{Conversion, SerialMode};
use wellhead_model::PointIndex;

/// How requests are framed on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Modbus TCP: the MBAP header with a transaction number.
    Tcp,
    /// RTU: unit and CRC; on a serial port, or inside TCP for transparent serial servers.
    Rtu,
}

/// One of the four address spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Read-only bits, function 2.
    Discrete,
    /// Writable bits, functions 1, 5, 15.
    Coil,
    /// Read-only registers, function 4.
    Input,
    /// Writable registers, functions 3, 6, 16, 22.
    Holding,
}

/// The order of bytes in values of 32 and 64 bits, told by where the bytes of 0xAABBCCDD stand in
/// two registers; longer values extend the same rule. A single register is always big-endian. Of
/// text only the two characters of each register are swapped, by `Badc` and `Dcba`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WordOrder {
    /// Big-endian throughout: AABB CCDD. What the Modbus specification shows.
    #[default]
    Abcd,
    /// Low word first: CCDD AABB.
    Cdab,
    /// Bytes swapped within words: BBAA DDCC.
    Badc,
    /// Little-endian throughout: DDCC BBAA.
    Dcba,
}

/// How a value lies in its registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// A coil or discrete input, or one bit of a register (0 is the least significant).
    Bit(Option<u8>),
    /// Some bits of one register as a number: lowest bit, number of bits (1 to 16).
    Bits(u8, u8),
    /// One register, signed.
    I16,
    /// One register, unsigned.
    U16,
    /// Two registers, signed.
    I32,
    /// Two registers, unsigned.
    U32,
    /// Four registers, signed.
    I64,
    /// Four registers, unsigned.
    U64,
    /// Two registers, IEEE 754; read as the shortest decimal of up to 6 places that is the same
    /// 32-bit number.
    F32,
    /// Four registers, IEEE 754.
    F64,
    /// Binary-coded decimal, four digits a register: number of registers (1 to 4).
    Bcd(u8),
    /// Text, two characters a register: number of registers (1 to 125). Ends at the first NUL;
    /// trailing spaces are dropped.
    Text(u8),
}

impl Encoding {
    /// How many registers (or bits, in the bit tables) a value takes.
    pub fn width(self) -> u16 {
        match self {
            Encoding::Bit(_) | Encoding::Bits(..) | Encoding::I16 | Encoding::U16 => 1,
            Encoding::I32 | Encoding::U32 | Encoding::F32 => 2,
            Encoding::I64 | Encoding::U64 | Encoding::F64 => 4,
            Encoding::Bcd(n) | Encoding::Text(n) => u16::from(n),
        }
    }

    /// The bits of a register that a value takes, if it leaves the others to other values.
    pub fn mask(self) -> Option<u16> {
        match self {
            Encoding::Bit(Some(bit)) => Some(1 << bit.min(15)),
            Encoding::Bits(low, n) => Some((crate::value::ones(n) << low.min(15)) as u16),
            _ => None,
        }
    }
}

/// Which function writes a point; devices differ in what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteFunction {
    /// 5 for a coil, 6 for one register, 16 for several, 22 for a bit or bits of a register.
    #[default]
    Auto,
    /// 15 or 16 even for a single coil or register. Bits of a register go by 22 all the same, since
    /// reading and writing back the register would undo what another master wrote in between.
    Multiple,
}

/// One point of a Modbus device.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSpec {
    /// Its place in the device's list.
    pub index: PointIndex,
    /// Its id, for messages.
    pub name: String,
    /// Address space.
    pub table: Table,
    /// Protocol address, counted from 0.
    pub address: u16,
    /// How the value lies there.
    pub encoding: Encoding,
    /// Byte order of several registers.
    pub order: WordOrder,
    /// From raw to value.
    pub conversion: Conversion,
    /// How often it is read.
    pub period: Duration,
    /// How it is written.
    pub write: WriteFunction,
}

/// How reads may be put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// Most registers in one read, 1 to 125.
    pub registers_max: u16,
    /// Most bits in one read, 1 to 2000.
    pub bits_max: u16,
    /// How many unwanted registers (or bits) a read may span. 0 by default: some registers act
    /// when they are read.
    pub gap_max: u16,
}

impl Default for Grouping {
    fn default() -> Self {
        Self { registers_max: 125, bits_max: 2000, gap_max: 0 }
    }
}

/// The device's manners on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Longest wait for a reply.
    pub response_timeout: Duration,
    /// Silence before each request. On a serial line at least 3.5 characters are kept anyway.
    pub pause: Duration,
    /// Silence after a broadcast, while devices act on it.
    pub turnaround: Duration,
    /// The longest a reply was ever seen to take: how long one that missed its time might still
    /// come.
    pub late_window: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            response_timeout: Duration::from_millis(1000),
            pause: Duration::ZERO,
            turnaround: Duration::from_millis(100),
            late_window: Duration::from_millis(1000),
        }
    }
}

/// A device as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its id, for messages.
    pub name: String,
    /// Unit identifier: 1 to 247, 0 for broadcast only, 255 for a TCP device without units.
    pub unit: u8,
    /// Framing on its line.
    pub framing: Framing,
    /// Its own speed and parity on a serial line, if they are not the line's.
    pub mode: Option<SerialMode>,
    /// Manners.
    pub timing: Timing,
    /// How reads are put together.
    pub grouping: Grouping,
    /// What it holds.
    pub points: Vec<PointSpec>,
}
