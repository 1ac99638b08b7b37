//! The plant misbehaves on command; the gateway marks what it must and never believes a wrong
//! answer. Two heat pumps share one line; only the first one is disturbed.

use serde_json::{Value as Json, json};
use std::process::Command;
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/test/box";
/// The nameplate of heat pump 1, in BCD: the one value that must never be read differently.
const SERIAL: u64 = 2_019_110_400_017;

struct Bench {
    _dir: tempfile::TempDir,
    _broker: Broker,
    platform: Platform,
    control: String,
    _plant: Child,
    gateway: Gateway,
}

fn last_word(line: &str) -> String {
    line.split(' ').next_back().unwrap_or_default().to_owned()
}

impl Bench {
    /// `framing` is `tcp`, `rtu` (a pseudo-terminal) or `rtu-tcp`.
    fn new(framing: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(dir.path());
        let platform = Platform::connect(broker.port, ROOT);
        let rtu = dir.path().join("rs485");
        let mut command = Command::new(program("wellhead-plant"));
        command
            .args(["run", "--modbus-tcp", "127.0.0.1:0", "--control", "127.0.0.1:0"])
            .args(["--rtu-tcp", "127.0.0.1:0", "--rtu-latency-ms", "1-3", "--rtu"])
            .arg(&rtu);
        let mut plant = Child::start("plant", command);
        let control = last_word(&plant.wait_for("listening control"));
        let line = match framing {
            "tcp" => format!("tcp = \"{}\"", last_word(&plant.wait_for("listening modbus-tcp"))),
            "rtu-tcp" => {
                let at = last_word(&plant.wait_for("listening rtu-tcp"));
                format!("tcp = \"{at}\"\nframing = \"rtu\"")
            }
            _ => format!("serial = \"{}\"\nparity = \"none\"", rtu.display()),
        };
        let device = |n: u8| {
            format!(
                "[device.hp{n}]\nline = \"field\"\nunit = {n}\npoll = \"100ms\"\nreport = \"every\"\n\
                 response_timeout = \"200ms\"\nlate_window = \"200ms\"\nbackoff_first = \"300ms\"\n\
                 backoff_max = \"1s\"\n\
                 [device.hp{n}.point]\n\
                 polls = {{ input = 0, type = \"u32\", unit = \"count\", class = \"counter\" }}\n\
                 serial = {{ input = 30, type = \"bcd\", length = 4, unit = \"1\" }}\n"
            )
        };
        let site = format!(
            "[site]\nid = \"test\"\ntimezone = \"Asia/Shanghai\"\n\
             [gateway]\nid = \"box\"\ndata_dir = \"data\"\n\
             [uplink.cloud]\nurl = \"mqtt://127.0.0.1:{}\"\n\
             [line.field]\n{line}\n{}{}",
            broker.port,
            device(1),
            device(2)
        );
        let gateway = Gateway::start(dir.path(), &site);
        let b = Self { _dir: dir, _broker: broker, platform, control, _plant: plant, gateway };
        for device in ["hp1", "hp2"] {
            b.more("both are read", device, 2, |s| s.quality == "good");
        }
        b
    }

    fn plant(&self, arguments: &[&str]) {
        let mut command = Command::new(program("wellhead-plant"));
        command.arg(arguments[0]).args(["--control", &self.control]).args(&arguments[1..]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    fn samples(&self) -> Vec<WireSample> {
        self.platform.messages().iter().flat_map(samples).collect()
    }

    /// Waits for `n` more samples of a device that fit.
    #[track_caller]
    fn more(&self, what: &str, device: &str, n: usize, fits: impl Fn(&WireSample) -> bool) {
        let count = || self.samples().iter().filter(|s| s.device == device && fits(s)).count();
        let had = count();
        eventually(what, || (count() >= had + n).then_some(()));
    }

    /// Nothing that was ever believed is wrong.
    fn nothing_wrong_was_believed(&self) {
        let all = self.samples();
        for device in ["hp1", "hp2"] {
            let mut polls = 0;
            for s in all.iter().filter(|s| s.device == device && s.quality == "good") {
                match s.point.as_str() {
                    "polls" => {
                        let n = s.value.as_u64().unwrap();
                        assert!(
                            n > polls,
                            "{device}: {n} after {polls}: an old answer was believed"
                        );
                        polls = n;
                    }
                    _ if device == "hp1" => assert_eq!(s.value, json!(SERIAL), "{s:?}"),
                    _ => assert_ne!(s.value, json!(SERIAL), "{s:?}"),
                }
            }
        }
        let neighbour = all.iter().filter(|s| s.device == "hp2");
        let hurt: Vec<_> = neighbour.filter(|s| s.quality != "good").collect();
        assert!(hurt.is_empty(), "the neighbour was never disturbed: {hurt:?}");
    }

    /// A fault of the first heat pump comes and goes.
    fn suffers(&self, fault: &[&str]) {
        let wrong = |s: &WireSample| s.quality == "bad";
        self.plant(&[&["fault", "--unit", "1"], fault].concat());
        self.more(&format!("{fault:?} is noticed"), "hp1", 1, wrong);
        self.more(&format!("its neighbour goes on beside {fault:?}"), "hp2", 6, |_| true);
        self.plant(&["clear"]);
        self.more(&format!("all is well after {fault:?}"), "hp1", 4, |s| s.quality == "good");
    }
}

const FAULTS: &[&[&str]] =
    &[&["silent"], &["garbage"], &["bad-crc"], &["short"], &["foreign-unit"], &["late"]];

#[test]
fn on_tcp_a_misbehaving_unit_is_marked_and_its_neighbour_untouched() {
    let b = Bench::new("tcp");
    b.suffers(&["silent"]);
    b.suffers(&["foreign-unit"]);
    b.suffers(&["foreign-transaction"]);
    b.suffers(&["exception", "--code", "4"]);
    b.nothing_wrong_was_believed();
}

#[test]
fn on_a_serial_line_a_misbehaving_unit_is_marked_and_its_neighbour_untouched() {
    let b = Bench::new("rtu");
    for fault in FAULTS {
        b.suffers(fault);
    }
    b.nothing_wrong_was_believed();
}

#[test]
fn over_a_serial_server_a_misbehaving_unit_is_marked() {
    let b = Bench::new("rtu-tcp");
    b.suffers(&["silent"]);
    b.suffers(&["bad-crc"]);
    b.nothing_wrong_was_believed();
}

#[test]
fn replies_sent_twice_are_believed_once() {
    let b = Bench::new("rtu");
    b.plant(&["fault", "--unit", "1", "duplicate"]);
    b.more("polling goes on", "hp1", 20, |s| s.quality == "good");
    b.nothing_wrong_was_believed();
}

#[test]
fn a_register_that_is_refused_stands_alone_and_is_named() {
    let mut b = Bench::new("tcp");
    b.plant(&["fault", "--unit", "1", "illegal-address", "--from", "30", "--to", "33"]);
    b.more("the serial number is refused", "hp1", 1, |s| {
        s.point == "serial" && s.reason.as_deref() == Some("illegal_address")
    });
    b.more("the other register is read on", "hp1", 5, |s| {
        s.point == "polls" && s.quality == "good"
    });
    let notice = eventually("a notice that names the register", || {
        let bodies: Vec<Json> = b.platform.messages().iter().map(payload).collect();
        let mut events =
            bodies.iter().flat_map(|b| b["events"].as_array().cloned().unwrap_or_default());
        events.find(|e| e["code"] == "illegal_address")
    });
    assert!(
        notice["text"].as_str().is_some_and(|t| t.contains("serial") && t.contains("30")),
        "{notice}"
    );
    assert!(b.gateway.process().lines().iter().all(|l| !l.contains("panic")));
}
