//! The BACnet client and `wellhead scan` on a network of their own, with real broadcasts, and a
//! router (bacpypes3) to a second one.
//!
//! It runs itself again in a network namespace, for which it needs root. Where that can't be it
//! prints that it did not run; it is a program without the test harness so that this can't be
//! swallowed.
//!
//! Exits with a panic's code if anything is wrong.

use serde_json::{Value as Json, json};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;
use wellhead_bacnet::client::{Failure, Peer};
use wellhead_bacnet::wire::Value;
use wellhead_bacnet::{
    BacnetDriver, Client, Cov, DeviceAddress, DeviceSpec, ObjectId, PointSpec, PortConfig,
    Property, Timing,
};
use wellhead_driver::{Conversion, Driver, Line, Notice, Outcome, Readings};
use wellhead_model::{PointIndex, Value as Reading};
use wellhead_tests::{BacnetDevice, Host, PATIENCE, program};

/// Set in the run that is on the network.
const INSIDE: &str = "WELLHEAD_TEST_NETWORK";
/// Nothing is lost here, but the machine may be very busy.
const TIMING: Timing =
    Timing { response_timeout: Duration::from_secs(10), retries: 0, in_flight_max: 4 };
const PORT: u16 = 47808;
/// The gateway's network, number 1.
const BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 255);
const ROUTER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 1, 2), PORT);
const TWINS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(10, 77, 1, 3), PORT),
    SocketAddrV4::new(Ipv4Addr::new(10, 77, 1, 4), PORT),
];
/// The far device's address on network 5: 10.77.5.3, port 47808.
const FAR_MAC: [u8; 6] = [10, 77, 5, 3, 0xBA, 0xC0];
const FAR: u32 = 42;
const TWIN: u32 = 12;

fn main() -> ExitCode {
    if std::env::var_os(INSIDE).is_some() {
        let network = Network::build();
        on(network);
        println!("bacnet_network: ok");
        return ExitCode::SUCCESS;
    }
    let can = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|o| o.status.success())
    };
    if !can("unshare", &["--net", "true"]) || !can("ip", &["-V"]) {
        println!("bacnet_network: NOT RUN: it needs root (a network namespace) and iproute2");
        return ExitCode::SUCCESS;
    }
    let itself = std::env::current_exe().unwrap();
    let ended = Command::new("unshare").arg("--net").arg(itself).env(INSIDE, "1").status().unwrap();
    if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Network 1 has the gateway (this process), a router and two devices of one instance; network 5,
/// behind the router, has the far device.
struct Network {
    far: BacnetDevice,
    _others: Vec<BacnetDevice>,
    _hosts: Vec<Host>,
}

impl Network {
    fn build() -> Self {
        let [lan, router, far, twin, other] = [(); 5].map(|()| Host::start());
        let gateway = Host::here();
        lan.ip("link add lan type bridge");
        lan.ip("link set lan up");
        for (name, host, address) in [
            ("router", &router, "10.77.1.2/24"),
            ("twin", &twin, "10.77.1.3/24"),
            ("other", &other, "10.77.1.4/24"),
            ("gateway", &gateway, "10.77.1.1/24"),
        ] {
            lan.join(name, host, address);
            lan.ip(&format!("link set {name} master lan"));
        }
        // Nothing but the BACnet router leads to network 5.
        router.join("eth1", &far, "10.77.5.3/24");
        router.ip("addr add 10.77.5.2/24 brd + dev eth1");
        let device =
            |host, words: &str| BacnetDevice::start_on(host, &words.split(' ').collect::<Vec<_>>());
        let routes = "--network 1 --beyond 10.77.5.2/24 --routes 5";
        let others = vec![
            device(
                &router,
                &format!("--address 10.77.1.2/24 {routes} --instance 13 --name router"),
            ),
            device(&twin, "--address 10.77.1.3/24 --name twin"),
            device(&other, "--address 10.77.1.4/24 --name other"),
        ];
        let behind = device(&far, "--address 10.77.5.3/24 --instance 42 --name far");
        Self { far: behind, _others: others, _hosts: vec![lan, router, far, twin, other] }
    }
}

fn on(mut network: Network) {
    a_scan_lists_whom_broadcasts_reach_and_names_a_second_device_of_one_instance();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bind = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT);
        let client = Client::open(PortConfig { bind, broadcast: BROADCAST, foreign: None });
        while client.local_address().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        everybody_answers_to_a_broadcast_from_where_he_is(&client).await;
        two_devices_of_one_instance_are_told(&client).await;
        a_device_behind_the_router_is_read_and_followed(&client, &mut network.far).await;
        a_network_without_a_way_is_told(&client).await;
    });
}

fn far() -> Peer {
    let address = wellhead_bacnet::wire::Remote::new(5, &FAR_MAC).unwrap();
    Peer { via: ROUTER, remote: Some(address) }
}

fn a_scan_lists_whom_broadcasts_reach_and_names_a_second_device_of_one_instance() {
    let mut command = Command::new(program("wellhead"));
    command.args(["scan", "bacnet", "--broadcast", "10.77.1.255", "--time", "5s", "--json"]);
    let output = command.env("LANG", "C").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let found: Json = serde_json::from_slice(&output.stdout).expect(&errors);
    let devices = found["devices"].as_array().unwrap();
    let place = |name: &str| {
        let device = devices.iter().find(|d| d["name"] == name);
        device.map_or(Json::Null, |d| d["place"].clone())
    };
    assert_eq!(place("far"), "device 42, 5:0a4d0503bac0 behind 10.77.1.2:47808", "{found:#}");
    assert_eq!(place("router"), "device 13, 10.77.1.2:47808");
    assert_eq!(devices.len(), 3, "of the twins one: {found:#}");
    let unclear = found["unclear"].to_string();
    assert!(unclear.contains("another device 12, at 10.77.1."), "{found:#}");
    let far = devices.iter().find(|d| d["name"] == "far").unwrap();
    let points = far["points"].as_array().unwrap();
    let supply = points.iter().find(|p| p["object"] == "analog-input:1");
    assert_eq!(supply.map(|p| &p["value"]), Some(&json!(45.3)), "read through the router");
}

async fn everybody_answers_to_a_broadcast_from_where_he_is(client: &Arc<Client>) {
    let expected = vec![
        (TWIN, Peer::ip(TWINS[0])),
        (TWIN, Peer::ip(TWINS[1])),
        (13, Peer::ip(ROUTER)),
        (FAR, far()),
    ];
    let mut found = Vec::new();
    for _ in 0..20 {
        let answers = client.who_is(None, None, Duration::from_millis(500)).await.unwrap();
        found = answers.iter().map(|(i_am, peer)| (i_am.device, *peer)).collect();
        if found == expected {
            return;
        }
    }
    assert_eq!(found, expected);
}

async fn two_devices_of_one_instance_are_told(client: &Arc<Client>) {
    let used = client.locate(TWIN, None, &TIMING).await.unwrap();
    let mut notices: Vec<Notice> = Vec::new();
    let told = async {
        while notices.is_empty() {
            client.seek(TWIN).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
            client.take_notices(TWIN, &mut notices);
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("nothing was told");
    let unused = TWINS.into_iter().map(Peer::ip).find(|p| *p != used).unwrap();
    let text = format!("two devices are instance 12: at {used}, which is used, and {unused}");
    assert_eq!((notices[0].code, &notices[0].text), ("duplicate_instance", &text));
}

async fn a_device_behind_the_router_is_read_and_followed(
    client: &Arc<Client>,
    device: &mut BacnetDevice,
) {
    // Who-Is-Router-To-Network finds the way.
    let there = DeviceAddress::Routed { network: 5, mac: FAR_MAC.to_vec(), router: None };
    assert_eq!(client.locate(FAR, Some(&there), &TIMING).await, Ok(far()));
    for confirmed in [true, false] {
        let supply = PointSpec {
            index: PointIndex(0),
            name: "supply".into(),
            object: object("analog-input:1"),
            property: Property::PRESENT_VALUE,
            conversion: Conversion::default(),
            period: Duration::from_secs(1),
            cov: Some(Cov {
                confirmed,
                increment: None,
                lifetime: Duration::from_secs(600),
                check: Duration::from_secs(3600),
            }),
            priority: None,
            unit: None,
        };
        let spec = DeviceSpec {
            name: "far".into(),
            instance: FAR,
            address: Some(there.clone()),
            timing: TIMING,
            properties_max: None,
            points: vec![supply],
        };
        let mut driver = BacnetDriver::new(spec, client.clone());
        let mut readings = Readings::default();
        driver.poll(&mut Line::none(), 0, &mut readings).await.unwrap();
        let before = if confirmed { 45.3 } else { 51.5 };
        assert_eq!(readings.outcomes, [(PointIndex(0), float(before))]);
        assert!(readings.notices.is_empty(), "{:?}", readings.notices);
        let after = if confirmed { 51.5 } else { 44.5 };
        device.tell(&format!("set supply {after}"));
        let followed = async {
            loop {
                readings.clear();
                driver.unasked(&mut readings).await;
                if readings.outcomes.contains(&(PointIndex(0), float(after))) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, followed).await.expect("no notification came through");
    }
}

async fn a_network_without_a_way_is_told(client: &Arc<Client>) {
    // A router that was named says that it has no route: Reject-Message-To-Network.
    let address = wellhead_bacnet::wire::Remote::new(99, &[7]).unwrap();
    let lost = Peer { via: ROUTER, remote: Some(address) };
    let read = client.read(lost, &TIMING, object("analog-input:1"), Property::PRESENT_VALUE).await;
    let text = "network 99: 10.77.1.2:47808 has no route to it";
    assert_eq!(read, Err(Failure::Unreachable(text.into())));
    // Where none was named, none says that it knows the way.
    let hasty = Timing { response_timeout: Duration::from_secs(1), ..TIMING };
    let nobody = Failure::Unreachable("no router to network 99 answers".into());
    assert_eq!(client.route(99, &hasty).await, Err(nobody));
    // The others are still there.
    let read = client.read(far(), &TIMING, object("analog-input:1"), Property::PRESENT_VALUE).await;
    assert_eq!(read, Ok(Value::Real(44.5)));
}

fn object(text: &str) -> ObjectId {
    text.parse().unwrap()
}

/// As single precision has it, in as few digits as that needs.
fn float(f: f64) -> Outcome {
    Outcome::Good(Reading::float(f).unwrap())
}
