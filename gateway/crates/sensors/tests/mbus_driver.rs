//! The M-Bus master against slaves in memory, under paused time.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod common;

use common::{Slave, State, Wrong, bus, bytes, long};
use std::time::Duration;
use wellhead_driver::{Conversion, DeviceError, Driver, Line, Outcome, Readings};
use wellhead_model::{PointIndex, Reason, Unit, Value};
use wellhead_sensors::Timing;
use wellhead_sensors::mbus::{
    Address, DeviceSpec, MbusDriver, PointSpec, Search, Secondary, check, scan,
};

const TIMEOUT: Duration = Duration::from_millis(300);

fn timing() -> Timing {
    let late_window = Duration::from_millis(500);
    let pause = Duration::from_millis(20);
    Timing { response_timeout: TIMEOUT, pause, late_window, mode: None }
}

fn spec(address: &str, points: &[(&str, &str)]) -> DeviceSpec {
    let point = |(i, (record, unit)): (usize, &(&str, &str))| PointSpec {
        index: PointIndex(u32::try_from(i).unwrap()),
        name: format!("p{i}"),
        record: record.parse().unwrap(),
        unit: Unit::parse(unit).ok(),
        conversion: Conversion::default(),
        period: Duration::from_secs(60 + i as u64),
    };
    DeviceSpec {
        name: "heat-meter".into(),
        address: address.parse().unwrap(),
        timing: timing(),
        telegrams_max: 4,
        points: points.iter().enumerate().map(point).collect(),
    }
}

fn driver(address: &str, points: &[(&str, &str)]) -> MbusDriver {
    MbusDriver::new(spec(address, points))
}

async fn poll(driver: &mut MbusDriver, line: &mut Line) -> Result<Readings, DeviceError> {
    let mut out = Readings::default();
    let done = driver.poll(line, 0, &mut out).await;
    assert!(done.is_ok() || out.outcomes.is_empty(), "values of a reading that failed");
    done.map(|()| out)
}

fn float(f: f64) -> Outcome {
    Outcome::Good(Value::float(f).unwrap())
}

fn outcomes(readings: &Readings) -> Vec<Outcome> {
    readings.outcomes.iter().map(|(_, outcome)| outcome.clone()).collect()
}

const ID: [u8; 8] = [0x76, 0x00, 0x05, 0x21, 0x18, 0x4E, 0x00, 0x04];
const FIRST: &str = "0C 07 64 08 00 00 0C 14 92 98 79 00 0C 2B 80 45 05 00 1F";
const SECOND: &str = "0A 5A 55 07 0A 5E 94 05 1F";
const THIRD: &str = "4C 07 00 08 00 00 0F 01 02";

fn heat_meter() -> Slave {
    Slave::new(5, ID, &[FIRST, SECOND, THIRD])
}

const POINTS: [(&str, &str); 4] =
    [("energy", "MWh"), ("supply_temperature", ""), ("energy storage=1", "kWh"), ("record=6", "")];

fn values() -> Vec<Outcome> {
    let hex = Outcome::Good(Value::Text("01 02".into()));
    vec![float(8.64), float(75.5), float(8000.0), hex]
}

#[tokio::test(start_paused = true)]
async fn a_meter_is_read_as_a_whole_over_all_its_telegrams() {
    for address in ["5", "254", "21050076", "21050076184E0004", "2105FFFF"] {
        let (mut line, bus) = bus(vec![heat_meter()]);
        let mut driver = driver(address, &POINTS);
        assert_eq!(driver.groups().len(), 1);
        assert_eq!(driver.groups()[0].period, Duration::from_secs(60), "the shortest");
        for _ in 0..3 {
            let readings = poll(&mut driver, &mut line).await.unwrap();
            assert_eq!(outcomes(&readings), values(), "{address}");
        }
        assert_eq!(bus.lock().unwrap().heard.len(), 12, "one reset or selection, three requests");
    }
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_the_configuration_leaves_open_is_told_once() {
    let (mut line, _bus) = bus(vec![heat_meter()]);
    let mut driver = driver("5", &POINTS);
    let celsius = Unit::parse("°C").unwrap();
    let readings = poll(&mut driver, &mut line).await.unwrap();
    assert_eq!(readings.units, [(PointIndex(1), celsius)]);
    assert!(poll(&mut driver, &mut line).await.unwrap().units.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_converter_that_echoes_is_no_trouble() {
    for address in ["5", "21050076"] {
        let (mut line, bus) = bus(vec![heat_meter()]);
        bus.lock().unwrap().echo = true;
        let mut driver = driver(address, &POINTS);
        assert_eq!(outcomes(&poll(&mut driver, &mut line).await.unwrap()), values());
    }
}

/// Whatever goes wrong, wherever in the sequence, it is an error and no value; the reading after
/// it is right, so the frame count bit is in step again.
#[tokio::test(start_paused = true)]
async fn a_fault_at_any_step_is_no_value_and_the_next_reading_is_right() {
    use Wrong::{Checksum, Garbage, Half, Late, OtherAddress, Silent};
    for step in 0..4 {
        for wrong in [Silent, Checksum, Half, OtherAddress, Garbage, Late] {
            if step == 0 && matches!(wrong, Checksum | OtherAddress | Half) {
                continue; // An acknowledgement is one byte.
            }
            let (mut line, bus) = bus(vec![heat_meter()]);
            let mut driver = driver("5", &POINTS);
            let mut plan = vec![None; step];
            plan.push(Some(wrong));
            bus.lock().unwrap().wrong = plan;
            let error = poll(&mut driver, &mut line).await.unwrap_err();
            match wrong {
                Silent | Late => assert_eq!(error, DeviceError::NoReply(TIMEOUT), "{step}"),
                Checksum => assert_eq!(error, DeviceError::BadReply("wrong checksum")),
                OtherAddress => {
                    assert_eq!(error, DeviceError::BadReply("the reply is from another meter"));
                }
                Half | Garbage => assert!(matches!(error, DeviceError::BadReply(_)), "{error}"),
            }
            let readings = poll(&mut driver, &mut line).await;
            let readings = readings.unwrap_or_else(|e| panic!("{wrong:?} at {step}: {e}"));
            assert_eq!(outcomes(&readings), values(), "{wrong:?} at {step}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_repeats_itself_or_does_not_end_is_no_reading() {
    let mut deaf = heat_meter();
    deaf.ignores_frame_count = true;
    let (mut line, _bus) = bus(vec![deaf]);
    let error = poll(&mut driver("5", &POINTS), &mut line).await.unwrap_err();
    assert_eq!(error, DeviceError::BadReply("the meter sent the same telegram again"));

    let endless = Slave::new(5, ID, &["0A 5A 55 07 1F", "0A 5A 56 07 1F"]);
    let mut points = spec("5", &POINTS);
    points.telegrams_max = 2;
    let (mut line, _bus) = bus(vec![endless]);
    let error = poll(&mut MbusDriver::new(points), &mut line).await.unwrap_err();
    assert_eq!(error, DeviceError::BadReply("the meter's telegrams do not end"));
}

#[tokio::test(start_paused = true)]
async fn a_telegram_of_a_form_that_is_not_read_is_no_value_and_says_which() {
    let head = "76 00 05 21 18 4E 00 04 21 00";
    for (form, why) in [
        ("73 76 00 05 21 21 00 E9 7E 01 00 00 00 35 01 00 00", "fixed data structure is not read"),
        ("77 76 00 05 21 21 00 E9 7E 00 00 00 01 00 00 01 35", "fixed data structure is not read"),
        (&*format!("76 {head} 00 00 0C 07 00 00 08 64"), "high byte first is not read"),
        (
            &*format!("72 {head} 10 05 2F 81 C0 33 19 A4 6B 7D 20 55 E1 98 3C 07 4D F2"),
            "an encrypted telegram; let the meter send plain ones",
        ),
        (
            "7A 21 00 10 07 2F 81 C0 33 19 A4 6B 7D 20 55 E1 98 3C 07 4D F2",
            "an encrypted telegram; let the meter send plain ones",
        ),
        ("8C 20 21 0C 07 64 08 00 00", "no telegram of a meter's data"),
    ] {
        let mut other = heat_meter();
        other.other_form = Some(bytes(form));
        let (mut line, _bus) = bus(vec![other]);
        let error = poll(&mut driver("5", &POINTS), &mut line).await.unwrap_err();
        assert_eq!(error, DeviceError::BadReply(why), "{form}");
        assert_eq!(error.reason(), Reason::BadReply);
        let found = scan(&mut line, &Search::Primary(5..=5), None, TIMEOUT).await.unwrap();
        let [meter] = &found[..] else { panic!("{found:?}") };
        assert_eq!(meter.problem, Some(DeviceError::BadReply(why)), "and a scan tells it");
        assert!(meter.records.is_empty());
    }
}

/// Both have the first four digits in common.
#[tokio::test(start_paused = true)]
async fn of_two_meters_only_the_one_meant_is_read() {
    let mut other = ID;
    other[0] = 0x77;
    let cold = Slave::new(6, other, &["0A 5A 11 01"]);
    let (mut line, bus) = bus(vec![heat_meter(), cold]);
    let mut warm = driver("21050076", &[("supply_temperature", "")]);
    let mut cold = driver("21050077", &[("supply_temperature", "°C")]);
    for _ in 0..3 {
        assert_eq!(outcomes(&poll(&mut warm, &mut line).await.unwrap()), [float(75.5)]);
        assert_eq!(outcomes(&poll(&mut cold, &mut line).await.unwrap()), [float(11.1)]);
    }
    let mut both = driver("2105FFFF", &[("supply_temperature", "")]);
    let error = poll(&mut both, &mut line).await.unwrap_err();
    assert!(matches!(error, DeviceError::BadReply(_)), "collision: {error}");
    // One that answers although another was selected.
    bus.lock().unwrap().slaves.truncate(1);
    bus.lock().unwrap().slaves[0].secondary = other;
    let error = poll(&mut warm, &mut line).await.unwrap_err();
    assert_eq!(error, DeviceError::NoReply(TIMEOUT));
}

#[tokio::test(start_paused = true)]
async fn a_meter_in_error_is_uncertain_and_said_once() {
    let (mut line, bus) = bus(vec![heat_meter()]);
    let mut driver = driver("5", &[("energy", "MWh")]);
    assert!(poll(&mut driver, &mut line).await.unwrap().notices.is_empty());
    bus.lock().unwrap().slaves[0].status = 0x10;
    let readings = poll(&mut driver, &mut line).await.unwrap();
    let value = Value::float(8.64).unwrap();
    assert_eq!(outcomes(&readings), [Outcome::Uncertain(value, Reason::Faulty(0x10))]);
    assert_eq!(readings.notices[0].code, "meter_status");
    assert!(poll(&mut driver, &mut line).await.unwrap().notices.is_empty());
    bus.lock().unwrap().slaves[0].status = 0;
    assert_eq!(poll(&mut driver, &mut line).await.unwrap().notices.len(), 1);
    bus.lock().unwrap().slaves[0].status = 0x01;
    let busy = poll(&mut driver, &mut line).await.unwrap_err();
    assert_eq!(busy.reason(), Reason::DeviceFailure(8));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_missing_in_error_or_of_another_unit_is_bad_alone() {
    let slave = Slave::new(5, ID, &["3C 2B 80 45 05 00 0A 5A 55 07 02 7F 2A 00"]);
    let (mut line, _bus) = bus(vec![slave]);
    let points =
        [("volume", "m³"), ("power", "kW"), ("supply_temperature", "°C"), ("record=2", "m³")];
    let mut driver = driver("5", &points);
    let readings = poll(&mut driver, &mut line).await.unwrap();
    let expected = [
        Outcome::Bad(Reason::IllegalAddress),
        Outcome::Bad(Reason::Faulty(0)),
        float(75.5),
        Outcome::Bad(Reason::Undecodable),
    ];
    assert_eq!(outcomes(&readings), expected);
    let said: Vec<_> = readings.notices.iter().map(|n| n.code).collect();
    assert_eq!(said, ["record_missing", "unit_mismatch"]);
    assert!(readings.notices[0].text.contains("it sends 3 records, among them power error"));
    assert!(poll(&mut driver, &mut line).await.unwrap().notices.is_empty(), "once");
}

#[tokio::test(start_paused = true)]
async fn a_value_is_of_the_kind_its_point_is_declared() {
    let records = "0C 78 76 00 05 21 02 6E 07 00 02 FD 0C 2A 00 02 20 3C 00";
    let (mut line, _bus) = bus(vec![Slave::new(5, ID, &[records])]);
    let points = [
        ("fabrication_number", ""),
        ("heat_cost", ""),
        ("model", ""),
        ("on_time", "s"),
        ("record=1", ""),
    ];
    let mut driver = driver("5", &points);
    let whole = Outcome::Good(Value::Int(21_050_076));
    let text = Outcome::Good(Value::Text("42".into()));
    let expected = [whole, float(7.0), text, float(60.0), float(7.0)];
    assert_eq!(outcomes(&poll(&mut driver, &mut line).await.unwrap()), expected);
}

#[test]
fn a_specification_that_cannot_be_right_is_told() {
    use wellhead_driver::{Parity, SerialMode};
    let mut spec = spec("5", &[("energy", "°C"), ("energy", "GJ"), ("record=1", "°C")]);
    spec.timing.mode =
        Some(SerialMode { baud: 115_200, data_bits: 8, parity: Parity::Even, stop_bits: 1 });
    let problems: Vec<_> = check(&spec).into_iter().map(|p| (p.point, p.key)).collect();
    assert_eq!(problems, [(None, "baud"), (Some("p0".into()), "unit")]);
}

/// Only resets, selections and requests for data.
fn wrote_nothing(state: &State) {
    for frame in &state.heard {
        let control = if frame[0] == 0x68 { frame[4] } else { frame[1] };
        let select = control == 0x53 && frame[5] == 0xFD && frame[6] == 0x52;
        assert!(select || [0x40, 0x5B, 0x7B].contains(&control), "{frame:02X?}");
    }
}

fn five() -> Vec<Slave> {
    let ids = ["76 00 05 21", "77 00 05 21", "76 00 05 31", "00 00 00 00", "99 99 99 99"];
    let slave = |(i, id): (usize, &&str)| {
        let mut secondary = ID;
        secondary[..4].copy_from_slice(&bytes(id));
        Slave::new(i as u8 + 1, secondary, &["0C 07 64 08 00 00 0A 5A 55 07 0A 5A 56 07"])
    };
    ids.iter().enumerate().map(slave).collect()
}

#[tokio::test(start_paused = true)]
async fn a_search_by_secondary_address_finds_every_meter_and_writes_nothing() {
    let (mut line, bus) = bus(five());
    let found = scan(&mut line, &Search::Secondary(Secondary::ANY), None, TIMEOUT).await.unwrap();
    let mut addresses: Vec<_> = found.iter().map(|f| f.address.to_string()).collect();
    addresses.sort();
    let rest = "184E0004";
    let expected = ["00000000", "21050076", "21050077", "31050076", "99999999"];
    assert_eq!(addresses, expected.map(|id| format!("{id}{rest}")));
    for meter in &found {
        assert_eq!((meter.manufacturer.as_str(), &meter.problem), ("SPX", &None));
        let records: Vec<_> = meter.records.iter().map(|r| r.record.to_string()).collect();
        assert_eq!(records, ["energy", "supply_temperature", "record=2"], "no name stands for two");
        assert_eq!(meter.records[0].unit, Unit::parse("kWh").ok());
    }
    wrote_nothing(&bus.lock().unwrap());
    let among = Secondary { identification: 0x210F_0076, ..Secondary::ANY };
    let found = scan(&mut line, &Search::Secondary(among), None, TIMEOUT).await.unwrap();
    assert_eq!(found.len(), 1, "among those that end in 0076");
}

#[tokio::test(start_paused = true)]
async fn a_search_by_primary_address_finds_every_meter_and_tells_collisions() {
    let mut slaves = five();
    slaves[4].primary = 250;
    slaves[3].primary = 2;
    let (mut line, bus) = bus(slaves);
    let found = scan(&mut line, &Search::Primary(0..=250), None, TIMEOUT).await.unwrap();
    let addresses: Vec<_> = found.iter().map(|f| f.address).collect();
    assert_eq!(addresses, [1, 2, 3, 250].map(Address::Primary));
    assert!(matches!(found[1].problem, Some(DeviceError::BadReply(_))), "two at address 2");
    assert_eq!(found[0].identity.unwrap().to_string(), "21050076184E0004");
    wrote_nothing(&bus.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn two_meters_of_one_identification_are_told_and_the_search_ends() {
    let mut slaves = five();
    slaves.truncate(2);
    slaves[1].secondary = slaves[0].secondary;
    slaves[1].secondary[6] = 0x13;
    let (mut line, _bus) = bus(slaves);
    let found = scan(&mut line, &Search::Secondary(Secondary::ANY), None, TIMEOUT).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].address, "21050076".parse().unwrap());
    assert!(matches!(found[0].problem, Some(DeviceError::BadReply(_))));
}

/// By hand, since slaves and master could be wrong alike.
#[test]
fn the_slaves_frames_are_frames() {
    assert_eq!(long(&[0x08, 1, 0x78]), [0x68, 3, 3, 0x68, 0x08, 1, 0x78, 0x81, 0x16]);
}
