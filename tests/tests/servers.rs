//! The gateway as a Modbus server: foreign masters (pymodbus, mbpoll) read what the plant holds, and
//! what they write goes through Control.

use serde_json::{Value as Json, json};
use std::path::Path;
use std::process::Command;
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/test/box";

/// A plant room, a device whose registers the test sets, and a gateway that shows both to masters.
struct Bench {
    dir: tempfile::TempDir,
    platform: Platform,
    device: ModbusServer,
    _plant: Child,
    control: String,
    line: String,
    broker: Broker,
    /// Where masters ask.
    port: u16,
}

/// Points of the plant's heat pump, and some of the device with each manner of value.
const MAP: &str = r#"
[server.modbus.map."hp1/power"]
input = 0
type = "f32"
quality = 200
[server.modbus.map."hp1/source_entering_temperature"]
input = 2
type = "i16"
scale = 0.1
quality = 201
[server.modbus.map."hp1/serial_number"]
holding = 10
type = "u64"
[server.modbus.map."hp1/model"]
holding = 20
type = "text"
length = 8
[server.modbus.map."hp1/leaving_setpoint"]
holding = 30
type = "f32"
writable = true
[server.modbus.map."hp1/run"]
coil = 5
writable = true
[server.modbus.map."hp1/capacity_limit"]
holding = 40
type = "u16"
[server.modbus.map."roof/outdoor"]
input = 50
type = "f32"
quality = 250
[server.modbus.map."roof/missing"]
input = 52
type = "i16"
scale = 0.1
quality = 251
[server.modbus.map."roof/count"]
input = 53
type = "u32"
order = "cdab"
[server.modbus.map."roof/mode"]
input = 55
type = "u16"
[server.modbus.map."roof/valve"]
input = 56
bit = 3
[server.modbus.map."roof/lamp"]
input = 56
bit = 4
"#;

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(dir.path());
        let platform = Platform::connect(broker.port, ROOT);
        let mut command = Command::new(program("wellhead-plant"));
        command.args(["run", "--modbus-tcp", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
        let mut plant = Child::start("plant", command);
        let at = |line: String| line.split(' ').next_back().unwrap_or_default().to_owned();
        let control = at(plant.wait_for("listening control"));
        let line = at(plant.wait_for("listening modbus-tcp"));
        let device = ModbusServer::tcp();
        let port = free_port();
        Self { dir, platform, device, _plant: plant, control, line, broker, port }
    }

    /// Writes a site with these settings of the server and this map.
    fn write_site(&self, server: &str, map: &str) {
        let text = format!(
            "[site]\nid = \"test\"\ntimezone = \"Asia/Shanghai\"\n\
             [gateway]\nid = \"box\"\ndata_dir = \"data\"\ncommands = true\nprofiles = [{:?}]\n\
             [uplink.cloud]\nurl = \"mqtt://127.0.0.1:{}\"\n\
             [line.field]\ntcp = \"{}\"\n\
             [device.hp1]\nline = \"field\"\nunit = 1\nprofile = \"plant-heat-pump\"\n\
             poll = \"200ms\"\n\
             [device.hp1.point.run.output]\nsafe = \"off\"\n\
             [device.hp1.point.leaving_setpoint.output]\nlimits = [30, 50]\nsafe = 40\n\
             [line.roof]\ntcp = \"127.0.0.1:{}\"\n\
             [device.roof]\nline = \"roof\"\nunit = 1\npoll = \"200ms\"\nstale_after = \"2s\"\n\
             [device.roof.point.outdoor]\nholding = 0\ntype = \"i16\"\nscale = 0.1\nunit = \"°C\"\n\
             [device.roof.point.missing]\nholding = 21\ntype = \"i16\"\nscale = 0.1\n\
             unit = \"°C\"\nno_sensor = [-32768]\n\
             [device.roof.point.count]\nholding = 2\ntype = \"u32\"\nunit = \"count\"\n\
             [device.roof.point.mode]\nholding = 23\ntype = \"u16\"\n\
             states = {{ 0 = \"off\", 2 = \"heat\" }}\n\
             [device.roof.point.valve]\nholding = 22\nbit = 1\n\
             [device.roof.point.lamp]\nholding = 22\nbit = 2\n\
             [server.modbus]\nbind = \"127.0.0.1:{}\"\n{server}\n{map}",
            repository().join("configs/profiles").display().to_string(),
            self.broker.port,
            self.line,
            self.device.port,
            self.port,
        );
        std::fs::write(self.site(), text).unwrap();
    }

    fn site(&self) -> std::path::PathBuf {
        self.dir.path().join("site.toml")
    }

    /// A gateway on that site, with its server at work and everything read once.
    fn start(&self, server: &str) -> Gateway {
        self.write_site(server, MAP);
        let mut gateway = Gateway::start_on(&self.site());
        gateway.process().wait_for("Modbus server listens");
        gateway
    }

    /// Asks as pymodbus, with arguments of `modbus_master.py`.
    #[track_caller]
    fn ask(&self, wish: &str) -> Json {
        modbus_master(self.port, wish)
    }

    /// Waits until a read gives this value; before the first poll there is none.
    #[track_caller]
    fn await_read(&self, wish: &str, value: Json) {
        let wanted = json!({ "value": value });
        eventually(&format!("{wish} gives {wanted}, not {}", self.ask(wish)), || {
            (self.ask(wish) == wanted).then_some(())
        });
    }

    /// Runs a command of the plant.
    #[track_caller]
    fn plant(&self, arguments: &[&str]) -> Json {
        let mut command = Command::new(program("wellhead-plant"));
        command.arg(arguments[0]).args(["--control", &self.control]).args(&arguments[1..]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or(Json::Null)
    }

    /// What a register of the plant's heat pump holds.
    fn held(&self, point: &str) -> f64 {
        self.plant(&["value", "1", point])["value"].as_f64().unwrap()
    }

    #[track_caller]
    fn await_held(&self, point: &str, value: f64) {
        eventually(&format!("the plant's {point} is {value}, not {}", self.held(point)), || {
            (self.held(point) == value).then_some(())
        });
    }

    fn events(&self) -> Vec<Json> {
        let all = self.platform.messages();
        let bodies = all.iter().filter(|m| m["topic"] == format!("{ROOT}/event")).map(payload);
        bodies.flat_map(|b| b["events"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// The audit entry with this code about this point, by a Modbus master.
    #[track_caller]
    fn await_audit(&self, point: &str, code: &str) -> Json {
        eventually(&format!("{code} of {point} is told: {:#?}", self.events()), || {
            let fits = |e: &Json| {
                let by = e["source"] == "modbus:127.0.0.1" && e["slot"] == 12;
                e["kind"] == "audit" && e["point"] == point && e["code"] == code && by
            };
            self.events().into_iter().find(fits)
        })
    }
}

/// What mbpoll reads: its numbers, as it prints them.
#[track_caller]
fn mbpoll(port: u16, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("mbpoll");
    command.args(["-m", "tcp", "-p", &port.to_string(), "-0", "-1", "-q", "-o", "10"]);
    let output = command.args(arguments).arg("127.0.0.1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = |line: &str| {
        let (_, value) = line.strip_prefix('[')?.split_once(']')?;
        Some(value.trim_start_matches(':').trim().to_owned())
    };
    let values: Vec<_> = text.lines().filter_map(value).collect();
    assert!(!values.is_empty(), "mbpoll {arguments:?}: {output:?}");
    values
}

#[test]
fn foreign_masters_read_the_numbers_that_the_plant_holds() {
    let bench = Bench::new();
    // Its time stands still, so that what is compared does not move.
    bench.plant(&["pause"]);
    let _gateway = bench.start("");
    // The heat pump's own registers hold tenths.
    let power = (bench.held("power") * 10.0).round() / 10.0;
    let water = (bench.held("source_entering_temperature") * 10.0).round() as i64;
    let serial = bench.held("serial_number") as u64;
    assert!(water > 0 && serial > 1 << 32, "worth comparing: {water} {serial}");
    bench.await_read("read input 0 FLOAT32", json!(f64::from(power as f32)));
    bench.await_read("read input 2 INT16", json!(water));
    bench.await_read("read input 200 UINT16", json!(0));
    bench.await_read("read holding 10 UINT64", json!(serial));
    let setpoint = bench.held("leaving_setpoint");
    bench.await_read("read holding 30 FLOAT32", json!(setpoint));
    let read = mbpoll(bench.port, &["-t", "4:float", "-B", "-r", "30"]);
    assert_eq!(read[0].parse::<f64>().unwrap(), setpoint);

    // Each manner of value, from a device that holds what it was told.
    bench.await_read("read input 50 FLOAT32", json!(f64::from(45.3f32)));
    // Low word first, as the map says; pymodbus reads the high word first.
    bench.await_read("read input 53 UINT32", json!(123_456_789u32.rotate_left(16)));
    assert_eq!(mbpoll(bench.port, &["-t", "3:int", "-r", "53"]), ["123456789"]);
    bench.await_read("read input 55 UINT16", json!(2));
    bench.await_read("read input 56 UINT16", json!(0b0_1000));
    let name = bench.ask("identify")["value"].clone();
    assert_eq!((&name["0"], &name["5"]), (&json!("Wellhead"), &json!("test/box")));
}

#[test]
fn texts_and_decimal_digits_are_read_as_the_map_lays_them() {
    let bench = Bench::new();
    let map = "[server.modbus.map.\"hp1/serial_number\"]\nholding = 10\ntype = \"bcd\"\nlength = 4\n\
               [server.modbus.map.\"hp1/model\"]\nholding = 20\ntype = \"text\"\nlength = 8\n";
    bench.write_site("", map);
    let mut gateway = Gateway::start_on(&bench.site());
    gateway.process().wait_for("Modbus server listens");
    // Its digits, read as those of a hexadecimal number.
    let serial = format!("{}", bench.held("serial_number") as u64);
    let digits = u64::from_str_radix(&serial, 16).unwrap();
    bench.await_read("read holding 10 UINT64", json!(digits));
    bench.await_read("read holding 20 STRING 8", json!("GSHP-456/R134a"));
}

#[test]
fn what_the_device_shows_next_is_what_masters_read_next() {
    let mut bench = Bench::new();
    let _gateway = bench.start("");
    bench.await_read("read input 50 FLOAT32", json!(f64::from(45.3f32)));
    bench.device.set(0, (-105i16).cast_unsigned());
    bench.await_read("read input 50 FLOAT32", json!(-10.5));
    bench.device.set(22, 0b110);
    bench.await_read("read input 56 UINT16", json!(0b1_1000));
}

#[test]
fn a_point_without_a_value_shows_its_sentinel_and_its_quality() {
    let bench = Bench::new();
    let _gateway = bench.start("");
    bench.await_read("read input 251 UINT16", json!(3));
    assert_eq!(bench.ask("read input 52 INT16")["value"], -32768, "no sensor");
    bench.await_read("read input 250 UINT16", json!(0));
    let Bench { mut device, port, .. } = bench;
    device.process().kill();
    eventually("a device that is gone is told", || {
        let quality = modbus_master(port, "read input 250 UINT16")["value"].as_u64().unwrap();
        (quality == 2 || quality == 3).then_some(())
    });
    assert_eq!(modbus_master(port, "read input 50 FLOAT32")["value"], "nan");
    assert_eq!(modbus_master(port, "read input 53 UINT32")["value"], u32::MAX);
}

#[test]
fn a_point_without_a_value_is_an_exception_where_the_site_says_so() {
    let bench = Bench::new();
    let _gateway = bench.start("bad = \"exception\"");
    bench.await_read("read input 50 FLOAT32", json!(f64::from(45.3f32)));
    assert_eq!(bench.ask("read input 52 INT16"), json!({ "exception": 4 }));
    assert_eq!(bench.ask("read input 251 UINT16")["value"], 3, "its quality can be read");
}

#[test]
fn a_write_goes_through_control_and_its_limits_hold() {
    let bench = Bench::new();
    let gateway = bench.start("hold = \"10s\"");
    bench.await_read("read holding 30 FLOAT32", json!(bench.held("leaving_setpoint")));
    assert_eq!(bench.ask("write holding 30 FLOAT32 44.5"), json!({ "value": false }));
    bench.await_held("leaving_setpoint", 44.5);
    bench.await_read("read holding 30 FLOAT32", json!(44.5));
    let told = bench.await_audit("hp1/leaving_setpoint", "written");
    assert_eq!((&told["new"], &told["ok"]), (&json!(44.5), &json!(true)), "{told}");

    assert_eq!(bench.ask("write holding 30 FLOAT32 60"), json!({ "exception": 3 }));
    let told = bench.await_audit("hp1/leaving_setpoint", "refused");
    assert_eq!((&told["new"], &told["ok"]), (&json!(60.0), &json!(false)), "{told}");

    // Nobody writes it again, so it is let go.
    bench.await_audit("hp1/leaving_setpoint", "lapsed");
    bench.await_held("leaving_setpoint", 40.0);

    // An operator's slot is before a master's.
    let (told, code) = gateway.ask(&["write", "hp1/leaving_setpoint", "35"]);
    assert_eq!(code, 0, "{told}");
    bench.await_held("leaving_setpoint", 35.0);
    assert_eq!(bench.ask("write holding 30 FLOAT32 46"), json!({ "value": false }));
    let told = bench.await_audit("hp1/leaving_setpoint", "held");
    assert_eq!(told["new"], 46.0, "{told}");
    assert_eq!(bench.held("leaving_setpoint"), 35.0);
}

#[test]
fn a_coil_switches_an_output_that_has_states() {
    let bench = Bench::new();
    let _gateway = bench.start("");
    for on in [false, true] {
        bench.ask("read coil 5 BIT");
        let wish = format!("write coil 5 BIT {}", u8::from(on));
        assert_eq!(bench.ask(&wish), json!({ "value": false }));
        bench.await_held("run", f64::from(u8::from(on)));
        bench.await_read("read coil 5 BIT", json!([on]));
    }
}

#[test]
fn what_is_not_on_the_map_or_not_writable_is_refused() {
    let bench = Bench::new();
    let _gateway = bench.start("unit = 7");
    let master = |wish: &str| bench.ask(wish);
    let absent = json!({ "exception": 2 });
    for wish in [
        "read holding 0 UINT16",
        "read input 1 UINT16",
        "read input 0 FLOAT32 2",
        "read coil 0 BIT",
        "read discrete 5 BIT",
        "write holding 41 UINT16 50",
        "write holding 40 UINT16 50",
        "write holding 31 UINT16 0",
        "write coil 6 BIT 1",
    ] {
        assert_eq!(master(&format!("--unit=7 {wish}")), absent, "{wish}");
    }
    assert_eq!(master("--unit=8 read input 0 FLOAT32"), json!({ "exception": 11 }));
    let all = bench.events();
    assert!(all.iter().all(|e| e["slot"] != 12), "nothing came to Control: {all:#?}");
}

#[test]
fn a_reload_exchanges_the_map_and_ends_the_server() {
    let bench = Bench::new();
    let mut gateway = bench.start("");
    bench.await_read("read input 50 FLOAT32", json!(f64::from(45.3f32)));
    let map = "[server.modbus.map.\"roof/outdoor\"]\ninput = 60\ntype = \"i16\"\nscale = 0.1\n";
    bench.write_site("", map);
    gateway.process().signal("HUP");
    eventually("the old map is gone", || {
        let old = connected(bench.port).then(|| bench.ask("read input 50 FLOAT32"))?;
        (old == json!({ "exception": 2 })).then_some(())
    });
    bench.await_read("read input 60 INT16", json!(453));

    let text = std::fs::read_to_string(bench.site()).unwrap();
    let (without, _) = text.split_once("[server.modbus]").unwrap();
    std::fs::write(bench.site(), without).unwrap();
    gateway.process().signal("HUP");
    eventually("nobody listens", || (!connected(bench.port)).then_some(()));
}

fn connected(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn a_site_that_takes_no_commands_has_no_writable_registers() {
    let bench = Bench::new();
    bench.write_site("", MAP);
    let text = std::fs::read_to_string(bench.site()).unwrap();
    std::fs::write(bench.site(), text.replace("commands = true\n", "")).unwrap();
    let (told, code) = check(&bench.site());
    assert_eq!(code, 2, "{told}");
    assert_eq!(told.matches("the site takes no commands").count(), 2, "{told}");
}

fn check(site: &Path) -> (String, i32) {
    let mut command = Command::new(program("wellhead"));
    let output = command.arg("check").arg(site).env("LANG", "C").output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (text, output.status.code().unwrap_or(-1))
}
