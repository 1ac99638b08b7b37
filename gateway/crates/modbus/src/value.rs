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
        Encoding::F32 => Raw::Float(decimal(f32::from_bits(number() as u32))),
        Encoding::F64 => Raw::Float(f64::from_bits(number())),
        Encoding::Bcd(_) => Raw::UInt(from_bcd(number())?),
        Encoding::Text(_) => Raw::Text(text(registers, order, None)?),
    })
}

/// The decimal that a device meant by a 32-bit float: 45.3, where widening it would give
/// 45.29999923706055. It is the shortest with up to 6 places that is the same 32-bit number, so
/// nothing is lost; if there is none, the number is widened.
pub(crate) fn decimal(single: f32) -> f64 {
    /// From here on not every whole number is a float, and dividing is no longer exact.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    let wide = f64::from(single);
    for power in [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6] {
        let whole = (wide * power).round();
        if whole.abs() < WHOLE_MAX && (whole / power) as f32 == single {
            return whole / power;
        }
    }
    wide
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
    Ok(registers(bits, encoding.width(), order))
}

/// The lowest bits of `bits` in so many registers, 4 at most.
pub(crate) fn registers(bits: u64, width: u16, order: WordOrder) -> Vec<u16> {
    let mut bytes = bits.to_be_bytes();
    let width = usize::from(width.min(4));
    let tail = &mut bytes[8 - 2 * width..];
    if width > 1 {
        reorder(tail, order);
    }
    words(tail)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|w| w.to_be_bytes()).collect()
    }

    #[track_caller]
    fn both_ways(encoding: Encoding, order: WordOrder, words: &[u16], raw: Raw) {
        assert_eq!(decode(encoding, order, &bytes(words)).as_ref(), Some(&raw), "decoded");
        assert_eq!(encode(encoding, order, &raw).as_deref(), Ok(words), "encoded");
    }

    #[test]
    fn one_register_is_big_endian_in_every_order() {
        use WordOrder::{Abcd, Badc, Cdab, Dcba};
        for order in [Abcd, Cdab, Badc, Dcba] {
            both_ways(Encoding::U16, order, &[0xFFFE], Raw::UInt(65534));
            both_ways(Encoding::I16, order, &[0xFFFE], Raw::Int(-2));
            both_ways(Encoding::Bcd(1), order, &[0x1234], Raw::UInt(1234));
            both_ways(Encoding::Bit(Some(0)), order, &[0x0001], Raw::Bool(true));
            both_ways(Encoding::Bit(Some(15)), order, &[0x8000], Raw::Bool(true));
            both_ways(Encoding::Bits(4, 3), order, &[0x0050], Raw::UInt(5));
            both_ways(Encoding::Bits(0, 16), order, &[0xABCD], Raw::UInt(0xABCD));
        }
    }

    /// Each row: the words of 0xAABBCCDD, of 0x1122334455667788, and of 12345678 in BCD.
    #[test]
    fn several_registers_follow_their_order() {
        let rows: [(_, [u16; 2], [u16; 4], [u16; 2]); 4] = [
            (WordOrder::Abcd, [0xAABB, 0xCCDD], [0x1122, 0x3344, 0x5566, 0x7788], [0x1234, 0x5678]),
            (WordOrder::Cdab, [0xCCDD, 0xAABB], [0x7788, 0x5566, 0x3344, 0x1122], [0x5678, 0x1234]),
            (WordOrder::Badc, [0xBBAA, 0xDDCC], [0x2211, 0x4433, 0x6655, 0x8877], [0x3412, 0x7856]),
            (WordOrder::Dcba, [0xDDCC, 0xBBAA], [0x8877, 0x6655, 0x4433, 0x2211], [0x7856, 0x3412]),
        ];
        for (order, two, four, bcd) in rows {
            both_ways(Encoding::U32, order, &two, Raw::UInt(0xAABB_CCDD));
            both_ways(Encoding::I32, order, &two, Raw::Int(0xAABB_CCDD - 0x1_0000_0000));
            let single = f64::from(f32::from_bits(0xAABB_CCDD));
            both_ways(Encoding::F32, order, &two, Raw::Float(single));
            both_ways(Encoding::U64, order, &four, Raw::UInt(0x1122_3344_5566_7788));
            both_ways(Encoding::I64, order, &four, Raw::Int(0x1122_3344_5566_7788));
            let double = f64::from_bits(0x1122_3344_5566_7788);
            both_ways(Encoding::F64, order, &four, Raw::Float(double));
            both_ways(Encoding::Bcd(2), order, &bcd, Raw::UInt(12_345_678));
        }
        let negative = [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE];
        both_ways(Encoding::I64, WordOrder::Abcd, &negative, Raw::Int(-2));
        let three = [0x0012, 0x3456, 0x7890];
        both_ways(Encoding::Bcd(3), WordOrder::Abcd, &three, Raw::UInt(1_234_567_890));
        both_ways(
            Encoding::Bcd(4),
            WordOrder::Abcd,
            &[0x9999; 4],
            Raw::UInt(9_999_999_999_999_999),
        );
    }

    #[test]
    fn a_32_bit_float_reads_as_the_decimal_the_device_meant() {
        for exact in [45.3, -0.1, 21.7, 0.0, 1e6, 123_456.79, 0.001_5, 16_777_216.0, 1.5e30] {
            let single = exact as f32;
            let read = decimal(single);
            assert_eq!(read as f32, single, "still the same number");
            assert!(read == exact || exact > 1e15, "{read} for {exact}");
        }
        assert_eq!(decimal(f32::MAX), f64::from(f32::MAX));
        assert_eq!(decimal(f32::MIN_POSITIVE), f64::from(f32::MIN_POSITIVE));
        assert_eq!(decimal(f32::NEG_INFINITY), f64::NEG_INFINITY);
        assert!(decimal(f32::NAN).is_nan());
        assert!(decimal(-0.0).is_sign_negative());
    }

    #[test]
    fn text_ends_at_nul_and_drops_trailing_spaces() {
        let read =
            |order, words: &[u16]| decode(Encoding::Text(words.len() as u8), order, &bytes(words));
        let text = |t: &str| Some(Raw::Text(t.into()));
        let abcd = WordOrder::Abcd;
        assert_eq!(read(abcd, &[0x4753, 0x4850]), text("GSHP"));
        assert_eq!(read(abcd, &[0x4753, 0x4820]), text("GSH"));
        assert_eq!(read(abcd, &[0x4753, 0x0041]), text("GS"));
        assert_eq!(read(abcd, &[0x0000]), text(""));
        assert_eq!(read(abcd, &[0xE783, 0xADE6, 0xB3B5]), text("热泵"));
        assert_eq!(read(abcd, &[0xFF41]), None, "not UTF-8");
        for order in [WordOrder::Badc, WordOrder::Dcba] {
            assert_eq!(read(order, &[0x5347, 0x5048]), text("GSHP"), "characters swapped");
        }
        assert_eq!(read(WordOrder::Cdab, &[0x4753, 0x4850]), text("GSHP"), "registers never are");
    }

    #[test]
    fn unchanged_text_is_not_allocated_again() {
        let first = text(&bytes(&[0x4753]), WordOrder::Abcd, None).unwrap();
        let again = text(&bytes(&[0x4753]), WordOrder::Abcd, Some(&first)).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let changed = text(&bytes(&[0x4754]), WordOrder::Abcd, Some(&first)).unwrap();
        assert_eq!(&*changed, "GT");
    }

    #[test]
    fn digits_that_are_none_have_no_value() {
        for words in [0x000A, 0xF000, 0x12C4] {
            assert_eq!(decode(Encoding::Bcd(1), WordOrder::Abcd, &bytes(&[words])), None);
        }
        assert_eq!(decode(Encoding::U32, WordOrder::Abcd, &[0; 3]), None, "too few bytes");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_range() {
        let range = |min: f64, max: f64| Err(Misfit::Range(min, max));
        let put = |encoding, raw| encode(encoding, WordOrder::Abcd, &raw);
        assert_eq!(put(Encoding::U16, Raw::Int(-1)), range(0.0, 65535.0));
        assert_eq!(put(Encoding::U16, Raw::Float(65535.5)), range(0.0, 65535.0));
        assert_eq!(put(Encoding::U16, Raw::Float(65535.4)), Ok(vec![65535]));
        assert_eq!(put(Encoding::I16, Raw::Float(-32768.6)), range(-32768.0, 32767.0));
        assert_eq!(put(Encoding::Bits(4, 3), Raw::UInt(8)), range(0.0, 7.0));
        assert_eq!(put(Encoding::Bit(Some(3)), Raw::Int(2)), range(0.0, 1.0));
        assert_eq!(put(Encoding::Bcd(1), Raw::UInt(10_000)), range(0.0, 9999.0));
        assert_eq!(put(Encoding::I64, Raw::Float(1e19)), range(i64::MIN as f64, i64::MAX as f64));
        assert_eq!(put(Encoding::U32, Raw::Float(f64::NAN)), range(0.0, 4_294_967_295.0));
        let single = (f64::from(f32::MIN), f64::from(f32::MAX));
        assert_eq!(put(Encoding::F32, Raw::Float(1e39)), range(single.0, single.1));
        assert_eq!(put(Encoding::F64, Raw::Float(f64::INFINITY)), range(f64::MIN, f64::MAX));
        assert_eq!(put(Encoding::Text(1), Raw::Text("abc".into())), Err(Misfit::TextLength(2)));
        assert_eq!(put(Encoding::Text(2), Raw::Text("a\0b".into())), Err(Misfit::TextLength(4)));
        assert_eq!(put(Encoding::Text(1), Raw::Int(1)), Err(Misfit::Kind("text")));
        assert_eq!(put(Encoding::U16, Raw::Text("1".into())), Err(Misfit::Kind("a number")));
    }

    fn any_encoding() -> impl Strategy<Value = Encoding> {
        use Encoding::{F32, F64, I16, I32, I64, U16, U32, U64};
        prop_oneof![
            prop::sample::select(vec![U16, I16, U32, I32, U64, I64, F32, F64]),
            (0u8..16).prop_map(|b| Encoding::Bit(Some(b))),
            (0u8..16).prop_flat_map(|l| (1..=16 - l).prop_map(move |n| Encoding::Bits(l, n))),
            (1u8..=4).prop_map(Encoding::Bcd),
            (1u8..=125).prop_map(Encoding::Text),
        ]
    }

    fn any_order() -> impl Strategy<Value = WordOrder> {
        use WordOrder::{Abcd, Badc, Cdab, Dcba};
        prop::sample::select(vec![Abcd, Cdab, Badc, Dcba])
    }

    /// Whether two readings are the same, NaN being the same as itself.
    fn same(a: &Raw, b: &Raw) -> bool {
        match (a, b) {
            (Raw::Float(a), Raw::Float(b)) => a.is_nan() && b.is_nan() || a == b,
            _ => a == b,
        }
    }

    proptest! {
        #[test]
        fn what_was_read_can_be_written_and_reads_the_same(
            encoding in any_encoding(),
            order in any_order(),
            mut words in prop::collection::vec(any::<u16>(), 125),
            digits in any::<bool>(),
        ) {
            words.truncate(usize::from(encoding.width()));
            if digits {
                // Random words are rarely digits or text.
                words.iter_mut().for_each(|w| *w = *w & 0x1111 | 0x4040);
            }
            if let Some(raw) = decode(encoding, order, &bytes(&words)) {
                match encode(encoding, order, &raw) {
                    Ok(back) => {
                        let again = decode(encoding, order, &bytes(&back));
                        prop_assert!(again.as_ref().is_some_and(|a| same(a, &raw)), "{again:?}");
                    }
                    // What is no number is not written.
                    Err(Misfit::Range(..)) => {
                        prop_assert!(matches!(raw, Raw::Float(f) if !f.is_finite()), "{raw:?}");
                    }
                    Err(other) => prop_assert!(false, "{raw:?}: {other:?}"),
                }
            }
        }

        #[test]
        fn no_32_bit_float_is_changed_by_reading_it_as_a_decimal(bits in any::<u32>()) {
            let single = f32::from_bits(bits);
            prop_assert!(decimal(single) as f32 == single || single.is_nan());
        }

        #[test]
        fn every_number_in_range_survives_the_way_there_and_back(
            encoding in any_encoding().prop_filter("numbers", |e| !matches!(e, Encoding::Text(_))),
            order in any_order(),
            number in any::<i64>(),
            few_bits in 0u32..64,
        ) {
            let number = number >> few_bits;
            if let Ok(words) = encode(encoding, order, &Raw::Int(number)) {
                prop_assert_eq!(words.len(), usize::from(encoding.width()));
                let back = decode(encoding, order, &bytes(&words)).unwrap();
                #[expect(clippy::cast_precision_loss, reason = "floats are compared as floats")]
                match (encoding, back) {
                    (Encoding::F32, Raw::Float(f)) => prop_assert_eq!(f as f32, number as f32),
                    (_, Raw::Float(f)) => prop_assert_eq!(f, number as f64),
                    (_, Raw::Bool(b)) => prop_assert_eq!(i64::from(b), number),
                    (_, Raw::Int(i)) => prop_assert_eq!(i, number),
                    (_, Raw::UInt(u)) => prop_assert_eq!(i128::from(u), i128::from(number)),
                    (_, Raw::Text(t)) => prop_assert!(false, "{t}"),
                }
            }
        }
    }
}
