//! The BACnet client against foreign devices (bacpypes3).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use wellhead_bacnet::client::Peer;
use wellhead_bacnet::wire::Value;
use wellhead_bacnet::wire::service::{Segmentation, Sought};
use wellhead_bacnet::{Client, ObjectId, PortConfig, Property, Timing, discover, object_list};
use wellhead_tests::BacnetDevice;

/// No reply comes this late on loopback, unless the machine is very busy.
const TIMING: Timing =
    Timing { response_timeout: Duration::from_secs(10), retries: 0, in_flight_max: 4 };

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

async fn open(client: &Client) {
    while client.local_address().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn each_kind_of_object_reads_and_a_device_says_who_it_is() {
    let device = BacnetDevice::start(&["--instance", "12"]);
    let client = client(&device);
    open(&client).await;
    let found = client.who_is(None, Some((10, 20)), Duration::from_millis(500)).await.unwrap();
    let [(i_am, peer)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((i_am.device, i_am.segmentation), (12, Segmentation::Both));
    assert_eq!(*peer, Peer::ip(loopback(device.port)));
    for (name, value) in [
        ("analog-input:1", Value::Real(45.3)),
        ("binary-input:1", Value::Enumerated(1)),
        ("multi-state-input:1", Value::Unsigned(2)),
        ("integer-value:1", Value::Signed(-7)),
        ("large-analog-value:1", Value::Double(123_456_789.25)),
        ("positive-integer-value:1", Value::Unsigned(4_000_000_000)),
        ("character-string-value:1", Value::Text("地热 AHU".into())),
        ("accumulator:1", Value::Unsigned(7001)),
    ] {
        let read = client.read(*peer, &TIMING, object(name), Property::PRESENT_VALUE).await;
        assert_eq!(read, Ok(value), "{name}");
    }
    let sought = Sought::Name("valve".into());
    let have = client.who_has(None, None, sought, Duration::from_millis(500)).await.unwrap();
    assert_eq!(have.len(), 1, "{have:?}");
    assert_eq!(have[0].0.object, object("analog-output:1"));
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
    let found = discover(&client, None, Duration::from_millis(500)).await.unwrap();
    let [there] = &found[..] else { panic!("{found:?}") };
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
