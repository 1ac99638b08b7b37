//! The BACnet client against foreign devices (bacpypes3).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use wellhead_bacnet::client::{Failure, Peer};
use wellhead_bacnet::wire::service::{IAm, Segmentation, Sought, WriteProperty};
use wellhead_bacnet::wire::{Error, Value};
use wellhead_bacnet::{
    BacnetDriver, Client, Cov, DeviceAddress, DeviceSpec, ObjectId, PointSpec, PortConfig,
    Property, Registration, Timing, look_at, object_list,
};
use wellhead_driver::{Conversion, Driver, Line, Outcome, Readback, Readings, Write};
use wellhead_model::{PointIndex, Reason, Value as Reading};
use wellhead_tests::BacnetDevice;

/// No reply comes this late on loopback, unless the machine is very busy.
const TIMING: Timing =
    Timing { response_timeout: Duration::from_secs(10), retries: 0, in_flight_max: 4 };

/// How long answers to all are collected.
const WAIT: Duration = Duration::from_millis(500);

fn loopback(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

/// A client whose broadcasts reach one device, as if it were alone on its network.
fn client(device: &BacnetDevice) -> Arc<Client> {
    let config = PortConfig { bind: loopback(0), broadcast: Ipv4Addr::LOCALHOST, foreign: None };
    Client::open_to(config, loopback(device.port))
}

fn object(text: &str) -> ObjectId {
    text.parse().unwrap()
}

/// Asks again until somebody answers: how long that takes is the machine's affair.
async fn eventually<T>(mut ask: impl AsyncFnMut() -> Vec<T>) -> Vec<T> {
    for _ in 0..60 {
        let found = ask().await;
        if !found.is_empty() {
            return found;
        }
    }
    panic!("nobody answered");
}

async fn find(client: &Client, to: Option<Peer>, range: Option<(u32, u32)>) -> Vec<(IAm, Peer)> {
    eventually(async || client.who_is(to, range, WAIT).await.unwrap()).await
}

async fn open(client: &Client) {
    while client.local_address().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn each_kind_of_object_reads_and_a_device_says_who_it_is() {
    let device = BacnetDevice::start(&["--instance", "12", "--schedule"]);
    let client = client(&device);
    open(&client).await;
    let found = find(&client, None, Some((10, 20))).await;
    let [(i_am, peer)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((i_am.device, i_am.segmentation), (12, Segmentation::Both));
    assert_eq!(*peer, Peer::ip(loopback(device.port)));
    let directed = find(&client, Some(*peer), None).await;
    assert_eq!(directed, found);
    for (name, value) in [
        ("analog-input:1", Value::Real(45.3)),
        ("binary-input:1", Value::Enumerated(1)),
        ("multi-state-input:1", Value::Unsigned(2)),
        ("integer-value:1", Value::Signed(-7)),
        ("large-analog-value:1", Value::Double(123_456_789.25)),
        ("positive-integer-value:1", Value::Unsigned(4_000_000_000)),
        ("character-string-value:1", Value::Text("地热 AHU".into())),
        ("accumulator:1", Value::Unsigned(7001)),
        ("schedule:1", Value::Real(21.5)),
    ] {
        let read = client.read(*peer, &TIMING, object(name), Property::PRESENT_VALUE).await;
        assert_eq!(read, Ok(value), "{name}");
    }
    let have = eventually(async || {
        client.who_has(None, None, Sought::Name("valve".into()), WAIT).await.unwrap()
    })
    .await;
    assert_eq!(have.len(), 1, "{have:?}");
    assert_eq!(have[0].0.object, object("analog-output:1"));
    let sought = || Sought::Object(object("analog-output:1"));
    let directed = eventually(async || {
        client.who_has(Some(*peer), Some((10, 20)), sought(), WAIT).await.unwrap()
    })
    .await;
    assert_eq!((&*directed[0].0.name, directed[0].1), ("valve", *peer));
    let others = client.who_has(None, Some((13, 20)), sought(), WAIT).await.unwrap();
    assert_eq!(others, []);
}

#[tokio::test]
async fn a_list_of_616_objects_comes_whole_in_segments_and_by_index() {
    for (arguments, window) in
        [(&["--max-apdu", "480"][..], "1"), (&[], "8"), (&["--no-segmentation"], "4")]
    {
        // 14 objects of its own, the device and its port.
        let mut all = vec!["--objects", "600", "--window", window];
        all.extend(arguments);
        let device = BacnetDevice::start(&all);
        let client = client(&device);
        open(&client).await;
        let peer = Peer::ip(loopback(device.port));
        let list = object_list(&client, peer, &TIMING, 12).await.unwrap();
        assert_eq!(list.len(), 616, "{all:?}");
        let mut once = list.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), 616, "each once");
    }
}

#[tokio::test]
async fn discovery_lists_objects_with_names_and_units() {
    let device = BacnetDevice::start(&[]);
    let client = client(&device);
    open(&client).await;
    let found = eventually(async || client.who_is(None, None, WAIT).await.unwrap()).await;
    let [(i_am, peer)] = found[..] else { panic!("{found:?}") };
    let there = look_at(&client, i_am, peer, &TIMING).await;
    assert_eq!(there.name.as_deref(), Some("plant"));
    let objects = there.objects.as_ref().unwrap();
    let named = |name: &str| {
        let text = |o: &&wellhead_bacnet::FoundObject| o.name.as_deref() == Some(name);
        objects.iter().find(text).unwrap_or_else(|| panic!("{name} in {objects:#?}"))
    };
    let supply = named("supply");
    assert_eq!(supply.unit.map(|u| u.symbol()), Some("°C"));
    assert!(!supply.writable);
    assert!(named("valve").writable);
    assert_eq!(named("运行 mode").object, object("multi-state-input:1"), "UCS-2");
    assert_eq!(named("Zuluft °C").object, object("multi-state-value:1"), "ISO 8859-1");
}

fn point(n: u32, name: &str) -> PointSpec {
    PointSpec {
        index: PointIndex(n),
        name: name.into(),
        object: object(name),
        property: Property::PRESENT_VALUE,
        conversion: Conversion::default(),
        period: Duration::from_secs(1),
        cov: None,
        priority: None,
        unit: None,
    }
}

fn driver(device: &BacnetDevice, client: Arc<Client>, points: Vec<PointSpec>) -> BacnetDriver {
    let spec = DeviceSpec {
        name: "plant".into(),
        instance: 12,
        address: Some(DeviceAddress::Ip(loopback(device.port))),
        timing: TIMING,
        properties_max: None,
        points,
    };
    BacnetDriver::new(spec, client)
}

async fn poll(driver: &mut BacnetDriver) -> Readings {
    let mut out = Readings::default();
    driver.poll(&mut Line::none(), 0, &mut out).await.unwrap();
    out
}

async fn unasked(driver: &mut BacnetDriver) -> Readings {
    let mut out = Readings::default();
    let patience = wellhead_tests::PATIENCE;
    tokio::time::timeout(patience, driver.unasked(&mut out)).await.expect("nothing was told");
    out
}

fn float(f: f64) -> Outcome {
    Outcome::Good(Reading::float(f).unwrap())
}

#[tokio::test]
async fn a_command_takes_its_priority_and_gives_it_back() {
    let mut device = BacnetDevice::start(&[]);
    let client = client(&device);
    open(&client).await;
    let mut valve = point(0, "analog-output:1");
    valve.priority = Some(8);
    let mut pump = point(1, "binary-output:1");
    pump.priority = Some(10);
    let mut driver = driver(&device, client.clone(), vec![valve, pump]);
    let mut line = Line::none();
    let value = Reading::float(42.5).unwrap();
    let write = Write { point: PointIndex(0), value: value.clone(), readback: true };
    let back = driver.write(&mut line, &write).await;
    assert_eq!(back, Ok(Readback::Read(Outcome::Good(value))));
    assert_eq!(device.ask("slot valve 8"), "valve real 42.5");
    let write = Write { point: PointIndex(1), value: Reading::Bool(true), readback: true };
    let back = driver.write(&mut line, &write).await;
    assert_eq!(back, Ok(Readback::Read(Outcome::Good(Reading::Bool(true)))));
    // A hand at priority 5 rules, and what is read back says so.
    let peer = Peer::ip(loopback(device.port));
    let wish = async |name: &str, value: Value, priority| {
        let (object, value) = (object(name), value.bytes());
        let property = Property::PRESENT_VALUE;
        let write = WriteProperty { object, property, value: &value, priority: Some(priority) };
        client.write(peer, &TIMING, 1476, &write).await
    };
    wish("analog-output:1", Value::Real(99.0), 5).await.unwrap();
    let write =
        Write { point: PointIndex(0), value: Reading::float(10.0).unwrap(), readback: true };
    assert_eq!(driver.write(&mut line, &write).await, Ok(Readback::Read(float(99.0))));
    wish("analog-output:1", Value::Null, 5).await.unwrap();
    assert_eq!(device.ask("get valve"), "valve 10.0");
    let back = driver.relinquish(&mut line, PointIndex(0), true).await;
    assert_eq!(back, Ok(Readback::Acknowledged));
    assert_eq!(device.ask("get valve"), "valve 5.0", "what it falls back to");
    assert!(device.ask("slot valve 8").starts_with("valve null"));
    // What it does not have, it does not take.
    let refused = wish("analog-output:99", Value::Real(1.0), 8).await;
    assert_eq!(refused, Err(Failure::Error(Error { class: 1, code: 31 })));
}

#[tokio::test]
async fn changes_are_told_confirmed_and_not() {
    for confirmed in [false, true] {
        let mut device = BacnetDevice::start(&[]);
        let client = client(&device);
        open(&client).await;
        let mut supply = point(0, "analog-input:1");
        supply.cov = Some(Cov {
            confirmed,
            increment: None,
            lifetime: Duration::from_secs(600),
            check: Duration::from_secs(3600),
        });
        let mut driver = driver(&device, client, vec![supply]);
        assert_eq!(poll(&mut driver).await.outcomes, [(PointIndex(0), float(45.3))]);
        assert_eq!(unasked(&mut driver).await.outcomes, [(PointIndex(0), float(45.3))]);
        assert!(poll(&mut driver).await.outcomes.is_empty(), "no need to ask");
        device.tell("set supply 47.5");
        assert_eq!(unasked(&mut driver).await.outcomes, [(PointIndex(0), float(47.5))]);
    }
}

#[tokio::test]
async fn flags_and_reliability_of_a_foreign_device_become_quality() {
    let mut device = BacnetDevice::start(&[]);
    let client = client(&device);
    open(&client).await;
    device.tell("reliability supply no-sensor");
    device.tell("out setpoint");
    assert_eq!(device.ask("get supply"), "supply 45.3", "all of it is done");
    let names = ["analog-input:1", "analog-value:1"];
    let points = names.iter().enumerate().map(|(n, name)| point(n as u32, name)).collect();
    let mut driver = driver(&device, client, points);
    let mut out = poll(&mut driver).await;
    out.outcomes.sort_by_key(|(i, _)| i.0);
    let outcomes: Vec<_> = out.outcomes.into_iter().map(|(_, o)| o).collect();
    assert_eq!(outcomes[0], Outcome::Bad(Reason::Faulty(1)));
    let setpoint = Reading::float(40.0).unwrap();
    assert_eq!(outcomes[1], Outcome::Uncertain(setpoint, Reason::OutOfService));
}

#[tokio::test]
async fn a_device_behind_a_foreign_router_is_found_read_and_listed() {
    let device = BacnetDevice::start(&["--network", "1", "--routes", "5"]);
    let client = client(&device);
    open(&client).await;
    let found = find(&client, None, Some((12, 12))).await;
    let [(_, peer)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(peer.to_string(), format!("5:0a behind 127.0.0.1:{}", device.port));
    let there = DeviceAddress::Routed { network: 5, mac: vec![0x0A], router: None };
    assert_eq!(client.locate(12, Some(&there), &TIMING).await, Ok(*peer));
    let read = client.read(*peer, &TIMING, object("analog-input:1"), Property::PRESENT_VALUE);
    assert_eq!(read.await, Ok(Value::Real(45.3)));
    assert_eq!(object_list(&client, *peer, &TIMING, 12).await.map(|l| l.len()), Ok(16));
}

#[tokio::test]
async fn a_foreign_device_hears_through_its_bbmd() {
    let device = BacnetDevice::start(&["--bbmd"]);
    let bbmd = loopback(device.port);
    let foreign = Some(Registration { bbmd, ttl: Duration::from_secs(60) });
    let config = PortConfig { bind: loopback(0), broadcast: Ipv4Addr::LOCALHOST, foreign };
    let client = Client::open(config);
    while !client.is_registered() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let found = find(&client, None, None).await;
    assert_eq!(found.iter().map(|(i, _)| i.device).collect::<Vec<_>>(), [12]);
    let refusing = BacnetDevice::start(&[]);
    let foreign =
        Some(Registration { bbmd: loopback(refusing.port), ttl: Duration::from_secs(60) });
    let config = PortConfig { bind: loopback(0), broadcast: Ipv4Addr::LOCALHOST, foreign };
    let client = Client::open(config);
    let mut notices = Vec::new();
    while notices.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.take_notices(12, &mut notices);
    }
    assert_eq!(notices[0].code, "foreign_lost", "{notices:?}");
}
