//! Packed decimals.

use super::Register;
use wellhead_driver::Raw;

/// Why bytes are no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoNumber {
    /// All ones: the meter has nothing to say.
    Absent,
    /// A half byte beyond nine, or a wrong length.
    Garbled,
}

/// Reads a value of a register's form from its bytes, low byte first.
pub fn decode(register: &Register, bytes: &[u8]) -> Result<Raw, NoNumber> {
    if bytes.len() != usize::from(register.bytes) || bytes.is_empty() || bytes.len() > 8 {
        return Err(NoNumber::Garbled);
    }
    if bytes.iter().all(|byte| *byte == 0xFF) {
        return Err(NoNumber::Absent);
    }
    let mut number: i64 = 0;
    let mut negative = false;
    for (i, &byte) in bytes.iter().rev().enumerate() {
        let byte = if i == 0 && register.signed {
            negative = byte & 0x80 != 0;
            byte & 0x7F
        } else {
            byte
        };
        let (high, low) = (byte >> 4, byte & 0x0F);
        if high > 9 || low > 9 {
            return Err(NoNumber::Garbled);
        }
        // Sixteen digits at most: far below the end of 64 bits.
        number = number * 100 + i64::from(high * 10 + low);
    }
    if negative {
        number = -number;
    }
    if register.decimals == 0 {
        return Ok(Raw::Int(number));
    }
    // Dividing by a power of ten gives the decimal that the meter shows; multiplying by its
    // reciprocal would not.
    #[expect(clippy::cast_precision_loss, reason = "beyond 15 digits a double rounds the last")]
    Ok(Raw::Float(number as f64 / 10f64.powi(register.decimals.into())))
}
