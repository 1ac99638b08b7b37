//! Frames and their values (CJ/T 188-2004, annex on the data link and the data's forms).
//!
//! `68 | type | address, low byte first | control | length | identifier | serial number | data |
//! sum | 16`, with up to four FE before it. Numbers are BCD, low byte first.

use super::{Address, Field, IdentifierOrder, MeterKind, UnitPosition};
use std::sync::Arc;
use wellhead_driver::{Raw, Step};
use wellhead_model::{Reason, Unit};

/// Bytes of the longest request with its leading FE.
pub const REQUEST_LEN_MAX: usize = 20;
/// Bytes of the longest reply, with leading FE.
pub const REPLY_LEN_MAX: usize = 64;

const READ: u8 = 0x01;
const READ_ADDRESS: u8 = 0x03;
/// Set in what a meter sends.
const FROM_METER: u8 = 0x80;
/// Set in a meter's refusal.
const REFUSAL: u8 = 0x40;
const METERING_DATA: u16 = 0x901F;
const ADDRESS: u16 = 0x810A;
/// Stands for any type in a request.
const ANY_KIND: u8 = 0xAA;

/// One request, and what makes its reply known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    kind: u8,
    address: Address,
    control: u8,
    identifier: [u8; 2],
    /// Comes back in the reply.
    serial: u8,
}

impl Request {
    /// Asks for the meter's present data.
    pub fn read(kind: MeterKind, address: Address, order: IdentifierOrder, serial: u8) -> Self {
        let identifier = ordered(METERING_DATA, order);
        Self { kind: kind.code(), address, control: READ, identifier, serial }
    }

    /// Asks the only meter on a line for its address and type.
    pub fn read_address(order: IdentifierOrder, serial: u8) -> Self {
        let identifier = ordered(ADDRESS, order);
        Self { kind: ANY_KIND, address: Address::ANY, control: READ_ADDRESS, identifier, serial }
    }

    /// Puts the frame, behind `preamble` bytes of FE.
    pub fn put(&self, preamble: u8, out: &mut Vec<u8>) {
        out.clear();
        out.extend(std::iter::repeat_n(0xFE, usize::from(preamble.min(4))));
        let start = out.len();
        out.extend([0x68, self.kind]);
        out.extend(self.address.0.iter().rev());
        out.extend([self.control, 3]);
        out.extend(self.identifier);
        out.push(self.serial);
        let check = sum(&out[start..]);
        out.extend([check, 0x16]);
    }

    /// Finds the reply among the bytes received. The request's own echo is passed over.
    pub fn step(&self, bytes: &[u8]) -> Step {
        let [0x68, rest @ ..] = bytes else {
            return if bytes.is_empty() { Step::Need } else { Step::Skip(1) };
        };
        let Some(len) = rest.get(9) else { return Step::Need };
        let end = 11 + usize::from(*len);
        let Some(tail) = bytes.get(end..end + 2) else { return Step::Need };
        if tail != [sum(&bytes[..end]), 0x16] {
            return Step::Broken("wrong checksum");
        }
        let (kind, control, data) = (bytes[1], bytes[9], &bytes[11..end]);
        if control & FROM_METER == 0 {
            return Step::Skip(end + 2);
        }
        if control & !REFUSAL != self.control | FROM_METER {
            return Step::Broken("a reply of another kind");
        }
        if self.kind != ANY_KIND && self.kind != kind {
            return Step::Broken("the reply is from another type of meter");
        }
        if self.address != Address::ANY && self.address != address(bytes) {
            return Step::Broken("the reply is from another meter");
        }
        match (control & REFUSAL, data) {
            (0, [d0, d1, serial, ..]) => {
                if [*d0, *d1] != self.identifier {
                    return Step::Broken("another data identifier; see `identifier`");
                }
                if *serial != self.serial {
                    return Step::Broken("the reply belongs to another request");
                }
            }
            (0, _) => return Step::Broken("a reply without data"),
            _ => {}
        }
        Step::Reply(end + 2)
    }
}

fn ordered(identifier: u16, order: IdentifierOrder) -> [u8; 2] {
    match order {
        IdentifierOrder::LowFirst => identifier.to_le_bytes(),
        IdentifierOrder::HighFirst => identifier.to_be_bytes(),
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, b| sum.wrapping_add(*b))
}

/// The address in a frame; of a shorter one, its missing bytes are 0.
fn address(frame: &[u8]) -> Address {
    let mut address = [0; 7];
    for (to, from) in address.iter_mut().rev().zip(frame.iter().skip(2)) {
        *to = *from;
    }
    Address(address)
}

/// What a reply that [`Request::step`] found says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'f> {
    /// The data behind identifier and serial number.
    Data {
        /// Who answered.
        address: Address,
        /// Its type, on the wire.
        kind: u8,
        /// What it says.
        data: &'f [u8],
    },
    /// The meter won't; its status, low byte.
    Refused(u8),
}

/// Takes a reply apart.
pub fn reply(frame: &[u8]) -> Option<Reply<'_>> {
    let control = *frame.get(9)?;
    let data = frame.get(11..frame.len().checked_sub(2)?)?;
    if control & REFUSAL != 0 {
        return Some(Reply::Refused(data.get(1).copied().unwrap_or(0)));
    }
    Some(Reply::Data { address: address(frame), kind: *frame.get(1)?, data: data.get(3..)? })
}

/// A meter's data, of a length that fits its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metering<'f> {
    kind: MeterKind,
    unit: UnitPosition,
    data: &'f [u8],
}

/// Where a field lies and how many decimals it has.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// Four bytes of BCD and a unit.
    WithUnit {
        at: usize,
        decimals: i32,
    },
    /// Three bytes of BCD.
    Bare {
        at: usize,
        decimals: i32,
        unit: &'static str,
    },
    Time {
        at: usize,
    },
    Status {
        at: usize,
    },
}

/// Bytes of data behind identifier and serial number that a kind of meter tells.
pub(super) fn data_len(kind: MeterKind) -> usize {
    match kind {
        MeterKind::Volume(_) => 19,
        MeterKind::Heat(_) => 43,
    }
}

impl<'f> Metering<'f> {
    /// `None` if the length is not that of this kind of meter.
    pub fn new(kind: MeterKind, unit: UnitPosition, data: &'f [u8]) -> Option<Self> {
        (data.len() == data_len(kind)).then_some(Self { kind, unit, data })
    }

    /// A field's value in its unit, or why there is none: no such field at this kind of meter
    /// (`IllegalAddress`), no sensor, or not decodable.
    pub fn field(&self, field: Field) -> (Result<Raw, Reason>, Option<Unit>) {
        let Some(form) = form(self.kind, field) else { return (Err(Reason::IllegalAddress), None) };
        match form {
            Form::WithUnit { at, decimals } => {
                let part = &self.data[at..at + 5];
                let (code, digits) = match self.unit {
                    UnitPosition::AfterValue => (part[4], &part[..4]),
                    UnitPosition::BeforeValue => (part[0], &part[1..]),
                };
                let Some((symbol, times)) = unit(code) else {
                    return (Err(Reason::Undecodable), None);
                };
                let unit = Unit::parse(symbol).ok();
                if unit.map(Unit::dimension) != field.dimension() {
                    return (Err(Reason::Undecodable), None);
                }
                (number(digits, decimals).map(|n| Raw::Float(n * times)), unit)
            }
            Form::Bare { at, decimals, unit } => {
                let number = number(&self.data[at..at + 3], decimals);
                (number.map(Raw::Float), Unit::parse(unit).ok())
            }
            Form::Time { at } => {
                let text = time(&self.data[at..at + 7]).ok_or(Reason::Undecodable);
                (text.map(Raw::Text), None)
            }
            Form::Status { at } => {
                let bits = u16::from_le_bytes([self.data[at], self.data[at + 1]]);
                (Ok(Raw::UInt(u64::from(bits))), None)
            }
        }
    }

    /// Whether the meter says that its battery is low.
    pub fn battery_low(&self) -> bool {
        self.data[self.data.len() - 2] & 0x04 != 0
    }
}

fn form(kind: MeterKind, field: Field) -> Option<Form> {
    let with_unit = |at, decimals| Form::WithUnit { at, decimals };
    Some(match (kind, field) {
        (MeterKind::Volume(_), Field::Volume) => with_unit(0, 2),
        (MeterKind::Volume(_), Field::SettledVolume) => with_unit(5, 2),
        (MeterKind::Volume(_), Field::Time) => Form::Time { at: 10 },
        (MeterKind::Volume(_), Field::Status) => Form::Status { at: 17 },
        (MeterKind::Heat(_), Field::SettledHeat) => with_unit(0, 2),
        (MeterKind::Heat(_), Field::Heat) => with_unit(5, 2),
        (MeterKind::Heat(_), Field::Power) => with_unit(10, 2),
        (MeterKind::Heat(_), Field::Flow) => with_unit(15, 4),
        (MeterKind::Heat(_), Field::Volume) => with_unit(20, 2),
        (MeterKind::Heat(_), Field::SupplyTemperature) => {
            Form::Bare { at: 25, decimals: 2, unit: "°C" }
        }
        (MeterKind::Heat(_), Field::ReturnTemperature) => {
            Form::Bare { at: 28, decimals: 2, unit: "°C" }
        }
        (MeterKind::Heat(_), Field::Hours) => Form::Bare { at: 31, decimals: 0, unit: "h" },
        (MeterKind::Heat(_), Field::Time) => Form::Time { at: 34 },
        (MeterKind::Heat(_), Field::Status) => Form::Status { at: 41 },
        _ => return None,
    })
}

/// A unit's code: its symbol here, and by how much it is more.
fn unit(code: u8) -> Option<(&'static str, f64)> {
    Some(match code {
        0x01 => ("J", 1.0),
        0x02 => ("Wh", 1.0),
        0x05 => ("kWh", 1.0),
        0x08 => ("MWh", 1.0),
        0x0A => ("MWh", 100.0),
        0x0B => ("kJ", 1.0),
        0x0E => ("MJ", 1.0),
        0x11 => ("GJ", 1.0),
        0x13 => ("GJ", 100.0),
        0x14 => ("W", 1.0),
        0x17 => ("kW", 1.0),
        0x1A => ("MW", 1.0),
        0x29 => ("L", 1.0),
        0x2C => ("m³", 1.0),
        0x32 => ("L/h", 1.0),
        0x35 => ("m³/h", 1.0),
        _ => return None,
    })
}

fn number(digits: &[u8], decimals: i32) -> Result<f64, Reason> {
    // What meters send in place of a sensor that is not there.
    if [0xFF, 0xEE].iter().any(|filler| digits.iter().all(|b| b == filler)) {
        return Err(Reason::NoSensor);
    }
    let number =
        digits.iter().rev().try_fold(0u32, |n, byte| Some(n * 100 + u32::from(bcd(*byte)?)));
    let number = number.ok_or(Reason::Undecodable)?;
    Ok(f64::from(number) / 10f64.powi(decimals))
}

fn bcd(byte: u8) -> Option<u8> {
    let (high, low) = (byte >> 4, byte & 0x0F);
    (high < 10 && low < 10).then_some(high * 10 + low)
}

/// `2026-11-21T23:59:59`, out of seconds to century.
fn time(bytes: &[u8]) -> Option<Arc<str>> {
    let mut parts = [0; 7];
    for (part, byte) in parts.iter_mut().zip(bytes) {
        *part = bcd(*byte)?;
    }
    let [s, m, h, day, month, year, century] = parts;
    let fits = s < 60 && m < 60 && h < 24 && (1..=31).contains(&day) && (1..=12).contains(&month);
    fits.then(|| format!("{century:02}{year:02}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use IdentifierOrder::{HighFirst, LowFirst};
    use UnitPosition::{AfterValue, BeforeValue};
    use proptest::prelude::*;

    const WATER: MeterKind = MeterKind::Volume(0x10);
    const HEAT: MeterKind = MeterKind::Heat(0x20);

    fn bytes(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
    }

    fn sealed(hex: &str) -> Vec<u8> {
        let mut frame = bytes(hex);
        frame.push(sum(&frame));
        frame.push(0x16);
        frame
    }

    fn put(request: &Request, preamble: u8) -> Vec<u8> {
        let mut out = Vec::new();
        request.put(preamble, &mut out);
        out
    }

    fn found(request: &Request, bytes: &[u8]) -> Result<Vec<u8>, Step> {
        let mut at = 0;
        loop {
            match request.step(&bytes[at..]) {
                Step::Skip(n) => at += n,
                Step::Reply(n) => return Ok(bytes[at..at + n].to_vec()),
                other => return Err(other),
            }
        }
    }

    fn values(kind: MeterKind, unit: UnitPosition, frame: &[u8], fields: &[Field]) -> Vec<String> {
        let Some(Reply::Data { data, .. }) = reply(frame) else { panic!("{frame:?}") };
        let metering = Metering::new(kind, unit, data).unwrap();
        let text = |field: &Field| match metering.field(*field) {
            (Ok(Raw::Float(n)), unit) => format!("{n} {}", unit.unwrap()),
            (Ok(Raw::Text(text)), _) => text.to_string(),
            (Ok(Raw::UInt(n)), _) => format!("{n:04X}"),
            other => format!("{other:?}"),
        };
        fields.iter().map(text).collect()
    }

    /// Vector 1: hftangyu.com/563.
    #[test]
    fn a_water_meter_is_asked_with_the_published_bytes() {
        let address = "78330011223344".parse().unwrap();
        let request = Request::read(WATER, address, LowFirst, 0);
        let published = bytes("68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16");
        assert_eq!(put(&request, 0), published);
        assert_eq!(put(&request, 3)[..4], [0xFE, 0xFE, 0xFE, 0x68]);
        assert_eq!(put(&request, 9).len(), REQUEST_LEN_MAX);
    }

    /// Vector 2: the reply as it is printed on many pages, with a sum that is not its own.
    #[test]
    fn the_printed_reply_with_the_wrong_checksum_is_refused() {
        let request = Request::read(WATER, "78330011223344".parse().unwrap(), LowFirst, 0);
        let body = "FE FE FE FE 68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 \
                    55 2C 31 01 22 11 05 15 20 21 84";
        let printed = bytes(&format!("{body} 08 16"));
        assert_eq!(found(&request, &printed), Err(Step::Broken("wrong checksum")));
        let right = found(&request, &bytes(&format!("{body} 13 16"))).unwrap();
        let fields = [Field::Volume, Field::SettledVolume, Field::Time, Field::Status];
        assert_eq!(
            values(WATER, AfterValue, &right, &fields),
            ["556677 m³", "556677 m³", "2015-05-11T22:01:31", "8421"]
        );
    }

    /// Vectors 3 and 4: cnblogs.com/llguanli 8683992, a maker with both switches the other way.
    #[test]
    fn the_maker_with_both_switches_reversed_is_read() {
        let request = Request::read(HEAT, "00000040314132".parse().unwrap(), HighFirst, 1);
        let published = bytes("68 20 32 41 31 40 00 00 00 01 03 90 1F 01 20 16");
        assert_eq!(put(&request, 0), published);
        let answer = bytes(
            "68 20 32 41 31 40 00 00 00 81 2E 90 1F 01 08 02 00 00 00 08 02 00 00 00 17 00 00 00 00 \
             35 00 00 00 00 2C 34 10 00 00 35 25 00 66 25 00 00 00 00 53 00 12 10 07 15 20 00 00 31 16",
        );
        let frame = found(&request, &answer).unwrap();
        let fields = [
            Field::Heat,
            Field::SettledHeat,
            Field::Power,
            Field::Flow,
            Field::Volume,
            Field::SupplyTemperature,
            Field::ReturnTemperature,
            Field::Hours,
            Field::Time,
            Field::Status,
        ];
        assert_eq!(
            values(HEAT, BeforeValue, &frame, &fields),
            [
                "0.02 MWh",
                "0.02 MWh",
                "0 kW",
                "0 m³/h",
                "10.34 m³",
                "25.35 °C",
                "25.66 °C",
                "0 h",
                "2015-07-10T12:00:53",
                "0000"
            ]
        );
        let standard = Request::read(HEAT, "00000040314132".parse().unwrap(), LowFirst, 1);
        assert!(matches!(found(&standard, &answer), Err(Step::Broken(_))), "order is a setting");
        let after = values(HEAT, AfterValue, &frame, &[Field::Heat, Field::Power]);
        assert_eq!(after[0], "(Err(Undecodable), None)", "position is a setting");
    }

    /// Vector 5, in the standard's order.
    #[test]
    fn a_heat_meter_of_the_standard_form_is_read() {
        let request = Request::read(HEAT, "78330011223344".parse().unwrap(), LowFirst, 1);
        let frame = bytes(
            "68 20 44 33 22 11 00 33 78 81 2E 1F 90 01 78 56 34 12 05 90 78 56 34 05 00 50 12 00 17 \
             34 12 00 00 35 56 34 12 00 2C 50 45 00 30 40 00 72 01 00 59 59 23 21 11 26 20 00 00 6D 16",
        );
        let frame = found(&request, &frame).unwrap();
        let fields = [
            Field::SettledHeat,
            Field::Heat,
            Field::Power,
            Field::Flow,
            Field::Volume,
            Field::SupplyTemperature,
            Field::ReturnTemperature,
            Field::Hours,
            Field::Time,
        ];
        assert_eq!(
            values(HEAT, AfterValue, &frame, &fields),
            [
                "123456.78 kWh",
                "345678.9 kWh",
                "1250 kW",
                "0.1234 m³/h",
                "1234.56 m³",
                "45.5 °C",
                "40.3 °C",
                "172 h",
                "2026-11-21T23:59:59"
            ]
        );
        let settled = values(HEAT, AfterValue, &frame, &[Field::SettledVolume]);
        assert_eq!(settled, ["(Err(IllegalAddress), None)"]);
        let Some(Reply::Data { data, .. }) = reply(&frame) else { panic!() };
        assert_eq!(Metering::new(WATER, AfterValue, data), None, "length of another kind");
    }

    #[test]
    fn the_only_meter_of_a_line_tells_its_address() {
        let request = Request::read_address(LowFirst, 0);
        let sent = put(&request, 0);
        assert_eq!(sent[..12], [0x68, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 3, 3, 0x0A]);
        let mut heard = sent.clone();
        heard.extend(sealed("68 20 44 33 22 11 00 33 78 83 03 0A 81 00"));
        let frame = found(&request, &heard).unwrap();
        let address = "78330011223344".parse().unwrap();
        assert_eq!(reply(&frame), Some(Reply::Data { address, kind: 0x20, data: &[] }));
    }

    #[test]
    fn a_reply_to_another_question_is_none() {
        let request = Request::read(WATER, "78330011223344".parse().unwrap(), LowFirst, 7);
        for (hex, why) in [
            ("68 10 45 33 22 11 00 33 78 81 03 1F 90 07", "the reply is from another meter"),
            (
                "68 20 44 33 22 11 00 33 78 81 03 1F 90 07",
                "the reply is from another type of meter",
            ),
            ("68 10 44 33 22 11 00 33 78 81 03 1F 90 06", "the reply belongs to another request"),
            ("68 10 44 33 22 11 00 33 78 81 02 1F 90", "a reply without data"),
            ("68 10 44 33 22 11 00 33 78 83 03 1F 90 07", "a reply of another kind"),
        ] {
            assert_eq!(found(&request, &sealed(hex)), Err(Step::Broken(why)));
        }
        let refusal =
            found(&request, &sealed("68 10 44 33 22 11 00 33 78 C1 03 07 02 00")).unwrap();
        assert_eq!(reply(&refusal), Some(Reply::Refused(2)));
    }

    #[test]
    fn what_is_no_number_is_none() {
        assert_eq!(number(&[0x50, 0x45, 0x00], 2), Ok(45.5));
        assert_eq!(number(&[0xFF, 0xFF, 0xFF], 2), Err(Reason::NoSensor));
        assert_eq!(number(&[0xEE, 0xEE, 0xEE], 2), Err(Reason::NoSensor));
        assert_eq!(number(&[0x5A, 0x45, 0x00], 2), Err(Reason::Undecodable));
        assert_eq!(time(&[0, 0, 0, 0, 0, 0, 0]), None, "no day nought");
        assert_eq!(unit(0x06), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_and_damaged_replies_never_pass(
            noise in proptest::collection::vec(any::<u8>(), 0..80),
            at in 0usize..57,
            bit in 0u8..8,
        ) {
            let request = Request::read(HEAT, "78330011223344".parse().unwrap(), LowFirst, 1);
            let _any = found(&request, &noise);
            if let Some(Reply::Data { data, .. }) = reply(&noise) {
                for kind in [WATER, HEAT] {
                    if let Some(metering) = Metering::new(kind, AfterValue, data) {
                        let _low = metering.battery_low();
                        let _value = metering.field(Field::Heat);
                    }
                }
            }
            let mut frame = vec![0x68, 0x20, 0x44, 0x33, 0x22, 0x11, 0x00, 0x33, 0x78, 0x81, 46];
            frame.extend([0x1F, 0x90, 1]);
            frame.extend([0x11; 43]);
            frame.push(sum(&frame));
            frame.push(0x16);
            prop_assert!(found(&request, &frame).is_ok());
            frame[at] ^= 1 << bit;
            prop_assert!(found(&request, &frame).is_err());
        }
    }
}
