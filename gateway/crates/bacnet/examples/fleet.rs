//! What a fleet of BACnet devices costs: `cargo run --release -p wellhead-bacnet --example fleet`.
//!
//! 190 devices of 20 points are polled every 10 s for a minute (or as many seconds as the first
//! argument says), from devices in another process on loopback; printed are memory and processor
//! time of the polling process alone. Then 600 properties of one device are read at once, and 40
//! requests to a device that takes 200 ms for each.
#![expect(clippy::unwrap_used, reason = "a measurement ends where it can't go on")]

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};
use wellhead_bacnet::client::Peer;
use wellhead_bacnet::wire::service::{
    ReadAccess, ReadProperty, ReadPropertyAck, ReadResult, confirmed, property,
};
use wellhead_bacnet::wire::{Apdu, Bits, Content, Error, Frame, Packet, Value};
use wellhead_bacnet::{
    Abilities, BacnetDriver, Batch, Client, DeviceAddress, DeviceSpec, ObjectId, ObjectType,
    PointSpec, PortConfig, Property, Timing, Want,
};
use wellhead_driver::{Conversion, Driver, Line, Outcome, Readings};
use wellhead_model::PointIndex;

const DEVICES: u32 = 190;
const POINTS: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("devices") => devices().await,
        seconds => poll(seconds.and_then(|s| s.parse().ok()).unwrap_or(60)).await,
    }
}

/// One socket a device, the last of them slow; their ports are printed.
async fn devices() {
    for n in 0..=DEVICES {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        println!("{}", socket.local_addr().unwrap().port());
        tokio::spawn(async move {
            let mut buf = [0; 1600];
            loop {
                let (len, from) = socket.recv_from(&mut buf).await.unwrap();
                let Some(reply) = answer(n, &buf[..len]) else { continue };
                if n < DEVICES {
                    let _ = socket.send_to(&reply, from).await;
                    continue;
                }
                let socket = socket.clone();
                tokio::spawn(async move {
                    sleep(SLOW).await;
                    let _ = socket.send_to(&reply, from).await;
                });
            }
        });
    }
    // Ends with the parent.
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await;
}

fn value(device: u32, object: ObjectId, property: Property) -> Result<Value, Error> {
    Ok(match property.id {
        property::PRESENT_VALUE => Value::Real((device + object.instance) as f32 / 10.0),
        property::STATUS_FLAGS => Value::Bits(Bits::new(&[false; 4])),
        property::UNITS => Value::Enumerated(62),
        property::MAX_APDU_LENGTH_ACCEPTED => Value::Unsigned(1476),
        property::SEGMENTATION_SUPPORTED => Value::Enumerated(3),
        property::PROTOCOL_SERVICES_SUPPORTED => Value::Bits(Bits::new(&[true; 40])),
        _ => return Err(Error { class: 2, code: 32 }),
    })
}

fn answer(device: u32, datagram: &[u8]) -> Option<Vec<u8>> {
    let Ok(Frame::Unicast(npdu)) = Frame::decode(datagram) else { return None };
    let Content::Apdu(apdu) = Packet::decode(npdu).ok()?.content else { return None };
    let Ok(Apdu::Confirmed { invoke, service, data, .. }) = Apdu::decode(apdu) else {
        return None;
    };
    let mut result = Vec::new();
    if service == confirmed::READ_PROPERTY {
        let ReadProperty { object, property } = ReadProperty::decode(data).ok()?;
        let value = value(device, object, property).ok()?.bytes();
        ReadPropertyAck { object, property, value: &value }.encode(&mut result);
    } else {
        for ReadAccess { object, properties } in ReadAccess::decode_all(data).ok()? {
            let values: Vec<_> =
                properties.iter().map(|p| value(device, object, *p).map(|v| v.bytes())).collect();
            let results: Vec<_> = properties
                .iter()
                .zip(&values)
                .map(|(p, v)| ReadResult {
                    object,
                    property: *p,
                    value: v.as_deref().map_err(|e| *e),
                })
                .collect();
            ReadResult::encode_object(&mut result, object, &results);
        }
    }
    let (mut apdu, mut npdu, mut out) = (Vec::new(), Vec::new(), Vec::new());
    Apdu::ComplexAck { invoke, service, segment: None, data: &result }.encode(&mut apdu);
    Packet::apdu(None, false, &apdu).encode(&mut npdu);
    Frame::Unicast(&npdu).encode(&mut out);
    Some(out)
}

fn analog(instance: u32) -> ObjectId {
    ObjectId { kind: ObjectType(0), instance }
}

fn spec(instance: u32, at: SocketAddrV4) -> DeviceSpec {
    let point = |n| PointSpec {
        index: PointIndex(n),
        name: format!("p{n}"),
        object: analog(n),
        property: Property::PRESENT_VALUE,
        conversion: Conversion::default(),
        period: PERIOD,
        cov: None,
        priority: None,
        unit: None,
    };
    DeviceSpec {
        name: format!("d{instance}"),
        instance,
        address: Some(DeviceAddress::Ip(at)),
        timing: Timing::default(),
        properties_max: None,
        points: (0..POINTS).map(point).collect(),
    }
}

async fn poll(seconds: u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("devices")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ports = lines.take(DEVICES as usize + 1).map(|l| l.unwrap().parse().unwrap());
    let at: Vec<_> = ports.map(|port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).collect();

    let bind = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let client = Client::open(PortConfig { bind, broadcast: Ipv4Addr::LOCALHOST, foreign: None });
    while !matches!(client.local_address(), Some(SocketAddr::V4(_))) {
        sleep(Duration::from_millis(1)).await;
    }
    let mut fleet = JoinSet::new();
    for (n, address) in (0..DEVICES).zip(&at) {
        let mut driver = BacnetDriver::new(spec(n, *address), client.clone());
        fleet.spawn(async move {
            // Spread over the period, as the gateway does.
            sleep(PERIOD * n / DEVICES).await;
            let (mut line, mut out) = (Line::none(), Readings::default());
            let (mut due, mut good) = (interval(PERIOD), 0u64);
            let end = Instant::now() + Duration::from_secs(seconds);
            while Instant::now() < end {
                due.tick().await;
                out.clear();
                if driver.poll(&mut line, 0, &mut out).await.is_ok() {
                    let is_good = |o: &&(PointIndex, Outcome)| matches!(o.1, Outcome::Good(_));
                    good += out.outcomes.iter().filter(is_good).count() as u64;
                }
            }
            good
        });
    }
    let (began, cpu) = (Instant::now(), processor_seconds());
    let good: u64 = fleet.join_all().await.into_iter().sum();
    let (took, cpu) = (began.elapsed().as_secs_f64(), processor_seconds() - cpu);
    println!(
        "fleet: {DEVICES} devices x {POINTS} points every {} s: {good} good values in {took:.0} s, \
         {:.2} % of a core (aim 3), {:.1} MB resident (aim 30)",
        PERIOD.as_secs(),
        100.0 * cpu / took,
        resident_megabytes()
    );

    let peer = Peer::ip(at[0]);
    let timing = Timing::default();
    let abilities = Abilities::ask(&client, peer, &timing, 0).await.unwrap();
    let wants: Vec<Want> = (0..600).map(|n| (analog(n), Property::PRESENT_VALUE)).collect();
    let (began, mut found) = (Instant::now(), Vec::new());
    Batch::new(peer, timing, abilities, None).read(&client, &wants, &mut found).await.unwrap();
    let (took, good) = (began.elapsed(), found.iter().filter(|f| f.is_ok()).count());
    println!(
        "one device: {good} of 600 properties in {:.1} ms (aim 250)",
        took.as_secs_f64() * 1e3
    );

    let slow = Peer::ip(at[DEVICES as usize]);
    let timing = Timing { in_flight_max: 40, ..timing };
    let (began, mut waiting) = (Instant::now(), JoinSet::new());
    for n in 0..40 {
        let client = client.clone();
        waiting.spawn(async move {
            client.read(slow, &timing, analog(n), Property::PRESENT_VALUE).await.is_ok()
        });
    }
    let good = waiting.join_all().await.into_iter().filter(|ok| *ok).count();
    println!(
        "slow device: {good} of 40 requests of {} ms each in {:.0} ms (one by one: {} ms)",
        SLOW.as_millis(),
        began.elapsed().as_secs_f64() * 1e3,
        40 * SLOW.as_millis()
    );
    drop(child.stdin.take());
    child.wait().unwrap();
}

fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system time, in hundredths.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1e3
}
