//! What m-bus-application-layer 0.5.3 does alone, and what stands around it here. If one of these
//! fails after an update, docs/decisions/mbus-decoder.md may be looked at again.
use m_bus_application_layer::data_information::DataType;
use m_bus_application_layer::parse_data_records;
use wellhead_driver::Raw;
use wellhead_sensors::mbus::record::records;

/// A time of three bytes, then a supply temperature of 75.5 °C and a volume of no bytes at all.
const TIME: [u8; 5] = [0x03, 0x6D, 0x3B, 0x3B, 0x17];
const SUPPLY: [u8; 4] = [0x0A, 0x5A, 0x55, 0x07];

#[test]
fn the_crate_shifts_what_follows_a_time_and_the_walls_do_not() {
    let user = [&TIME[..], &SUPPLY].concat();
    let alone: Vec<_> = parse_data_records(&user).flatten().collect();
    let has =
        |r: &&m_bus_application_layer::DataRecord| r.value() == Some(&DataType::Number(755.0));
    assert!(!alone.iter().any(|r| has(&r)), "{alone:?}");
    let (walled, _) = records(&user);
    assert_eq!(walled[0].value, Ok(Raw::Text("23:59:59".into())));
    assert_eq!(walled[1].value, Ok(Raw::Float(75.5)));
}

/// 0x8000 is how a meter says that there is no value.
#[test]
fn the_crate_reads_the_invalid_value_as_a_number() {
    let user = [0x02, 0x5A, 0x00, 0x80];
    let alone = parse_data_records(&user).next().unwrap().unwrap();
    assert_eq!(alone.value(), Some(&DataType::Number(-32768.0)));
}
