//! The driver against a device in this process that misbehaves on command.

use super::*;
use crate::testing::{Device, HASTY, PATIENT, client, encode, object};
use crate::wire::service::confirmed;
use crate::wire::{Apdu, Value as Wire};
use crate::{Cov, DeviceAddress, ObjectType, Timing};
use wellhead_driver::Conversion;
use wellhead_model::{Unit, Value};

const S: Duration = Duration::from_secs(1);
const INSTANCE: u32 = 12;

fn point(n: u32, name: &str) -> PointSpec {
    PointSpec {
        index: PointIndex(n),
        name: name.into(),
        object: object(name),
        property: Property::PRESENT_VALUE,
        conversion: Conversion::default(),
        period: S,
        cov: None,
        priority: None,
        unit: None,
    }
}

fn spec(device: &Device, timing: Timing, points: Vec<PointSpec>) -> DeviceSpec {
    DeviceSpec {
        name: "ahu".into(),
        instance: INSTANCE,
        address: Some(DeviceAddress::Ip(device.address)),
        timing,
        properties_max: None,
        points,
    }
}

async fn driver(device: &Device, timing: Timing, points: Vec<PointSpec>) -> BacnetDriver {
    BacnetDriver::new(spec(device, timing, points), client(device.address).await)
}

async fn poll(driver: &mut BacnetDriver) -> Result<Readings, DeviceError> {
    let mut out = Readings::default();
    Driver::poll(driver, &mut Line::none(), 0, &mut out).await?;
    Ok(out)
}

/// The first poll that succeeds: with short time-outs a busy machine may fail some.
async fn eventually(driver: &mut BacnetDriver) -> Readings {
    for _ in 0..200 {
        if let Ok(out) = poll(driver).await {
            return out;
        }
    }
    panic!("the device never answered");
}

async fn unasked(driver: &mut BacnetDriver) -> Readings {
    let mut out = Readings::default();
    let patience = tokio::time::timeout(20 * S, Driver::unasked(driver, &mut out));
    patience.await.expect("nothing was told");
    out
}

fn float(f: f64) -> Outcome {
    Outcome::Good(Value::float(f).unwrap())
}

fn outcomes(out: &Readings) -> Vec<Outcome> {
    let mut all = out.outcomes.clone();
    all.sort_by_key(|(i, _)| i.0);
    all.into_iter().map(|(_, o)| o).collect()
}

fn codes(out: &Readings) -> Vec<&'static str> {
    out.notices.iter().map(|n| n.code).collect()
}

#[tokio::test]
async fn each_object_reads_in_one_request_with_the_quality_that_its_flags_say() {
    let device = Device::start(INSTANCE).await;
    let names = [
        ("analog-input:1", Wire::Real(45.3), float(45.3)),
        ("analog-input:2", Wire::Real(7.0), Outcome::Bad(Reason::Faulty(2))),
        ("analog-value:3", Wire::Real(20.0), Outcome::Manual(Value::float(20.0).unwrap())),
        (
            "analog-value:4",
            Wire::Real(5.5),
            Outcome::Uncertain(Value::float(5.5).unwrap(), Reason::OutOfService),
        ),
        ("binary-input:5", Wire::Enumerated(1), Outcome::Good(Value::Bool(true))),
        ("multi-state-value:6", Wire::Unsigned(3), Outcome::Good(Value::Int(3))),
        ("large-analog-value:7", Wire::Double(1e9 + 0.25), float(1e9 + 0.25)),
        ("integer-value:8", Wire::Signed(-7), Outcome::Good(Value::Int(-7))),
        (
            "character-string-value:9",
            Wire::Text("回风".into()),
            Outcome::Good(Value::Text("回风".into())),
        ),
        ("schedule:10", Wire::Null, Outcome::Bad(Reason::NotComputed)),
    ];
    for (name, value, _) in &names {
        device.put(name, value.clone());
    }
    device.flag("analog-input:2", [false, true, false, false]);
    device.flag("analog-value:3", [false, false, true, false]);
    device.flag("analog-value:4", [true, false, true, true]);
    let reliability = (object("analog-input:2"), plain(property::RELIABILITY));
    device.model().values.insert(reliability, Wire::Enumerated(2));
    let points = names.iter().enumerate().map(|(n, (name, ..))| point(n as u32, name));
    let mut points: Vec<_> = points.collect();
    points.push(point(10, "analog-input:99"));
    let mut driver = driver(&device, PATIENT, points).await;
    poll(&mut driver).await.unwrap();
    device.model().asked.clear();
    let out = poll(&mut driver).await.unwrap();
    let mut wanted: Vec<_> = names.into_iter().map(|(.., o)| o).collect();
    wanted.push(Outcome::Bad(Reason::IllegalAddress));
    assert_eq!(outcomes(&out), wanted);
    let asked = [confirmed::READ_PROPERTY_MULTIPLE, confirmed::READ_PROPERTY];
    assert_eq!(device.model().asked, asked, "all, and why the one is at fault");
}

#[tokio::test]
async fn a_device_that_reads_one_property_at_a_time_is_read_so_and_asked_for_more_only_once() {
    let device = Device::start(INSTANCE).await;
    device.model().multiple = false;
    let points: Vec<_> = (0..6).map(|n| point(n, &format!("analog-input:{n}"))).collect();
    for n in 0..6 {
        device.put(&format!("analog-input:{n}"), Wire::Real(n as f32));
    }
    let mut driver = driver(&device, PATIENT, points).await;
    for _ in 0..2 {
        let out = poll(&mut driver).await.unwrap();
        assert_eq!(outcomes(&out), (0..6).map(|n| float(f64::from(n))).collect::<Vec<_>>());
    }
    let asked = device.model().asked.clone();
    let multiple = asked.iter().filter(|s| **s == confirmed::READ_PROPERTY_MULTIPLE).count();
    assert_eq!(multiple, 1, "{asked:?}");
}

/// Aborts, or says nothing, when asked for more than `most` properties at once.
fn too_much(device: &Device, most: usize, reply: Option<u8>) {
    device.twist(move |model, apdu| {
        let Apdu::Confirmed { invoke, service: 14, data, .. } = apdu else { return None };
        let asked = crate::wire::service::ReadAccess::decode_all(data).unwrap();
        let properties: usize = asked.iter().map(|a| a.properties.len()).sum();
        if properties <= most {
            return None;
        }
        model.asked.push(14);
        let abort = |reason| encode(&Apdu::Abort { server: true, invoke: *invoke, reason });
        Some(reply.map(abort).into_iter().collect())
    });
}

#[tokio::test]
async fn a_reply_that_is_too_long_is_asked_for_in_parts_and_the_measure_is_kept() {
    // Aborts: buffer overflow, segmentation not supported; and silence.
    for reply in [Some(1), Some(4), None] {
        let device = Device::start(INSTANCE).await;
        let points: Vec<_> = (0..20).map(|n| point(n, &format!("analog-input:{n}"))).collect();
        for n in 0..20 {
            device.put(&format!("analog-input:{n}"), Wire::Real(n as f32));
        }
        too_much(&device, 12, reply);
        let timing = if reply.is_some() { PATIENT } else { HASTY };
        let mut driver = driver(&device, timing, points).await;
        let wanted: Vec<_> = (0..20).map(|n| float(f64::from(n))).collect();
        assert_eq!(outcomes(&eventually(&mut driver).await), wanted, "{reply:?}");
        device.model().asked.clear();
        assert_eq!(outcomes(&eventually(&mut driver).await), wanted, "{reply:?}");
        if reply.is_some() {
            assert_eq!(device.model().asked, [14; 4], "10 at a time fit");
        }
    }
}

#[tokio::test]
async fn a_property_that_spoils_the_others_is_read_alone_from_then_on() {
    let device = Device::start(INSTANCE).await;
    let points: Vec<_> = (0..8).map(|n| point(n, &format!("analog-input:{n}"))).collect();
    for n in 0..8 {
        device.put(&format!("analog-input:{n}"), Wire::Real(n as f32));
    }
    let spoils = object("analog-input:5");
    device.twist(move |model, apdu| {
        let Apdu::Confirmed { invoke, service: 14, data, .. } = apdu else { return None };
        let asked = crate::wire::service::ReadAccess::decode_all(data).unwrap();
        let bad = asked
            .iter()
            .any(|a| a.object == spoils && a.properties.contains(&Property::PRESENT_VALUE));
        if !bad {
            return None;
        }
        model.asked.push(14);
        let error = crate::wire::Error { class: 1, code: 31 };
        Some(vec![encode(&Apdu::Error { invoke: *invoke, service: 14, error })])
    });
    device.model().values.remove(&(spoils, Property::PRESENT_VALUE));
    let mut driver = driver(&device, PATIENT, points).await;
    let mut wanted: Vec<_> = (0..8).map(|n| float(f64::from(n))).collect();
    wanted[5] = Outcome::Bad(Reason::IllegalAddress);
    assert_eq!(outcomes(&poll(&mut driver).await.unwrap()), wanted);
    device.model().asked.clear();
    assert_eq!(outcomes(&poll(&mut driver).await.unwrap()), wanted);
    assert_eq!(device.model().asked.len(), 3, "before, itself, and behind");
}

#[tokio::test]
async fn a_dead_device_is_no_reply_and_answers_again_when_it_is_back() {
    let device = Device::start(INSTANCE).await;
    device.put("analog-input:1", Wire::Real(1.0));
    let mut driver = driver(&device, HASTY, vec![point(0, "analog-input:1")]).await;
    eventually(&mut driver).await;
    device.model().dead = true;
    assert_eq!(poll(&mut driver).await.err(), Some(DeviceError::NoReply(HASTY.response_timeout)));
    device.model().dead = false;
    assert_eq!(outcomes(&eventually(&mut driver).await), [float(1.0)]);
}

#[tokio::test]
async fn another_device_at_the_configured_address_is_refused() {
    let device = Device::start(99).await;
    device.put("analog-input:1", Wire::Real(1.0));
    let mut driver = driver(&device, PATIENT, vec![point(0, "analog-input:1")]).await;
    let refused = DeviceError::Refused { code: 31, meaning: "unknown object" };
    assert_eq!(poll(&mut driver).await.err(), Some(refused));
}

#[tokio::test]
async fn units_are_learned_once_and_a_different_one_is_told() {
    let device = Device::start(INSTANCE).await;
    for (name, units) in [("analog-input:1", 62), ("analog-input:2", 64), ("analog-input:3", 48)] {
        device.put(name, Wire::Real(1.0));
        device
            .model()
            .values
            .insert((object(name), plain(property::UNITS)), Wire::Enumerated(units));
    }
    let mut points: Vec<_> = (0..3).map(|n| point(n, &format!("analog-input:{}", n + 1))).collect();
    points[1].unit = Unit::parse("°C").ok();
    points[2].unit = Unit::parse("kW").ok();
    let mut driver = driver(&device, PATIENT, points).await;
    let out = poll(&mut driver).await.unwrap();
    assert_eq!(out.units, [(PointIndex(0), Unit::parse("°C").unwrap())]);
    assert_eq!(codes(&out), ["unit_differs"]);
    assert!(out.notices[0].text.contains("degrees-fahrenheit"), "{}", out.notices[0].text);
    let out = poll(&mut driver).await.unwrap();
    assert_eq!((out.units.len(), out.notices.len()), (0, 0));
}

/// The longest request that a device which takes 50 bytes got, of everything that a driver asks.
#[tokio::test]
async fn no_request_is_longer_than_the_smallest_device_takes() {
    let device = Device::start(INSTANCE).await;
    let me = ObjectId { kind: ObjectType::DEVICE, instance: INSTANCE };
    let longest = (me, plain(property::MAX_APDU_LENGTH_ACCEPTED));
    device.model().values.insert(longest, Wire::Unsigned(50));
    let mut points = Vec::new();
    for n in 0..30 {
        // Instances and indices that take all their bytes.
        let name = format!("analog-output:{}", 4_000_000 + n);
        device.put(&name, Wire::Real(n as f32));
        let mut point = point(n, &name);
        if n % 3 == 1 {
            point.property = Property { id: property::PRIORITY_ARRAY, index: Some(70_000) };
            device.model().values.insert((point.object, point.property), Wire::Real(n as f32));
        }
        let increment = (n % 3 == 2).then_some(0.5);
        let (lifetime, check) = (Duration::from_secs(100_000), S);
        point.cov = (n % 3 != 1).then_some(Cov { confirmed: true, increment, lifetime, check });
        points.push(point);
    }
    let seen = Arc::new(std::sync::Mutex::new((0, std::collections::BTreeSet::new())));
    let noted = seen.clone();
    device.twist(move |_, apdu| {
        if let Apdu::Confirmed { service, data, .. } = apdu {
            let mut seen = noted.lock().unwrap();
            seen.0 = seen.0.max(data.len() + 4);
            seen.1.insert(*service);
        }
        None
    });
    let mut driver = driver(&device, PATIENT, points).await;
    poll(&mut driver).await.unwrap();
    let write = Write { point: PointIndex(1), value: Value::float(1.0).unwrap(), readback: true };
    driver.write(&mut Line::none(), &write).await.unwrap();
    let (longest, services) = seen.lock().unwrap().clone();
    assert!((20..=50).contains(&longest), "{longest} bytes");
    let all = [
        confirmed::SUBSCRIBE_COV,
        confirmed::READ_PROPERTY,
        confirmed::READ_PROPERTY_MULTIPLE,
        confirmed::WRITE_PROPERTY,
        confirmed::SUBSCRIBE_COV_PROPERTY,
    ];
    assert_eq!(services.into_iter().collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn a_text_too_long_for_the_device_is_told_and_never_sent() {
    let device = Device::start(INSTANCE).await;
    device.put("character-string-value:1", Wire::Text("hello".into()));
    let me = ObjectId { kind: ObjectType::DEVICE, instance: INSTANCE };
    let longest = (me, plain(property::MAX_APDU_LENGTH_ACCEPTED));
    device.model().values.insert(longest, Wire::Unsigned(128));
    let mut driver = driver(&device, PATIENT, vec![point(0, "character-string-value:1")]).await;
    poll(&mut driver).await.unwrap();
    device.model().asked.clear();
    let mut line = Line::none();
    let write = |text: &str| Write {
        point: PointIndex(0),
        value: Value::Text(text.into()),
        readback: false,
    };
    let refused = driver.write(&mut line, &write(&"长".repeat(60))).await.unwrap_err();
    let DeviceError::Unencodable(why) = &refused else { panic!("{refused:?}") };
    assert!(why.contains("more than the device's 128"), "{why}");
    assert!(device.model().written.is_empty() && device.model().asked.is_empty());
    driver.write(&mut line, &write(&"长".repeat(20))).await.unwrap();
    assert_eq!(device.model().written.len(), 1);
    assert_eq!(device.model().asked, [15], "and the device is not lost by it");
}

#[tokio::test]
async fn writes_carry_priority_and_type_and_are_read_back_and_relinquished() {
    let device = Device::start(INSTANCE).await;
    for (name, value) in [
        ("analog-output:1", Wire::Real(0.0)),
        ("binary-output:1", Wire::Enumerated(0)),
        ("multi-state-value:1", Wire::Unsigned(1)),
        ("200:1", Wire::Double(0.0)),
    ] {
        device.put(name, value);
    }
    let names = ["analog-output:1", "binary-output:1", "multi-state-value:1", "200:1"];
    let mut points: Vec<_> =
        names.iter().enumerate().map(|(n, name)| point(n as u32, name)).collect();
    points[0].priority = Some(8);
    points[0].conversion = Conversion { scale: 0.1, ..Conversion::default() };
    points[2].conversion.states = Arc::from([(1, "off".into()), (2, "heat".into())]);
    let mut driver = driver(&device, PATIENT, points).await;
    let mut line = Line::none();
    for (n, value, there) in [
        (0, Value::float(4.5).unwrap(), Wire::Real(45.0)),
        (1, Value::Bool(true), Wire::Enumerated(1)),
        (2, Value::Text("heat".into()), Wire::Unsigned(2)),
        (3, Value::float(2.5).unwrap(), Wire::Double(2.5)),
    ] {
        let write = Write { point: PointIndex(n), value: value.clone(), readback: true };
        let back = Driver::write(&mut driver, &mut line, &write).await;
        assert_eq!(back, Ok(Readback::Read(Outcome::Good(value))));
        let (_, written, priority) = device.model().written.pop().unwrap();
        assert_eq!((written, priority), (there, (n == 0).then_some(8)));
    }
    let back = Driver::relinquish(&mut driver, &mut line, PointIndex(0), true).await;
    assert_eq!(back, Ok(Readback::Acknowledged));
    assert_eq!(
        device.model().written.pop(),
        Some((object("analog-output:1"), Wire::Null, Some(8)))
    );
    // Somebody else writes at the same priority.
    let slot =
        (object("analog-output:1"), Property { id: property::PRIORITY_ARRAY, index: Some(8) });
    device.model().values.insert(slot, Wire::Real(30.0));
    let back = Driver::relinquish(&mut driver, &mut line, PointIndex(0), true).await;
    assert_eq!(back, Ok(Readback::Read(float(3.0))), "what stands there in spite of it");
    device.model().values.insert(slot, Wire::Null);
    let back = Driver::relinquish(&mut driver, &mut line, PointIndex(0), true).await;
    assert_eq!(back, Ok(Readback::Acknowledged));
    let write = Write { point: PointIndex(2), value: Value::Bool(false), readback: false };
    // A state that the number stands for does not exist; a unit that does not fit is told.
    assert!(Driver::write(&mut driver, &mut line, &write).await.is_ok());
    let text = Write { point: PointIndex(0), value: Value::Text("x".into()), readback: false };
    let refused = Driver::write(&mut driver, &mut line, &text).await;
    assert!(matches!(refused, Err(DeviceError::Unencodable(_))), "{refused:?}");
}

fn following(n: u32, name: &str, confirmed: bool) -> PointSpec {
    let cov = Cov { confirmed, increment: None, lifetime: 600 * S, check: 3600 * S };
    PointSpec { cov: Some(cov), ..point(n, name) }
}

#[tokio::test]
async fn changes_are_told_and_the_point_is_not_polled_meanwhile() {
    for confirmed in [false, true] {
        let device = Device::start(INSTANCE).await;
        device.put("analog-input:1", Wire::Real(1.0));
        let mut driver =
            driver(&device, PATIENT, vec![following(0, "analog-input:1", confirmed)]).await;
        assert_eq!(outcomes(&poll(&mut driver).await.unwrap()), [float(1.0)]);
        assert_eq!(outcomes(&unasked(&mut driver).await), [float(1.0)], "upon subscribing");
        device.put("analog-input:1", Wire::Real(2.0));
        device.notify("analog-input:1").await;
        assert_eq!(outcomes(&unasked(&mut driver).await), [float(2.0)]);
        device.model().asked.clear();
        let out = poll(&mut driver).await.unwrap();
        assert_eq!((out.outcomes.len(), device.model().asked.len()), (0, 0));
        device.flag("analog-input:1", [false, true, false, false]);
        device.notify("analog-input:1").await;
        assert_eq!(outcomes(&unasked(&mut driver).await), [Outcome::Bad(Reason::Faulty(7))]);
    }
}

#[tokio::test]
async fn a_device_that_refuses_subscriptions_is_polled_and_it_is_told_once() {
    let device = Device::start(INSTANCE).await;
    device.put("analog-input:1", Wire::Real(1.0));
    device.twist(|_, apdu| {
        let Apdu::Confirmed { invoke, service: service @ (5 | 28), .. } = apdu else { return None };
        let error = crate::wire::Error { class: 5, code: error_code::COV_SUBSCRIPTION_FAILED };
        Some(vec![encode(&Apdu::Error { invoke: *invoke, service: *service, error })])
    });
    let mut driver = driver(&device, PATIENT, vec![following(0, "analog-input:1", false)]).await;
    let out = poll(&mut driver).await.unwrap();
    assert_eq!((outcomes(&out), codes(&out)), (vec![float(1.0)], vec!["cov_refused"]));
    let out = poll(&mut driver).await.unwrap();
    assert_eq!((outcomes(&out), codes(&out)), (vec![float(1.0)], vec![]));
}

#[tokio::test]
async fn an_increment_is_asked_for_by_property_and_the_objects_own_is_the_fallback() {
    let device = Device::start(INSTANCE).await;
    device.put("analog-input:1", Wire::Real(1.0));
    let mut point = following(0, "analog-input:1", false);
    point.cov.as_mut().unwrap().increment = Some(0.25);
    let mut first = driver(&device, PATIENT, vec![point.clone()]).await;
    poll(&mut first).await.unwrap();
    let asked = device.model().subscriptions.pop().unwrap();
    assert_eq!((asked.property, asked.increment), (Some(Property::PRESENT_VALUE), Some(0.25)));
    assert_eq!((asked.process, asked.lifetime), (INSTANCE + 1, Some(600)));
    device.twist(|_, apdu| {
        let Apdu::Confirmed { invoke, service: 28, .. } = apdu else { return None };
        Some(vec![encode(&Apdu::Reject { invoke: *invoke, reason: 9 })])
    });
    let mut second = driver(&device, PATIENT, vec![point]).await;
    let out = poll(&mut second).await.unwrap();
    assert_eq!(device.model().subscriptions.pop().map(|s| s.property), Some(None));
    assert!(out.notices.is_empty());
}

#[tokio::test]
async fn a_notification_of_another_device_or_process_is_not_taken() {
    let device = Device::start(INSTANCE).await;
    let other = Device::start(INSTANCE).await;
    for d in [&device, &other] {
        d.put("analog-input:1", Wire::Real(1.0));
    }
    let client = client(device.address).await;
    let points = vec![following(0, "analog-input:1", true)];
    let mut driver = BacnetDriver::new(spec(&device, PATIENT, points), client.clone());
    poll(&mut driver).await.unwrap();
    unasked(&mut driver).await;
    let subscription = device.model().subscriptions[0];
    let (to, dropped) = (device.model().asker.unwrap(), client.counts().notifications_dropped);
    let told = other.model().notification(&subscription);
    other.send(to, &told).await;
    let strange = SubscribeCov { process: 999, ..subscription };
    let told = device.model().notification(&strange);
    device.send(to, &told).await;
    while client.counts().notifications_dropped < dropped + 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    device.put("analog-input:1", Wire::Real(3.0));
    device.notify("analog-input:1").await;
    assert_eq!(outcomes(&unasked(&mut driver).await), [float(3.0)]);
}

/// Time itself is tested without sockets, since none waits in paused time.
mod subscriptions {
    use super::*;

    fn cov() -> Cov {
        Cov { confirmed: false, increment: None, lifetime: 600 * S, check: 300 * S }
    }

    fn on(now: Instant) -> Subscription {
        let mut s = Subscription::new(cov(), now);
        assert_eq!(s.need(now), Need::Subscribe);
        s.subscribed(now);
        assert!(s.must_read(now), "until a notification comes");
        s.was_read(&float(1.0), now);
        s.notified(&float(1.0), now);
        assert!(!s.must_read(now));
        s
    }

    #[test]
    fn a_subscription_is_renewed_at_half_of_its_time_and_over_when_it_ends() {
        let now = Instant::now();
        let mut s = on(now);
        assert_eq!(s.need(now + 299 * S), Need::Nothing);
        assert_eq!(s.need(now + 300 * S), Need::Subscribe);
        s.subscribed(now + 300 * S);
        assert_eq!(s.need(now + 599 * S), Need::Nothing, "renewed");
        assert_eq!(s.need(now + 900 * S), Need::Subscribe);
        assert!(s.must_read(now + 900 * S), "it has ended: polled until it works again");
    }

    #[test]
    fn one_whose_notifications_never_come_is_told_and_tried_again_in_an_hour() {
        let now = Instant::now();
        let mut s = Subscription::new(cov(), now);
        s.need(now);
        s.subscribed(now);
        assert_eq!(s.need(now + 9 * S), Need::Nothing);
        assert_eq!(s.need(now + 10 * S), Need::Silent);
        assert!(s.must_read(now + 11 * S));
        assert_eq!(s.need(now + 11 * S), Need::Nothing);
        assert_eq!(s.need(now + 3611 * S), Need::Subscribe);
    }

    #[test]
    fn a_check_that_differs_from_what_was_notified_subscribes_again() {
        let now = Instant::now();
        let mut s = on(now);
        let later = now + 301 * S;
        assert!(s.must_read(later), "the check");
        let lost = s.was_read(&float(2.0), later);
        assert!(!lost, "within an increment that is not known");
        assert_eq!(s.need(later), Need::Subscribe);
        let mut s = on(now);
        s.cov.increment = Some(0.5);
        assert!(s.was_read(&float(2.0), later));
        let mut s = on(now);
        s.notified(&Outcome::Good(Value::Bool(true)), now);
        assert!(s.was_read(&Outcome::Good(Value::Bool(false)), later), "a state never drifts");
    }
}

#[test]
fn mistakes_in_a_specification_are_named() {
    let mut p = following(0, "analog-input:1", false);
    p.priority = Some(17);
    let cov = p.cov.as_mut().unwrap();
    (cov.increment, cov.lifetime, cov.check) = (Some(0.0), S, S / 2);
    let spec = DeviceSpec {
        name: "ahu".into(),
        instance: 4_194_303,
        address: Some(DeviceAddress::Routed { network: 0, mac: vec![], router: None }),
        timing: Timing { in_flight_max: 0, ..PATIENT },
        properties_max: Some(0),
        points: vec![p],
    };
    let keys: Vec<_> = check(&spec).into_iter().map(|p| (p.point.is_some(), p.key)).collect();
    let device = ["instance", "network", "mac", "properties_max", "in_flight_max"];
    let point = ["priority", "increment", "lifetime", "check"];
    let wanted: Vec<_> =
        device.map(|k| (false, k)).into_iter().chain(point.map(|k| (true, k))).collect();
    assert_eq!(keys, wanted);
}
