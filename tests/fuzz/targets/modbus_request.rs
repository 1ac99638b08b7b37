//! Any bytes from a Modbus master: no panic, a reply that fits its frame, and nothing wished but
//! what the map lets masters write.
//!
//! Input: how bad values show (1 byte), then requests, each a length byte and as many bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_driver::Conversion;
use wellhead_model::{Quality, Value};
use wellhead_modbus::server::{EntrySpec, Identity, Image, OnBad, Reply, ServerSpec};
use wellhead_modbus::{Encoding, Table, WordOrder};

fuzz_target!(|input: &[u8]| {
    let Some((&flags, mut rest)) = input.split_first() else { return };
    let image = image(flags & 1 == 1);
    let (mut out, mut again) = (Vec::new(), Vec::new());
    while let Some((&length, behind)) = rest.split_first() {
        let (pdu, behind) = behind.split_at(usize::from(length).min(behind.len()));
        rest = behind;
        if let Reply::Wishes(wishes) = image.answer(pdu, &mut out) {
            assert!(!wishes.is_empty());
            for (entry, value) in &wishes {
                assert!(image.spec().entries[*entry].writable, "wished for what is not writable");
                image.set(*entry, Some(value), Quality::Good).expect("it came out of registers");
            }
            image.finish(pdu, &mut out);
            // What was written is so now: asking again wishes for nothing else.
            if let Reply::Wishes(again) = image.answer(pdu, &mut again) {
                assert!(again.iter().all(|w| wishes.contains(w)), "{again:?} after {wishes:?}");
            }
        }
        assert!((2..=253).contains(&out.len()), "a reply of {} bytes", out.len());
        assert_eq!(out[0] & 0x7F, pdu.first().unwrap_or(&0) & 0x7F);
        if let ([function @ 1..=4, ..], [reply, n, data @ ..]) = (pdu, &out[..])
            && function == reply
        {
            assert_eq!(usize::from(*n), data.len());
        }
    }
});

fn image(strict: bool) -> Image {
    let entry = |table, address, encoding, writable| EntrySpec {
        name: format!("{address}"),
        table,
        address,
        encoding,
        order: WordOrder::Cdab,
        conversion: Conversion::default(),
        writable,
        quality: None,
    };
    let entries = vec![
        entry(Table::Discrete, 0, Encoding::Bit(None), false),
        entry(Table::Coil, 0, Encoding::Bit(None), true),
        entry(Table::Coil, 1, Encoding::Bit(None), false),
        entry(Table::Input, 0, Encoding::F64, false),
        entry(Table::Holding, 0, Encoding::U16, true),
        entry(Table::Holding, 1, Encoding::F32, true),
        entry(Table::Holding, 3, Encoding::Bit(Some(3)), true),
        entry(Table::Holding, 3, Encoding::Bits(4, 4), false),
        entry(Table::Holding, 4, Encoding::Text(2), true),
        entry(Table::Holding, 6, Encoding::Bcd(2), true),
        entry(Table::Holding, 65535, Encoding::I16, true),
    ];
    let spec = ServerSpec {
        unit: None,
        on_bad: if strict { OnBad::Exception } else { OnBad::Sentinel },
        clients_max: 1,
        idle_timeout: std::time::Duration::from_secs(1),
        identity: Identity { name: "x".repeat(300), ..Identity::default() },
        entries,
    };
    let image = Image::new(spec).expect("the map is good");
    let _ = image.set(4, Some(&Value::Int(7)), Quality::Good);
    image
}
