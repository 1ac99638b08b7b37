//! Any bytes as what a meter on an M-Bus sends: nothing panics, no record is made of more bytes
//! than came, a sum that is wrong is never a reply, and a name that is printed reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_driver::{Raw, Step};
use wellhead_sensors::mbus::{Function, RecordSelector, link, telegram};

fuzz_target!(|bytes: &[u8]| {
    for expect in [link::Expect::Ack, link::Expect::Data(None), link::Expect::Data(Some(5))] {
        let mut rest = bytes;
        while let Step::Skip(n) = link::step(expect, rest) {
            assert!(n > 0 && n <= rest.len());
            rest = &rest[n..];
        }
        if let Step::Reply(len) = link::step(expect, rest) {
            let frame = &rest[..len];
            if let Some((control, user)) = link::user_data(frame) {
                let sum = frame[4..len - 2].iter().fold(0u8, |sum, b| sum.wrapping_add(*b));
                assert_eq!(sum, frame[len - 2]);
                let _told = telegram::parse(control, user);
            }
        }
    }
    // Past the sum at once, since a fuzzer seldom gets it right.
    let Some((control, user)) = bytes.split_first() else { return };
    for control in [*control, 0x72, 0x78] {
        let Ok(told) = telegram::parse(control, user) else { continue };
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
});
