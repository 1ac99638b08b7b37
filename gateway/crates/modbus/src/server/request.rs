//! What masters ask: bytes in, questions out.

use crate::Table;
use crate::codec::{Exception, identification};

pub(super) const ILLEGAL_FUNCTION: Exception = Exception(1);
pub(super) const ILLEGAL_ADDRESS: Exception = Exception(2);
pub(super) const ILLEGAL_VALUE: Exception = Exception(3);
pub(super) const FAILURE: Exception = Exception(4);

/// Most of each that one request may ask for (V1.1b3, section 6).
const READ_BITS_MAX: u16 = 2000;
const READ_REGISTERS_MAX: u16 = 125;
const WRITE_BITS_MAX: u16 = 1968;
const WRITE_REGISTERS_MAX: u16 = 123;
const READ_WRITE_REGISTERS_MAX: u16 = 121;

/// A question, its limits checked; whether the addresses exist is the image's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Functions 1 to 4.
    Read { table: Table, address: u16, count: u16 },
    /// Functions 5, 6, 15 and 16; of coils each word is one, 0 or 1.
    Write { table: Table, address: u16, words: Vec<u16> },
    /// Function 22.
    Mask { address: u16, and: u16, or: u16 },
    /// Function 23: written first.
    ReadWrite { read: (u16, u16), address: u16, words: Vec<u16> },
    /// Function 43/14.
    Identify { level: u8, object: u8 },
}

/// Reads a question.
pub(super) fn parse(pdu: &[u8]) -> Result<Asked, Exception> {
    let (&function, rest) = pdu.split_first().ok_or(ILLEGAL_FUNCTION)?;
    let table = match function {
        1 | 5 | 15 => Table::Coil,
        2 => Table::Discrete,
        4 => Table::Input,
        _ => Table::Holding,
    };
    match (function, rest) {
        (1..=4, &[a, b, c, d]) => {
            let registers = matches!(table, Table::Holding | Table::Input);
            let most = if registers { READ_REGISTERS_MAX } else { READ_BITS_MAX };
            let count = counted(word(c, d), most)?;
            Ok(Asked::Read { table, address: placed(word(a, b), count)?, count })
        }
        (5, &[a, b, c, d]) => match word(c, d) {
            on @ (0 | 0xFF00) => {
                Ok(Asked::Write { table, address: word(a, b), words: vec![u16::from(on != 0)] })
            }
            _ => Err(ILLEGAL_VALUE),
        },
        (6, &[a, b, c, d]) => {
            Ok(Asked::Write { table, address: word(a, b), words: vec![word(c, d)] })
        }
        (15, &[a, b, c, d, n, ref data @ ..]) => {
            let count = counted(word(c, d), WRITE_BITS_MAX)?;
            sized(data, usize::from(n), usize::from(count).div_ceil(8))?;
            let bit = |i: usize| u16::from(data.get(i / 8).is_some_and(|b| b >> (i % 8) & 1 == 1));
            let words = (0..usize::from(count)).map(bit).collect();
            Ok(Asked::Write { table, address: placed(word(a, b), count)?, words })
        }
        (16, &[a, b, c, d, n, ref data @ ..]) => {
            let count = counted(word(c, d), WRITE_REGISTERS_MAX)?;
            sized(data, usize::from(n), 2 * usize::from(count))?;
            Ok(Asked::Write { table, address: placed(word(a, b), count)?, words: words(data) })
        }
        (22, &[a, b, c, d, e, f]) => {
            Ok(Asked::Mask { address: word(a, b), and: word(c, d), or: word(e, f) })
        }
        (23, &[a, b, c, d, e, f, g, h, n, ref data @ ..]) => {
            let read = counted(word(c, d), READ_REGISTERS_MAX)?;
            let count = counted(word(g, h), READ_WRITE_REGISTERS_MAX)?;
            sized(data, usize::from(n), 2 * usize::from(count))?;
            let read = (placed(word(a, b), read)?, read);
            Ok(Asked::ReadWrite { read, address: placed(word(e, f), count)?, words: words(data) })
        }
        (43, &[identification::MEI, level, object]) => match level {
            1..=4 => Ok(Asked::Identify { level, object }),
            _ => Err(ILLEGAL_VALUE),
        },
        (1..=6 | 15 | 16 | 22 | 23, _) => Err(ILLEGAL_VALUE),
        _ => Err(ILLEGAL_FUNCTION),
    }
}

fn word(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}

fn words(data: &[u8]) -> Vec<u16> {
    data.chunks_exact(2).map(|w| word(w[0], w[1])).collect()
}

fn counted(count: u16, most: u16) -> Result<u16, Exception> {
    if (1..=most).contains(&count) { Ok(count) } else { Err(ILLEGAL_VALUE) }
}

/// The last address is 65535.
fn placed(address: u16, count: u16) -> Result<u16, Exception> {
    match u32::from(address) + u32::from(count) {
        ..=0x1_0000 => Ok(address),
        _ => Err(ILLEGAL_ADDRESS),
    }
}

fn sized(data: &[u8], said: usize, expected: usize) -> Result<(), Exception> {
    if data.len() == expected && said == expected { Ok(()) } else { Err(ILLEGAL_VALUE) }
}
