//! What the plan accepts, what it refuses and what it says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use common::{device, point, registers};
use std::time::Duration;
use wellhead_modbus::{
    DeviceSpec, Encoding, Framing, Grouping, PlannedRead, PointSpec, Table, WriteFunction, plan,
};

/// The keys and messages of everything wrong, as `point/key: message`.
fn wrong(device: DeviceSpec) -> Vec<String> {
    let errors = plan(device).err().unwrap_or_default();
    let name = |p: &Option<String>| p.clone().map_or(String::new(), |p| p + "/");
    errors.iter().map(|e| format!("{}{}: {}", name(&e.point), e.key, e.message)).collect()
}

#[track_caller]
fn refused(change: impl FnOnce(&mut PointSpec), expected: &str) {
    let mut point = point(0, Table::Holding, 100, Encoding::U16);
    change(&mut point);
    assert_eq!(wrong(device(Framing::Tcp, vec![point])), [expected]);
}

#[test]
fn a_point_that_can_not_be_read_is_refused_with_its_key() {
    refused(
        |p| (p.address, p.encoding) = (65535, Encoding::U32),
        "p0/address: 65535 and its 2 registers end at 65536",
    );
    refused(|p| p.encoding = Encoding::Bit(None), "p0/bit: a register has 16 bits");
    refused(|p| p.encoding = Encoding::Bit(Some(16)), "p0/bit: a register has no bit 16");
    refused(
        |p| p.encoding = Encoding::Bits(10, 7),
        "p0/bit: 7 bits from bit 10 do not lie in one register",
    );
    refused(
        |p| p.encoding = Encoding::Bits(3, 0),
        "p0/bit: 0 bits from bit 3 do not lie in one register",
    );
    refused(
        |p| p.encoding = Encoding::Bits(255, 255),
        "p0/bit: 255 bits from bit 255 do not lie in one register",
    );
    refused(|p| p.encoding = Encoding::Bcd(0), "p0/length: BCD of 0 registers");
    refused(|p| p.encoding = Encoding::Bcd(5), "p0/length: BCD of 5 registers");
    refused(|p| p.encoding = Encoding::Text(0), "p0/length: text of 0 registers");
    refused(
        |p| (p.table, p.encoding) = (Table::Coil, Encoding::Bit(Some(1))),
        "p0/bit: bit 1 of something that is a single bit",
    );
    refused(|p| p.table = Table::Discrete, "p0/type: a number or text in a table of bits");
    refused(|p| p.period = Duration::ZERO, "p0/period: 0 would never stop reading");
    refused(
        |p| (p.table, p.write) = (Table::Input, WriteFunction::Multiple),
        "p0/write: a write function for a read-only table",
    );
    refused(|p| p.conversion.scale = 0.0, "p0/scale: 0 makes every reading the same");
    refused(|p| p.conversion.scale = f64::NAN, "p0/scale: NaN makes every reading the same");
    refused(|p| p.conversion.offset = f64::INFINITY, "p0/offset: inf is no number");
}

#[test]
fn what_just_fits_is_accepted() {
    let accepted = |table, address, encoding| {
        let d = device(Framing::Tcp, vec![point(0, table, address, encoding)]);
        assert_eq!(wrong(d), [""; 0], "{table:?} {address} {encoding:?}");
    };
    accepted(Table::Holding, 65535, Encoding::U16);
    accepted(Table::Holding, 65532, Encoding::F64);
    accepted(Table::Coil, 65535, Encoding::Bit(None));
    accepted(Table::Holding, 0, Encoding::Bit(Some(15)));
    accepted(Table::Holding, 0, Encoding::Bits(0, 16));
    accepted(Table::Holding, 0, Encoding::Bits(15, 1));
    accepted(Table::Holding, 0, Encoding::Bcd(4));
    accepted(Table::Holding, 0, Encoding::Text(125));
    for table in [Table::Coil, Table::Holding] {
        let encoding = if table == Table::Coil { Encoding::Bit(None) } else { Encoding::U16 };
        let multiple = PointSpec { write: WriteFunction::Multiple, ..point(0, table, 9, encoding) };
        assert_eq!(wrong(device(Framing::Tcp, vec![multiple])), [""; 0]);
    }
}

#[test]
fn a_limit_that_is_wrong_itself_is_told_once_and_not_for_every_point() {
    let mut d = device(Framing::Tcp, registers(0, 2));
    d.grouping.registers_max = 0;
    assert_eq!(wrong(d), ["registers_max: 0 registers in one read"]);
}

#[test]
fn a_device_that_is_only_written_to_by_broadcast_has_no_reads() {
    let mut d = device(Framing::Rtu, registers(0, 2));
    d.unit = 0;
    assert_eq!(plan(d).unwrap().requests(), []);
}

#[test]
fn a_value_wider_than_one_read_would_be_torn() {
    let mut d = device(Framing::Tcp, vec![point(0, Table::Input, 0, Encoding::F64)]);
    d.grouping.registers_max = 3;
    assert_eq!(wrong(d.clone()), ["p0/registers_max: its 4 registers don't fit one read of 3"]);
    d.grouping.registers_max = 4;
    assert_eq!(wrong(d), [""; 0]);
}

#[test]
fn settings_of_the_device_are_checked_too() {
    for unit in 248..=254 {
        let d = DeviceSpec { unit, ..device(Framing::Tcp, vec![]) };
        assert_eq!(wrong(d), [format!("unit: {unit} is reserved")]);
    }
    for unit in [0, 1, 247] {
        assert_eq!(wrong(DeviceSpec { unit, ..device(Framing::Rtu, vec![]) }), [""; 0]);
    }
    let d = |framing| DeviceSpec { unit: 255, ..device(framing, vec![]) };
    assert_eq!(wrong(d(Framing::Tcp)), [""; 0]);
    assert_eq!(wrong(d(Framing::Rtu)), ["unit: 255 is for Modbus TCP only"]);
    let mut d = device(Framing::Tcp, vec![]);
    d.grouping = Grouping { registers_max: 126, bits_max: 2001, gap_max: 0 };
    d.timing.response_timeout = Duration::ZERO;
    assert_eq!(
        wrong(d),
        [
            "registers_max: 126 registers in one read",
            "bits_max: 2001 bits in one read",
            "response_timeout: no time to answer"
        ]
    );
}

#[test]
fn all_mistakes_are_told_at_once_with_a_hint() {
    let mut d = device(Framing::Tcp, registers(0, 3));
    d.unit = 250;
    d.points[0].period = Duration::ZERO;
    d.points[2].encoding = Encoding::Bit(Some(99));
    let errors = plan(d).unwrap_err();
    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "unit: 250 is reserved (units are 1 to 247; 0 is broadcast, 255 a TCP device without \
             units)",
            "`p0`: period: 0 would never stop reading (1 s is usual for a plant)",
            "`p2`: bit: a register has no bit 99 (bits are 0 to 15, 0 the lowest)",
        ]
    );
}

#[test]
fn points_of_one_table_and_period_share_their_requests() {
    let mut points = registers(0, 200);
    points.extend((0..10).map(|i| point(300 + i, Table::Coil, i as u16, Encoding::Bit(None))));
    points.push(point(400, Table::Input, 7, Encoding::F32));
    // The same register twice, and two bits of it.
    points.push(point(401, Table::Holding, 5, Encoding::Bit(Some(1))));
    points.push(point(402, Table::Holding, 5, Encoding::Bit(Some(2))));
    let slow = PointSpec {
        period: Duration::from_secs(60),
        ..point(403, Table::Holding, 6, Encoding::U16)
    };
    points.push(slow);
    let plan = plan(device(Framing::Tcp, points)).unwrap();
    let second = Duration::from_secs(1);
    let read = |table, address, count, points, period| PlannedRead {
        table,
        address,
        count,
        points,
        period,
    };
    assert_eq!(
        plan.requests(),
        [
            read(Table::Coil, 0, 10, 10, second),
            read(Table::Input, 7, 2, 1, second),
            read(Table::Holding, 0, 125, 127, second),
            read(Table::Holding, 125, 75, 75, second),
            read(Table::Holding, 6, 1, 1, 60 * second),
        ]
    );
}
