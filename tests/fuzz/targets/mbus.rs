//! Any bytes as what a meter on an M-Bus sends: nothing panics, no record is made of more bytes
//! than came, a sum that is wrong is never a reply, and a name that is printed reads back.
//!
//! Every input is taken as bytes from the line; as pieces of one length byte and as many bytes,
//! which get the start and the sum that they need; and as control information and user data.
//! Random bytes hardly ever pass a sum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_driver::{Raw, Step};
use wellhead_sensors::mbus::{Function, RecordSelector, link, telegram};

fuzz_target!(|bytes: &[u8]| {
    heard(bytes);
    heard(&sealed(bytes));
    let Some((control, user)) = bytes.split_first() else { return };
    for control in [*control, 0x72, 0x78] {
        told(control, user);
    }
});

fn heard(bytes: &[u8]) {
    for expect in [link::Expect::Ack, link::Expect::Data(None), link::Expect::Data(Some(5))] {
        let mut rest = bytes;
        while let Step::Skip(n) = link::step(expect, rest) {
            assert!(n > 0 && n <= rest.len());
            rest = &rest[n..];
        }
        if let Step::Reply(len) = link::step(expect, rest) {
            let frame = &rest[..len];
            if let Some((control, user)) = link::user_data(frame) {
                assert_eq!(sum(&frame[4..len - 2]), frame[len - 2]);
                told(control, user);
            }
        }
    }
}

fn told(control: u8, user: &[u8]) {
    let Ok(told) = telegram::parse(control, user) else { return };
    let made: usize = told.records.iter().map(|record| record.bytes.len()).sum();
    assert!(made <= user.len());
    for record in told.records {
        if let Some(name) = record.name.filter(|name| name.function != Function::Error) {
            assert_eq!(name.to_string().parse(), Ok(RecordSelector::Named(name)));
        }
        if let (Ok(Raw::Float(n)), true) = (record.value, record.bytes[0] & 0x0F != 5) {
            assert!(n.is_finite());
        }
    }
}

fn sealed(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [len, behind @ ..] = rest {
        let (body, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        out.extend([0x68, body.len() as u8, body.len() as u8, 0x68]);
        out.extend(body);
        out.extend([sum(body), 0x16]);
        rest = behind;
    }
    out
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}
