//! The plant's heat meters on M-Bus and CJ/T 188: a foreign master and the gateway's drivers read
//! the same, over a converter and on a serial line, and faults on the bus are never values.

use serde_json::Value as Json;
use std::path::Path;
use std::time::Duration;
use wellhead_driver::{
    Conversion, DeviceError, Driver, Line, LineConfig, Outcome, Parity, Readings, SerialConfig,
    SerialMode, TcpConfig,
};
use wellhead_model::{PointIndex, Reason, Unit, Value};
use wellhead_sensors::Timing;
use wellhead_sensors::{cjt188, mbus};
use wellhead_tests::*;

/// The meter's own time. Far longer than it takes, since the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time enough for a meter that is there, in a search that waits as long for those that are not.
const ANSWER: Duration = Duration::from_secs(3);
/// Where silence is asserted nothing would ever come.
const SILENCE: Duration = Duration::from_millis(300);

struct Plant {
    _dir: tempfile::TempDir,
    _child: Child,
    control: String,
    tcp: u16,
    pty: std::path::PathBuf,
}

impl Plant {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pty = dir.path().join("meters");
        let mut command = std::process::Command::new(program("wellhead-plant"));
        command.args(["run", "--modbus-tcp", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
        command.args(["--mbus-tcp", "127.0.0.1:0", "--rtu-latency-ms", "1-3", "--mbus"]).arg(&pty);
        let mut child = Child::start("plant", command);
        let mut word = |what| {
            let line = child.wait_for(what);
            line.split(' ').next_back().unwrap_or_default().to_owned()
        };
        let (tcp, control) = (word("listening mbus-tcp"), word("listening control"));
        child.wait_for("ready");
        let tcp = tcp.rsplit(':').next().unwrap().parse().unwrap();
        let plant = Self { _dir: dir, _child: child, control, tcp, pty };
        plant.tell(&["pause"]);
        plant
    }

    fn tell(&self, words: &[&str]) {
        let mut command = std::process::Command::new(program("wellhead-plant"));
        command.arg(words[0]).args(["--control", &self.control]).args(&words[1..]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn over_tcp(&self) -> Line {
        Line::new(LineConfig::Tcp(TcpConfig {
            host: "127.0.0.1".into(),
            port: self.tcp,
            connect_timeout: PATIENCE,
            close_when_idle: false,
        }))
    }

    fn on_serial(&self) -> Line {
        // A pseudo-terminal refuses parity, which it has no wire for.
        let mode = SerialMode { baud: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1 };
        let path: &Path = &self.pty;
        Line::new(LineConfig::Serial(SerialConfig { path: path.to_owned(), mode, rs485: false }))
    }
}

fn timing(response_timeout: Duration) -> Timing {
    Timing { response_timeout, pause: Duration::ZERO, late_window: SILENCE, mode: None }
}

fn meter(address: &str, response_timeout: Duration, points: &[(&str, &str)]) -> mbus::MbusDriver {
    let point = |(i, (record, unit)): (usize, &(&str, &str))| mbus::PointSpec {
        index: PointIndex(i as u32),
        name: format!("p{i}"),
        record: record.parse().unwrap(),
        unit: Unit::parse(unit).ok(),
        conversion: Conversion::default(),
        period: Duration::from_secs(60),
    };
    mbus::MbusDriver::new(mbus::DeviceSpec {
        name: "heat-meter".into(),
        address: address.parse().unwrap(),
        timing: timing(response_timeout),
        telegrams_max: 4,
        points: points.iter().enumerate().map(point).collect(),
    })
}

async fn read(driver: &mut impl Driver, line: &mut Line) -> Result<Vec<Outcome>, DeviceError> {
    let mut out = Readings::default();
    driver.poll(line, 0, &mut out).await?;
    Ok(out.outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn number(outcome: &Outcome) -> f64 {
    match outcome {
        Outcome::Good(value) => value.as_f64().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// What pyMeterBus calls a quantity, and how much more its unit is than ours.
const SAME: [(&str, &str, &str, f64); 7] = [
    ("energy", "kWh", "VIFUnit.ENERGY_WH", 1e3),
    ("volume", "m³", "VIFUnit.VOLUME", 1.0),
    ("power", "kW", "VIFUnit.POWER_W", 1e3),
    ("flow", "m³/h", "VIFUnit.VOLUME_FLOW", 1.0),
    ("supply_temperature", "°C", "VIFUnit.FLOW_TEMPERATURE", 1.0),
    ("return_temperature", "°C", "VIFUnit.RETURN_TEMPERATURE", 1.0),
    ("temperature_difference", "K", "VIFUnit.TEMPERATURE_DIFFERENCE", 1.0),
];

/// By primary and by secondary address; the first meter needs two telegrams.
#[tokio::test]
async fn a_foreign_master_and_the_gateway_read_the_same() {
    let plant = Plant::start();
    let points = SAME.map(|(record, unit, ..)| (record, unit));
    for (ours, theirs, records) in
        [("21", "41002210105D320D", 13), ("41002211", "22", 9), ("22", "41002211105D320D", 9)]
    {
        let told = mbus_master(plant.tcp, theirs);
        assert_eq!(told["header"]["manufacturer"], "WHP");
        let list = told["records"].as_array().unwrap();
        assert_eq!(list.len(), records, "{told}");
        let mut driver = meter(ours, PATIENCE, &points);
        for mut line in [plant.over_tcp(), plant.on_serial()] {
            let read = read(&mut driver, &mut line).await.unwrap();
            for ((record, _, kind, factor), outcome) in SAME.iter().zip(&read) {
                let theirs = list.iter().find(|r| r["type"] == *kind).map(amount).unwrap();
                let ours = number(outcome) * factor;
                assert!((ours - theirs).abs() <= 1e-9 * theirs.abs(), "{record}: {ours} {theirs}");
            }
        }
    }
}

fn amount(record: &Json) -> f64 {
    record["value"].as_f64().unwrap_or_else(|| record["value"].as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn both_meters_are_found_on_the_line() {
    let plant = Plant::start();
    let mut line = plant.over_tcp();
    // All but the last digit is given, as each digit costs nine times the silence.
    let among = mbus::Secondary { identification: 0x4100_221F, ..mbus::Secondary::ANY };
    for search in [mbus::Search::Secondary(among), mbus::Search::Primary(21..=23)] {
        let found = mbus::scan(&mut line, &search, None, ANSWER).await.unwrap();
        let mut identities: Vec<_> =
            found.iter().map(|f| f.identity.unwrap().to_string()).collect();
        identities.sort();
        let first = "41002210105D320D";
        assert_eq!(identities, [first, "41002211105D320D"], "{search:?}");
        assert!(found.iter().all(|f| f.medium == "heat and cold" && f.problem.is_none()));
    }
}

#[tokio::test]
async fn a_fault_of_the_bus_is_no_value_and_one_of_a_sensor_its_own() {
    let plant = Plant::start();
    let points = [("supply_temperature", "°C"), ("energy", "MWh")];
    let mut driver = meter("22", PATIENCE, &points);
    let mut line = plant.over_tcp();
    let good = read(&mut driver, &mut line).await.unwrap();
    for (fault, patience) in [
        ("silent", SILENCE),
        ("garbage", SILENCE),
        ("short", SILENCE),
        ("bad-crc", PATIENCE),
        ("foreign-unit", PATIENCE),
    ] {
        plant.tell(&["fault", "--unit", "22", "--line", "mbus-tcp", fault]);
        let mut disturbed = meter("22", patience, &points);
        let error = read(&mut disturbed, &mut plant.over_tcp()).await.unwrap_err();
        // Of what is garbled or short, nothing may be left.
        let none = patience == SILENCE && error.reason() == Reason::NoReply;
        assert!(
            none || fault != "silent" && error.reason() == Reason::BadReply,
            "{fault}: {error}"
        );
        plant.tell(&["clear"]);
        assert_eq!(read(&mut driver, &mut line).await.unwrap(), good, "after {fault}");
    }
    let point = "supply_temperature";
    plant.tell(&["fault", "--unit", "22", "sentinel", "--point", point]);
    let broken = read(&mut driver, &mut line).await.unwrap();
    assert_eq!(broken[0], Outcome::Bad(Reason::NoSensor));
    let Outcome::Good(energy) = &good[1] else { panic!("{good:?}") };
    assert_eq!(broken[1], Outcome::Uncertain(energy.clone(), Reason::Faulty(0x10)));
}

#[tokio::test]
async fn a_heat_meter_reads_the_same_by_cjt_188() {
    let plant = Plant::start();
    let fields = ["supply_temperature", "heat", "volume", "time"];
    let point = |(i, field): (usize, &&str)| cjt188::PointSpec {
        index: PointIndex(i as u32),
        name: (*field).into(),
        field: field.parse().unwrap(),
        unit: None,
        conversion: Conversion::default(),
        period: Duration::from_secs(60),
    };
    let spec = cjt188::DeviceSpec {
        name: "heat-meter".into(),
        kind: "heat".parse().unwrap(),
        address: "78330041002211".parse().unwrap(),
        identifier_order: cjt188::IdentifierOrder::LowFirst,
        unit_position: cjt188::UnitPosition::AfterValue,
        preamble: 2,
        timing: timing(PATIENCE),
        points: fields.iter().enumerate().map(point).collect(),
    };
    assert_eq!(cjt188::check(&spec), []);
    let mut driver = cjt188::Cjt188Driver::new(spec);
    let points = [("supply_temperature", "°C"), ("energy", "MWh"), ("volume", "m³")];
    let mut by_mbus = meter("22", PATIENCE, &points);
    for mut line in [plant.over_tcp(), plant.on_serial()] {
        let ours = read(&mut driver, &mut line).await.unwrap();
        let theirs = read(&mut by_mbus, &mut line).await.unwrap();
        assert_eq!(ours[0], theirs[0]);
        // In steps of 10 kWh.
        assert!((0.0..0.01).contains(&(number(&theirs[1]) - number(&ours[1]))));
        assert_eq!(ours[2], theirs[2]);
        assert!(matches!(&ours[3], Outcome::Good(Value::Text(t)) if t.starts_with("2026-07-01T")));
    }
}
