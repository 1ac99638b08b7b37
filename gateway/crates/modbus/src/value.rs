//! Registers to raw values, and back.

use crate::{Encoding, WordOrder};
use std::sync::Arc;
use wellhead_driver::Raw;

/// The bytes of a number of up to four registers, most significant first.
///
/// One register is always sent most significant byte first, whatever the order of several.
fn ordered(registers: &[u8], order: WordOrder) -> [u8; 8] {
    let mut bytes = [0u8; 8];
    let len = registers.len().min(8);
    let tail = &mut bytes[8 - len..];
    tail.copy_from_slice(&registers[..len]);
    if len > 2 {
        reorder(tail, order);
    }
    bytes
}

/// Each order is its own inverse, so this serves both ways.
fn reorder(bytes: &mut [u8], order: WordOrder) {
    if matches!(order, WordOrder::Cdab | WordOrder::Dcba) {
        bytes.reverse();
    }
    // Reversing all bytes reverses the words and the bytes within them.
    if matches!(order, WordOrder::Cdab | WordOrder::Badc) {
        for word in bytes.chunks_exact_mut(2) {
            word.swap(0, 1);
        }
    }
}

/// Reads a value out of its registers as they came, most significant byte first. `None` if the
/// digits are no digits or the text is no text.
pub fn decode(encoding: Encoding, order: WordOrder, registers: &[u8]) -> Option<Raw> {
    if registers.len() != 2 * usize::from(encoding.width()) {
        return None;
    }
    let bytes = || ordered(registers, order);
    let number = || u64::from_be_bytes(bytes());
    Some(match encoding {
        Encoding::Bit(bit) => Raw::Bool(number() >> bit.unwrap_or(0).min(15) & 1 == 1),
        Encoding::Bits(low, n) => Raw::UInt(number() >> low.min(15) & ones(n)),
        Encoding::U16 | Encoding::U32 | Encoding::U64 => Raw::UInt(number()),
        Encoding::I16 => Raw::Int(i64::from(number() as u16 as i16)),
        Encoding::I32 => Raw::Int(i64::from(number() as u32 as i32)),
        Encoding::I64 => Raw::Int(number() as i64),
        Encoding::F32 => Raw::Float(f64::from(f32::from_bits(number() as u32))),
        Encoding::F64 => Raw::Float(f64::from_bits(number())),
        Encoding::Bcd(_) => Raw::UInt(from_bcd(number())?),
        Encoding::Text(_) => Raw::Text(text(registers, order, None)?),
    })
}

/// Like [`decode`] for text; gives `last` again if nothing changed, so that a serial number that
/// is read every minute is not allocated every minute.
///
/// Registers stand in reading order; orders that swap bytes swap the two characters of each.
pub(crate) fn text(
    registers: &[u8],
    order: WordOrder,
    last: Option<&Arc<str>>,
) -> Option<Arc<str>> {
    let mut room = [0u8; 250];
    let bytes = room.get_mut(..registers.len())?;
    bytes.copy_from_slice(registers);
    swap_characters(bytes, order);
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let text = std::str::from_utf8(&bytes[..end]).ok()?.trim_end_matches(' ');
    match last {
        Some(last) if **last == *text => Some(last.clone()),
        _ => Some(text.into()),
    }
}

fn swap_characters(bytes: &mut [u8], order: WordOrder) {
    if matches!(order, WordOrder::Badc | WordOrder::Dcba) {
        bytes.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
    }
}

/// Why a raw value does not fit its registers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Misfit {
    /// A number outside what the encoding holds, in raw terms.
    Range(f64, f64),
    /// Text of more than this many bytes, or with a NUL in it.
    TextLength(usize),
    /// A number where text belongs, or the other way round.
    Kind(&'static str),
}

/// Writes a value as registers. For [`Encoding::Bit`] and [`Encoding::Bits`] the number stands at
/// its place in one register whose other bits are 0.
///
/// # Errors
/// [`Misfit`] if the value can't be held.
pub fn encode(encoding: Encoding, order: WordOrder, raw: &Raw) -> Result<Vec<u16>, Misfit> {
    let bits = match (encoding, raw) {
        (Encoding::Text(n), Raw::Text(text)) => return put_text(text, order, usize::from(n)),
        (Encoding::Text(_), _) => return Err(Misfit::Kind("text")),
        (_, Raw::Text(_)) => return Err(Misfit::Kind("a number")),
        (Encoding::F32, raw) => u64::from(single(float(raw))?.to_bits()),
        (Encoding::F64, raw) => double(float(raw))?.to_bits(),
        (_, raw) => integer(encoding, raw)?,
    };
    let mut bytes = bits.to_be_bytes();
    let width = usize::from(encoding.width().min(4));
    let tail = &mut bytes[8 - 2 * width..];
    if width > 1 {
        reorder(tail, order);
    }
    Ok(words(tail))
}

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|w| u16::from_be_bytes([w[0], w[1]])).collect()
}

#[expect(clippy::cast_precision_loss, reason = "the encoding is a float")]
fn float(raw: &Raw) -> f64 {
    match raw {
        Raw::Bool(b) => f64::from(u8::from(*b)),
        Raw::Int(i) => *i as f64,
        Raw::UInt(u) => *u as f64,
        Raw::Float(f) => *f,
        Raw::Text(_) => f64::NAN,
    }
}

fn single(value: f64) -> Result<f32, Misfit> {
    let single = value as f32;
    if single.is_finite() {
        Ok(single)
    } else {
        Err(Misfit::Range(f64::from(f32::MIN), f64::from(f32::MAX)))
    }
}

fn double(value: f64) -> Result<f64, Misfit> {
    if value.is_finite() { Ok(value) } else { Err(Misfit::Range(f64::MIN, f64::MAX)) }
}

/// The least and the greatest whole number of an encoding.
fn whole_range(encoding: Encoding) -> (i128, i128) {
    match encoding {
        Encoding::Bit(_) => (0, 1),
        Encoding::Bits(_, n) => (0, i128::from(ones(n))),
        Encoding::I16 => (i16::MIN.into(), i16::MAX.into()),
        Encoding::I32 => (i32::MIN.into(), i32::MAX.into()),
        Encoding::I64 => (i64::MIN.into(), i64::MAX.into()),
        Encoding::U16 => (0, u16::MAX.into()),
        Encoding::U32 => (0, u32::MAX.into()),
        Encoding::Bcd(n) => (0, 10i128.pow(4 * u32::from(n.min(4))) - 1),
        Encoding::U64 | Encoding::F32 | Encoding::F64 | Encoding::Text(_) => (0, u64::MAX.into()),
    }
}

/// Rounds to the nearest whole number and gives the bits that stand for it.
fn integer(encoding: Encoding, raw: &Raw) -> Result<u64, Misfit> {
    let (min, max) = whole_range(encoding);
    #[expect(clippy::cast_precision_loss, reason = "for a message")]
    let misfit = Misfit::Range(min as f64, max as f64);
    let whole = match *raw {
        Raw::Bool(b) => i128::from(b),
        Raw::Int(i) => i128::from(i),
        Raw::UInt(u) => i128::from(u),
        Raw::Float(f) if f.is_finite() => f.round() as i128,
        Raw::Float(_) | Raw::Text(_) => return Err(misfit),
    };
    if !(min..=max).contains(&whole) {
        return Err(misfit);
    }
    let bits = whole as u64;
    Ok(match encoding {
        Encoding::Bit(bit) => bits << bit.unwrap_or(0).min(15),
        Encoding::Bits(low, _) => bits << low.min(15),
        Encoding::Bcd(_) => to_bcd(bits),
        _ => bits,
    })
}

fn put_text(text: &str, order: WordOrder, registers: usize) -> Result<Vec<u16>, Misfit> {
    if text.len() > 2 * registers || text.contains('\0') {
        return Err(Misfit::TextLength(2 * registers));
    }
    let mut bytes = vec![0u8; 2 * registers];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    swap_characters(&mut bytes, order);
    Ok(words(&bytes))
}

/// `n` bits set, from the lowest.
pub(crate) fn ones(n: u8) -> u64 {
    (1 << n.min(16)) - 1
}

fn from_bcd(digits: u64) -> Option<u64> {
    (0..16).rev().try_fold(0, |number, i| {
        let digit = digits >> (4 * i) & 0xF;
        (digit < 10).then_some(number * 10 + digit)
    })
}

fn to_bcd(mut number: u64) -> u64 {
    let mut digits = 0;
    for i in 0..16 {
        digits |= (number % 10) << (4 * i);
        number /= 10;
    }
    digits
}
