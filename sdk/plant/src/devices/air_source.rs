//! Register map of the air-source bank.

use super::map::{Exception, Kind, POLL_COUNTER, Register, holding, input};
use super::{Model, OFF_ON, flag, kept, order, temperature};
use crate::panel::AIR_KEEPER;
use crate::physics::air_source::{AirSource, Status, UNITS};
use crate::plant::Plant;
use crate::presets::renze::AIR_PUMP;

const STATUS: &[(u16, &str)] = &[
    (Status::Off as u16, "off"),
    (Status::Starting as u16, "starting"),
    (Status::Running as u16, "running"),
    (Status::Defrost as u16, "defrost"),
    (Status::Fault as u16, "fault"),
];

const fn keeper(_: usize) -> usize {
    AIR_KEEPER
}

fn command(plant: &mut Plant, apply: impl FnOnce(&mut AirSource)) -> Result<(), Exception> {
    // The bank's controller takes no setpoints while it is busy with a defrost.
    if plant.air_sources[0].status == Status::Defrost {
        return Err(Exception::DeviceBusy);
    }
    order(plant, AIR_KEEPER)?;
    apply(&mut plant.air_sources[0]);
    Ok(())
}

fn set_run(plant: &mut Plant, _: usize, value: f64) -> Result<(), Exception> {
    if value == 0.0 {
        // Stop is obeyed in a defrost too.
        order(plant, AIR_KEEPER)?;
        plant.air_sources[0].run = false;
        return Ok(());
    }
    if plant.air_sources[0].status == Status::Fault {
        return Err(Exception::DeviceFailure);
    }
    command(plant, |bank| bank.run = true)
}

const KEPT: [Register; 3] = kept!(104, keeper);

const MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::U16, "status")
        .states(STATUS)
        .read(|p, _| f64::from(p.air_sources[0].status as u16)),
    input(3, Kind::Bit { bit: 0 }, "flow_alarm").read(|p, _| flag(p.air_sources[0].flow_alarm)),
    input(3, Kind::Bit { bit: 8 }, "remote").read(|p, _| flag(p.keepers[AIR_KEEPER].remote)),
    input(3, Kind::Bit { bit: 9 }, "communication_lost")
        .read(|p, _| flag(p.keepers[AIR_KEEPER].lost)),
    input(3, Kind::Bit { bit: 1 }, "fault")
        .read(|p, _| flag(p.air_sources[0].status == Status::Fault)),
    input(3, Kind::Bit { bit: 2 }, "available").read(|p, _| {
        let fault = p.air_sources[0].status == Status::Fault;
        flag(!fault && !p.keepers[AIR_KEEPER].local && p.blackout_s <= 0.0)
    }),
    input(3, Kind::Bit { bit: 3 }, "flow_switch").read(|p, _| {
        let pump = &p.pumps[AIR_PUMP];
        flag(pump.flow_proven() && pump.flow_m3h() >= p.air_sources[0].flow_min_m3h)
    }),
    input(3, Kind::Bit { bit: 10 }, "local").read(|p, _| flag(p.keepers[AIR_KEEPER].local)),
    input(4, Kind::U16, "units_running").read(|p, _| f64::from(p.air_sources[0].units_running)),
    input(5, Kind::U16, "units_defrosting")
        .read(|p, _| f64::from(p.air_sources[0].units_defrosting)),
    temperature(6, "entering_temperature").read(|p, _| p.air_sources[0].entering_c),
    temperature(7, "leaving_temperature").read(|p, _| p.air_sources[0].leaving_c),
    temperature(8, "coil_air_temperature").read(|p, _| p.weather.outdoor_c),
    input(9, Kind::I32, "heat_output").scaled(1.0, "W").read(|p, _| p.air_sources[0].heat_w),
    input(11, Kind::I32, "power").scaled(1.0, "W").read(|p, _| p.air_sources[0].power_w),
    input(13, Kind::U16, "cop").scaled(0.01, "").read(|p, _| p.air_sources[0].cop()),
    input(14, Kind::U32, "run_hours")
        .scaled(1.0, "h")
        .read(|p, _| p.air_sources[0].run_hours.floor()),
    input(16, Kind::U16, "watchdog_left")
        .scaled(1.0, "s")
        .read(|p, _| p.keepers[AIR_KEEPER].left_s),
    input(17, Kind::U32, "starts").read(|p, _| f64::from(p.air_sources[0].starts)),
    input(19, Kind::U32, "heat_energy")
        .scaled(1.0, "kWh")
        .read(|p, _| (p.air_sources[0].heat_j / 3.6e6).floor()),
    input(21, Kind::U32, "energy")
        .scaled(1.0, "kWh")
        .read(|p, _| (p.air_sources[0].power_j / 3.6e6).floor()),
    holding(100, Kind::U16, "run")
        .states(OFF_ON)
        .read(|p, _| flag(p.air_sources[0].run))
        .write(0.0, 1.0, set_run),
    holding(101, Kind::I16, "leaving_setpoint")
        .scaled(0.1, "°C")
        .read(|p, _| p.air_sources[0].setpoint_c)
        .write(15.0, 50.0, |p, _, v| command(p, |bank| bank.setpoint_c = v)),
    holding(102, Kind::U16, "units_allowed")
        .read(|p, _| f64::from(p.air_sources[0].units_allowed))
        .write(0.0, UNITS as f64, |p, _, v| command(p, |bank| bank.units_allowed = v as u16)),
    holding(103, Kind::U16, "reset").read(|_, _| 0.0).write(0.0, 1.0, |p, _, v| {
        command(p, |bank| {
            if v != 0.0 {
                bank.reset();
            }
        })
    }),
    KEPT[0],
    KEPT[1],
    KEPT[2],
];

/// Bank of air-source heat pumps.
pub static MODEL: Model = Model {
    kind: "air_source",
    vendor: "Wellhead Plant",
    product: "ASHP-4x155",
    revision: "1.4",
    map: MAP,
};
