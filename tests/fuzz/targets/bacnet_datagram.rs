//! Any datagram on a BACnet port: each layer either refuses it or reads something that, written
//! again, reads the same.
//!
//! Input: which layer it begins at (0: BVLC, 1: NPDU, 2: APDU, else: the service of this number),
//! then the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;
use wellhead_bacnet::wire::service::{
    CovNotification, IAm, IHave, ReadAccess, ReadProperty, ReadPropertyAck, ReadResult,
    SubscribeCov, WhoHas, WhoIs, WriteProperty,
};
use wellhead_bacnet::wire::{Apdu, Content, Frame, Packet, Value};

fuzz_target!(|input: &[u8]| {
    let Some((&layer, bytes)) = input.split_first() else { return };
    match layer {
        0 => frame(bytes),
        1 => packet(bytes),
        2 => apdu(bytes),
        service => parameters(service, bytes),
    }
});

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

fn same<T: PartialEq + Debug, E: Debug>(read: T, again: Result<T, E>) {
    assert_eq!(Some(&read), again.as_ref().ok(), "written and read again: {again:?}");
}

fn frame(bytes: &[u8]) {
    let Ok(frame) = Frame::decode(bytes) else { return };
    // Other management messages are read as their number and never sent.
    if !matches!(frame, Frame::Management(_)) {
        let out = written(|o| frame.encode(o));
        assert!(out.len() <= bytes.len());
        same(frame.clone(), Frame::decode(&out).map_err(|e| e.0));
    }
    match frame {
        Frame::Unicast(npdu)
        | Frame::Broadcast(npdu)
        | Frame::Distribute(npdu)
        | Frame::Forwarded(_, npdu) => packet(npdu),
        Frame::Result(_) | Frame::Register(_) | Frame::Management(_) => {}
    }
}

fn packet(bytes: &[u8]) {
    let Ok(packet) = Packet::decode(bytes) else { return };
    let out = written(|o| packet.encode(o));
    same(packet.clone(), Packet::decode(&out));
    if let Content::Apdu(bytes) = packet.content {
        apdu(bytes);
    }
}

fn apdu(bytes: &[u8]) {
    let Ok(apdu) = Apdu::decode(bytes) else { return };
    let out = written(|o| apdu.encode(o));
    same(apdu.clone(), Apdu::decode(&out));
    match apdu {
        Apdu::Confirmed { service, data, .. }
        | Apdu::Unconfirmed { service, data }
        | Apdu::ComplexAck { service, data, .. } => parameters(service, data),
        _ => {}
    }
}

/// Requests and results alike: which of them a number means does not matter here.
fn parameters(service: u8, bytes: &[u8]) {
    value(bytes);
    if let Ok(read) = ReadProperty::decode(bytes) {
        same(read, ReadProperty::decode(&written(|o| read.encode(o))));
    }
    if let Ok(ack) = ReadPropertyAck::decode(bytes) {
        value(ack.value);
        let out = written(|o| ack.encode(o));
        same(ack.clone(), ReadPropertyAck::decode(&out));
    }
    if let Ok(all) = ReadAccess::decode_all(bytes) {
        let out = written(|o| all.iter().for_each(|a| a.encode(o)));
        same(all.clone(), ReadAccess::decode_all(&out));
    }
    if let Ok(all) = ReadResult::decode_all(bytes) {
        all.iter().filter_map(|r| r.value.ok()).for_each(value);
        let out = written(|o| {
            all.iter().for_each(|r| ReadResult::encode_object(o, r.object, &[r.clone()]));
        });
        same(all.clone(), ReadResult::decode_all(&out));
    }
    if let Ok(write) = WriteProperty::decode(bytes) {
        value(write.value);
        let out = written(|o| write.encode(o));
        same(write.clone(), WriteProperty::decode(&out));
    }
    let _ = WriteProperty::decode_all(bytes);
    if let Ok(cov) = SubscribeCov::decode(bytes) {
        let out = written(|o| cov.encode(o));
        let again = SubscribeCov::decode(&out).map(|c| written(|o| c.encode(o)));
        assert_eq!(again.as_deref(), Ok(&out[..]), "a NaN equals itself only in bytes");
    }
    if let Ok(told) = CovNotification::decode(bytes) {
        told.values.iter().for_each(|(_, v)| value(v));
        let out = written(|o| told.encode(o));
        same(told.clone(), CovNotification::decode(&out));
    }
    match service {
        0 => drop(IAm::decode(bytes).map(|i| same(i, IAm::decode(&written(|o| i.encode(o)))))),
        1 => drop(
            IHave::decode(bytes).map(|i| same(i.clone(), IHave::decode(&written(|o| i.encode(o))))),
        ),
        7 => drop(
            WhoHas::decode(bytes).map(|w| same(w.clone(), WhoHas::decode(&written(|o| w.encode(o))))),
        ),
        8 => drop(WhoIs::decode(bytes).map(|w| same(w, WhoIs::decode(&written(|o| w.encode(o)))))),
        _ => {}
    }
}

fn value(content: &[u8]) {
    if let Ok(value) = Value::only(content) {
        let bytes = value.bytes();
        // NaN does not equal itself, its bytes do.
        assert_eq!(Value::only(&bytes).map(|v| v.bytes()).as_deref(), Ok(&bytes[..]));
    }
}
