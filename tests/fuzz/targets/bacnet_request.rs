//! Anything that peers send to the gateway's BACnet device: every answer is one that a peer can
//! read, fits what the peer takes, and is about what was asked; nothing is wished for but what may
//! be commanded, and what is kept for peers stays bounded.
//!
//! Input: steps of a code, a length byte and as many bytes. Requests get the headers that they
//! need, since random bytes hardly ever carry a service through three layers; see [`Step`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;
use wellhead_bacnet::server::{
    Charset, CommandRefused, Core, DeviceInfo, Holds, Live, ObjectSpec, Slots,
};
use wellhead_bacnet::wire::service::{
    CovNotification, IAm, IHave, ReadAccess, ReadProperty, ReadPropertyAck, ReadResult, confirmed,
    unconfirmed,
};
use wellhead_bacnet::wire::{Apdu, Content, DATAGRAM_MAX, Frame, Packet, Remote};
use wellhead_bacnet::{ObjectId, ObjectType, Property};
use wellhead_model::{Quality, Reason, Unit, Value};

const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 40_000);
const INSTANCE: u32 = 77;
/// The places of the objects that may be commanded.
const COMMANDED: [usize; 3] = [1, 3, 4];
/// What is sent at a time at most: a notification for each of 512 subscriptions, new or again, and
/// a window of 16 for each of 64 segmented answers.
const SENT_MAX: usize = 2 * 512 + 64 * 16;

/// A step, by its code; with 8 added it comes from behind a router.
#[repr(u8)]
enum Step {
    /// Service, flags (1: takes segments, 2 and 4: longest APDU, 8: only repeats the last, 16 to
    /// 64: most segments), parameters.
    Confirmed = 0,
    /// Service, parameters.
    Unconfirmed,
    /// The bytes of an APDU.
    Apdu,
    /// The bytes of a datagram.
    Datagram,
    /// Segment number, window.
    SegmentAck,
    /// Answers what we asked: which way.
    Answer,
    /// Hundredths of a second.
    Time,
    /// Object, what it shows from now on; every waiting write is answered.
    Site,
}

const STEPS: [Step; 8] = [
    Step::Confirmed,
    Step::Unconfirmed,
    Step::Apdu,
    Step::Datagram,
    Step::SegmentAck,
    Step::Answer,
    Step::Time,
    Step::Site,
];

struct NoSlots;

impl Slots for NoSlots {
    fn slots(&self, index: usize) -> [Option<Value>; 16] {
        let mut slots = [const { None }; 16];
        slots[7] = [Value::float(45.0), Some(Value::Bool(true))].get(index % 3).cloned().flatten();
        slots
    }
}

fn objects() -> Vec<ObjectSpec> {
    let states = || Holds::States(["off", "heat", "cool"].map(Arc::from).to_vec());
    let object = |instance, name: &str, holds, commanded| ObjectSpec {
        name: name.into(),
        description: "供水".into(),
        instance,
        holds,
        setpoint: instance % 2 == 0,
        unit: Unit::parse("°C").ok(),
        increment: 0.5,
        limits: Some((30.0, 55.0)),
        commanded,
    };
    vec![
        object(1, "supply", Holds::Number, None),
        object(2, "setpoint", Holds::Number, Value::float(40.0)),
        object(3, "energy", Holds::Count, None),
        object(4, "running", Holds::Bool, Some(Value::Bool(false))),
        object(5, "mode", states(), Some(Value::Text("off".into()))),
        object(6, "message", Holds::Text, None),
        object(7, "alarm", Holds::Bool, None),
    ]
}

/// What a peer is waiting for.
struct Asked {
    invoke: u8,
    service: u8,
    data: Vec<u8>,
    /// The code of the most segments; `None` takes none.
    max_segments: Option<u8>,
    apdu_max: u16,
    remote: Option<Remote>,
}

struct Peers {
    core: Core,
    now: Instant,
    invoke: u8,
    asked: Option<Asked>,
    /// What came of a segmented answer, and in how many segments.
    part: Vec<u8>,
    segments: usize,
    notified: Vec<u8>,
}

fuzz_target!(|input: &[u8]| {
    /// All runs begin at the same time, so that each is the same every time.
    static START: OnceLock<Instant> = OnceLock::new();
    let device = DeviceInfo { instance: INSTANCE, name: "机房".into(), description: "".into() };
    let core = Core::new(device, Charset::Utf8, objects(), Arc::new(NoSlots));
    let now = *START.get_or_init(Instant::now);
    let (part, notified) = (Vec::new(), Vec::new());
    let mut peers = Peers { core, now, invoke: 0, asked: None, part, segments: 0, notified };
    let mut rest = input;
    while let [code, length, behind @ ..] = rest {
        let (body, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        peers.step(*code, body);
    }
});

impl Peers {
    fn step(&mut self, code: u8, body: &[u8]) {
        let remote = (code & 8 != 0).then(|| Remote::new(5, &[0x0A]).expect("an address"));
        let byte = |at: usize| body.get(at).copied().unwrap_or(0);
        match STEPS[usize::from(code & 7)] {
            Step::Confirmed => {
                let (service, flags) = (byte(0), byte(1));
                if flags & 8 != 0 {
                    return self.repeat();
                }
                // Never one that may be under way still.
                let Some(invoke) = self.invoke.checked_add(1) else { return };
                self.invoke = invoke;
                (self.part, self.segments) = (Vec::new(), 0);
                self.asked = Some(Asked {
                    invoke,
                    service,
                    data: body.get(2..).unwrap_or(&[]).to_vec(),
                    max_segments: (flags & 1 != 0).then_some(flags >> 4 & 7),
                    apdu_max: [50, 206, 480, 1476][usize::from(flags >> 1 & 3)],
                    remote,
                });
                let waiting = self.core.writes.len();
                self.ask();
                // It is answered at once, or waits for Control.
                let waits = self.core.writes.len() - waiting;
                assert_eq!(self.take() + waits, 1, "answers");
            }
            Step::Unconfirmed => {
                let apdu =
                    Apdu::Unconfirmed { service: byte(0), data: body.get(1..).unwrap_or(&[]) };
                self.send(remote, &written(|o| apdu.encode(o)));
            }
            // They may take the number of the last request for something else.
            Step::Apdu => {
                self.asked = None;
                self.send(remote, body);
            }
            Step::Datagram => {
                self.asked = None;
                self.core.receive(PEER, body, self.now);
            }
            Step::SegmentAck => {
                let (number, window) = (byte(0), byte(1));
                let invoke = self.invoke;
                let negative = byte(2) & 1 == 1;
                let ack = Apdu::SegmentAck { negative, server: false, invoke, number, window };
                self.send(remote, &written(|o| ack.encode(o)));
            }
            Step::Answer => {
                let Some(invoke) = self.notified.pop() else { return };
                let apdu = match byte(0) % 3 {
                    0 => Apdu::SimpleAck { invoke, service: confirmed::COV_NOTIFICATION },
                    1 => Apdu::Reject { invoke, reason: byte(1) },
                    _ => Apdu::Abort { server: true, invoke, reason: byte(1) },
                };
                self.send(remote, &written(|o| apdu.encode(o)));
            }
            Step::Time => {
                let hundredths = u64::from(byte(0)) + 256 * u64::from(byte(1));
                self.now += Duration::from_millis(10 * hundredths);
            }
            Step::Site => self.site(byte(0), byte(1)),
        }
        self.take();
    }

    /// Asks what was asked last, in its headers.
    fn ask(&mut self) {
        let Some(asked) = &self.asked else { return };
        let apdu = Apdu::Confirmed {
            invoke: asked.invoke,
            service: asked.service,
            accepts_segments: asked.max_segments.is_some(),
            max_segments: asked.max_segments.unwrap_or(0),
            max_apdu: asked.apdu_max,
            segment: None,
            data: &asked.data,
        };
        let (remote, bytes) = (asked.remote, written(|o| apdu.encode(o)));
        self.send(remote, &bytes);
    }

    /// Asks it again; what is under way is not answered twice.
    fn repeat(&mut self) {
        self.ask();
        assert!(self.take() <= 1, "answers to a repetition");
    }

    /// The points and Control.
    fn site(&mut self, place: u8, shown: u8) {
        let place = usize::from(place) % 9;
        let qualities = [
            Quality::Good,
            Quality::Manual,
            Quality::Bad(Reason::NoReply),
            Quality::Bad(Reason::Faulty(shown)),
            Quality::Uncertain(Reason::OutOfService),
            Quality::Stale(Reason::NoReply),
        ];
        let value = match (place, shown % 5) {
            (_, 4) => None,
            (0..=2, n) => Value::float(f64::from(n) * 1e9),
            (3 | 6, n) => Some(Value::Bool(n % 2 == 1)),
            // The last is no state of it.
            (4, n) => ["off", "heat", "cool", "what"]
                .get(usize::from(n))
                .map(|t| Value::Text((*t).into())),
            (_, n) => Some(Value::Text("报警 alarm".repeat(usize::from(n) * 20).into())),
        };
        let quality = qualities[usize::from(shown / 5) % qualities.len()];
        self.core.update(place, Live { value, quality });
        for (waiting, write) in std::mem::take(&mut self.core.writes) {
            assert!((3..=16).contains(&write.priority));
            assert!(COMMANDED.contains(&write.index), "{write:?}");
            match (write.index, &write.value) {
                (_, None) | (3, Some(Value::Bool(_))) => {}
                (1, Some(value)) => {
                    let value = value.as_f64().expect("a number");
                    assert!((30.0..=55.0).contains(&value), "{value}");
                }
                (4, Some(Value::Text(state))) => {
                    assert!(["off", "heat", "cool"].contains(&&**state), "{state}");
                }
                _ => panic!("{write:?}"),
            }
            let judged = [
                Ok(()),
                Err(CommandRefused::Denied),
                Err(CommandRefused::OutOfRange),
                Err(CommandRefused::Busy),
                Err(CommandRefused::Failed),
            ];
            self.core.judged(waiting, judged[usize::from(shown) % judged.len()]);
        }
    }

    fn send(&mut self, from: Option<Remote>, apdu: &[u8]) {
        let packet = Packet { to: None, from, expects_reply: true, content: Content::Apdu(apdu) };
        let npdu = written(|o| packet.encode(o));
        let datagram = written(|o| Frame::Unicast(&npdu).encode(o));
        self.core.receive(PEER, &datagram, self.now);
    }

    /// Looks at what was sent; returns how many answers to the last request were among it.
    fn take(&mut self) -> usize {
        let next = self.core.tick(self.now);
        assert!(next.is_none_or(|next| next > self.now), "it would never rest");
        let sent = std::mem::take(&mut self.core.out);
        assert!(sent.len() <= SENT_MAX, "{} datagrams at once", sent.len());
        let mut answers = 0;
        for (_, datagram) in sent {
            assert!(datagram.len() <= DATAGRAM_MAX, "{} bytes", datagram.len());
            let npdu = match Frame::decode(&datagram).expect("we write frames") {
                Frame::Unicast(npdu) => npdu,
                // Who takes us for a BBMD.
                Frame::Result(_) => continue,
                other => panic!("{other:?}"),
            };
            let packet = Packet::decode(npdu).expect("we write packets");
            let Content::Apdu(bytes) = packet.content else { panic!("no router speaks here") };
            let apdu = Apdu::decode(bytes).expect("we write APDUs");
            answers += usize::from(self.heard(packet.to, bytes.len(), &apdu));
        }
        answers
    }

    /// Whether it is an answer to the last request.
    fn heard(&mut self, to: Option<Remote>, length: usize, apdu: &Apdu<'_>) -> bool {
        let asked = self.asked.as_ref().filter(|a| a.remote == to);
        match *apdu {
            Apdu::Unconfirmed { service: unconfirmed::I_AM, data } => {
                assert_eq!(IAm::decode(data).expect("an I-Am").device, INSTANCE);
                false
            }
            Apdu::Unconfirmed { service: unconfirmed::I_HAVE, data } => {
                assert_eq!(IHave::decode(data).expect("an I-Have").device, INSTANCE);
                false
            }
            Apdu::Unconfirmed { service: unconfirmed::COV_NOTIFICATION, data } => {
                CovNotification::decode(data).expect("a notification");
                false
            }
            Apdu::Confirmed { service: confirmed::COV_NOTIFICATION, invoke, data, .. } => {
                CovNotification::decode(data).expect("a notification");
                self.notified.push(invoke);
                // Those that were sent again.
                self.notified.truncate(512);
                false
            }
            Apdu::SimpleAck { invoke, .. }
            | Apdu::Error { invoke, .. }
            | Apdu::Reject { invoke, .. }
            | Apdu::Abort { server: true, invoke, .. } => asked.is_some_and(|a| a.invoke == invoke),
            Apdu::ComplexAck { invoke, service, segment, data } => {
                // Another than the last may have come in its own headers.
                let Some(asked) = asked.filter(|a| a.invoke == invoke && a.service == service)
                else {
                    return false;
                };
                let Some(segment) = segment else {
                    assert!(length <= asked.apdu_max.into(), "{length} of {}", asked.apdu_max);
                    answered(asked, data);
                    return true;
                };
                assert!(asked.max_segments.is_some() && length <= asked.apdu_max.into());
                // The first comes alone, and again if nobody acknowledges it.
                let first = segment.number == 0 && self.segments < 256;
                if first {
                    self.part.clear();
                    self.segments = 0;
                }
                if usize::from(segment.number) == self.segments % 256 {
                    self.part.extend_from_slice(data);
                    self.segments += 1;
                    if !segment.more {
                        answered(asked, &self.part);
                    }
                }
                first
            }
            _ => panic!("{apdu:?} of a server"),
        }
    }
}

/// The answer is about what was asked.
fn answered(asked: &Asked, data: &[u8]) {
    let device = |o: ObjectId| o.kind == ObjectType::DEVICE && o.instance == 4_194_303;
    let own = |o: ObjectId| if device(o) { ObjectId { instance: INSTANCE, ..o } } else { o };
    match asked.service {
        confirmed::READ_PROPERTY => {
            let question = ReadProperty::decode(&asked.data).expect("it was answered");
            let answer = ReadPropertyAck::decode(data).expect("an answer");
            assert_eq!(answer.object, own(question.object));
            assert_eq!(answer.property, question.property);
        }
        confirmed::READ_PROPERTY_MULTIPLE => {
            let question = ReadAccess::decode_all(&asked.data).expect("it was answered");
            let answer = ReadResult::decode_all(data).expect("an answer");
            // ALL, REQUIRED and OPTIONAL stand for many.
            let many = |p: &Property| [8, 80, 105].contains(&p.id);
            if question.iter().any(|a| a.properties.iter().any(many)) {
                return;
            }
            let wanted =
                question.iter().flat_map(|a| a.properties.iter().map(|p| (own(a.object), *p)));
            let found = answer.iter().map(|r| (r.object, r.property));
            assert!(wanted.eq(found), "{answer:?} to {question:?}");
        }
        other => panic!("a result of service {other}"),
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}
