//! The wire both ways: what is written reads back, and any bytes only ever give an error.

use super::service::*;
use super::tag::{Reader, Tag};
use super::*;
use crate::{ObjectId, ObjectType, Property};
use proptest::prelude::*;

fn object(kind: u16, instance: u32) -> ObjectId {
    ObjectId { kind: ObjectType(kind), instance }
}

fn property() -> impl Strategy<Value = Property> {
    (any::<u32>(), proptest::option::of(any::<u32>()))
        .prop_map(|(id, index)| Property { id, index })
}

fn objects() -> impl Strategy<Value = ObjectId> {
    (0u16..1024, 0u32..4_194_304).prop_map(|(kind, instance)| object(kind, instance))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<u64>().prop_map(Value::Unsigned),
        (any::<u64>(), 0..64u32).prop_map(|(n, s)| Value::Unsigned(n >> s)),
        any::<i64>().prop_map(Value::Signed),
        (any::<i64>(), 0..64u32).prop_map(|(n, s)| Value::Signed(n >> s)),
        any::<i32>().prop_map(|n| Value::Real(n as f32)),
        any::<i64>().prop_map(|n| Value::Double(n as f64)),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Value::Octets),
        "[a-zA-Z0-9 回风温度]{0,90}".prop_map(Value::Text),
        proptest::collection::vec(any::<bool>(), 0..40).prop_map(|b| Value::Bits(Bits::new(&b))),
        any::<u32>().prop_map(Value::Enumerated),
        any::<[u8; 4]>().prop_map(Value::Date),
        any::<[u8; 4]>().prop_map(Value::Time),
        objects().prop_map(Value::Object),
    ]
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

proptest! {
    #[test]
    fn a_value_written_reads_back_the_same(value in value()) {
        prop_assert_eq!(Value::only(&value.bytes()), Ok(value));
    }

    #[test]
    fn requests_and_results_read_back_the_same(
        object in objects(),
        property in property(),
        value in value(),
        priority in proptest::option::of(1u8..=16),
        lifetime in proptest::option::of(any::<u32>()),
    ) {
        let value = value.bytes();
        let read = ReadProperty { object, property };
        prop_assert_eq!(ReadProperty::decode(&written(|o| read.encode(o))), Ok(read));
        let ack = ReadPropertyAck { object, property, value: &value };
        let bytes = written(|o| ack.encode(o));
        prop_assert_eq!(ReadPropertyAck::decode(&bytes), Ok(ack));
        let write = WriteProperty { object, property, value: &value, priority };
        let bytes = written(|o| write.encode(o));
        prop_assert_eq!(WriteProperty::decode(&bytes), Ok(write));
        let asked = ReadAccess { object, properties: vec![property, Property::PRESENT_VALUE] };
        let bytes = written(|o| { asked.encode(o); asked.encode(o); });
        prop_assert_eq!(ReadAccess::decode_all(&bytes), Ok(vec![asked.clone(), asked]));
        let results = [
            ReadResult { object, property, value: Ok(&value) },
            ReadResult { object, property, value: Err(Error { class: 2, code: 300 }) },
        ];
        let bytes = written(|o| ReadResult::encode_object(o, object, &results));
        prop_assert_eq!(ReadResult::decode_all(&bytes), Ok(results.to_vec()));
        for property in [None, Some(property)] {
            let increment = property.map(|_| 0.5);
            let cov = SubscribeCov {
                process: 7, object, confirmed: Some(true), lifetime, property, increment,
            };
            prop_assert_eq!(SubscribeCov::decode(&written(|o| cov.encode(o))), Ok(cov));
        }
        let told = CovNotification {
            process: 7, device: 12, object, time_remaining: 60, values: vec![(property, &value)],
        };
        let bytes = written(|o| told.encode(o));
        prop_assert_eq!(CovNotification::decode(&bytes), Ok(told));
    }

    /// Whatever comes, it ends in an error or in a message no longer than what came.
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        anything(&bytes);
    }

    /// Likely bytes: valid messages with some bytes changed or cut.
    #[test]
    fn no_damaged_message_panics(
        values in proptest::collection::vec((objects(), property(), value()), 1..5),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut apdu = vec![0x30, 1, 14];
        for (object, property, value) in values {
            let value = value.bytes();
            let result = ReadResult { object, property, value: Ok(&value) };
            ReadResult::encode_object(&mut apdu, object, &[result]);
        }
        let to = Remote::new(5, &[1]).ok();
        let npdu = written(|o| Packet::apdu(to, false, &apdu).encode(o));
        let mut datagram = written(|o| Frame::Unicast(&npdu).encode(o));
        for (at, byte) in damage {
            let at = at.index(datagram.len());
            datagram[at] = byte;
        }
        anything(&datagram);
        anything(&datagram[..cut.index(datagram.len())]);
        anything(&datagram[cut.index(datagram.len())..]);
    }
}

fn anything(bytes: &[u8]) {
    let _ = Frame::decode(bytes);
    let _ = Packet::decode(bytes);
    let _ = Apdu::decode(bytes);
    everything_a_service_carries(bytes);
    for at in [4, 6, 10, 12, 13] {
        if let Some(rest) = bytes.get(at..) {
            let _ = Packet::decode(rest);
            let _ = Apdu::decode(rest);
            everything_a_service_carries(rest);
        }
    }
}

fn everything_a_service_carries(bytes: &[u8]) {
    let _ = ReadProperty::decode(bytes);
    let _ = ReadPropertyAck::decode(bytes).map(|a| Value::only(a.value));
    let _ = ReadAccess::decode_all(bytes);
    let _ = ReadResult::decode_each(bytes, |r| {
        let _ = r.value.map(Value::only);
        Ok(())
    });
    let _ = WriteProperty::decode(bytes);
    let _ = WriteProperty::decode_all(bytes);
    let _ = SubscribeCov::decode(bytes);
    let _ = CovNotification::decode(bytes);
    let _ = WhoIs::decode(bytes);
    let _ = IAm::decode(bytes);
    let _ = WhoHas::decode(bytes);
    let _ = IHave::decode(bytes);
    let _ = Value::only(bytes);
}

/// Annex F of the standard: ReadProperty of analog input 5, and its answer 72.3.
#[test]
fn the_standards_example_of_read_property_reads() {
    let request = [0x00, 0x00, 0x01, 0x0C, 0x0C, 0x00, 0x00, 0x00, 0x05, 0x19, 0x55];
    let Ok(Apdu::Confirmed { invoke: 1, service: 12, segment: None, max_apdu: 50, data, .. }) =
        Apdu::decode(&request)
    else {
        panic!()
    };
    let wanted = ReadProperty { object: object(0, 5), property: Property::PRESENT_VALUE };
    assert_eq!(ReadProperty::decode(data), Ok(wanted));
    let reply = [
        0x30, 0x01, 0x0C, 0x0C, 0x00, 0x00, 0x00, 0x05, 0x19, 0x55, 0x3E, 0x44, 0x42, 0x90, 0x99,
        0x9A, 0x3F,
    ];
    let Ok(Apdu::ComplexAck { invoke: 1, service: 12, data, .. }) = Apdu::decode(&reply) else {
        panic!()
    };
    let ack = ReadPropertyAck::decode(data).unwrap();
    assert_eq!(ack.object, object(0, 5));
    assert_eq!(Value::only(ack.value), Ok(Value::Real(72.3)));
}

#[test]
fn numbers_take_as_few_bytes_as_the_standard_wants() {
    for (value, bytes) in [
        (Value::Unsigned(0), &[0x21, 0][..]),
        (Value::Unsigned(1 << 33), &[0x25, 5, 2, 0, 0, 0, 0]),
        (Value::Signed(-1), &[0x31, 0xFF]),
        (Value::Signed(128), &[0x32, 0, 0x80]),
        (Value::Signed(-129), &[0x32, 0xFF, 0x7F]),
        (Value::Enumerated(256), &[0x92, 1, 0]),
        (Value::Boolean(true), &[0x11]),
        (Value::Null, &[0]),
    ] {
        assert_eq!(value.bytes(), bytes, "{value:?}");
    }
}

/// bacnet-rs panics on this one, in release too.
#[test]
fn a_number_of_nine_bytes_is_an_error_unless_its_first_is_zero() {
    assert!(Value::only(&[0x25, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    assert_eq!(Value::only(&[0x25, 9, 0, 0, 0, 0, 0, 0, 0, 0, 7]), Ok(Value::Unsigned(7)));
    assert!(Value::only(&[0x20]).is_err(), "no byte at all");
}

#[test]
fn an_error_within_tag_zero_and_a_code_of_two_bytes_read() {
    let error = Error { class: 5, code: 79 };
    assert_eq!(
        Apdu::decode(&[0x50, 9, 1, 0x91, 5, 0x91, 79]),
        Ok(Apdu::Error { invoke: 9, service: 1, error })
    );
    let constructed = [0x50, 9, 30, 0x0E, 0x91, 2, 0x92, 2, 0, 0x0F, 0x19, 1];
    let error = Error { class: 2, code: 512 };
    assert_eq!(Apdu::decode(&constructed), Ok(Apdu::Error { invoke: 9, service: 30, error }));
}

#[test]
fn a_thousand_nested_values_are_passed_over_without_recursion() {
    let mut bytes = vec![0x3E; 1000];
    bytes.extend(vec![0x3F; 1000]);
    assert!(Value::only(&bytes).is_ok_and(|v| matches!(v, Value::Other(b) if b.len() == 2000)));
    assert!(Value::only(&bytes[..1999]).is_err());
    assert!(Reader::new(&[0x3F]).skip().is_err());
}

#[test]
fn a_length_beyond_the_end_is_an_error_before_anything_is_taken() {
    for bytes in [&[0x65, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1][..], &[0x65, 0xFE, 1, 0], &[0x44, 0]] {
        assert!(Reader::new(bytes).peek().is_err(), "{bytes:x?}");
    }
    assert_eq!(Reader::new(&[0xF9, 200, 7]).peek(), Ok(Some(Tag::Context { number: 200, len: 1 })));
}

#[test]
fn packets_carry_routes_both_ways() {
    let to = Remote::new(5, &[0x0A]).ok();
    let from = Remote::new(7, &[1, 2, 3, 4, 0xBA, 0xC0]).ok();
    for content in [
        Content::Apdu(&[0x10, 8]),
        Content::WhoIsRouter(Some(5)),
        Content::WhoIsRouter(None),
        Content::IAmRouter(vec![5, 6]),
        Content::Reject { reason: 1, network: 5 },
    ] {
        let packet = Packet { to, from, expects_reply: true, content };
        assert_eq!(Packet::decode(&written(|o| packet.encode(o))).as_ref(), Ok(&packet));
    }
    assert!(Remote::new(5, &[0; 8]).is_err());
    let broadcast_sender = [1, 0x08, 0, 5, 0, 0x10, 8];
    assert!(Packet::decode(&broadcast_sender).is_err(), "nobody is a broadcast");
}

#[test]
fn frames_with_a_wrong_length_are_none() {
    let by = "10.0.0.9:47808".parse().unwrap();
    for frame in [
        Frame::Unicast(&[1, 0]),
        Frame::Broadcast(&[1, 0]),
        Frame::Distribute(&[1, 0]),
        Frame::Forwarded(by, &[1, 0]),
        Frame::Result(0x30),
        Frame::Register(300),
    ] {
        let bytes = written(|o| frame.encode(o));
        assert_eq!(Frame::decode(&bytes), Ok(frame.clone()));
        let mut long = bytes.clone();
        long.push(0);
        assert!(Frame::decode(&long).is_err());
        assert!(Frame::decode(&bytes[..bytes.len() - 1]).is_err());
    }
}
