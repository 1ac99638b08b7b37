//! Register map of a water-source heat pump: tenths in signed words, counters low word first.

use super::map::{Exception, Kind, POLL_COUNTER, Register, coil, discrete, holding, input};
use super::{Model, OFF_ON, flag, kept, order, temperature};
use crate::panel::HEAT_PUMP_KEEPER;
use crate::physics::heat_pump::{Alarm, HeatPump, Status};
use crate::plant::{LOAD_PUMP, Plant, SOURCE_PUMP};

const STATUS: &[(u16, &str)] = &[
    (Status::Off as u16, "off"),
    (Status::Starting as u16, "starting"),
    (Status::Running as u16, "running"),
    (Status::Standby as u16, "standby"),
    (Status::Fault as u16, "fault"),
];
const ALARM: &[(u16, &str)] = &[
    (Alarm::None as u16, "none"),
    (Alarm::SourceFlow as u16, "source_flow"),
    (Alarm::LoadFlow as u16, "load_flow"),
    (Alarm::SourceLow as u16, "source_temperature_low"),
    (Alarm::LoadHigh as u16, "load_temperature_high"),
    (Alarm::Frost as u16, "frost"),
    (Alarm::SourceHigh as u16, "source_temperature_high"),
    (Alarm::Compressor as u16, "compressor"),
];

const fn keeper(index: usize) -> usize {
    HEAT_PUMP_KEEPER + index
}

fn command(
    plant: &mut Plant,
    i: usize,
    apply: impl FnOnce(&mut HeatPump),
) -> Result<(), Exception> {
    order(plant, keeper(i))?;
    apply(&mut plant.heat_pumps[i]);
    Ok(())
}

fn set_run(plant: &mut Plant, i: usize, value: f64) -> Result<(), Exception> {
    if value != 0.0 && plant.heat_pumps[i].status == Status::Fault {
        return Err(Exception::DeviceFailure);
    }
    command(plant, i, |machine| machine.run = value != 0.0)
}

fn reset(plant: &mut Plant, i: usize, value: f64) -> Result<(), Exception> {
    command(plant, i, |machine| {
        if value != 0.0 {
            machine.reset();
        }
    })
}

fn flows(plant: &Plant, pump: usize, i: usize) -> bool {
    let pump = &plant.pumps[pump];
    pump.flow_proven() && pump.flow_m3h() >= plant.heat_pumps[i].flow_min_m3h
}

const KEPT: [Register; 3] = kept!(4, keeper);

const MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::Bit { bit: 0 }, "compressor_on").read(|p, i| flag(p.heat_pumps[i].is_running())),
    input(2, Kind::Bit { bit: 1 }, "fault")
        .read(|p, i| flag(p.heat_pumps[i].status == Status::Fault)),
    input(2, Kind::Bit { bit: 2 }, "remote").read(|p, i| flag(p.keepers[keeper(i)].remote)),
    input(2, Kind::Bit { bit: 3 }, "communication_lost")
        .read(|p, i| flag(p.keepers[keeper(i)].lost)),
    input(2, Kind::Bit { bit: 4 }, "available").read(|p, i| {
        let keeper = &p.keepers[keeper(i)];
        flag(p.heat_pumps[i].status != Status::Fault && !keeper.local && p.blackout_s <= 0.0)
    }),
    input(2, Kind::Bit { bit: 5 }, "local").read(|p, i| flag(p.keepers[keeper(i)].local)),
    input(3, Kind::U16, "status")
        .states(STATUS)
        .read(|p, i| f64::from(p.heat_pumps[i].status as u16)),
    input(4, Kind::U16, "alarm").states(ALARM).read(|p, i| f64::from(p.heat_pumps[i].alarm as u16)),
    temperature(5, "source_entering_temperature").read(|p, i| p.heat_pumps[i].source_entering_c),
    temperature(6, "source_leaving_temperature").read(|p, i| p.heat_pumps[i].source_leaving_c),
    temperature(7, "load_entering_temperature").read(|p, i| p.heat_pumps[i].load_entering_c),
    temperature(8, "load_leaving_temperature").read(|p, i| p.heat_pumps[i].load_leaving_c),
    input(9, Kind::U16, "capacity").scaled(0.1, "%").read(|p, i| p.heat_pumps[i].part_load * 100.0),
    input(10, Kind::U16, "power").scaled(0.1, "kW").read(|p, i| p.heat_pumps[i].power_w / 1e3),
    input(11, Kind::U16, "heat_output")
        .scaled(0.1, "kW")
        .read(|p, i| p.heat_pumps[i].heat_w.abs() / 1e3)
        .note("cold, while cooling"),
    input(12, Kind::U16, "cop").scaled(0.01, "").read(|p, i| p.heat_pumps[i].cop()),
    temperature(13, "discharge_temperature")
        .read(|_, _| f64::NAN)
        .note("sensor not fitted: always 0x8000"),
    input(14, Kind::U32, "run_hours")
        .scaled(0.1, "h")
        .low_first()
        .read(|p, i| p.heat_pumps[i].run_hours),
    input(16, Kind::U32, "heat_energy")
        .scaled(1.0, "kWh")
        .low_first()
        .read(|p, i| (p.heat_pumps[i].heat_j / 3.6e6).floor()),
    input(18, Kind::U16, "watchdog_left").scaled(1.0, "s").read(|p, i| p.keepers[keeper(i)].left_s),
    // 19 is a gap; 20 stands alone because reading it acts.
    input(20, Kind::U16, "latched_alarm")
        .states(ALARM)
        .read(|p, i| f64::from(p.heat_pumps[i].latched_alarm as u16))
        .on_read(|p, i| p.heat_pumps[i].latched_alarm = Alarm::None)
        .note("reading clears it"),
    input(30, Kind::Bcd { words: 4 }, "serial_number").read(|_, i| 2_019_110_400_017.0 + i as f64),
    input(34, Kind::Text { words: 8 }, "model").text("GSHP-456/R134a"),
    input(42, Kind::U32, "starts").low_first().read(|p, i| f64::from(p.heat_pumps[i].starts)),
    input(44, Kind::U32, "energy")
        .scaled(1.0, "kWh")
        .low_first()
        .read(|p, i| (p.heat_pumps[i].power_j / 3.6e6).floor()),
    holding(0, Kind::U16, "run")
        .states(OFF_ON)
        .read(|p, i| flag(p.heat_pumps[i].run))
        .write(0.0, 1.0, set_run),
    holding(1, Kind::I16, "leaving_setpoint")
        .scaled(0.1, "°C")
        .read(|p, i| p.heat_pumps[i].setpoint_c)
        .write(3.0, 55.0, |p, i, v| command(p, i, |m| m.setpoint_c = v)),
    holding(2, Kind::U16, "capacity_limit")
        .scaled(1.0, "%")
        .read(|p, i| p.heat_pumps[i].limit * 100.0)
        .write(30.0, 100.0, |p, i, v| command(p, i, |m| m.limit = v / 100.0)),
    holding(3, Kind::U16, "reset").read(|_, _| 0.0).write(0.0, 1.0, reset),
    KEPT[0],
    KEPT[1],
    KEPT[2],
    coil(0, "run_coil").read(|p, i| flag(p.heat_pumps[i].run)).write(0.0, 1.0, set_run),
    coil(1, "reset_coil").read(|_, _| 0.0).write(0.0, 1.0, reset),
    discrete(0, "running").read(|p, i| flag(p.heat_pumps[i].is_running())),
    discrete(1, "fault_contact").read(|p, i| flag(p.heat_pumps[i].status == Status::Fault)),
    discrete(2, "source_flow_switch").read(|p, i| flag(flows(p, SOURCE_PUMP, i))),
    discrete(3, "load_flow_switch").read(|p, i| flag(flows(p, LOAD_PUMP, i))),
];

/// Water-source heat pump.
pub static MODEL: Model = Model {
    kind: "heat_pump",
    vendor: "Wellhead Plant",
    product: "GSHP-456",
    revision: "2.1",
    map: MAP,
};
