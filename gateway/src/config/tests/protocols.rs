//! What `check` makes of devices that are not Modbus.

use super::*;

/// Devices of every protocol, each on its kind of line.
const ALL: &str = r#"
[site]
id = "renze-baihe"
timezone = "Asia/Shanghai"
[gateway]
id = "box1"
data_dir = "/var/lib/box"
[line.meters]
serial = "/dev/ttyS1"
[line.wires]
sysfs = "/tmp/tree"
[line.contacts]
gpio = "/dev/gpiochip0"
[line.building]
bacnet = "0.0.0.0:47808"
broadcast = "192.168.1.255"
bbmd = "10.0.0.1:47808"
[device.ahu]
line = "building"
instance = 12
address = "192.168.1.12"
network = 5
mac = "0a"
cov = true
[device.ahu.point.supply]
object = "analog-input:3"
[device.ahu.point.mode]
object = "multi-state-value:1"
states = { 1 = "off", 2 = "heat" }
[device.ahu.point.high_limit]
object = "analog-value:7"
property = "high-limit"
type = "f32"
unit = "°C"
[device.ahu.point.fan]
object = "binary-output:2"
priority = 9
[device.ahu.point.fan.output]
safe = false
relinquish = true
watchdog = "the device's own"
[device.pump]
line = "meters"
unit = 5
[device.pump.point.run]
coil = 1
[device.heat]
line = "meters"
protocol = "mbus"
address = "5"
baud = 2400
[device.heat.point.energy]
record = "energy"
class = "counter"
[device.el]
line = "meters"
protocol = "dlt645"
address = "000000000161"
parity = "even"
[device.el.point.voltage]
item = "voltage_a"
[device.el.point.energy]
item = "energy"
unit = "MWh"
class = "counter"
[device.water]
line = "meters"
protocol = "cjt188"
meter = "heat"
address = "78330011223344"
identifier = "high-first"
unit_position = "before"
[device.water.point.heat]
field = "heat"
[device.bore]
line = "wires"
protocol = "onewire"
master = "w1_bus_master1"
[device.bore.point.deep]
sensor = "28-0316a2795bff"
title = "Bore 7"
title_zh = "7号孔"
depth = 40.0
[device.box]
line = "wires"
protocol = "hwmon"
chip = "cpu_thermal"
[device.box.point.temperature]
channel = "temp1"
[device.doors]
line = "contacts"
[device.doors.point.stop]
pin = 17
active_low = true
debounce = "20ms"
bias = "pull-up"
[device.doors.point.pulses]
pin = 18
as = "counter"
scale = 0.1
unit = "m³"
class = "counter"
[device.doors.point.pump]
pin = 19
as = "relay"
states = { 0 = "off", 1 = "on" }
[device.doors.point.pump.output]
safe = "on"
watchdog = "a resistor"
"#;

#[test]
fn devices_of_every_protocol_come_with_their_settings_units_and_shapes() {
    use crate::registry::LineSetup;
    use wellhead_driver::{LineConfig, Parity, SerialMode};
    use wellhead_sensors::gpio::Pin;
    let site = good(ALL);
    let device = |id: &str| site.devices.iter().find(|d| d.id.as_str() == id).unwrap();
    let point = |id: &str, name: &str| {
        device(id).points.iter().find(|p| p.id.as_str() == name).unwrap().clone()
    };
    let said = |id: &str, name: &str| {
        let p = point(id, name);
        (p.shape, p.unit.map(|u| u.symbol()), p.period.as_secs())
    };
    assert_eq!(said("ahu", "supply"), (Shape::Float, None, 10), "the object tells its unit");
    assert_eq!(said("ahu", "mode"), (Shape::Text, None, 10));
    assert_eq!(said("ahu", "high_limit"), (Shape::Float, Some("°C"), 10));
    assert_eq!(said("ahu", "fan"), (Shape::Bool, None, 10));
    assert_eq!(said("pump", "run"), (Shape::Bool, None, 1));
    assert_eq!(said("heat", "energy"), (Shape::Float, None, 60), "the meter tells its unit");
    assert_eq!(said("el", "voltage"), (Shape::Float, Some("V"), 10));
    assert_eq!(said("el", "energy"), (Shape::Float, Some("MWh"), 10));
    assert_eq!(said("water", "heat"), (Shape::Float, None, 60));
    assert_eq!(said("bore", "deep"), (Shape::Float, Some("°C"), 10));
    assert_eq!(said("box", "temperature"), (Shape::Float, Some("°C"), 10));
    assert_eq!(said("doors", "stop"), (Shape::Bool, None, 1));
    assert_eq!(said("doors", "pulses"), (Shape::Float, Some("m³"), 1));
    let deep = point("bore", "deep");
    assert_eq!((&*deep.title, &*deep.title_zh), ("Bore 7, 40 m", "7号孔，40 m"));

    let mode = |spec: &DeviceSpec| match spec {
        DeviceSpec::Modbus(s) => s.mode,
        DeviceSpec::Mbus(s) => s.timing.mode,
        DeviceSpec::Dlt645(s) => s.timing.mode,
        other => panic!("{other:?}"),
    };
    let own = SerialMode { baud: 2400, data_bits: 8, parity: Parity::Even, stop_bits: 1 };
    assert_eq!(mode(&device("heat").spec), Some(own));
    assert_eq!(mode(&device("pump").spec), None);
    assert_eq!(mode(&device("el").spec), None, "it is the line's own");
    let line = |id: &str| &site.lines[device(id).line].setup;
    let LineSetup::Stream(LineConfig::Serial(serial)) = line("el") else { panic!() };
    assert_eq!(serial.mode, SerialMode { baud: 9600, ..own });
    assert_eq!(*line("doors"), LineSetup::Gpio("/dev/gpiochip0".into()));
    let LineSetup::Bacnet(port) = line("ahu") else { panic!() };
    assert_eq!(port.broadcast.to_string(), "192.168.1.255");
    let foreign = port.foreign.as_ref().unwrap();
    assert_eq!((foreign.bbmd.to_string(), foreign.ttl.as_secs()), ("10.0.0.1:47808".into(), 300));
    let DeviceSpec::Bacnet(ahu) = &device("ahu").spec else { panic!() };
    let router = "192.168.1.12:47808".parse().ok();
    let routed = wellhead_bacnet::DeviceAddress::Routed { network: 5, mac: vec![10], router };
    assert_eq!((ahu.instance, ahu.address.as_ref()), (12, Some(&routed)));
    let fan = ahu.points.iter().find(|p| p.name == "fan").unwrap();
    assert_eq!((fan.object.to_string(), fan.priority), ("binary-output:2".to_owned(), Some(9)));
    assert_eq!(fan.cov.unwrap().check.as_secs(), 100, "ten times the poll");
    assert_eq!(point("ahu", "fan").reporting.stale_after.as_secs(), 300, "three checks");
    let limit = ahu.points.iter().find(|p| p.name == "high_limit").unwrap();
    assert_eq!(limit.property.to_string(), "high-limit");
    let DeviceSpec::Onewire(bore) = &device("bore").spec else { panic!() };
    assert_eq!(bore.root, Path::new("/tmp/tree/bus/w1/devices"));
    let DeviceSpec::Hwmon(chip) = &device("box").spec else { panic!() };
    assert_eq!(chip.root, Path::new("/tmp/tree/class/hwmon"));
    let DeviceSpec::Gpio(doors) = &device("doors").spec else { panic!() };
    assert_eq!(doors.counts, Path::new("/var/lib/box/counts/doors.counts"));
    assert_eq!(doors.chip, Path::new("/dev/gpiochip0"));
    let relay = doors.points.iter().find(|p| p.name == "pump").unwrap();
    assert_eq!(relay.pin, Pin::Relay { safe: true });
}

#[test]
fn a_profile_may_be_of_any_protocol_and_is_checked_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let profile = "[profile]\nid = \"meter\"\ntitle = \"M\"\ngeneric = true\n\
        [device]\nprotocol = \"mbus\"\npoll = \"5min\"\n\
        [point.energy]\nrecord = \"energy\"\nunit = \"kWh\"\n";
    let path = dir.path().join("meter.toml");
    fs::write(&path, profile).unwrap();
    let report = check_profile(&path).unwrap();
    assert_eq!(report.render(Lang::En), "");
    fs::write(&path, profile.replace("record = \"energy\"", "record = \"enrgy\"")).unwrap();
    let report = check_profile(&path).unwrap_err();
    assert_eq!(report.findings[0].problem.code(), "bad_text");
    fs::write(&path, profile).unwrap();
    let site = "[site]\nid = \"s\"\ntimezone = \"UTC\"\n[gateway]\nid = \"g\"\nprofiles = [\".\"]\n\
        [line.l]\ntcp = \"h:10001\"\n[device.m]\nline = \"l\"\nprofile = \"meter\"\naddress = \"7\"\n";
    let file = dir.path().join("site.conf");
    fs::write(&file, site).unwrap();
    let (site, _) =
        load(&file, &Shipped::default()).map_err(|r| panic!("{}", r.render(Lang::En))).unwrap();
    let DeviceSpec::Mbus(spec) = &site.devices[0].spec else { panic!() };
    assert_eq!((spec.address.to_string(), spec.points.len()), ("7".to_owned(), 1));
    assert_eq!(site.devices[0].points[0].period.as_secs(), 300);
}
