//! `wellhead scan` against foreign devices and the plant: what it finds is what they hold, its site
//! file is accepted and runs as it stands, and nothing is written to any device.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/new-site/box1";

/// What a command said and how it ended.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

fn wellhead(arguments: &[&str]) -> Said {
    let mut command = Command::new(program("wellhead"));
    let output = command.args(arguments).env("LANG", "C").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { out: text(&output.stdout), err: text(&output.stderr), code: output.status.code() }
}

/// A folder, a broker, and the site file that a scan is to write.
struct Desk {
    dir: tempfile::TempDir,
    broker: Broker,
    site: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(dir.path());
        let site = dir.path().join("found.toml");
        Self { dir, broker, site }
    }

    /// Scans and writes the site file; everything that answered must be understood.
    fn scan(&self, arguments: &[&str]) -> Json {
        let uplink = format!("mqtt://127.0.0.1:{}", self.broker.port);
        let site = self.site.display().to_string();
        let mut all = vec!["scan"];
        all.extend(arguments);
        all.extend(["--json", "--write", &site, "--uplink", &uplink]);
        let said = wellhead(&all);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        serde_json::from_str(&said.out).unwrap()
    }

    /// `check` accepts the site, and `run` brings this many values of it to the broker. Returns
    /// the latest of each point, and the catalogs by device.
    fn runs(&self, values: usize) -> (BTreeMap<String, WireSample>, BTreeMap<String, Json>) {
        let text = std::fs::read_to_string(&self.site).unwrap();
        let checked = wellhead(&["check", &self.site.display().to_string()]);
        assert_eq!(checked.code, Some(0), "{}\n{text}", checked.err);
        let platform = Platform::connect(self.broker.port, ROOT);
        let _gateway = Gateway::start_on(&self.site);
        let mut latest = BTreeMap::new();
        let mut catalogs = BTreeMap::new();
        eventually(&format!("{values} good values of\n{text}"), || {
            let messages = platform.messages();
            for message in &messages {
                let topic = message["topic"].as_str().unwrap_or_default();
                if let Some(device) = topic.strip_prefix(&format!("{ROOT}/catalog/")) {
                    catalogs.insert(device.to_owned(), payload(message));
                }
            }
            for s in messages.iter().flat_map(samples) {
                latest.insert(format!("{}/{}", s.device, s.point), s);
            }
            let good = latest.values().filter(|s| s.quality == "good").count();
            (good >= values).then_some(())
        });
        (latest, catalogs)
    }
}

/// The points of a device with a value.
fn values(device: &Json) -> usize {
    let points = device["points"].as_array().unwrap();
    points.iter().filter(|p| !p["value"].is_null()).count()
}

fn find<'j>(device: &'j Json, key: &str, address: &Json) -> &'j Json {
    let points = device["points"].as_array().unwrap();
    let found = points.iter().find(|p| p[key] == *address);
    found.unwrap_or_else(|| panic!("{key} {address} in {device:#}"))
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_foreign_bacnet_device_becomes_a_site_that_runs_and_is_not_written_to() {
    let mut device = BacnetDevice::start(&[]);
    let desk = Desk::new();
    let broadcast = format!("127.0.0.1:{}", device.port);
    let network = ["--bind", "127.0.0.1:0", "--broadcast", &broadcast, "--time", "1s"];
    let mut arguments = vec!["bacnet"];
    arguments.extend(network);
    let found = desk.scan(&arguments);
    let there = &found["devices"][0];
    assert_eq!(there["name"], "plant");
    let supply = find(there, "object", &json!("analog-input:1"));
    assert_eq!((&supply["value"], &supply["unit"]), (&json!(45.3), &json!("°C")));
    assert_eq!(supply["writable"], false);
    assert_eq!(find(there, "object", &json!("analog-output:1"))["writable"], true);
    assert_eq!(values(there), 14, "{there:#}");

    let (latest, catalogs) = desk.runs(14);
    for (point, value) in [
        ("supply", json!(45.3)),
        ("running", json!(true)),
        ("energy", json!(123_456_789.25)),
        ("text", json!("地热 AHU")),
        // Named in Chinese, so its number is its id and the name its title.
        ("multi_state_input_1", json!(2)),
    ] {
        let sample = latest.get(&format!("plant/{point}"));
        assert_eq!(sample.map(|s| &s.value), Some(&value), "{point}");
    }
    let points = catalogs["plant"]["points"].as_array().unwrap();
    let point = |id: &str| points.iter().find(|p| p["id"] == id).unwrap();
    assert_eq!(point("supply")["unit"], "°C");
    assert_eq!(point("multi_state_input_1")["title_zh"], "运行 mode");
    assert!(points.iter().all(|p| p["writable"] != true), "{points:#?}");
    for priority in 1..=16 {
        for output in ["valve", "pump"] {
            let slot = device.ask(&format!("slot {output} {priority}"));
            assert!(slot.contains(" null"), "{slot}");
        }
    }

    // Once more into the same file: not a byte of it changes.
    let before = std::fs::read(&desk.site).unwrap();
    let site = path(&desk.site);
    let mut again = vec!["scan", "bacnet", "--write", &site];
    again.extend(network);
    let said = wellhead(&again);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("writes over nothing"), "{}", said.err);
    assert_eq!(std::fs::read(&desk.site).unwrap(), before);
}

#[test]
fn a_network_without_devices_ends_with_1_and_writes_no_file() {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let broadcast = nobody.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site.toml");
    let network = ["--bind", "127.0.0.1:0", "--broadcast", &broadcast, "--time", "200ms"];
    let site_text = path(&site);
    let mut arguments = vec!["scan", "bacnet", "--write", &site_text];
    arguments.extend(network);
    let said = wellhead(&arguments);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(!site.exists());
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_asked() {
    let listener = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let broadcast = listener.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let nowhere = path(&dir.path().join("no-such-folder/site.toml"));
    let network = ["--bind", "127.0.0.1:0", "--broadcast", &broadcast, "--time", "200ms"];
    let scan = |file: &str| {
        let mut arguments = vec!["scan", "bacnet", "--write", file];
        arguments.extend(network);
        wellhead(&arguments)
    };
    let said = scan(&nowhere);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("can't be written there"), "{}", said.err);
    let nobody = listener.recv(&mut [0; 64]).unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    // And where it can, the network is asked, and no empty file stays.
    let here = dir.path().join("site.toml");
    assert_eq!(scan(&path(&here)).code, Some(1));
    assert!(listener.recv(&mut [0; 64]).is_ok() && !here.exists());
}

/// Passes datagrams on to a device and its answers back. Its requests after Who-Is wait until
/// `begun` has been told of so many devices.
fn behind(device: u16, begun: &Arc<Begun>, devices: usize) -> u16 {
    let front = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let back = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    back.connect(("127.0.0.1", device)).unwrap();
    let port = front.local_addr().unwrap().port();
    let begun = Arc::clone(begun);
    std::thread::spawn(move || {
        let mut buffer = [0; 1600];
        let mut first = true;
        while let Ok((length, from)) = front.recv_from(&mut buffer) {
            // Of all that is asked only the unconfirmed Who-Is has no destination to answer.
            let who_is = buffer[..length].windows(2).any(|w| w == [0x10, 0x08]);
            if !who_is && std::mem::take(&mut first) {
                begun.wait_for(devices);
            }
            back.send(&buffer[..length]).unwrap();
            let length = back.recv(&mut buffer).unwrap();
            front.send_to(&buffer[..length], from).unwrap();
        }
    });
    port
}

/// How many devices have been asked.
#[derive(Default)]
struct Begun {
    devices: Mutex<usize>,
    more: Condvar,
}

impl Begun {
    fn wait_for(&self, devices: usize) {
        let mut begun = self.devices.lock().unwrap();
        *begun += 1;
        self.more.notify_all();
        let enough = self.more.wait_while(begun, |begun| *begun < devices);
        drop(enough.unwrap());
    }
}

#[test]
fn several_bacnet_devices_are_read_side_by_side() {
    let mut plant = plant(&["--bacnet", "127.0.0.1:0"], &[]);
    let ports = bacnet_ports(&mut plant);
    // None answers before all are asked: one after the other, the first would never be done.
    let begun = Arc::new(Begun::default());
    let fronts = ports.iter().map(|p| behind(p.parse().unwrap(), &begun, ports.len()).to_string());
    let addresses: Vec<String> = fronts.map(|port| format!("127.0.0.1:{port}")).collect();
    let mut arguments = vec!["scan", "bacnet", "--bind", "127.0.0.1:0", "--time", "2s", "--json"];
    addresses.iter().for_each(|address| arguments.extend(["--address", address]));
    let said = wellhead(&arguments);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let found: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(found["devices"].as_array().map(Vec::len), Some(ports.len()));
    assert!(said.err.contains("reading the objects of 3 devices"), "{}", said.err);
}

#[test]
fn a_udp_port_in_use_is_told_and_left_alone() {
    let gateway = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let bind = gateway.local_addr().unwrap().to_string();
    let said = wellhead(&["scan", "bacnet", "--bind", &bind, "--broadcast", "127.0.0.1"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("in use, perhaps by a running gateway"), "{}", said.err);
}

#[test]
fn a_foreign_modbus_device_becomes_a_site_that_runs_and_a_profile() {
    let device = ModbusServer::tcp();
    let desk = Desk::new();
    let host = format!("127.0.0.1:{}", device.port);
    let profile = desk.dir.path().join("found-device.toml");
    let profile_text = path(&profile);
    let probes = ["--probe", "holding:0-49", "--probe", "input:90-110"];
    let mut arguments = vec!["modbus", "--tcp", &host, "--units", "1", "--wait", "5s"];
    arguments.extend(probes);
    arguments.extend(["--profile", &profile_text]);
    let found = desk.scan(&arguments);
    let unit = &found["devices"][0];
    assert_eq!(found["devices"].as_array().map(Vec::len), Some(1));
    assert_eq!(find(unit, "holding", &json!(0))["value"], 453);
    assert_eq!(find(unit, "input", &json!(99))["value"], 7099);
    // It has a hundred of each.
    assert_eq!(values(unit), 50 + 10, "{unit:#}");
    let checked = wellhead(&["check", "--profile", &profile_text]);
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    let (latest, _) = desk.runs(60);
    assert_eq!(latest["unit-1/holding_0"].value, 453);
    assert_eq!(latest["unit-1/input_99"].value, 7099);
}

/// A gateway on a serial port, where nobody answers.
fn serial_site(broker: u16, port: &Path) -> String {
    format!(
        "[site]\nid = \"new-site\"\ntimezone = \"Asia/Shanghai\"\n[gateway]\nid = \"box1\"\n\
         data_dir = \"data\"\n[uplink.cloud]\nurl = \"mqtt://127.0.0.1:{broker}\"\n\
         [line.field]\nserial = \"{}\"\nparity = \"none\"\n[device.hp1]\nline = \"field\"\n\
         unit = 1\n[device.hp1.point.a]\nholding = 0\ntype = \"u16\"\nunit = \"°C\"\n",
        port.display()
    )
}

#[test]
fn a_serial_port_of_a_running_gateway_is_told_and_left_alone() {
    let desk = Desk::new();
    let cable = SerialPair::new(desk.dir.path());
    let _device = ModbusServer::serial(&cable.a, 1);
    let platform = Platform::connect(desk.broker.port, ROOT);
    let gateway = Gateway::start(desk.dir.path(), &serial_site(desk.broker.port, &cable.b));
    eventually("the gateway reads the device", || {
        let all = platform.messages();
        all.iter().flat_map(samples).find(|s| s.quality == "good")
    });
    let port = path(&cable.b);
    let scan = ["scan", "modbus", "--serial", &port, "--parity", "none", "--units", "1"];
    let said = wellhead(&scan);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("in use by another program"), "{}", said.err);
    drop(gateway);
    let mut alone = scan.to_vec();
    alone.extend(["--wait", "5s"]);
    let said = wellhead(&alone);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("unit 1"), "{}", said.out);
}

/// The simulated room, its time stopped and these units silent.
fn plant(arguments: &[&str], silent: &[&str]) -> Child {
    let mut command = Command::new(program("wellhead-plant"));
    command.args(["run", "--modbus-tcp", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
    command.args(["--rtu-latency-ms", "1-3"]).args(arguments);
    let mut plant = Child::start("plant", command);
    let line = plant.wait_for("listening control ");
    let control = line.rsplit(' ').next().unwrap_or_default().to_owned();
    plant.wait_for("ready");
    let tell = |words: &[&str]| {
        let mut command = Command::new(program("wellhead-plant"));
        let told = command.arg(words[0]).args(["--control", &control]).args(&words[1..]).output();
        assert!(told.unwrap().status.success(), "{words:?}");
    };
    tell(&["pause"]);
    silent.iter().for_each(|unit| tell(&["fault", "--unit", unit, "silent"]));
    plant
}

#[test]
fn the_plants_heat_meters_become_a_site_that_runs() {
    let desk = Desk::new();
    let wire = desk.dir.path().join("meters");
    let _plant = plant(&["--mbus", &path(&wire)], &[]);
    let port = path(&wire);
    let line = ["mbus", "--serial", &port, "--parity", "none", "--wait", "10s"];
    let found = desk.scan(&[&line[..], &["--primary", "21-22"]].concat());
    let meters = found["devices"].as_array().unwrap();
    assert_eq!(meters.len(), 2, "{found:#}");
    let supply = find(&meters[1], "record", &json!("supply_temperature"));
    assert_eq!(supply["unit"], "°C");
    // The model's name comes as a text in a record without a name, which no point can be.
    let (latest, catalogs) = desk.runs(values(&meters[0]) - 1 + values(&meters[1]));
    let id = "meter-41002211";
    assert_eq!(latest[&format!("{id}/supply_temperature")].value, supply["value"]);
    let points = catalogs[id]["points"].as_array().unwrap();
    let point = points.iter().find(|p| p["id"] == "supply_temperature").unwrap();
    assert_eq!(point["unit"], "°C");

    let found = wellhead(&[&["scan"][..], &line, &["--secondary", "41002210", "--json"]].concat());
    assert_eq!(found.code, Some(0), "{}{}", found.out, found.err);
    let found: Json = serde_json::from_str(&found.out).unwrap();
    assert_eq!(found["devices"][0]["keys"]["address"], "41002210105D320D", "{found:#}");
}

#[test]
fn an_electricity_meter_of_the_plant_becomes_a_site_that_runs() {
    let desk = Desk::new();
    let wire = desk.dir.path().join("meters");
    // A search among several takes a hundred questions, each as long as silence lasts.
    let _plant = plant(&["--dlt645", &path(&wire)], &["32", "33"]);
    let port = path(&wire);
    let line = ["dlt645", "--serial", &port, "--parity", "none", "--wait", "5s"];
    let found = desk.scan(&[&line[..], &["--edition", "2007"]].concat());
    let meters = found["devices"].as_array().unwrap();
    assert_eq!(meters.len(), 1, "{found:#}");
    let energy = find(&meters[0], "item", &json!("energy"));
    assert_eq!(energy["unit"], "kWh");
    let (latest, _) = desk.runs(meters.iter().map(values).sum());
    let address = meters[0]["keys"]["address"].as_str().unwrap();
    assert_eq!(latest[&format!("meter-{address}/energy")].value, energy["value"]);
}

#[test]
fn two_cjt_188_meters_on_one_line_are_told_and_never_taken_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let wire = dir.path().join("meters");
    let _plant = plant(&["--mbus", &path(&wire)], &[]);
    let port = path(&wire);
    let said = wellhead(&["scan", "cjt188", "--serial", &port, "--parity", "none", "--json"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let found: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(found["devices"], json!([]), "{found:#}");
    let why = found["unclear"][0].as_str().unwrap_or_default();
    assert!(why.contains("several meters; connect one at a time"), "{found:#}");
    let said = wellhead(&["--lang", "zh", "scan", "cjt188", "--serial", &port, "--parity", "none"]);
    assert!(
        said.out.contains("请逐块连接") && said.err.contains("正在询问"),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn the_plants_string_of_sensors_becomes_a_site_that_runs() {
    let desk = Desk::new();
    let sys = desk.dir.path().join("sys");
    std::fs::create_dir(&sys).unwrap();
    let _plant = plant(&["--onewire", &path(&sys)], &[]);
    let found = desk.scan(&["onewire", "--sysfs", &path(&sys)]);
    let string = &found["devices"][0];
    assert_eq!(values(string), 32, "{string:#}");
    let (latest, _) = desk.runs(32);
    let rom = string["points"][0]["sensor"].as_str().unwrap();
    let id = format!("w1-bus-master1/t_{}", rom.replace('-', "_"));
    assert_eq!(latest[&id].value, string["points"][0]["value"]);
}

#[test]
fn a_cjt_188_meter_of_the_plant_becomes_a_site_that_runs() {
    let desk = Desk::new();
    let wire = desk.dir.path().join("meters");
    let _plant = plant(&["--mbus", &path(&wire)], &["21"]);
    let found =
        desk.scan(&["cjt188", "--serial", &path(&wire), "--parity", "none", "--wait", "10s"]);
    let meter = &found["devices"][0];
    let supply = find(meter, "field", &json!("supply_temperature"));
    let (latest, _) = desk.runs(values(meter));
    let address = meter["keys"]["address"].as_str().unwrap();
    assert_eq!(latest[&format!("meter-{address}/supply_temperature")].value, supply["value"]);
}

/// The ports of the plant's three building controllers.
fn bacnet_ports(plant: &mut Child) -> Vec<String> {
    plant.wait_for("ready");
    let words = plant.lines();
    let listening = words.iter().filter(|l| l.starts_with("listening bacnet-"));
    let ports = listening.filter_map(|l| l.rsplit(':').next()).map(str::to_owned);
    let ports: Vec<String> = ports.collect();
    assert_eq!(ports.len(), 3, "{words:#?}");
    ports
}

#[test]
fn the_plants_building_controllers_become_a_site_that_runs() {
    let desk = Desk::new();
    let mut plant = plant(&["--bacnet", "127.0.0.1:0"], &[]);
    let ports = bacnet_ports(&mut plant);
    let mut arguments = vec!["bacnet", "--bind", "127.0.0.1:0", "--time", "2s"];
    let addresses: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    addresses.iter().for_each(|address| arguments.extend(["--address", address]));
    let found = desk.scan(&arguments);
    let devices = found["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 3, "{found:#}");
    let (_, catalogs) = desk.runs(devices.iter().map(values).sum());
    assert_eq!(catalogs.len(), 3);
    let points = catalogs.values().flat_map(|c| c["points"].as_array().cloned().unwrap());
    for point in points {
        // The objects are named in Chinese: titles keep that, ids come from their descriptions.
        let (id, title) = (point["id"].as_str().unwrap(), point["title_zh"].as_str().unwrap());
        assert!(!title.is_ascii(), "{point:#}");
        let words =
            ["flow", "temperature", "pressure", "pump", "valve", "room", "mode", "heat", "supply"];
        assert!(words.iter().any(|w| id.contains(w)), "{point:#}");
        assert_ne!(point["writable"], true, "{point:#}");
    }
}
