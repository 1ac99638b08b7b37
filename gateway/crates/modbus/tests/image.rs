//! What the server answers at the bounds of requests and values, byte by byte.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_modbus::server::{EntrySpec, Identity, Image, OnBad, Reply, ServerSpec};
use wellhead_modbus::{Encoding, PlanError, Table, WordOrder};
use wellhead_model::{Quality, Value};

fn image(entries: &[(Table, u16, Encoding)]) -> Result<Image, Vec<PlanError>> {
    let entry = |(i, &(table, address, encoding)): (usize, &(Table, u16, Encoding))| EntrySpec {
        name: format!("p{i}"),
        table,
        address,
        encoding,
        order: WordOrder::Abcd,
        conversion: Conversion::default(),
        writable: matches!(table, Table::Holding | Table::Coil),
        quality: None,
    };
    let [vendor, product, revision, name] = ["v", "p", "r", "n"].map(str::to_owned);
    Image::new(ServerSpec {
        unit: None,
        on_bad: OnBad::Sentinel,
        clients_max: 1,
        idle_timeout: Duration::from_secs(60),
        identity: Identity { vendor, product, revision, name },
        entries: entries.iter().enumerate().map(entry).collect(),
    })
}

/// What a request comes to: values to write, or a reply.
fn answer(image: &Image, pdu: &[u8]) -> (Option<Vec<(usize, Value)>>, Vec<u8>) {
    let mut out = Vec::new();
    match image.answer(pdu, &mut out) {
        Reply::Wishes(wishes) => (Some(wishes), out),
        Reply::Ready => (None, out),
    }
}

#[test]
fn no_value_of_a_signed_number_is_its_lowest_in_every_width() {
    let entries = [Encoding::I16, Encoding::I32, Encoding::I64];
    let entries = [(0, entries[0]), (1, entries[1]), (3, entries[2])];
    let image = image(&entries.map(|(at, encoding)| (Table::Input, at, encoding))).unwrap();
    for (address, width) in [(0, 1), (1, 2), (3, 4)] {
        let (_, reply) = answer(&image, &[4, 0, address, 0, width]);
        let mut lowest = vec![0; 2 * usize::from(width)];
        lowest[0] = 0x80;
        assert_eq!(reply, [&[4, 2 * width], &lowest[..]].concat());
    }
}

#[test]
fn each_of_many_coils_gets_its_own_bit() {
    let coils: Vec<_> = (0..18).map(|at| (Table::Coil, at, Encoding::Bit(None))).collect();
    let image = image(&coils).unwrap();
    for i in 0..18 {
        image.set(i, Some(&Value::Bool(false)), Quality::Good).unwrap();
    }
    for (bytes, on) in [
        ([0b0000_0001, 0, 0], 0),
        ([0b1000_0000, 0, 0], 7),
        ([0, 0b0000_0001, 0], 8),
        ([0, 0b0000_1000, 0], 11),
        ([0, 0, 0b0000_0010], 17),
    ] {
        let request = [&[15, 0, 0, 0, 18, 3][..], &bytes].concat();
        let wishes = answer(&image, &request).0.unwrap();
        let expected: Vec<_> = (0..18).map(|i| (i, Value::Bool(i == on))).collect();
        assert_eq!(wishes, expected, "{bytes:?}");
    }
}

#[test]
fn several_registers_are_written_and_read_in_one_request() {
    let image = image(&[
        (Table::Holding, 0, Encoding::U16),
        (Table::Holding, 1, Encoding::U16),
        (Table::Holding, 40_000, Encoding::U32),
    ])
    .unwrap();
    let request = [23, 0x9C, 0x40, 0, 2, 0, 0, 0, 2, 4, 0, 7, 0, 9];
    let wishes = [(0, Value::Int(7)), (1, Value::Int(9))];
    assert_eq!(answer(&image, &request).0.unwrap(), wishes);
    image.set(2, Some(&Value::Int(0x0102_0304)), Quality::Good).unwrap();
    let high = answer(&image, &[3, 0x9C, 0x40, 0, 2]).1;
    assert_eq!(high, [3, 4, 1, 2, 3, 4], "however high its address");
}

#[test]
fn bits_written_as_they_are_are_answered_at_once() {
    let image = image(&[(Table::Holding, 20, Encoding::Bit(Some(1)))]).unwrap();
    image.set(0, Some(&Value::Bool(true)), Quality::Good).unwrap();
    assert_eq!(answer(&image, &[6, 0, 20, 0, 2]), (None, vec![6, 0, 20, 0, 2]));
    assert_eq!(answer(&image, &[6, 0, 20, 0, 0]).0.unwrap(), [(0, Value::Bool(false))]);
}

#[test]
fn a_function_that_looks_like_an_exception_is_refused_as_it_came() {
    let image = image(&[]).unwrap();
    assert_eq!(answer(&image, &[0x83, 0, 0, 0, 1]), (None, vec![0x83, 1]));
    assert_eq!(answer(&image, &[0x03, 0, 0, 0, 1]), (None, vec![0x83, 2]));
}

#[test]
fn a_text_that_no_write_holds_can_not_be_writable() {
    let text = |n| image(&[(Table::Holding, 0, Encoding::Text(n))]);
    assert!(text(123).is_ok());
    for n in [124, 125] {
        let errors = text(n).unwrap_err();
        assert_eq!(errors.iter().map(|e| e.key).collect::<Vec<_>>(), ["length"], "{n}");
    }
    assert!(image(&[(Table::Input, 0, Encoding::Text(124))]).is_ok(), "only shown");
}
