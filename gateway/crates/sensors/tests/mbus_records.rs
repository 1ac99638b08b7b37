//! What records of an M-Bus telegram decode to, code by code (EN 13757-3).
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use proptest::prelude::*;
use wellhead_driver::Raw;
use wellhead_model::{Reason, Unit};
use wellhead_sensors::mbus::record::{Measure, Record, records};
use wellhead_sensors::mbus::{Address, RecordName, RecordSelector, telegram};

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
}

fn one(hex: &str) -> Record {
    let (mut found, more) = records(&bytes(hex));
    assert!(!more && found.len() == 1, "{hex}: {found:?}");
    found.remove(0)
}

/// `name = value unit` of a record.
fn text(hex: &str) -> String {
    let record = one(hex);
    let name = record.name.map_or("?".to_owned(), |n| n.to_string());
    let value = match record.value {
        Ok(Raw::Int(n)) => n.to_string(),
        Ok(Raw::UInt(n)) => format!("{n:#x}"),
        Ok(Raw::Float(n)) => n.to_string(),
        Ok(Raw::Text(text)) => format!("\"{text}\""),
        Ok(Raw::Bool(_)) => unreachable!(),
        Err(reason) => format!("{reason}"),
    };
    match record.measure {
        Measure::Unit(unit) => format!("{name} = {value} {unit}"),
        Measure::Plain => format!("{name} = {value}"),
        Measure::Foreign => format!("{name} = {value} (?)"),
    }
}

fn check(hex: &str, expected: &str) {
    assert_eq!(text(hex), expected, "{hex}");
}

#[test]
fn what_a_heat_meter_sends() {
    check("0C 07 64 08 00 00", "energy = 8640 kWh");
    check("0C 06 40 86 00 00", "energy = 8640 kWh");
    check("04 0E 10 27 00 00", "energy = 10000 MJ");
    check("0C 14 92 98 79 00", "volume = 7998.92 m³");
    check("0B 2D 46 05 00", "power = 54.6 kW");
    check("04 2B 32 D5 00 00", "power = 54.578 kW");
    check("0A 5A 55 07", "supply_temperature = 75.5 °C");
    check("0A 5E 94 05", "return_temperature = 59.4 °C");
    check("02 61 48 06", "temperature_difference = 16.08 K");
    check("0B 60 76 60 01", "temperature_difference = 16.076 K");
    check("04 3B 8F 0D 00 00", "flow = 3.471 m³/h");
    check("02 65 9C FF", "external_temperature = -1 °C");
    check("02 69 0F 01", "pressure = 2.71 bar");
}

#[test]
fn every_unit_of_time_flow_and_energy() {
    check("04 30 80 4A 5D 05", "power = 25 kW");
    check("04 33 10 0E 00 00", "power = 1 kW");
    check("02 40 01 00", "flow = 0.0001 L/min");
    check("02 47 01 00", "flow = 1000 L/min");
    check("02 4F 01 00", "flow = 10 L/s");
    check("02 55 E8 03", "mass_flow = 100000 kg/h");
    check("02 1F 02 00", "mass = 20000 kg");
    check("02 20 3C 00", "on_time = 60 s");
    check("02 26 10 27", "operating_time = 10000 h");
    check("02 23 01 00", "on_time = 1 d");
    check("02 FB 00 05 00", "energy = 500 kWh");
    check("02 FB 01 05 00", "energy = 5000 kWh");
    check("02 FB 09 05 00", "energy = 5000 MJ");
    check("02 FB 29 05 00", "power = 5000 kW");
    check("02 FD 48 FC 08", "voltage = 230 V");
    check("02 FD 59 10 27", "current = 10 A");
    check("02 FB 2E F4 01", "frequency = 50 Hz");
}

#[test]
fn storage_tariff_subunit_and_function_make_the_name() {
    check("4C 14 00 00 10 00", "volume storage=1 = 1000 m³");
    check("CC 01 14 00 00 10 00", "volume storage=3 = 1000 m³");
    check("8C 10 06 01 00 00 00", "energy tariff=1 = 1 kWh");
    check("8C 40 06 01 00 00 00", "energy subunit=1 = 1 kWh");
    check("8C B0 51 06 01 00 00 00", "energy storage=32 tariff=7 subunit=2 = 1 kWh");
    check("1B 2D 46 05 00", "power max = 54.6 kW");
    check("2B 2D 46 05 00", "power min = 54.6 kW");
    check("02 FD C8 FC 01 FC 08", "voltage l1 = 230 V");
    check("0C 86 3C 01 00 00 00", "energy negative = 1 kWh");
    check("0C 86 75 01 00 00 00", "energy = 0.1 kWh");
    check("0C 86 7D 01 00 00 00", "energy = 1000 kWh");
}

#[test]
fn a_record_that_reports_an_error_has_no_value() {
    check("3B 2D 46 05 00", "power error = faulty (0) kW");
    check("0A DA 18 55 07", "supply_temperature = faulty (24) °C");
    check("02 5A 00 80", "supply_temperature = no_sensor °C");
    check("04 2B 00 00 00 80", "power = no_sensor kW");
    check("0A 5A FF FF", "supply_temperature = undecodable °C");
    check("0A 5A 5A 07", "supply_temperature = undecodable °C");
    check("0A 5A 55 F7", "supply_temperature = -75.5 °C");
    check("05 5B 00 00 C0 7F", "supply_temperature = NaN °C");
    check("00 5A", "supply_temperature = undecodable °C");
    check("0D 13 E0", "volume = undecodable m³");
    check("02 DA 7B 55 07", "supply_temperature = 1877 (?)");
}

#[test]
fn bits_text_and_dates() {
    check("02 FD 17 00 80", "error_flags = 0x8000");
    check("01 FD 1B FF", "digital_input = 0xff");
    check("0D FD 11 05 65 6D 6C 65 48", "customer = \"Helme\"");
    check("0C 78 76 00 05 21", "fabrication_number = 21050076");
    check("02 6C 55 3B", "date = \"2026-11-21\"");
    check("04 6D 3B 17 55 3B", "date_time = \"2026-11-21T23:59\"");
    check("06 6D 3B 3B 17 55 3B 00", "date_time = \"2026-11-21T23:59:59\"");
    check("03 6D 3B 3B 17", "date_time = \"23:59:59\"");
    check("04 6D BB 17 55 3B", "date_time = undecodable");
    check("02 6C FF FF", "date = undecodable");
    check("02 6C E1 F1", "date = \"*-01-01\"");
    check("0D 13 C3 56 34 12", "volume = 123.456 m³");
    check("0D 13 D3 56 34 12", "volume = -123.456 m³");
    check("07 13 40 E2 01 00 00 00 00 00", "volume = 123.456 m³");
}

/// Relative humidity as a sensor sends it: the unit in plain text stands before the extension.
#[test]
fn a_unit_in_plain_text_and_makers_codes_are_numbers_without_a_name() {
    check("02 FC 03 48 52 25 74 D4 11", "? = 45.64 (?)");
    check("02 7F 2A 00", "? = 42 (?)");
    check("02 FF 21 2A 00", "? = 42 (?)");
    let (found, more) = records(&bytes("02 FC 03 48 52 25 74 D4 11 0A 5A 55 07"));
    assert!(!more);
    assert_eq!(found[1].name.unwrap().to_string(), "supply_temperature", "the next is in step");
}

#[test]
fn makers_data_are_kept_as_hex_and_more_to_come_is_told() {
    let (found, more) = records(&bytes("2F 2F 0A 5A 55 07 0F A1 02"));
    assert_eq!((found.len(), more), (2, false));
    assert_eq!(found[1].value, Ok(Raw::Text("A1 02".into())));
    let (found, more) = records(&bytes("0A 5A 55 07 1F"));
    assert_eq!((found.len(), more), (1, true));
}

/// A date of one byte, or a time of three, must not shift what follows.
#[test]
fn no_record_shifts_those_behind_it() {
    for first in ["03 6D 00 00 00", "01 6C 11", "02 6D 11 11", "0D 6C 01 41", "0D 13 E0", "00 5A"] {
        let (found, _) = records(&bytes(&format!("{first} 0A 5A 55 07")));
        assert_eq!(found.len(), 2, "{first}");
        assert_eq!(found[1].value, Ok(Raw::Float(75.5)), "{first}");
    }
}

#[test]
fn what_is_cut_off_is_bad_and_what_stands_before_it_is_kept() {
    let whole = bytes("0A 5A 55 07 0C 14 92 98 79 00");
    for cut in 5..whole.len() {
        let (found, _) = records(&whole[..cut]);
        assert_eq!(found.len(), 2, "{cut}");
        assert_eq!(found[0].value, Ok(Raw::Float(75.5)));
        assert_eq!((&found[1].name, &found[1].value), (&None, &Err(Reason::Undecodable)));
    }
}

#[test]
fn selectors_print_as_they_are_written() {
    for text in [
        "energy",
        "volume storage=1",
        "power max",
        "energy negative storage=2 tariff=1 subunit=3",
        "record=7",
    ] {
        assert_eq!(text.parse::<RecordSelector>().unwrap().to_string(), text);
    }
    for (text, part) in [
        ("heat", "energy, volume"),
        ("energy storage=x", "whole number"),
        ("energy colour=1", "storage, tariff, subunit"),
        ("energy sideways", "positive"),
        ("record=x", "from 0"),
        ("record=1 max", "says it all"),
        ("", "no quantity"),
    ] {
        let error = text.parse::<RecordSelector>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert_eq!(RecordName::quantities().count(), 46);
}

#[test]
fn addresses_print_as_they_are_written_and_cover_with_wildcards() {
    for text in ["0", "5", "250", "254", "21050076", "21050076184E0004", "FFFFFFFF", "2105FFFF"] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
    for text in ["251", "253", "2105", "2105007A", "21050076184E000", "x", ""] {
        assert!(text.parse::<Address>().is_err(), "{text}");
    }
    let secondary = |text: &str| match text.parse() {
        Ok(Address::Secondary(s)) => s,
        other => panic!("{other:?}"),
    };
    let own = secondary("21050076184E0004");
    for (mask, covers) in [
        ("21050076", true),
        ("2FFFFFFF", true),
        ("FFFFFFFF184EFFFF", true),
        ("21050077", false),
        ("21050076184EFF06", false),
    ] {
        assert_eq!(secondary(mask).covers(&own), covers, "{mask}");
    }
}

/// Facts of a published telegram (rscada/libmbus, sen_pollutherm): ours is made of what its
/// description says.
#[test]
fn the_described_heat_meter_reads_as_its_description() {
    let user = bytes(
        "76 00 05 21 18 4E 00 04 21 00 00 00 0C 78 76 00 05 21 0C 07 64 08 00 00 0C 14 92 98 79 00 \
         0C 2B 80 45 05 00 0B 3B 00 30 00 0A 5A 55 07 0A 5E 94 05 0B 60 76 60 01",
    );
    let told = telegram::parse(0x72, &user).unwrap();
    let value = |name: &str| {
        let record = told.records.iter().find(|r| r.name.unwrap().to_string() == name).unwrap();
        let (Ok(Raw::Float(n)), Measure::Unit(unit)) = (&record.value, record.measure) else {
            panic!("{record:?}")
        };
        (*n, unit)
    };
    let (energy, unit) = value("energy");
    assert_eq!(unit.convert(energy, Unit::parse("MWh").unwrap()), Some(8.64));
    assert_eq!(value("volume").0, 7998.92);
    assert_eq!(value("power").0, 54.58);
    let (supply, back) = (value("supply_temperature").0, value("return_temperature").0);
    let difference = value("temperature_difference").0;
    assert!((supply - back - difference).abs() < 0.05, "{supply} {back} {difference}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any bytes divide into records that are together all of them (but fillers), and none panics.
    #[test]
    fn any_bytes_are_taken(user in proptest::collection::vec(any::<u8>(), 0..260), ci in any::<u8>()) {
        let _any = telegram::parse(ci, &user);
        let _any = telegram::parse(0x72, &user);
        let (found, _) = records(&user);
        let fillers = user.iter().filter(|b| **b == 0x2F).count();
        let told: usize = found.iter().map(|r| r.bytes.len()).sum();
        prop_assert!(told <= user.len() && user.len() <= told + fillers + 1);
    }

    /// Records with plausible codes, to get deeper than noise does.
    #[test]
    fn any_codes_are_taken(
        dif in any::<u8>(),
        dife in proptest::collection::vec(any::<u8>(), 0..3),
        vif in prop_oneof![any::<u8>(), Just(0xFDu8), Just(0xFB), Just(0xFC), Just(0x6D), Just(0x6C)],
        rest in proptest::collection::vec(any::<u8>(), 0..24),
    ) {
        let mut user = vec![dif];
        user.extend(dife);
        user.push(vif);
        user.extend(rest);
        let (found, _) = records(&user);
        for record in found {
            if let Ok(Raw::Float(n)) = record.value {
                prop_assert!(n.is_finite() || user.windows(1).any(|w| w[0] & 0x0F == 5));
            }
        }
    }
}
