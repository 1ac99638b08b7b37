//! Any bytes on a Modbus line: only a whole frame, addressed to us and answering this very
//! request, is taken for the reply.
//!
//! Input: kind of request, flags (1: RTU, 2: frames are sealed here), unit, transaction, address
//! (2 bytes), count or value (2 bytes); the rest is what comes from the line. When sealed here, it
//! is pieces of one length byte and as many bytes, each a unit and a protocol data unit that get
//! the header or checksum they need: random bytes hardly ever pass a checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_driver::Step;
use wellhead_modbus::codec::{Answer, Request, find, identification, mbap, rtu};
use wellhead_modbus::{Framing, Table};

const VALUES: [u16; 123] = [0x1234; 123];

fuzz_target!(|input: &[u8]| {
    let Some((&[kind, flags, unit, transaction, a1, a2, c1, c2], rest)) =
        input.split_first_chunk::<8>()
    else {
        return;
    };
    let request = request(kind, u16::from_be_bytes([a1, a2]), u16::from_be_bytes([c1, c2]));
    let framing = if flags & 1 == 0 { Framing::Tcp } else { Framing::Rtu };
    let transaction = u16::from(transaction);
    let sealed;
    let bytes = if flags & 2 == 0 {
        rest
    } else {
        sealed = seal(framing, transaction, rest);
        &sealed
    };

    let step = match framing {
        Framing::Tcp => mbap::step(&request, transaction, unit, bytes),
        Framing::Rtu => rtu::step(&request, unit, bytes),
    };
    if let Step::Skip(n) | Step::Reply(n) = step {
        assert!((1..=bytes.len()).contains(&n), "a step of {n} in {} bytes", bytes.len());
    }

    let _ = request.answer(bytes);
    if let Ok(Some(answer)) = find(framing, &request, transaction, unit, bytes) {
        let pdu = expected(&request, answer);
        let mut frame = Vec::new();
        put_frame(framing, transaction, unit, &pdu, &mut frame);
        assert!(
            bytes.windows(frame.len()).any(|window| window == frame),
            "{answer:?} was taken for the answer to {request:?} of unit {unit}"
        );
    }
});

fn request(kind: u8, address: u16, word: u16) -> Request<'static> {
    let read = |table, max| Request::Read { table, address, count: word % max + 1 };
    match kind % 10 {
        0 => read(Table::Holding, 125),
        1 => read(Table::Input, 125),
        2 => read(Table::Coil, 2000),
        3 => read(Table::Discrete, 2000),
        4 => Request::WriteCoil { address, on: word & 1 == 1 },
        5 => Request::WriteRegister { address, value: word },
        6 => Request::WriteCoils { address, on: word & 1 == 1 },
        7 => Request::WriteRegisters { address, values: &VALUES[..usize::from(word) % 123 + 1] },
        8 => Request::MaskWrite { address, and: word, or: !word },
        _ => Request::Identify { level: word as u8 % 4 + 1, object: address as u8 },
    }
}

/// The protocol data unit that is the one right reply with this answer, by the letter of the
/// standard (V1.1b3, section 6).
fn expected(request: &Request, answer: Answer) -> Vec<u8> {
    let data = match answer {
        Answer::Exception(e) => return vec![request.function() | 0x80, e.0],
        Answer::Data(data) => data,
    };
    let echo = |a: u16, b: u16| [a.to_be_bytes(), b.to_be_bytes()].concat();
    let body = match *request {
        Request::Read { table, count, .. } => {
            let count = usize::from(count);
            let bytes = match table {
                Table::Coil | Table::Discrete => (count + 7) / 8,
                Table::Holding | Table::Input => count * 2,
            };
            assert_eq!(data.len(), bytes, "another count than was asked");
            [&[bytes as u8], data].concat()
        }
        Request::WriteCoil { address, on } => echo(address, if on { 0xFF00 } else { 0 }),
        Request::WriteRegister { address, value } => echo(address, value),
        Request::WriteCoils { address, .. } => echo(address, 1),
        Request::WriteRegisters { address, values } => echo(address, values.len() as u16),
        Request::MaskWrite { address, and, or } => {
            [&echo(address, and)[..], &or.to_be_bytes()].concat()
        }
        Request::Identify { level, .. } => {
            let found = identification::read(data).expect("the answer was taken for one");
            let objects: usize = found.objects().map(|(_, object)| 2 + object.len()).sum();
            assert_eq!((data[0], data[1]), (14, level));
            assert_eq!((data.len(), found.objects().count()), (6 + objects, data[5].into()));
            data.to_vec()
        }
    };
    [&[request.function()], &body[..]].concat()
}

fn seal(framing: Framing, transaction: u16, mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((&len, behind)) = rest.split_first() {
        let (piece, behind) = behind.split_at(usize::from(len).min(behind.len()));
        if let Some((&unit, pdu)) = piece.split_first() {
            put_frame(framing, transaction, unit, pdu, &mut out);
        }
        rest = behind;
    }
    out
}

fn put_frame(framing: Framing, transaction: u16, unit: u8, pdu: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    match framing {
        Framing::Tcp => {
            out.extend_from_slice(&transaction.to_be_bytes());
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&(pdu.len() as u16 + 1).to_be_bytes());
            out.push(unit);
            out.extend_from_slice(pdu);
        }
        Framing::Rtu => {
            out.push(unit);
            out.extend_from_slice(pdu);
            let crc = crc(&out[start..]);
            out.extend_from_slice(&crc.to_le_bytes());
        }
    }
}

/// Bit by bit, so that the table of the codec is not checked against itself.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, &byte| {
        (0..8).fold(
            crc ^ u16::from(byte),
            |crc, _| {
                if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 }
            },
        )
    })
}
