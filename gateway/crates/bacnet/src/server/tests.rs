use super::core::Core;
use super::object::Live;
use super::*;
use crate::wire::service::{
    CovNotification, IAm, IHave, ReadAccess, ReadProperty, ReadPropertyAck, ReadResult, Sought,
    SubscribeCov, WhoHas, WhoIs, WriteProperty, confirmed, property as p, unconfirmed,
};
use crate::wire::{Apdu, Content, Error, Frame, Packet, Reader, abort_reason};
use crate::{ObjectId, ObjectType, Property};
use proptest::prelude::*;
use wellhead_model::Reason;

struct NoSlots;
impl Slots for NoSlots {
    fn slots(&self, index: usize) -> [Option<PointValue>; 16] {
        let mut slots = [const { None }; 16];
        if index == 1 {
            slots[7] = PointValue::float(45.0);
        }
        slots
    }
}

fn spec(instance: u32, name: &str, holds: Holds) -> ObjectSpec {
    ObjectSpec {
        name: name.into(),
        description: "供水".into(),
        instance,
        holds,
        setpoint: false,
        unit: Some(wellhead_model::Unit::parse("°C").unwrap()),
        increment: 0.5,
        limits: None,
        commanded: None,
    }
}

fn device() -> DeviceInfo {
    DeviceInfo { instance: 77, name: "机房".into(), description: "gateway".into() }
}

fn states() -> Holds {
    Holds::States(["off", "heat", "cool"].map(Arc::from).to_vec())
}

fn objects() -> Vec<ObjectSpec> {
    let commanded = PointValue::float(40.0);
    let setpoint =
        ObjectSpec { commanded, limits: Some((30.0, 55.0)), ..spec(2, "setpoint", Holds::Number) };
    vec![
        spec(1, "supply", Holds::Number),
        setpoint,
        spec(3, "energy", Holds::Count),
        spec(4, "running", Holds::Bool),
        spec(5, "mode", states()),
        spec(6, "message", Holds::Text),
    ]
}

fn core_of(objects: Vec<ObjectSpec>) -> Core {
    Core::new(device(), Charset::Utf8, objects, Arc::new(NoSlots))
}

const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 40_000);

struct Asked {
    invoke: u8,
    service: u8,
    accepts_segments: bool,
    max_apdu: u16,
}

impl Asked {
    fn new(service: u8) -> Self {
        Self { invoke: 9, service, accepts_segments: true, max_apdu: 1476 }
    }

    fn send(&self, core: &mut Core, data: &[u8], now: Instant) {
        let apdu = Apdu::Confirmed {
            invoke: self.invoke,
            service: self.service,
            accepts_segments: self.accepts_segments,
            max_segments: 0,
            max_apdu: self.max_apdu,
            segment: None,
            data,
        };
        send(core, &apdu, now);
    }
}

fn send(core: &mut Core, apdu: &Apdu<'_>, now: Instant) {
    let mut bytes = Vec::new();
    apdu.encode(&mut bytes);
    let mut npdu = Vec::new();
    Packet::apdu(None, true, &bytes).encode(&mut npdu);
    let mut datagram = Vec::new();
    Frame::Unicast(&npdu).encode(&mut datagram);
    core.receive(CLIENT, &datagram, now);
}

/// What was sent, one APDU after the other.
fn heard(core: &mut Core) -> Vec<Vec<u8>> {
    let apdu = |(_, datagram): (SocketAddrV4, Vec<u8>)| {
        let Frame::Unicast(npdu) = Frame::decode(&datagram).unwrap() else { panic!("no unicast") };
        let Content::Apdu(apdu) = Packet::decode(npdu).unwrap().content else { panic!("no APDU") };
        apdu.to_vec()
    };
    core.out.drain(..).map(apdu).collect()
}

fn one(core: &mut Core) -> Vec<u8> {
    let mut all = heard(core);
    assert_eq!(all.len(), 1, "{all:02x?}");
    all.remove(0)
}

fn read(core: &mut Core, object: &str, id: u32, index: Option<u32>) -> Result<Vec<Value>, Error> {
    let mut data = Vec::new();
    let property = Property { id, index };
    ReadProperty { object: object.parse().unwrap(), property }.encode(&mut data);
    Asked::new(confirmed::READ_PROPERTY).send(core, &data, Instant::now());
    let apdu = one(core);
    match Apdu::decode(&apdu).unwrap() {
        Apdu::ComplexAck { data, .. } => {
            let ack = ReadPropertyAck::decode(data).unwrap();
            let mut reader = Reader::new(ack.value);
            let mut values = Vec::new();
            while !reader.is_empty() {
                values.push(Value::read(&mut reader).unwrap());
            }
            Ok(values)
        }
        Apdu::Error { error, .. } => Err(error),
        other => panic!("{other:?}"),
    }
}

fn good(value: PointValue) -> Live {
    Live { value: Some(value), quality: Quality::Good }
}

fn float(f: f64) -> PointValue {
    PointValue::float(f).unwrap()
}

#[test]
fn points_become_objects_of_the_type_of_what_they_hold() {
    let mut core = core_of(objects());
    let list = read(&mut core, "device:77", p::OBJECT_LIST, None).unwrap();
    let ids: Vec<String> = list
        .iter()
        .map(|v| match v {
            Value::Object(id) => id.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        ids,
        [
            "device:77",
            "analog-input:1",
            "analog-output:2",
            "large-analog-value:3",
            "binary-input:4",
            "multi-state-input:5",
            "character-string-value:6"
        ]
    );
    assert_eq!(read(&mut core, "device:77", p::OBJECT_LIST, Some(0)), Ok(vec![Value::Unsigned(7)]));
    let third = read(&mut core, "device:77", p::OBJECT_LIST, Some(3)).unwrap();
    assert_eq!(third, [list[2].clone()]);
    let beyond = read(&mut core, "device:77", p::OBJECT_LIST, Some(8));
    assert_eq!(beyond.unwrap_err().code, 42);
    let no_array = read(&mut core, "device:77", p::OBJECT_NAME, Some(1));
    assert_eq!(no_array.unwrap_err().code, 50);
    let any = read(&mut core, "8:4194302", p::OBJECT_NAME, None);
    assert_eq!(any.unwrap_err(), Error { class: 1, code: 31 });
}

#[test]
fn values_and_their_quality_show_as_present_value_flags_and_reliability() {
    let mut core = core_of(objects());
    let present = |core: &mut Core, object: &str| {
        read(core, object, p::PRESENT_VALUE, None).map(|mut v| v.remove(0))
    };
    assert_eq!(present(&mut core, "binary-input:4").unwrap_err().code, 72, "no value yet");
    assert!(matches!(present(&mut core, "analog-input:1"), Ok(Value::Real(f)) if f.is_nan()));
    core.update(0, good(float(41.5)));
    core.update(2, good(float(16_777_217.0)));
    core.update(3, good(PointValue::Bool(true)));
    core.update(4, good(PointValue::Text("cool".into())));
    core.update(5, good(PointValue::Text("冰".into())));
    assert_eq!(present(&mut core, "analog-input:1"), Ok(Value::Real(41.5)));
    assert_eq!(present(&mut core, "46:3"), Ok(Value::Double(16_777_217.0)));
    assert_eq!(present(&mut core, "binary-input:4"), Ok(Value::Enumerated(1)));
    assert_eq!(present(&mut core, "multi-state-input:5"), Ok(Value::Unsigned(3)));
    assert_eq!(present(&mut core, "40:6"), Ok(Value::Text("冰".into())));
    for (quality, reliability, flags) in [
        (Quality::Good, 0, [false, false, false, false]),
        (Quality::Manual, 0, [false, false, true, false]),
        (Quality::Uncertain(Reason::OutOfService), 0, [false, false, false, true]),
        (Quality::Uncertain(Reason::Estimated), 7, [false, true, false, false]),
        (Quality::Stale(Reason::NoReply), 12, [false, true, false, false]),
        (Quality::Bad(Reason::NoReply), 12, [false, true, false, false]),
        (Quality::Bad(Reason::NoSensor), 1, [false, true, false, false]),
        (Quality::Bad(Reason::Faulty(4)), 4, [false, true, false, false]),
        (Quality::Bad(Reason::Faulty(0)), 7, [false, true, false, false]),
        (Quality::Bad(Reason::OutOfRange), 7, [false, true, false, false]),
    ] {
        core.update(0, Live { value: None, quality });
        let told = read(&mut core, "analog-input:1", p::RELIABILITY, None);
        assert_eq!(told, Ok(vec![Value::Enumerated(reliability)]), "{quality:?}");
        let told = read(&mut core, "analog-input:1", p::STATUS_FLAGS, None);
        assert_eq!(told, Ok(vec![Value::Bits(crate::wire::Bits::new(&flags))]), "{quality:?}");
        assert_eq!(present(&mut core, "analog-input:1"), Ok(Value::Real(41.5)), "the last one");
    }
}

#[test]
fn every_property_that_is_listed_can_be_read() {
    let mut core = core_of(objects());
    for (i, value) in
        [float(1.0), float(2.0), float(3.0), PointValue::Bool(false)].iter().enumerate()
    {
        core.update(i, good(value.clone()));
    }
    core.update(4, good(PointValue::Text("off".into())));
    core.update(5, good(PointValue::Text("".into())));
    let mut all = vec!["device:77".to_owned()];
    all.extend(objects().iter().map(|o| o.id().to_string()));
    for object in &all {
        let listed = read(&mut core, object, 371, None).unwrap();
        assert!(listed.len() > 5, "{object}");
        for property in listed {
            let Value::Enumerated(id) = property else { panic!("{property:?}") };
            read(&mut core, object, id, None).unwrap_or_else(|e| panic!("{object} {id}: {e:?}"));
        }
        let whole = ReadAccess {
            object: object.parse().unwrap(),
            properties: vec![
                Property { id: p::ALL, index: None },
                Property { id: 9999, index: None },
            ],
        };
        let mut data = Vec::new();
        whole.encode(&mut data);
        Asked::new(confirmed::READ_PROPERTY_MULTIPLE).send(&mut core, &data, Instant::now());
        let apdu = one(&mut core);
        let Apdu::ComplexAck { data, .. } = Apdu::decode(&apdu).unwrap() else {
            panic!("no answer")
        };
        let results = ReadResult::decode_all(data).unwrap();
        let (last, rest) = results.split_last().unwrap();
        assert!(rest.iter().all(|r| r.value.is_ok() && r.property.id != 371), "{object}");
        assert_eq!(last.value, Err(Error { class: 2, code: 32 }));
    }
}

#[test]
fn priority_array_is_what_control_holds() {
    let mut core = core_of(objects());
    let slots = read(&mut core, "analog-output:2", p::PRIORITY_ARRAY, None).unwrap();
    assert_eq!(slots.len(), 16);
    assert_eq!(slots[7], Value::Real(45.0));
    assert!(slots.iter().enumerate().all(|(i, v)| i == 7 || *v == Value::Null));
    let eighth = read(&mut core, "analog-output:2", p::PRIORITY_ARRAY, Some(8));
    assert_eq!(eighth, Ok(vec![Value::Real(45.0)]));
    let safe = read(&mut core, "analog-output:2", p::RELINQUISH_DEFAULT, None);
    assert_eq!(safe, Ok(vec![Value::Real(40.0)]));
    let input = read(&mut core, "analog-input:1", p::PRIORITY_ARRAY, None);
    assert_eq!(input.unwrap_err().code, 32);
}

fn write(core: &mut Core, object: &str, value: &Value, priority: Option<u8>) {
    let mut data = Vec::new();
    let object = object.parse().unwrap();
    let bytes = value.bytes();
    WriteProperty { object, property: Property::PRESENT_VALUE, value: &bytes, priority }
        .encode(&mut data);
    Asked::new(confirmed::WRITE_PROPERTY).send(core, &data, Instant::now());
}

fn error_of(core: &mut Core) -> u16 {
    let apdu = one(core);
    match Apdu::decode(&apdu).unwrap() {
        Apdu::Error { error, .. } => error.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn write_waits_for_control_and_its_repetition_is_no_second_one() {
    let mut core = core_of(objects());
    for _ in 0..2 {
        write(&mut core, "analog-output:2", &Value::Real(41.3), Some(8));
    }
    let (waiting, wish) = core.writes.remove(0);
    assert_eq!((wish.index, wish.value, wish.priority), (1, Some(float(41.3)), 8));
    assert!(core.writes.is_empty() && core.out.is_empty());
    core.judged(waiting, Ok(()));
    let done = one(&mut core);
    assert_eq!(Apdu::decode(&done), Ok(Apdu::SimpleAck { invoke: 9, service: 15 }));
    write(&mut core, "analog-output:2", &Value::Null, None);
    let (waiting, wish) = core.writes.remove(0);
    assert_eq!((wish.value, wish.priority), (None, 16));
    core.judged(waiting, Err(CommandRefused::Denied));
    assert_eq!(error_of(&mut core), 40);
}

#[test]
fn what_may_not_be_written_never_reaches_control() {
    let mut core = core_of(objects());
    for (object, value, priority, code) in [
        ("analog-input:1", Value::Real(1.0), None, 40),
        ("analog-output:2", Value::Real(41.0), Some(1), 40),
        ("analog-output:2", Value::Real(41.0), Some(2), 40),
        ("analog-output:2", Value::Real(56.0), Some(8), 37),
        ("analog-output:2", Value::Real(f32::NAN), Some(8), 37),
        ("analog-output:2", Value::Unsigned(41), Some(8), 9),
        ("analog-output:2", Value::Text("41".into()), Some(8), 9),
        ("analog-output:3", Value::Real(41.0), Some(8), 31),
        ("device:77", Value::Real(41.0), Some(8), 32),
    ] {
        write(&mut core, object, &value, priority);
        assert_eq!(error_of(&mut core), code, "{object} {value:?} {priority:?}");
        assert!(core.writes.is_empty());
    }
}

fn many() -> Vec<ObjectSpec> {
    (1..=616).map(|i| spec(i, &format!("point {i}"), Holds::Number)).collect()
}

fn ask_for_list(core: &mut Core, accepts_segments: bool, max_apdu: u16, now: Instant) {
    let mut data = Vec::new();
    let property = Property { id: p::OBJECT_LIST, index: None };
    ReadProperty { object: "device:77".parse().unwrap(), property }.encode(&mut data);
    let asked = Asked { accepts_segments, max_apdu, ..Asked::new(confirmed::READ_PROPERTY) };
    asked.send(core, &data, now);
}

#[test]
fn list_of_616_arrives_whole_in_segments_or_is_aborted() {
    let now = Instant::now();
    let mut core = core_of(many());
    let (mut data, mut next) = (Vec::new(), 0u8);
    ask_for_list(&mut core, true, 480, now);
    loop {
        let apdus = heard(&mut core);
        assert!(!apdus.is_empty());
        let mut last = false;
        for apdu in &apdus {
            assert!(apdu.len() <= 480);
            let Apdu::ComplexAck { segment: Some(s), data: part, .. } = Apdu::decode(apdu).unwrap()
            else {
                panic!("no segment")
            };
            assert_eq!(s.number, next);
            next += 1;
            data.extend_from_slice(part);
            last = !s.more;
        }
        let ack = Apdu::SegmentAck {
            negative: false,
            server: false,
            invoke: 9,
            number: next - 1,
            window: 3,
        };
        send(&mut core, &ack, now);
        if last {
            break;
        }
    }
    let ack = ReadPropertyAck::decode(&data).unwrap();
    assert_eq!(ack.value.len(), 617 * 5);
    assert!(core.out.is_empty());

    ask_for_list(&mut core, false, 1476, now);
    let apdu = one(&mut core);
    let reason = abort_reason::SEGMENTATION_NOT_SUPPORTED;
    assert_eq!(Apdu::decode(&apdu), Ok(Apdu::Abort { server: true, invoke: 9, reason }));
}

#[test]
fn segments_nobody_acknowledges_are_sent_again_and_then_given_up() {
    let mut now = Instant::now();
    let mut core = core_of(many());
    ask_for_list(&mut core, true, 480, now);
    assert_eq!(heard(&mut core).len(), 1);
    for _ in 0..3 {
        now = core.tick(now).unwrap();
        core.tick(now);
        assert_eq!(heard(&mut core).len(), 1);
    }
    now = core.tick(now).unwrap();
    assert_eq!(core.tick(now), None, "given up");
    assert!(core.out.is_empty());
}

fn subscribe(core: &mut Core, confirmed: Option<bool>, lifetime: Option<u32>, now: Instant) {
    let object = "analog-input:1".parse().unwrap();
    let mut data = Vec::new();
    SubscribeCov { process: 5, object, confirmed, lifetime, property: None, increment: None }
        .encode(&mut data);
    Asked::new(confirmed::SUBSCRIBE_COV).send(core, &data, now);
}

fn told(apdu: &[u8]) -> (f32, u32) {
    let data = match Apdu::decode(apdu).unwrap() {
        Apdu::Unconfirmed { service: unconfirmed::COV_NOTIFICATION, data } => data,
        Apdu::Confirmed { service: confirmed::COV_NOTIFICATION, data, .. } => data,
        other => panic!("{other:?}"),
    };
    let n = CovNotification::decode(data).unwrap();
    assert_eq!((n.process, n.device, n.values.len()), (5, 77, 2));
    match Value::only(n.values[0].1).unwrap() {
        Value::Real(f) => (f, n.time_remaining),
        other => panic!("{other:?}"),
    }
}

#[test]
fn subscriber_is_told_at_once_then_of_changes_beyond_the_increment_until_the_end() {
    let mut now = Instant::now();
    let mut core = core_of(objects());
    core.update(0, good(float(40.0)));
    subscribe(&mut core, Some(false), Some(60), now);
    let all = heard(&mut core);
    assert_eq!(Apdu::decode(&all[0]), Ok(Apdu::SimpleAck { invoke: 9, service: 5 }));
    assert_eq!(told(&all[1]), (40.0, 60));
    core.update(0, good(float(40.4)));
    core.notify(now);
    assert!(core.out.is_empty(), "less than the increment of 0.5");
    core.update(0, good(float(40.5)));
    core.notify(now);
    assert_eq!(told(&one(&mut core)).0, 40.5);
    core.update(0, Live { value: None, quality: Quality::Bad(Reason::NoReply) });
    core.notify(now);
    assert_eq!(told(&one(&mut core)).0, 40.5, "flags alone are a change");
    now += Duration::from_secs(60);
    core.tick(now);
    assert_eq!(core.subscribers(), 0);
    core.update(0, good(float(50.0)));
    core.notify(now);
    assert!(core.out.is_empty());
}

#[test]
fn confirmed_notification_is_repeated_and_a_change_meanwhile_follows_the_answer() {
    let mut now = Instant::now();
    let mut core = core_of(objects());
    core.update(0, good(float(40.0)));
    subscribe(&mut core, Some(true), None, now);
    let first = heard(&mut core).remove(1);
    core.update(0, good(float(45.0)));
    core.notify(now);
    assert!(core.out.is_empty(), "one at a time");
    now = core.tick(now).unwrap();
    core.tick(now);
    assert_eq!(one(&mut core), first);
    let Apdu::Confirmed { invoke, .. } = Apdu::decode(&first).unwrap() else { panic!() };
    send(&mut core, &Apdu::SimpleAck { invoke, service: 1 }, now);
    let second = one(&mut core);
    assert_eq!(told(&second).0, 45.0);
    let Apdu::Confirmed { invoke, .. } = Apdu::decode(&second).unwrap() else { panic!() };
    send(&mut core, &Apdu::SimpleAck { invoke, service: 1 }, now);
    subscribe(&mut core, None, None, now);
    assert_eq!(core.subscribers(), 0, "cancelled");
}

#[test]
fn subscriber_that_answers_nothing_is_forgotten() {
    let mut now = Instant::now();
    let mut core = core_of(objects());
    subscribe(&mut core, Some(true), None, now);
    let mut sent = heard(&mut core).len() - 1;
    while let Some(next) = core.tick(now) {
        now = next;
        sent += heard(&mut core).len();
        assert!(sent < 100, "still sending");
    }
    assert_eq!((core.subscribers(), sent), (0, 12), "3 notifications, each sent 4 times");
}

#[test]
fn who_is_and_who_has_are_answered_when_they_mean_us() {
    let mut core = core_of(objects());
    let now = Instant::now();
    let ask = |core: &mut Core, service, data: &[u8]| {
        send(core, &Apdu::Unconfirmed { service, data }, now);
        heard(core)
    };
    for (range, answers) in [(None, 1), (Some((70, 80)), 1), (Some((78, 99)), 0)] {
        let mut data = Vec::new();
        WhoIs { range }.encode(&mut data);
        let all = ask(&mut core, unconfirmed::WHO_IS, &data);
        assert_eq!(all.len(), answers, "{range:?}");
        for apdu in all {
            let Apdu::Unconfirmed { service: 0, data } = Apdu::decode(&apdu).unwrap() else {
                panic!()
            };
            let i_am = IAm::decode(data).unwrap();
            assert_eq!((i_am.device, i_am.max_apdu), (77, 1476));
        }
    }
    for (sought, found) in [
        (Sought::Name("mode".into()), Some("multi-state-input:5")),
        (Sought::Name("机房".into()), Some("device:77")),
        (Sought::Object("analog-input:1".parse().unwrap()), Some("analog-input:1")),
        (Sought::Name("nothing".into()), None),
        (Sought::Object("analog-input:2".parse().unwrap()), None),
    ] {
        let mut data = Vec::new();
        WhoHas { range: None, sought }.encode(&mut data);
        let all = ask(&mut core, unconfirmed::WHO_HAS, &data);
        let have = all.first().map(|apdu| match Apdu::decode(apdu).unwrap() {
            Apdu::Unconfirmed { service: 1, data } => IHave::decode(data).unwrap().object,
            other => panic!("{other:?}"),
        });
        assert_eq!(have.map(|o: ObjectId| o.to_string()).as_deref(), found);
    }
}

#[test]
fn what_is_not_understood_is_rejected_and_what_is_not_for_us_is_left_alone() {
    let mut core = core_of(objects());
    let now = Instant::now();
    for (service, data, reason) in [
        (26, &[][..], 9),
        // WritePropertyMultiple, DeviceCommunicationControl, ReinitializeDevice: told, not ignored.
        (16, &[0x0C, 0, 0x40, 0, 2], 9),
        (17, &[0x19, 1], 9),
        (20, &[0x09, 0], 9),
        (confirmed::READ_PROPERTY, &[], 5),
        (confirmed::READ_PROPERTY, &[0x0C, 1], 4),
    ] {
        Asked::new(service).send(&mut core, data, now);
        let apdu = one(&mut core);
        assert_eq!(Apdu::decode(&apdu), Ok(Apdu::Reject { invoke: 9, reason }), "{service}");
    }
    // The clock follows NTP and nobody's TimeSynchronization, by local time or UTC.
    for service in [6, 9] {
        let data = [0xA4, 126, 11, 22, 7, 0xB4, 8, 0, 0, 0];
        send(&mut core, &Apdu::Unconfirmed { service, data: &data }, now);
        assert!(core.out.is_empty());
    }
    let mut bytes = Vec::new();
    Apdu::Unconfirmed { service: unconfirmed::WHO_IS, data: &[] }.encode(&mut bytes);
    let mut npdu = Vec::new();
    let elsewhere = Remote::new(5, &[1]).unwrap();
    Packet::apdu(Some(elsewhere), false, &bytes).encode(&mut npdu);
    let mut datagram = Vec::new();
    Frame::Unicast(&npdu).encode(&mut datagram);
    core.receive(CLIENT, &datagram, now);
    assert!(core.out.is_empty());
}

#[test]
fn names_go_out_in_ucs_2_where_that_is_asked_for() {
    let mut core = Core::new(device(), Charset::Ucs2, objects(), Arc::new(NoSlots));
    let name = read(&mut core, "device:77", p::OBJECT_NAME, None).unwrap();
    assert_eq!(name, [Value::Text("机房".into())]);
    let kind = ObjectType::DEVICE;
    let mut data = Vec::new();
    let property = Property { id: p::OBJECT_NAME, index: None };
    ReadProperty { object: ObjectId { kind, instance: 77 }, property }.encode(&mut data);
    Asked::new(confirmed::READ_PROPERTY).send(&mut core, &data, Instant::now());
    let apdu = one(&mut core);
    assert!(apdu.windows(6).any(|w| w == [0x75, 5, 4, 0x67, 0x3A, 0x62]), "{apdu:02x?}");
}

#[test]
fn objects_that_clash_are_found() {
    let mut all = objects();
    assert_eq!(clash(&all), None);
    all.push(spec(9, "mode", Holds::Number));
    assert_eq!(clash(&all), Some((4, 6)));
    all[6] = spec(1, "another", Holds::Number);
    assert_eq!(clash(&all), Some((0, 6)));
}

proptest! {
    /// Whatever comes, nothing panics, and nothing that was not written reaches an output.
    #[test]
    fn any_bytes_are_survived(datagrams in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..64), 1..8,
    )) {
        let mut core = core_of(objects());
        let now = Instant::now();
        for datagram in &datagrams {
            core.receive(CLIENT, datagram, now);
            core.tick(now);
        }
    }

    /// The same behind headers that are right, so that the services are reached.
    #[test]
    fn any_parameters_of_any_service_are_survived(
        service in 0u8..32,
        unconfirmed in any::<bool>(),
        accepts_segments in any::<bool>(),
        max_apdu in 0u16..1500,
        data in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut core = core_of(many());
        let now = Instant::now();
        if unconfirmed {
            send(&mut core, &Apdu::Unconfirmed { service, data: &data }, now);
        } else {
            Asked { accepts_segments, max_apdu, ..Asked::new(service) }.send(&mut core, &data, now);
        }
        for (_, datagram) in &core.out {
            prop_assert!(datagram.len() <= DATAGRAM_MAX);
        }
    }
}
