//! The codec takes any bytes, and only the right ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use proptest::prelude::*;
use std::time::Duration;
use wellhead_driver::{DeviceError, Step};
use wellhead_modbus::codec::{Answer, Exception, Request, find, identification, mbap, rtu};
use wellhead_modbus::{Framing, Table};

const VALUES: [u16; 4] = [1, 2, 0xFFFF, 0];

fn any_table() -> impl Strategy<Value = Table> {
    prop::sample::select(vec![Table::Discrete, Table::Coil, Table::Input, Table::Holding])
}

fn any_request() -> impl Strategy<Value = Request<'static>> {
    let words = (any::<u16>(), any::<u16>(), any::<u16>());
    prop_oneof![
        (any_table(), any::<u16>(), 0u16..2100).prop_map(|(table, address, count)| Request::Read {
            table,
            address,
            count
        }),
        (any::<u16>(), any::<bool>()).prop_map(|(address, on)| Request::WriteCoil { address, on }),
        (any::<u16>(), any::<bool>()).prop_map(|(address, on)| Request::WriteCoils { address, on }),
        (any::<u16>(), any::<u16>())
            .prop_map(|(address, value)| Request::WriteRegister { address, value }),
        (any::<u16>(), 0..VALUES.len())
            .prop_map(|(address, n)| Request::WriteRegisters { address, values: &VALUES[..n] }),
        words.prop_map(|(address, and, or)| Request::MaskWrite { address, and, or }),
        (1u8..=4, any::<u8>()).prop_map(|(level, object)| Request::Identify { level, object }),
    ]
}

/// A reply that fits, as a device would give it.
fn reply(request: &Request, fill: u8) -> Vec<u8> {
    let mut pdu = Vec::new();
    request.put(&mut pdu);
    match request {
        Request::Read { .. } => {
            let n = request.reply_len() - 2;
            pdu.truncate(1);
            pdu.push(n as u8);
            pdu.resize(2 + n, fill);
        }
        // Two objects: one of two bytes and an empty one.
        Request::Identify { .. } => {
            pdu.truncate(3);
            pdu.extend_from_slice(&[0x82, 0, 0, 2, 0, 2, fill, fill, 1, 0]);
        }
        _ => pdu.truncate(request.reply_len()),
    }
    pdu
}

fn frame(framing: Framing, transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    match framing {
        Framing::Tcp => {
            frame.extend_from_slice(&transaction.to_be_bytes());
            frame.extend_from_slice(&[0, 0]);
            frame.extend_from_slice(&(pdu.len() as u16 + 1).to_be_bytes());
            frame.push(unit);
            frame.extend_from_slice(pdu);
        }
        Framing::Rtu => {
            frame.push(unit);
            frame.extend_from_slice(pdu);
            let crc = rtu::crc(&frame);
            frame.extend_from_slice(&crc.to_le_bytes());
        }
    }
    frame
}

fn any_framing() -> impl Strategy<Value = Framing> {
    prop::sample::select(vec![Framing::Tcp, Framing::Rtu])
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    assert_eq!(rtu::crc(&[0x01, 0x03, 0x00, 0x00, 0x00, 0x0A]), 0xCDC5);
    assert_eq!(rtu::crc(b"123456789"), 0x4B37, "CRC-16/MODBUS of the usual check string");
}

#[test]
fn requests_have_the_layout_of_the_standard() {
    let read = |table| Request::Read { table, address: 0x0113, count: 0x0013 };
    let cases: [(Request, &[u8]); 9] = [
        (read(Table::Coil), &[1, 0x01, 0x13, 0x00, 0x13]),
        (read(Table::Discrete), &[2, 0x01, 0x13, 0x00, 0x13]),
        (read(Table::Holding), &[3, 0x01, 0x13, 0x00, 0x13]),
        (read(Table::Input), &[4, 0x01, 0x13, 0x00, 0x13]),
        (Request::WriteCoil { address: 0xAC, on: true }, &[5, 0, 0xAC, 0xFF, 0]),
        (Request::WriteRegister { address: 1, value: 0x0304 }, &[6, 0, 1, 3, 4]),
        (Request::WriteCoils { address: 0x13, on: true }, &[15, 0, 0x13, 0, 1, 1, 1]),
        (
            Request::WriteRegisters { address: 1, values: &[0x000A, 0x0102] },
            &[16, 0, 1, 0, 2, 4, 0, 0x0A, 1, 2],
        ),
        (Request::MaskWrite { address: 4, and: 0xF2, or: 0x25 }, &[22, 0, 4, 0, 0xF2, 0, 0x25]),
    ];
    for (request, expected) in cases {
        let mut pdu = Vec::new();
        request.put(&mut pdu);
        assert_eq!(pdu, expected);
    }
}

#[test]
fn a_serial_frame_is_three_bytes_longer_than_what_it_carries() {
    let request = Request::Read { table: Table::Holding, address: 0, count: 125 };
    let mut frame = Vec::new();
    rtu::put(&request, 7, &mut frame);
    assert_eq!(frame.len(), rtu::frame_len(5));
    assert_eq!(rtu::frame_len(request.reply_len()), 255);
}

#[test]
fn every_exception_has_the_name_of_the_standard_and_its_own_kind() {
    let timeout = Duration::from_secs(1);
    let refused = |code, meaning| DeviceError::Refused { code, meaning };
    let failure = |code, meaning| DeviceError::DeviceFailure { code, meaning };
    for (code, expected) in [
        (1, refused(1, "illegal function")),
        (2, refused(2, "illegal data address")),
        (3, refused(3, "illegal data value")),
        (4, failure(4, "device failure")),
        (5, failure(5, "acknowledged, still working")),
        (6, failure(6, "device busy")),
        (7, refused(7, "negative acknowledge")),
        (8, failure(8, "memory parity error")),
        (9, refused(9, "not in the standard")),
        (10, failure(10, "gateway path unavailable")),
        (11, DeviceError::NoReply(timeout)),
        (255, refused(255, "not in the standard")),
    ] {
        assert_eq!(Exception(code).error(timeout), expected);
        assert_eq!(Exception(code).is_illegal_address(), matches!(code, 2 | 3), "{code}");
    }
    assert_eq!(Exception(11).meaning(), "gateway target failed to respond");
}

#[test]
fn a_tcp_header_is_judged_by_its_length_field_to_the_byte() {
    let request = Request::Read { table: Table::Holding, address: 0, count: 125 };
    let step = |length: u16, bytes: usize| {
        let mut frame = vec![0, 9, 0, 0, 0, 0, 7];
        frame[4..6].copy_from_slice(&length.to_be_bytes());
        frame.resize(bytes, 0);
        mbap::step(&request, 5, 7, &frame)
    };
    for length in [0, 1, 255, 256, 0xFFFF] {
        assert!(matches!(step(length, 300), Step::Broken(_)), "{length}");
    }
    for length in [2, 254] {
        let whole = 6 + usize::from(length);
        assert!(matches!(step(length, whole - 1), Step::Need), "{length}");
        assert!(matches!(step(length, whole), Step::Skip(n) if n == whole), "{length}");
    }
}

#[test]
fn an_identification_is_taken_whole_and_only_as_it_was_asked_for() {
    // One object of `n` bytes, so that the reply has 8 + n after its function code.
    let reply = |level, n: u8| {
        let mut reply = vec![14, level, 0x82, 0, 0, 1, 0, n];
        reply.resize(8 + usize::from(n), b'x');
        reply
    };
    assert!(identification::read(&reply(1, 244)).is_ok());
    assert!(identification::read(&reply(1, 245)).is_err(), "longer than a unit may be");
    let behind = [reply(1, 3), vec![0]].concat();
    assert!(identification::read(&behind).is_err(), "something behind it");
    let nothing_more = identification::read(&[14, 1, 0x82, 0xFF, 5, 0]).unwrap();
    assert_eq!(nothing_more.next, None, "more, but nothing to go on from");
    for (level, taken) in [(1, true), (2, false)] {
        let pdu = [vec![43], reply(level, 3)].concat();
        let asked = Request::Identify { level: 1, object: 0 };
        assert_eq!(asked.answer(&pdu).is_ok(), taken, "{level}");
    }
}

#[test]
fn the_length_of_a_reply_is_known_before_it_comes() {
    let read = |table, count| Request::Read { table, address: 7, count };
    let values = &VALUES[..];
    for (request, len) in [
        (read(Table::Coil, 9), 4),
        (read(Table::Discrete, 8), 3),
        (read(Table::Holding, 3), 8),
        (Request::WriteCoil { address: 7, on: true }, 5),
        (Request::WriteRegisters { address: 7, values }, 5),
        (Request::MaskWrite { address: 7, and: 1, or: 2 }, 7),
        // As many as a unit may carry: only the device knows.
        (Request::Identify { level: 1, object: 0 }, 253),
    ] {
        assert_eq!(request.reply_len(), len, "{request:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_taken_without_harm(
        request in any_request(),
        transaction in 0u16..3,
        unit in any::<u8>(),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0u8..8], 0..300),
    ) {
        for step in [
            mbap::step(&request, transaction, unit, &bytes),
            rtu::step(&request, unit, &bytes),
        ] {
            match step {
                Step::Skip(n) | Step::Reply(n) => prop_assert!(n >= 1 && n <= bytes.len()),
                Step::Need | Step::Broken(_) => {}
            }
        }
        let _ = request.answer(&bytes);
        let _ = find(Framing::Tcp, &request, transaction, unit, &bytes);
        let _ = find(Framing::Rtu, &request, transaction, unit, &bytes);
    }

    #[test]
    fn the_right_reply_is_found_among_others(
        framing in any_framing(),
        request in any_request().prop_filter("fits a frame", |r| r.reply_len() <= 253),
        other in any_request().prop_filter("fits a frame", |r| r.reply_len() <= 253),
        fill in any::<u8>(),
    ) {
        let foreign = frame(framing, 5, 9, &reply(&other, 0));
        let late = frame(framing, 4, 7, &reply(&other, 0));
        let right = frame(framing, 5, 7, &reply(&request, fill));
        let mut bytes = foreign;
        // On RTU a late reply of the very same shape can't be told from the right one; the line
        // sees to it that none comes.
        if framing == Framing::Tcp || request.answer(&reply(&other, 0)).is_err() {
            bytes.extend_from_slice(&late);
        }
        prop_assert_eq!(find(framing, &request, 5, 7, &bytes), Ok(None));
        bytes.extend_from_slice(&right);
        match find(framing, &request, 5, 7, &bytes) {
            Ok(Some(Answer::Data(data))) if matches!(request, Request::Identify { .. }) => {
                let objects: Vec<_> = identification::read(data).unwrap().objects().collect();
                prop_assert_eq!(objects, [(0, &[fill, fill][..]), (1, &[][..])]);
            }
            Ok(Some(Answer::Data(data))) => prop_assert!(data.iter().all(|b| *b == fill)),
            other => prop_assert!(false, "{:?}", other),
        }
        let exception = frame(framing, 5, 7, &[request.function() | 0x80, 6]);
        let expected = Ok(Some(Answer::Exception(Exception(6))));
        prop_assert_eq!(find(framing, &request, 5, 7, &exception), expected);
    }

    #[test]
    fn a_damaged_rtu_frame_is_never_a_reply(
        request in any_request().prop_filter("fits a frame", |r| r.reply_len() <= 253),
        fill in any::<u8>(),
        at in any::<prop::sample::Index>(),
        flip in 1u16..,
    ) {
        let mut bytes = frame(Framing::Rtu, 0, 7, &reply(&request, fill));
        // A burst of at most 16 bits, which a CRC of 16 bits always finds.
        let at = at.index(bytes.len() - 1);
        let [high, low] = flip.to_be_bytes();
        bytes[at] ^= high;
        bytes[at + 1] ^= low;
        prop_assert_eq!(find(Framing::Rtu, &request, 0, 7, &bytes), Ok(None));
    }
}
