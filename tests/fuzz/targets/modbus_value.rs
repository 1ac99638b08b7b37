//! Any registers as any type: what is read can be written, and then reads the same.
//!
//! Input: encoding, its two parameters, word order; the rest are the registers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_driver::Raw;
use wellhead_modbus::{Encoding, Misfit, WordOrder, decode, encode};

fuzz_target!(|input: &[u8]| {
    let Some((&[encoding, a, b, order], rest)) = input.split_first_chunk::<4>() else { return };
    let encoding = match encoding % 12 {
        0 => Encoding::Bit(None),
        1 => Encoding::Bit(Some(a)),
        2 => Encoding::Bits(a, b),
        3 => Encoding::I16,
        4 => Encoding::U16,
        5 => Encoding::I32,
        6 => Encoding::U32,
        7 => Encoding::I64,
        8 => Encoding::U64,
        9 => Encoding::F32,
        10 => Encoding::F64,
        _ if a & 1 == 0 => Encoding::Bcd(b),
        _ => Encoding::Text(b),
    };
    use WordOrder::{Abcd, Badc, Cdab, Dcba};
    let order = [Abcd, Cdab, Badc, Dcba][usize::from(order % 4)];
    // Often enough of the right length.
    let len = 2 * usize::from(encoding.width());
    let registers = if a & 0x80 == 0 { rest.get(..len).unwrap_or(rest) } else { rest };

    let Some(raw) = decode(encoding, order, registers) else { return };
    assert_eq!(registers.len(), len, "{encoding:?} out of too much or too little");
    // The plan refuses the rest: they must not panic, that is all.
    let planned = match encoding {
        Encoding::Bit(bit) => bit.unwrap_or(0) <= 15,
        Encoding::Bits(low, n) => n > 0 && u16::from(low) + u16::from(n) <= 16,
        Encoding::Bcd(n) => (1..=4).contains(&n),
        Encoding::Text(n) => (1..=125).contains(&n),
        _ => true,
    };
    let written = encode(encoding, order, &raw);
    if !planned {
        return;
    }
    match written {
        Ok(words) => {
            assert_eq!(words.len(), usize::from(encoding.width()));
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
            let again = decode(encoding, order, &bytes);
            assert!(again.as_ref().is_some_and(|a| same(a, &raw)), "{raw:?} became {again:?}");
        }
        Err(Misfit::Range(..)) => {
            assert!(matches!(raw, Raw::Float(f) if !f.is_finite()), "{raw:?} can't be written");
        }
        Err(other) => panic!("{raw:?} can't be written: {other:?}"),
    }
});

/// NaN is the same as itself.
fn same(a: &Raw, b: &Raw) -> bool {
    match (a, b) {
        (Raw::Float(a), Raw::Float(b)) => a == b || a.is_nan() && b.is_nan(),
        _ => a == b,
    }
}
