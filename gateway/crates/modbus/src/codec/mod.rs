//! Bytes in, answers out: no I/O, no time, no state.
//!
//! A reply is taken only if it can be no other's: function, length and every echoed field must be
//! those of the request. [`mbap`] and [`rtu`] put the same requests into their two frames and find
//! the reply in whatever arrives. All of it takes any bytes without panicking.

pub mod identification;
pub mod mbap;
pub mod rtu;

use crate::{Framing, Table};
use std::time::Duration;
use wellhead_driver::{DeviceError, Step};

/// Most registers that one write may carry (function 16).
pub const WRITE_REGISTERS_MAX: usize = 123;

/// One request, as the protocol data unit says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Functions 1 to 4.
    Read {
        /// Which space; tells the function.
        table: Table,
        /// First register or bit.
        address: u16,
        /// How many.
        count: u16,
    },
    /// Function 5.
    WriteCoil {
        /// Which coil.
        address: u16,
        /// New state.
        on: bool,
    },
    /// Function 6.
    WriteRegister {
        /// Which register.
        address: u16,
        /// New content.
        value: u16,
    },
    /// Function 15 with a single coil, for devices that do not know function 5.
    WriteCoils {
        /// Which coil.
        address: u16,
        /// New state.
        on: bool,
    },
    /// Function 16, up to [`WRITE_REGISTERS_MAX`] registers.
    WriteRegisters {
        /// First register.
        address: u16,
        /// New contents.
        values: &'a [u16],
    },
    /// Function 22: register = (register AND `and`) OR (`or` AND NOT `and`).
    MaskWrite {
        /// Which register.
        address: u16,
        /// Bits to keep.
        and: u16,
        /// Bits to set among those not kept.
        or: u16,
    },
    /// Function 43/14: what the device says it is. See [`identification`].
    Identify {
        /// 1 basic objects, 2 regular ones too, 3 all, 4 one.
        level: u8,
        /// The first object asked for, or the one.
        object: u8,
    },
}

/// What the device said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The data of a read; empty for a write, which is only acknowledged; of an identification
    /// what [`identification::read`] takes.
    Data(&'a [u8]),
    /// It won't or can't.
    Exception(Exception),
}

/// The code of an exception reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception(pub u8);

impl Request<'_> {
    /// The function code.
    pub fn function(&self) -> u8 {
        match self {
            Request::Read { table: Table::Coil, .. } => 1,
            Request::Read { table: Table::Discrete, .. } => 2,
            Request::Read { table: Table::Holding, .. } => 3,
            Request::Read { table: Table::Input, .. } => 4,
            Request::WriteCoil { .. } => 5,
            Request::WriteRegister { .. } => 6,
            Request::WriteCoils { .. } => 15,
            Request::WriteRegisters { .. } => 16,
            Request::MaskWrite { .. } => 22,
            Request::Identify { .. } => 43,
        }
    }

    /// Appends the protocol data unit.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.push(self.function());
        let mut word = |w: u16| out.extend_from_slice(&w.to_be_bytes());
        match *self {
            Request::Read { address, count, .. } => {
                word(address);
                word(count);
            }
            Request::WriteCoil { address, on } => {
                word(address);
                word(if on { 0xFF00 } else { 0 });
            }
            Request::WriteRegister { address, value } => {
                word(address);
                word(value);
            }
            Request::WriteCoils { address, on } => {
                word(address);
                word(1);
                out.extend_from_slice(&[1, u8::from(on)]);
            }
            Request::WriteRegisters { address, values } => {
                debug_assert!(values.len() <= WRITE_REGISTERS_MAX, "the plan sees to that");
                let count = values.len().min(WRITE_REGISTERS_MAX);
                word(address);
                word(count as u16);
                out.push(2 * count as u8);
                for value in &values[..count] {
                    out.extend_from_slice(&value.to_be_bytes());
                }
            }
            Request::MaskWrite { address, and, or } => {
                word(address);
                word(and);
                word(or);
            }
            Request::Identify { level, object } => {
                out.extend_from_slice(&[identification::MEI, level, object]);
            }
        }
    }

    /// Length of the data in the reply to a read.
    fn data_len(&self) -> usize {
        match *self {
            Request::Read { table: Table::Coil | Table::Discrete, count, .. } => {
                usize::from(count).div_ceil(8)
            }
            Request::Read { count, .. } => 2 * usize::from(count),
            _ => 0,
        }
    }

    /// Length of the reply's protocol data unit, unless it is an exception; of an identification
    /// the most it can be.
    pub fn reply_len(&self) -> usize {
        match self {
            Request::Read { .. } => 2 + self.data_len(),
            Request::MaskWrite { .. } => 7,
            Request::Identify { .. } => 253,
            _ => 5,
        }
    }

    /// Reads a reply's protocol data unit.
    ///
    /// # Errors
    /// Why these bytes cannot be the answer to this request.
    pub fn answer<'r>(&self, pdu: &'r [u8]) -> Result<Answer<'r>, &'static str> {
        let Some((&function, rest)) = pdu.split_first() else { return Err("empty reply") };
        if function == self.function() | 0x80 {
            return match *rest {
                [code] => Ok(Answer::Exception(Exception(code))),
                _ => Err("exception of a wrong length"),
            };
        }
        if function != self.function() {
            return Err("reply to another function");
        }
        let echoed = |fields: &[u16]| {
            let same = rest.len() == 2 * fields.len()
                && rest.chunks_exact(2).zip(fields).all(|(r, f)| r == f.to_be_bytes());
            if same { Ok(Answer::Data(&[])) } else { Err("reply does not repeat the request") }
        };
        match *self {
            Request::Read { .. } => match rest.split_first() {
                Some((&n, data))
                    if usize::from(n) == data.len() && data.len() == self.data_len() =>
                {
                    Ok(Answer::Data(data))
                }
                _ => Err("reply with another count"),
            },
            Request::WriteCoil { address, on } => echoed(&[address, if on { 0xFF00 } else { 0 }]),
            Request::WriteRegister { address, value } => echoed(&[address, value]),
            Request::WriteCoils { address, .. } => echoed(&[address, 1]),
            Request::WriteRegisters { address, values } => {
                echoed(&[address, values.len().min(WRITE_REGISTERS_MAX) as u16])
            }
            Request::MaskWrite { address, and, or } => echoed(&[address, and, or]),
            Request::Identify { level, .. } => {
                identification::read(rest)?.of_level(level)?;
                Ok(Answer::Data(rest))
            }
        }
    }
}

/// Goes through bytes as they would come from a line until the reply to `request` is found, or
/// there is none. The way in for captures and for fuzzing.
///
/// # Errors
/// Why framing was lost.
pub fn find<'r>(
    framing: Framing,
    request: &Request,
    transaction: u16,
    unit: u8,
    mut bytes: &'r [u8],
) -> Result<Option<Answer<'r>>, &'static str> {
    loop {
        let step = match framing {
            Framing::Tcp => mbap::step(request, transaction, unit, bytes),
            Framing::Rtu => rtu::step(request, unit, bytes),
        };
        match step {
            Step::Need => return Ok(None),
            Step::Skip(n) => bytes = bytes.get(n..).unwrap_or(&[]),
            Step::Broken(why) => return Err(why),
            Step::Reply(len) => {
                let frame = bytes.get(..len).unwrap_or(bytes);
                return request.answer(pdu(framing, frame)).map(Some);
            }
        }
    }
}

/// The protocol data unit of a whole frame.
pub fn pdu(framing: Framing, frame: &[u8]) -> &[u8] {
    let end = match framing {
        Framing::Tcp => frame.len(),
        Framing::Rtu => frame.len().saturating_sub(rtu::CRC_LEN),
    };
    let start = match framing {
        Framing::Tcp => mbap::HEADER_LEN,
        Framing::Rtu => rtu::HEADER_LEN,
    };
    frame.get(start..end).unwrap_or(&[])
}

impl Exception {
    /// The device does not serve this address, or not this range.
    pub fn is_illegal_address(self) -> bool {
        matches!(self.0, 2 | 3)
    }

    /// What the Modbus application protocol (V1.1b3, section 7) calls it.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            1 => "illegal function",
            2 => "illegal data address",
            3 => "illegal data value",
            4 => "device failure",
            5 => "acknowledged, still working",
            6 => "device busy",
            7 => "negative acknowledge",
            8 => "memory parity error",
            10 => "gateway path unavailable",
            11 => "gateway target failed to respond",
            _ => "not in the standard",
        }
    }

    /// As an error. A gateway's code 11 says that the unit behind it is silent, after a wait of
    /// the gateway's own that all its units pay for; so it counts as no reply, and the unit backs
    /// off like any other that is silent.
    pub fn error(self, response_timeout: Duration) -> DeviceError {
        let (code, meaning) = (self.0, self.meaning());
        match code {
            11 => DeviceError::NoReply(response_timeout),
            4 | 5 | 6 | 8 | 10 => DeviceError::DeviceFailure { code, meaning },
            _ => DeviceError::Refused { code, meaning },
        }
    }
}
