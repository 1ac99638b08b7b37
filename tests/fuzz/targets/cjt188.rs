//! Any bytes as what a CJ/T 188 meter sends: nothing panics, and no number is made of digits that
//! are none.
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

fuzz_target!(|bytes: &[u8]| {
    let address = Address([0x78, 0x33, 0x00, 0x11, 0x22, 0x33, 0x44]);
    let order = IdentifierOrder::LowFirst;
    for request in [
        Request::read(MeterKind::Heat(0x20), address, order, 1),
        Request::read(MeterKind::Volume(0x10), address, order, 0),
        Request::read_address(order, 0),
    ] {
        let mut rest = bytes;
        while let Step::Skip(n) = request.step(rest) {
            assert!(n > 0 && n <= rest.len());
            rest = &rest[n..];
        }
        if let Step::Reply(len) = request.step(rest) {
            let _said = reply(&rest[..len]);
        }
    }
    if let Some(Reply::Data { data, .. }) = reply(bytes) {
        read(data);
    }
    // Past the frame at once, since a fuzzer seldom gets its sum right.
    read(bytes);
});

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
