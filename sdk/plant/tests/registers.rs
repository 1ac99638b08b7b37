//! Every register of the map, read and written by a foreign master (tokio-modbus).
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "shared with other tests")]
mod common;

use common::serve;
use tokio_modbus::client::tcp::connect_slave;
use tokio_modbus::prelude::*;
use wellhead_plant::devices::Device;
use wellhead_plant::devices::map::{Kind, Register, Source, Table};
use wellhead_plant::presets::Preset;
use wellhead_plant::serve::{Options, Server};

async fn master(server: &Server, unit: u8) -> client::Context {
    connect_slave(server.modbus_tcp().unwrap(), Slave(unit)).await.unwrap()
}

async fn read(master: &mut client::Context, register: &Register) -> Vec<u16> {
    let (at, count) = (register.address, register.words());
    let bits = |bits: Vec<bool>| bits.into_iter().map(u16::from).collect();
    match register.table {
        Table::Coil => bits(master.read_coils(at, count).await.unwrap().unwrap()),
        Table::DiscreteInput => {
            bits(master.read_discrete_inputs(at, count).await.unwrap().unwrap())
        }
        Table::InputRegister => master.read_input_registers(at, count).await.unwrap().unwrap(),
        Table::HoldingRegister => master.read_holding_registers(at, count).await.unwrap().unwrap(),
    }
}

fn check(device: &Device, register: &Register, words: &[u16], truth: f64) {
    let place = format!("{} {}: {words:?}", device.name, register.name);
    if let Source::Text(text) = register.source {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        assert_eq!(String::from_utf8(bytes).unwrap().trim_end_matches('\0'), text, "{place}");
        return;
    }
    let Some(shown) = register.value(words) else {
        assert!(truth.is_nan(), "{place} is missing, truth {truth}");
        return;
    };
    let resolution =
        if register.kind == Kind::F32 { truth.abs() * 1e-6 + 1e-6 } else { register.scale * 0.501 };
    assert!((shown - truth).abs() <= resolution, "{place} = {shown}, truth {truth}");
}

#[tokio::test]
async fn every_register_shows_the_plants_value() {
    let server = serve(Options::tcp()).await;
    let mut checked = 0;
    for device in Preset::Renze.devices() {
        let mut master = master(&server, device.unit).await;
        for register in device.model.map {
            // Before the read: some registers are cleared by it.
            let truth = match register.source {
                Source::PollCounter => {
                    f64::from(server.room().unit(device.unit).unwrap().polls() + 1)
                }
                Source::Text(_) => f64::NAN,
                Source::Number(_) => server.room().reading(device.unit, register.name).unwrap(),
            };
            let words = read(&mut master, register).await;
            check(device, register, &words, truth);
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
    server.shutdown().await;
}

#[tokio::test]
async fn values_live() {
    let server = serve(Options::tcp()).await;
    let mut master = master(&server, 22).await;
    let energy = |words: Vec<u16>| u32::from(words[1]) << 16 | u32::from(words[0]);
    let before = energy(master.read_input_registers(10, 2).await.unwrap().unwrap());
    (0..3600).for_each(|_| server.room().plant.step(1.0));
    let after = energy(master.read_input_registers(10, 2).await.unwrap().unwrap());
    assert!((500..3000).contains(&(after - before)), "{before} {after} kWh");
}

#[tokio::test]
async fn poll_counter_counts_only_reads_that_cover_it() {
    let server = serve(Options::tcp()).await;
    let mut master = master(&server, 1).await;
    for expected in 1..=3 {
        let words = master.read_input_registers(0, 19).await.unwrap().unwrap();
        assert_eq!(words[..2], [0, expected]);
        master.read_input_registers(1, 4).await.unwrap().unwrap();
        master.read_holding_registers(0, 4).await.unwrap().unwrap();
        assert!(master.read_input_registers(0, 40).await.unwrap().is_err());
    }
    let room = server.room();
    let unit = room.unit(1).unwrap();
    let counts: Vec<u32> = unit.ledger().iter().map(|entry| entry.poll).collect();
    assert_eq!((counts, unit.polls()), (vec![1, 2, 3], 3));
    assert_eq!((unit.requests, unit.answered, unit.exceptions), (12, 12, 3));
    assert!(unit.ledger().iter().all(|entry| entry.wall_ms > 1_600_000_000_000));
}

#[tokio::test]
async fn gaps_and_wrong_requests_get_their_exceptions() {
    let server = serve(Options::tcp()).await;
    let mut master = master(&server, 1).await;
    use ExceptionCode::{IllegalDataAddress, IllegalDataValue, IllegalFunction};
    for (first, count) in [(18, 2), (19, 1), (65_535, 1), (31, 60)] {
        let refused = master.read_input_registers(first, count).await.unwrap();
        assert_eq!(refused, Err(IllegalDataAddress), "{first} {count}");
    }
    assert_eq!(master.read_coils(0, 3).await.unwrap(), Err(IllegalDataAddress));
    let too_hot = master.write_single_register(1, 600).await.unwrap();
    assert_eq!(too_hot, Err(IllegalDataValue), "60 °C is above the limit");
    let nowhere = master.write_single_register(40, 1).await.unwrap();
    assert_eq!(nowhere, Err(IllegalDataAddress));
    let unknown = master.call(Request::Custom(0x55, vec![1].into())).await.unwrap();
    assert_eq!(unknown.unwrap_err(), IllegalFunction);
}

#[tokio::test]
async fn all_write_functions_reach_the_plant() {
    let server = serve(Options::tcp()).await;
    let mut master = master(&server, 1).await;
    master.write_single_register(1, 401).await.unwrap().unwrap();
    assert!((server.room().plant.heat_pumps[0].setpoint_c - 40.1).abs() < 1e-9);
    master.write_multiple_registers(0, &[1, 395, 80]).await.unwrap().unwrap();
    assert!((server.room().plant.heat_pumps[0].setpoint_c - 39.5).abs() < 1e-9);
    assert!((server.room().plant.heat_pumps[0].limit - 0.8).abs() < 1e-9);
    // 395 = 0x018B; keep the high byte, set the low one to 0x90: 400.
    master.masked_write_register(1, 0xFF00, 0x0090).await.unwrap().unwrap();
    assert!((server.room().plant.heat_pumps[0].setpoint_c - 40.0).abs() < 1e-9);
    master.write_single_coil(0, false).await.unwrap().unwrap();
    assert!(!server.room().plant.heat_pumps[0].run);
    master.write_multiple_coils(0, &[true, false]).await.unwrap().unwrap();
    assert!(server.room().plant.heat_pumps[0].run);
    assert!(server.room().plant.keepers[0].remote);
}

#[tokio::test]
async fn refused_block_write_changes_nothing() {
    let server = serve(Options::tcp()).await;
    let mut master = master(&server, 1).await;
    let before = server.room().plant.clone();
    // Setpoint fine, limit out of range.
    let refused = master.write_multiple_registers(1, &[395, 200]).await.unwrap();
    assert_eq!(refused, Err(ExceptionCode::IllegalDataValue));
    assert!(server.room().plant.heat_pumps == before.heat_pumps);
}

#[tokio::test]
async fn device_in_fault_refuses_to_start_and_busy_bank_says_so() {
    let server = serve(Options::tcp()).await;
    server.room().plant.heat_pumps[0].status = wellhead_plant::physics::heat_pump::Status::Fault;
    let mut pump = master(&server, 1).await;
    assert_eq!(
        pump.write_single_register(0, 1).await.unwrap(),
        Err(ExceptionCode::ServerDeviceFailure)
    );
    server.room().plant.air_sources[0].status =
        wellhead_plant::physics::air_source::Status::Defrost;
    let mut bank = master(&server, 3).await;
    assert_eq!(
        bank.write_single_register(101, 400).await.unwrap(),
        Err(ExceptionCode::ServerDeviceBusy)
    );
    bank.write_single_register(100, 0).await.unwrap().unwrap();
    assert!(!server.room().plant.air_sources[0].run, "stop must always be obeyed");
}

#[tokio::test]
async fn writing_across_the_sensitive_gap_trips_the_drive() {
    let server = serve(Options::tcp()).await;
    let mut drive = master(&server, 11).await;
    drive.write_single_register(1, 4000).await.unwrap().unwrap();
    assert!(!server.room().plant.pumps[0].tripped);
    drive.write_multiple_registers(1, &[4000, 0, 0]).await.unwrap().unwrap();
    assert!(server.room().plant.pumps[0].tripped);
}

#[tokio::test]
async fn reading_the_latched_alarm_clears_it() {
    let server = serve(Options::tcp()).await;
    server.room().plant.heat_pumps[0].latched_alarm =
        wellhead_plant::physics::heat_pump::Alarm::SourceLow;
    let mut master = master(&server, 1).await;
    master.read_input_registers(0, 19).await.unwrap().unwrap();
    assert_eq!(master.read_input_registers(20, 1).await.unwrap().unwrap(), [21]);
    assert_eq!(master.read_input_registers(20, 1).await.unwrap().unwrap(), [0]);
}

#[tokio::test]
async fn device_tells_who_it_is() {
    let server = serve(Options::tcp()).await;
    let mut master = master(&server, 21).await;
    let shown = async |master: &mut client::Context, code, first| -> Vec<String> {
        let answer = master.read_device_identification(code, first).await.unwrap().unwrap();
        let objects = answer.device_id_objects.iter();
        objects.map(|object| String::from_utf8(object.value.to_vec()).unwrap()).collect()
    };
    assert_eq!(shown(&mut master, ReadCode::Basic, 0).await, ["Wellhead Plant", "HM-150", "3.2"]);
    assert_eq!(shown(&mut master, ReadCode::Regular, 0).await.len(), 6);
    assert_eq!(shown(&mut master, ReadCode::Specific, 5).await, ["ground-heat-meter"]);
}

#[tokio::test]
async fn heartbeat_keeps_a_remote_device_and_silence_loses_it() {
    let server = serve(Options::tcp()).await;
    let mut master = master(&server, 1).await;
    master.write_single_register(5, 100).await.unwrap().unwrap();
    master.write_single_register(0, 1).await.unwrap().unwrap();
    server.room().plant.watch(90.0);
    master.write_single_register(4, 7).await.unwrap().unwrap();
    server.room().plant.watch(90.0);
    let status = |words: Vec<u16>| (words[0] >> 2 & 1, words[0] >> 3 & 1);
    assert_eq!(status(master.read_input_registers(2, 1).await.unwrap().unwrap()), (1, 0));
    server.room().plant.watch(11.0);
    assert_eq!(status(master.read_input_registers(2, 1).await.unwrap().unwrap()), (1, 1));
    assert_eq!(master.read_holding_registers(0, 1).await.unwrap().unwrap(), [0]);
}
