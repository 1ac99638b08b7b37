//! The client against devices, routers and a BBMD in this process that misbehave on command.

use super::*;
use crate::objects::object_list;
use crate::testing::{Device, HASTY, PATIENT, client, datagram, encode, i_am, object, plain};
use crate::wire::service::{ReadProperty, ReadPropertyAck, confirmed, property, unconfirmed};
use crate::wire::{Content, Segment, Value, abort_reason};
use crate::{DeviceAddress, ObjectId, ObjectType, Property, Registration};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;

const GUARD: Duration = Duration::from_secs(20);
const INSTANCE: u32 = 12;

/// Waits until `ask` has something.
async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..4000 {
        if let Some(answer) = ask() {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never happened: {what}");
}

fn me(client: &Client) -> SocketAddrV4 {
    match client.local_address() {
        Some(SocketAddr::V4(address)) => address,
        other => panic!("{other:?}"),
    }
}

fn code(client: &Client, device: u32) -> Option<&'static str> {
    let mut notices = Vec::new();
    client.take_notices(device, &mut notices);
    notices.first().map(|n| n.code)
}

/// A socket for whatever a test makes up.
async fn socket() -> (UdpSocket, SocketAddrV4) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let SocketAddr::V4(address) = socket.local_addr().unwrap() else { panic!() };
    (socket, address)
}

async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddrV4) {
    let mut buf = [0; 1600];
    let (n, SocketAddr::V4(from)) =
        tokio::time::timeout(GUARD, socket.recv_from(&mut buf)).await.unwrap().unwrap()
    else {
        panic!()
    };
    (buf[..n].to_vec(), from)
}

#[tokio::test]
async fn a_reply_from_another_peer_is_not_taken() {
    let device = Device::start(INSTANCE).await;
    let liar = Device::start(INSTANCE).await;
    device.put("analog-input:1", Value::Real(1.0));
    let client = client(device.address).await;
    let (told, mut asked) = tokio::sync::mpsc::unbounded_channel();
    device.twist(move |_, apdu| {
        let Apdu::Confirmed { invoke, .. } = apdu else { return None };
        told.send(*invoke).unwrap();
        Some(Vec::new())
    });
    let reading = {
        let (client, peer) = (client.clone(), device.peer());
        tokio::spawn(async move {
            client.read(peer, &PATIENT, object("analog-input:1"), Property::PRESENT_VALUE).await
        })
    };
    let invoke = asked.recv().await.unwrap();
    let answer = |value: f32, property| {
        let (mut data, value) = (Vec::new(), Value::Real(value).bytes());
        let object = object("analog-input:1");
        ReadPropertyAck { object, property, value: &value }.encode(&mut data);
        encode(&Apdu::ComplexAck { invoke, service: 12, segment: None, data: &data })
    };
    let strays = client.counts().strays;
    liar.send(me(&client), &answer(66.0, Property::PRESENT_VALUE)).await;
    // The same address, but as if from behind a router.
    let behind = datagram(Remote::new(5, &[1]).ok(), &answer(77.0, Property::PRESENT_VALUE));
    device.send_datagram(me(&client), &behind).await;
    until("both are seen", || (client.counts().strays == strays + 2).then_some(())).await;
    device.send(me(&client), &answer(1.0, Property::PRESENT_VALUE)).await;
    assert_eq!(reading.await.unwrap(), Ok(Value::Real(1.0)));
}

#[tokio::test]
async fn a_late_reply_never_answers_a_later_request() {
    let device = Device::start(INSTANCE).await;
    for n in 1..=2 {
        device.put(&format!("analog-input:{n}"), Value::Real(n as f32));
    }
    let client = client(device.address).await;
    let kept: Arc<std::sync::Mutex<Vec<u8>>> = Arc::default();
    let keeps = kept.clone();
    device.twist(move |model, apdu| {
        let Apdu::Confirmed { invoke, data, .. } = apdu else { return None };
        let asked = ReadProperty::decode(data).unwrap();
        if asked.object != object("analog-input:1") {
            return None;
        }
        let value = model.values[&(asked.object, asked.property)].bytes();
        let mut data = Vec::new();
        ReadPropertyAck { object: asked.object, property: asked.property, value: &value }
            .encode(&mut data);
        *keeps.lock().unwrap() =
            encode(&Apdu::ComplexAck { invoke: *invoke, service: 12, segment: None, data: &data });
        Some(Vec::new())
    });
    let read = |name: &str, timing| {
        let (client, peer, object) = (client.clone(), device.peer(), object(name));
        async move { client.read(peer, &timing, object, Property::PRESENT_VALUE).await }
    };
    let first = read("analog-input:1", HASTY).await;
    assert_eq!(first, Err(Failure::NoReply(HASTY.response_timeout)));
    let late = kept.lock().unwrap().clone();
    let strays = client.counts().strays;
    device.send(me(&client), &late).await;
    until("it is a stray", || (client.counts().strays > strays).then_some(())).await;
    // Even if a device reuses the number for its answer, it names another object.
    device.twist(move |_, apdu| {
        let Apdu::Confirmed { invoke, .. } = apdu else { return None };
        let mut reused = late.clone();
        reused[1] = *invoke;
        Some(vec![reused])
    });
    let second = read("analog-input:2", PATIENT).await;
    assert_eq!(second, Err(Failure::BadReply("the value of another property")));
}

fn segments(invoke: u8, service: u8, data: &[u8], size: usize, window: u8) -> Vec<Vec<u8>> {
    let count = data.len().div_ceil(size);
    let one = |(n, part): (usize, &[u8])| {
        let segment = Some(Segment { number: n as u8, window, more: n + 1 < count });
        encode(&Apdu::ComplexAck { invoke, service, segment, data: part })
    };
    data.chunks(size).enumerate().map(one).collect()
}

/// A device that answers `object-list` in segments, as many as `sends` of them, and elements of
/// it too if `by_index`. It fills its first window at once.
async fn with_list(length: u32, sends: usize, by_index: bool) -> Device {
    let device = Device::start(INSTANCE).await;
    let there = ObjectId { kind: ObjectType::DEVICE, instance: INSTANCE };
    let list = |index| Property { id: property::OBJECT_LIST, index };
    let mut all = Vec::new();
    {
        let mut model = device.model();
        model.values.insert((there, plain(property::SEGMENTATION_SUPPORTED)), Value::Enumerated(0));
        model.values.insert((there, list(Some(0))), Value::Unsigned(u64::from(length)));
        for i in 1..=length {
            let object = ObjectId { kind: ObjectType(2), instance: i };
            Value::Object(object).write(&mut all);
            if by_index {
                model.values.insert((there, list(Some(i))), Value::Object(object));
            }
        }
    }
    let mut result = Vec::new();
    ReadPropertyAck { object: there, property: list(None), value: &all }.encode(&mut result);
    let mut waiting: Vec<Vec<u8>> = Vec::new();
    device.twist(move |_, apdu| match apdu {
        Apdu::Confirmed { invoke, service: 12, data, .. } => {
            if ReadProperty::decode(data).unwrap().property != list(None) {
                return None;
            }
            waiting = segments(*invoke, 12, &result, 400, 4);
            waiting.truncate(sends);
            let first = waiting.len().min(4);
            Some(waiting.drain(..first).collect())
        }
        Apdu::SegmentAck { number, window, .. } => {
            // What it acknowledges of the first window moves nothing on.
            let moved = *number >= 3;
            let n = waiting.len().min(usize::from(*window));
            Some(if moved { waiting.drain(..n).collect() } else { Vec::new() })
        }
        _ => None,
    });
    device
}

#[tokio::test]
async fn a_segmented_answer_that_stops_half_way_is_an_error_and_no_half_list() {
    let device = with_list(616, 5, true).await;
    let client = client(device.address).await;
    let there = ObjectId { kind: ObjectType::DEVICE, instance: INSTANCE };
    let list = plain(property::OBJECT_LIST);
    let read = client.read_raw(device.peer(), &PATIENT, there, list).await;
    assert_eq!(read, Err(Failure::BadReply("a segmented reply that stopped half way")));
}

#[tokio::test]
async fn a_list_of_616_arrives_whole_or_by_index_or_as_an_error() {
    for (sends, by_index, arrives) in [(100, false, true), (5, true, true), (5, false, false)] {
        let device = with_list(616, sends, by_index).await;
        let client = client(device.address).await;
        let list = object_list(&client, device.peer(), &PATIENT, INSTANCE).await;
        match list {
            Ok(list) => {
                let wanted = (1..=616).map(|instance| ObjectId { kind: ObjectType(2), instance });
                assert!(arrives && list == wanted.collect::<Vec<_>>(), "{} of 616", list.len());
            }
            Err(failure) => assert!(!arrives, "{failure}"),
        }
    }
}

#[tokio::test]
async fn a_list_that_is_shorter_than_its_length_is_read_by_index() {
    let device = with_list(616, 100, true).await;
    let client = client(device.address).await;
    let there = ObjectId { kind: ObjectType::DEVICE, instance: INSTANCE };
    // As bacnet-rs makes of it: one answer with the first 291.
    device.twist(move |_, apdu| {
        let Apdu::Confirmed { invoke, service: 12, data, .. } = apdu else { return None };
        let asked = ReadProperty::decode(data).unwrap();
        if asked.property != plain(property::OBJECT_LIST) {
            return None;
        }
        let (mut all, mut data) = (Vec::new(), Vec::new());
        for instance in 1..=291 {
            Value::Object(ObjectId { kind: ObjectType(2), instance }).write(&mut all);
        }
        ReadPropertyAck { object: there, property: asked.property, value: &all }.encode(&mut data);
        Some(vec![encode(&Apdu::ComplexAck {
            invoke: *invoke,
            service: 12,
            segment: None,
            data: &data,
        })])
    });
    let list = object_list(&client, device.peer(), &PATIENT, INSTANCE).await.unwrap();
    assert_eq!(list.len(), 616);
}

#[tokio::test]
async fn an_abort_is_told_as_what_it_is() {
    let device = Device::start(INSTANCE).await;
    device.twist(|_, apdu| {
        let Apdu::Confirmed { invoke, .. } = apdu else { return None };
        let reason = abort_reason::SEGMENTATION_NOT_SUPPORTED;
        Some(vec![encode(&Apdu::Abort { server: true, invoke: *invoke, reason })])
    });
    let client = client(device.address).await;
    let read =
        client.read(device.peer(), &PATIENT, object("analog-input:1"), Property::PRESENT_VALUE);
    let failure = read.await.unwrap_err();
    assert!(failure.is_too_much());
    assert_eq!(failure.to_string(), "aborted: segmentation not supported (4)");
}

#[tokio::test]
async fn a_device_that_moved_is_followed_only_after_both_addresses_were_asked() {
    let old = Device::start(INSTANCE).await;
    let client = client(old.address).await;
    assert_eq!(client.locate(INSTANCE, None, &PATIENT).await, Ok(old.peer()));
    // Somebody says it is the device but does not answer as it.
    let liar = Device::start(99).await;
    liar.send(me(&client), &i_am(INSTANCE)).await;
    until("the check has asked", || (!liar.model().asked.is_empty()).then_some(())).await;
    assert_eq!(client.known(INSTANCE).unwrap().peer, old.peer());
    // It really moves.
    old.model().dead = true;
    let new = Device::start(INSTANCE).await;
    let moved = || (client.known(INSTANCE).unwrap().peer == new.peer()).then_some(());
    for _ in 0..20 {
        new.send(me(&client), &new.i_am()).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        if moved().is_some() {
            break;
        }
    }
    until("it is followed", moved).await;
    assert_eq!(code(&client, INSTANCE), Some("device_moved"));
}

#[tokio::test]
async fn two_devices_of_one_instance_are_told_and_the_first_is_kept() {
    let first = Device::start(INSTANCE).await;
    let second = Device::start(INSTANCE).await;
    let client = client(first.address).await;
    client.locate(INSTANCE, None, &PATIENT).await.unwrap();
    second.send(me(&client), &second.i_am()).await;
    let told = until("it is told", || code(&client, INSTANCE)).await;
    assert_eq!(told, "duplicate_instance");
    assert_eq!(client.known(INSTANCE).unwrap().peer, first.peer());
    let asked = second.model().asked.len();
    second.send(me(&client), &second.i_am()).await;
    let read = client.is_device(second.peer(), INSTANCE, &PATIENT).await;
    assert!(read && second.model().asked.len() == asked + 1, "not checked and told again");
}

#[tokio::test]
async fn a_fixed_address_is_never_left() {
    let configured = Device::start(INSTANCE).await;
    configured.model().dead = true;
    let elsewhere = Device::start(INSTANCE).await;
    let client = client(configured.address).await;
    let fixed = DeviceAddress::Ip(configured.address);
    assert_eq!(client.locate(INSTANCE, Some(&fixed), &HASTY).await, Ok(configured.peer()));
    elsewhere.send(me(&client), &elsewhere.i_am()).await;
    let told = until("it is told", || code(&client, INSTANCE)).await;
    assert_eq!(told, "device_elsewhere");
    assert_eq!(client.known(INSTANCE).unwrap().peer, configured.peer());
}

fn network_message(content: Content<'_>) -> Vec<u8> {
    let (mut npdu, mut out) = (Vec::new(), Vec::new());
    Packet { to: None, from: None, expects_reply: false, content }.encode(&mut npdu);
    Frame::Unicast(&npdu).encode(&mut out);
    out
}

#[tokio::test]
async fn a_device_behind_a_router_is_reached_and_its_routers_refusal_is_no_wait() {
    let (router, address) = socket().await;
    let client = client(address).await;
    let there = DeviceAddress::Routed { network: 5, mac: vec![0x0A], router: None };
    let located = {
        let (client, there) = (client.clone(), there.clone());
        tokio::spawn(async move { client.locate(INSTANCE, Some(&there), &PATIENT).await })
    };
    let (bytes, from) = receive(&router).await;
    let Ok(Frame::Broadcast(npdu)) = Frame::decode(&bytes) else { panic!() };
    assert_eq!(Packet::decode(npdu).unwrap().content, Content::WhoIsRouter(Some(5)));
    router.send_to(&network_message(Content::IAmRouter(vec![4, 5])), from).await.unwrap();
    let remote = Remote::new(5, &[0x0A]).ok();
    let peer = located.await.unwrap().unwrap();
    assert_eq!(peer, Peer { via: address, remote });

    let read = || {
        let client = client.clone();
        let object = object("analog-input:1");
        tokio::spawn(
            async move { client.read(peer, &PATIENT, object, Property::PRESENT_VALUE).await },
        )
    };
    let reading = read();
    let (bytes, from) = receive(&router).await;
    let Ok(Frame::Unicast(npdu)) = Frame::decode(&bytes) else { panic!() };
    let packet = Packet::decode(npdu).unwrap();
    assert_eq!((packet.to, packet.expects_reply), (remote, true));
    let Content::Apdu(apdu) = packet.content else { panic!() };
    let Ok(Apdu::Confirmed { invoke, .. }) = Apdu::decode(apdu) else { panic!() };
    let (mut data, value) = (Vec::new(), Value::Real(1.5).bytes());
    let (object, property) = (object("analog-input:1"), Property::PRESENT_VALUE);
    ReadPropertyAck { object, property, value: &value }.encode(&mut data);
    let ack = encode(&Apdu::ComplexAck { invoke, service: 12, segment: None, data: &data });
    router.send_to(&datagram(remote, &ack), from).await.unwrap();
    assert_eq!(reading.await.unwrap(), Ok(Value::Real(1.5)));

    // Well within the time-out, which is this test's guard.
    let reading = tokio::time::timeout(GUARD / 2, read());
    let (_, from) = receive(&router).await;
    let reject = network_message(Content::Reject { reason: 1, network: 5 });
    router.send_to(&reject, from).await.unwrap();
    let failure = reading.await.expect("no wait").unwrap().unwrap_err();
    assert!(matches!(&failure, Failure::Unreachable(w) if w.contains("no route")), "{failure}");
    // The route is asked for again.
    let again = client.clone();
    tokio::spawn(async move { again.locate(INSTANCE, Some(&there), &HASTY).await });
    let (bytes, _) = receive(&router).await;
    let Ok(Frame::Broadcast(npdu)) = Frame::decode(&bytes) else { panic!() };
    assert_eq!(Packet::decode(npdu).unwrap().content, Content::WhoIsRouter(Some(5)));
}

/// A BBMD, and a client that registers there for so many seconds.
async fn foreign(seconds: u64) -> (UdpSocket, Arc<Client>) {
    let (bbmd, address) = socket().await;
    let registration = Registration { bbmd: address, ttl: Duration::from_secs(seconds) };
    let bind = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let broadcast = Ipv4Addr::LOCALHOST;
    let client = Client::open(PortConfig { bind, broadcast, foreign: Some(registration) });
    (bbmd, client)
}

fn result(code: u16) -> Vec<u8> {
    let mut out = Vec::new();
    Frame::Result(code).encode(&mut out);
    out
}

#[tokio::test]
async fn a_foreign_device_renews_its_registration() {
    let (bbmd, client) = foreign(2).await;
    for _ in 0..3 {
        let (bytes, from) = receive(&bbmd).await;
        assert_eq!(Frame::decode(&bytes), Ok(Frame::Register(2)));
        bbmd.send_to(&result(0), from).await.unwrap();
        until("it is registered", || client.is_registered().then_some(())).await;
    }
}

#[tokio::test]
async fn a_foreign_device_hears_by_its_bbmd_and_registers_again_when_it_was_forgotten() {
    let (bbmd, client) = foreign(3600).await;
    let (bytes, from) = receive(&bbmd).await;
    assert_eq!(Frame::decode(&bytes), Ok(Frame::Register(3600)));
    bbmd.send_to(&result(0), from).await.unwrap();
    until("it is registered", || client.is_registered().then_some(())).await;
    let heard = client.clone();
    let asking = tokio::spawn(async move { heard.who_is(None, None, GUARD / 5).await.unwrap() });
    let (bytes, _) = receive(&bbmd).await;
    let Ok(Frame::Distribute(npdu)) = Frame::decode(&bytes) else { panic!("{bytes:x?}") };
    let Content::Apdu(apdu) = Packet::decode(npdu).unwrap().content else { panic!() };
    assert!(matches!(Apdu::decode(apdu), Ok(Apdu::Unconfirmed { service: 8, .. })));
    // An answer that the BBMD passes on counts as its sender's.
    let origin = SocketAddrV4::new([10, 1, 2, 3].into(), 47808);
    let (mut forwarded, unicast) = (Vec::new(), datagram(None, &i_am(INSTANCE)));
    Frame::Forwarded(origin, &unicast[4..]).encode(&mut forwarded);
    bbmd.send_to(&forwarded, from).await.unwrap();
    let found = asking.await.unwrap();
    let found: Vec<_> = found.iter().map(|(i, p)| (i.device, *p)).collect();
    assert_eq!(found, [(INSTANCE, Peer::ip(origin))]);
    // It was restarted and knows us no more: a broadcast is refused.
    bbmd.send_to(&result(0x60), from).await.unwrap();
    let (bytes, _) = receive(&bbmd).await;
    assert_eq!(Frame::decode(&bytes), Ok(Frame::Register(3600)), "at once");
    assert_eq!(code(&client, INSTANCE), None);
    bbmd.send_to(&result(0x30), from).await.unwrap();
    let told = until("it is told", || code(&client, INSTANCE)).await;
    assert_eq!((told, client.is_registered()), ("foreign_lost", false));
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_and_tried_again() {
    let (taken, address) = socket().await;
    let config = PortConfig { bind: address, broadcast: Ipv4Addr::LOCALHOST, foreign: None };
    let client = Client::open(config);
    let peer = Peer::ip(address);
    let failure = until("it is told", || client.state().trouble.clone()).await;
    assert!(failure.contains("can't open UDP"), "{failure}");
    let read = client.read(peer, &HASTY, object("analog-input:1"), Property::PRESENT_VALUE).await;
    assert_eq!(read, Err(Failure::Unreachable(failure)));
    drop(taken);
    until("it opens", || client.local_address()).await;
}

#[tokio::test]
async fn requests_to_one_device_wait_their_turn_and_those_to_others_do_not() {
    let slow = Device::start(INSTANCE).await;
    let client = client(slow.address).await;
    let seen: Arc<std::sync::Mutex<Vec<u8>>> = Arc::default();
    let sees = seen.clone();
    slow.twist(move |_, apdu| {
        let Apdu::Confirmed { invoke, .. } = apdu else { return None };
        sees.lock().unwrap().push(*invoke);
        Some(Vec::new())
    });
    let mut reading = Vec::new();
    for _ in 0..10 {
        let (client, peer) = (client.clone(), slow.peer());
        reading.push(tokio::spawn(async move {
            client.read(peer, &PATIENT, object("analog-input:1"), Property::PRESENT_VALUE).await
        }));
    }
    until("four are asked", || (seen.lock().unwrap().len() == 4).then_some(())).await;
    let other = Device::start(13).await;
    assert!(client.is_device(other.peer(), 13, &PATIENT).await);
    assert_eq!(seen.lock().unwrap().len(), 4, "no more at a time");
    // Dropped, they make room.
    reading.iter().take(4).for_each(tokio::task::JoinHandle::abort);
    until("four more", || (seen.lock().unwrap().len() == 8).then_some(())).await;
    let numbers: std::collections::HashSet<u8> = seen.lock().unwrap().iter().copied().collect();
    assert_eq!(numbers.len(), 8, "each under a number of its own");
}

#[tokio::test]
async fn a_storm_of_broadcasts_and_noise_changes_nothing_and_is_counted() {
    let device = Device::start(INSTANCE).await;
    device.put("analog-input:1", Value::Real(1.0));
    let client = client(device.address).await;
    let (noisy, _) = socket().await;
    let mut storm = Vec::new();
    let apdu = encode(&Apdu::Unconfirmed { service: unconfirmed::WHO_IS, data: &[] });
    let unicast = datagram(None, &apdu);
    Frame::Broadcast(&unicast[4..]).encode(&mut storm);
    for n in 0u32.. {
        noisy.send_to(&storm, me(&client)).await.unwrap();
        noisy.send_to(&n.to_be_bytes(), me(&client)).await.unwrap();
        if n % 16 == 0 {
            tokio::task::yield_now().await;
        }
        if client.counts().storms > 0 || n > 200_000 {
            break;
        }
    }
    assert!(client.counts().malformed > 0);
    assert_eq!(code(&client, INSTANCE), Some("broadcast_storm"));
    let read =
        client.read(device.peer(), &PATIENT, object("analog-input:1"), Property::PRESENT_VALUE);
    assert_eq!(read.await, Ok(Value::Real(1.0)));
    let (to_us, from) = (confirmed::WRITE_PROPERTY, device.peer());
    let strange = Apdu::Confirmed {
        invoke: 3,
        service: to_us,
        accepts_segments: false,
        max_segments: 0,
        max_apdu: 50,
        segment: None,
        data: &[],
    };
    let reply = client.incoming(from.via, &datagram(None, &encode(&strange)));
    assert_eq!(reply, Some((from, Apdu::Reject { invoke: 3, reason: 9 })));
}
