//! Any bytes as what a CJ/T 188 meter sends: nothing panics, only a whole frame with a right sum is
//! taken for the reply, and no number is made of digits that are none.
//!
//! Every input is taken as bytes from the line; as pieces of one length byte, a type, a control
//! byte and data, which get the address and sum that they need; and as the data of a reply. Random
//! bytes hardly ever pass a sum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_driver::{Raw, Step};
use wellhead_sensors::cjt188::codec::{Metering, Reply, Request, reply};
use wellhead_sensors::cjt188::{Address, Field, IdentifierOrder, MeterKind, UnitPosition};

const FIELDS: [Field; 11] = [
    Field::Heat,
    Field::SettledHeat,
    Field::Power,
    Field::Flow,
    Field::Volume,
    Field::SettledVolume,
    Field::SupplyTemperature,
    Field::ReturnTemperature,
    Field::Hours,
    Field::Time,
    Field::Status,
];

const METER: [u8; 7] = [0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78];

fuzz_target!(|bytes: &[u8]| {
    heard(bytes);
    heard(&sealed(bytes));
    read(bytes);
});

fn heard(bytes: &[u8]) {
    let mut address = METER;
    address.reverse();
    let order = IdentifierOrder::LowFirst;
    for request in [
        Request::read(MeterKind::Heat(0x20), Address(address), order, 1),
        Request::read(MeterKind::Volume(0x10), Address(address), order, 0),
        Request::read_address(order, 0),
    ] {
        let mut rest = bytes;
        while let Step::Skip(n) = request.step(rest) {
            assert!(n > 0 && n <= rest.len());
            rest = &rest[n..];
        }
        let Step::Reply(len) = request.step(rest) else { continue };
        let frame = &rest[..len];
        assert_eq!(frame[len - 2..], [sum(&frame[..len - 2]), 0x16]);
        if let Reply::Data { data, .. } = reply(frame).expect("a reply that is none") {
            read(data);
        }
    }
}

fn sealed(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [len, kind, control, behind @ ..] = rest {
        let (data, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        let start = out.len();
        out.extend([0x68, *kind]);
        out.extend(METER);
        out.extend([*control, data.len() as u8]);
        out.extend(data);
        out.extend([sum(&out[start..]), 0x16]);
        rest = behind;
    }
    out
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

fn read(data: &[u8]) {
    for kind in [MeterKind::Heat(0x20), MeterKind::Volume(0x10)] {
        for position in [UnitPosition::AfterValue, UnitPosition::BeforeValue] {
            let Some(metering) = Metering::new(kind, position, data) else { continue };
            let _low = metering.battery_low();
            for field in FIELDS {
                if let (Ok(Raw::Float(n)), _) = metering.field(field) {
                    assert!(field.told_by(kind) && (0.0..1e11).contains(&n));
                }
            }
        }
    }
}
