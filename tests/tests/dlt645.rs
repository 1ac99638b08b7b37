//! A foreign DL/T 645 meter, over TCP and over a serial line: what it holds is what is read.

use std::path::Path;
use std::time::Duration;
use wellhead_driver::{
    Conversion, Driver, Line, LineConfig, Outcome, Parity, Readings, SerialConfig, SerialMode,
    TcpConfig,
};
use wellhead_model::{PointIndex, Reason, Value};
use wellhead_sensors::Timing;
use wellhead_sensors::dlt645::{
    DeviceSpec, Dlt645Driver, Edition, Found, PointSpec, Report, Scan, check, scan,
};
use wellhead_tests::*;

const METER: &str = "123456781012";
/// The meter's own time. Far longer than it takes, since the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

fn timing(response_timeout: Duration) -> Timing {
    Timing { response_timeout, pause: Duration::ZERO, late_window: Duration::ZERO, mode: None }
}

fn spec(address: &str, items: &[&str]) -> DeviceSpec {
    let point = |(i, item): (usize, &&str)| PointSpec {
        index: PointIndex(i as u32),
        name: (*item).into(),
        item: item.parse().unwrap(),
        unit: None,
        conversion: Conversion::default(),
        period: Duration::from_secs(10),
    };
    DeviceSpec {
        name: "el".into(),
        address: address.parse().unwrap(),
        edition: Edition::Y2007,
        preamble: 4,
        blocks: false,
        timing: timing(PATIENCE),
        points: items.iter().enumerate().map(point).collect(),
    }
}

fn tcp(port: u16) -> Line {
    Line::new(LineConfig::Tcp(TcpConfig {
        host: "127.0.0.1".into(),
        port,
        connect_timeout: PATIENCE,
        close_when_idle: false,
    }))
}

fn serial(path: &Path) -> Line {
    // A pseudo-terminal refuses parity, which it has no wire for.
    let mode = SerialMode { baud: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1 };
    Line::new(LineConfig::Serial(SerialConfig { path: path.to_owned(), mode, rs485: false }))
}

async fn read(driver: &mut Dlt645Driver, line: &mut Line) -> Readings {
    let mut out = Readings::default();
    driver.poll(line, 0, &mut out).await.unwrap();
    out.outcomes.sort_by_key(|(i, _)| *i);
    out
}

fn outcomes(out: Readings) -> Vec<Outcome> {
    out.outcomes.into_iter().map(|(_, o)| o).collect()
}

fn good(f: f64) -> Outcome {
    Outcome::Good(Value::float(f).unwrap())
}

const ITEMS: [&str; 11] = [
    "energy",
    "energy_t1",
    "energy_reverse",
    "demand_max",
    "voltage_a",
    "current_a",
    "power",
    "power_factor",
    "frequency",
    "meter_temperature",
    "00010000:4.0",
];

fn expected() -> Vec<Outcome> {
    let values =
        [123456.78, 100_000.01, 0.26, 12.3456, 230.1, -12.345, -5.1234, 0.875, 49.98, 31.5];
    let whole = Outcome::Good(Value::Int(12_345_678));
    values.into_iter().map(good).chain([whole]).collect()
}

#[tokio::test]
async fn every_value_of_a_meter_behind_a_converter_is_read_as_it_holds_it() {
    let mut meter = Dlt645Meter::tcp();
    let mut line = tcp(meter.port);
    let spec = spec(METER, &ITEMS);
    assert_eq!(check(&spec), []);
    let mut driver = Dlt645Driver::new(spec);
    assert_eq!(outcomes(read(&mut driver, &mut line).await), expected());
    meter.set("00010000", "123456.79");
    meter.set("02030000", "5.5");
    let got = outcomes(read(&mut driver, &mut line).await);
    assert_eq!((&got[0], &got[6]), (&good(123_456.79), &good(5.5)));
}

#[tokio::test]
async fn every_value_of_a_meter_on_a_serial_line_is_read_as_it_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let cable = SerialPair::new(dir.path());
    let _meter = Dlt645Meter::serial(&cable.a);
    let mut driver = Dlt645Driver::new(spec(METER, &ITEMS));
    assert_eq!(outcomes(read(&mut driver, &mut serial(&cable.b)).await), expected());
    // Without its address, as the only meter of the line.
    let mut driver = Dlt645Driver::new(spec("AAAAAAAAAAAA", &ITEMS));
    assert_eq!(outcomes(read(&mut driver, &mut serial(&cable.b)).await), expected());
}

#[tokio::test]
async fn a_meter_without_blocks_refuses_them_and_is_read_one_by_one() {
    let meter = Dlt645Meter::tcp();
    let items = ["voltage_a", "voltage_b", "0280000F:2.0"];
    let mut driver = Dlt645Driver::new(DeviceSpec { blocks: true, ..spec(METER, &items) });
    let out = read(&mut driver, &mut tcp(meter.port)).await;
    let codes: Vec<_> = out.notices.iter().map(|n| n.code).collect();
    assert_eq!(codes, ["block_refused", "illegal_address"]);
    let absent = Outcome::Bad(Reason::IllegalAddress);
    assert_eq!(outcomes(out), [good(230.1), good(229.9), absent]);
}

#[tokio::test]
async fn a_search_finds_the_meter_by_its_own_word() {
    let meter = Dlt645Meter::tcp();
    let settings = Scan {
        editions: vec![Edition::Y2007],
        preamble: 4,
        // The whole time is listened each of two times.
        timing: timing(Duration::from_secs(3)),
        questions_max: 10,
    };
    let report = scan(&mut tcp(meter.port), &settings, |_| {}).await.unwrap();
    // Asked for its energy by a wildcard it answers with the wildcard, so that stays unknown.
    let address = METER.parse().unwrap();
    let found = vec![Found { address, edition: Edition::Y2007, energy_kwh: None }];
    assert_eq!(report, Report { found, unclear: Vec::new() });
}
