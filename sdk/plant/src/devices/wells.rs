//! Register maps of the wells' control cabinets.

use super::map::{Exception, Kind, POLL_COUNTER, Register, holding, input};
use super::{Model, OFF_ON, flag, kept, order, temperature};
use crate::panel::WELL_KEEPER;
use crate::physics::well_field::{Role, Well};
use crate::plant::Plant;

const HERTZ: f64 = 50.0;

const fn keeper(index: usize) -> usize {
    WELL_KEEPER + index
}

fn well(plant: &Plant, i: usize) -> &Well {
    &plant.well_fields[0].wells[i]
}

fn command(plant: &mut Plant, i: usize, apply: impl FnOnce(&mut Well)) -> Result<(), Exception> {
    order(plant, keeper(i))?;
    apply(&mut plant.well_fields[0].wells[i]);
    Ok(())
}

const KEPT: [Register; 3] = kept!(10, keeper);

/// What every well's cabinet shows, from input register 2 on.
const COMMON: [Register; 14] = [
    POLL_COUNTER,
    input(2, Kind::F32, "flow").scaled(1.0, "m³/h").read(|p, i| well(p, i).metered_m3h()),
    input(4, Kind::U32, "volume")
        .scaled(0.1, "m³")
        .low_first()
        .read(|p, i| well(p, i).metered_m3()),
    input(6, Kind::I16, "level")
        .scaled(0.01, "m")
        .missing(0x8000)
        .noise(0.02)
        .read(|p, i| well(p, i).level_m)
        .note("depth of the water below the surface"),
    input(7, Kind::U16, "pressure")
        .scaled(0.1, "kPa")
        .missing(65_535)
        .noise(0.2)
        .read(|p, i| well(p, i).pressure_kpa),
    temperature(8, "temperature").read(|p, i| well(p, i).water_c),
    input(9, Kind::U16, "sand")
        .scaled(0.00001, "%")
        .missing(65_535)
        .read(|p, i| well(p, i).sand_ppm / 1e4)
        .note("by volume; 0.0001 % is one part in a million"),
    input(10, Kind::U16, "filter_pressure_drop")
        .scaled(0.1, "kPa")
        .missing(65_535)
        .read(|p, i| well(p, i).filter_kpa),
    input(11, Kind::U32, "run_hours")
        .scaled(0.1, "h")
        .low_first()
        .read(|p, i| well(p, i).run_hours),
    input(13, Kind::Bit { bit: 0 }, "fault").read(|p, i| flag(well(p, i).lost)),
    input(13, Kind::Bit { bit: 1 }, "in_use").read(|p, i| flag(well(p, i).flow_m3h > 0.0)),
    input(13, Kind::Bit { bit: 2 }, "remote").read(|p, i| flag(p.keepers[keeper(i)].remote)),
    input(13, Kind::Bit { bit: 3 }, "communication_lost")
        .read(|p, i| flag(p.keepers[keeper(i)].lost)),
    input(14, Kind::U16, "watchdog_left").scaled(1.0, "s").read(|p, i| p.keepers[keeper(i)].left_s),
];

const PRODUCTION_OWN: [Register; 10] = [
    input(20, Kind::U16, "output_frequency")
        .scaled(0.01, "Hz")
        .read(|p, i| well(p, i).speed * HERTZ),
    input(21, Kind::U16, "power").scaled(0.1, "kW").read(|p, i| well(p, i).power_w / 1e3),
    input(22, Kind::U32, "energy")
        .scaled(0.1, "kWh")
        .low_first()
        .read(|p, i| well(p, i).energy_j / 3.6e6),
    input(24, Kind::U32, "starts").low_first().read(|p, i| f64::from(well(p, i).starts)),
    input(13, Kind::Bit { bit: 4 }, "turning").read(|p, i| flag(well(p, i).speed > 0.0)),
    holding(0, Kind::U16, "run").states(OFF_ON).read(|p, i| flag(well(p, i).run)).write(
        0.0,
        1.0,
        |p, i, v| {
            if v != 0.0 && well(p, i).lost {
                return Err(Exception::DeviceFailure);
            }
            command(p, i, |well| well.run = v != 0.0)
        },
    ),
    holding(1, Kind::U16, "frequency_setpoint")
        .scaled(0.01, "Hz")
        .read(|p, i| well(p, i).speed_command * HERTZ)
        .write(20.0, HERTZ, |p, i, v| command(p, i, |well| well.speed_command = v / HERTZ)),
    KEPT[0],
    KEPT[1],
    KEPT[2],
];

const REINJECTION_OWN: [Register; 10] = [
    input(20, Kind::U16, "valve_position")
        .scaled(0.1, "%")
        .read(|p, i| well(p, i).valve.position * 100.0),
    input(13, Kind::Bit { bit: 4 }, "back_washing").read(|p, i| flag(well(p, i).washing_s > 0.0)),
    input(13, Kind::Bit { bit: 5 }, "valve_is_open")
        .read(|p, i| flag(well(p, i).valve.position > 1.0 - 1e-9)),
    input(13, Kind::Bit { bit: 6 }, "valve_is_shut")
        .read(|p, i| flag(well(p, i).valve.position < 1e-9)),
    input(13, Kind::Bit { bit: 7 }, "takes_water").read(|p, i| flag(well(p, i).takes_water())),
    holding(0, Kind::U16, "valve_open")
        .states(OFF_ON)
        .read(|p, i| well(p, i).valve.command.round())
        .write(0.0, 1.0, |p, i, v| command(p, i, |well| well.valve.command = v)),
    holding(1, Kind::U16, "back_wash")
        .states(OFF_ON)
        .read(|p, i| flag(well(p, i).backwash))
        .write(0.0, 1.0, |p, i, v| command(p, i, |well| well.backwash = v != 0.0))
        .note("half an hour of pumping begins when this turns on"),
    KEPT[0],
    KEPT[1],
    KEPT[2],
];

const fn joined(own: &[Register; 10]) -> [Register; 24] {
    let mut all = [POLL_COUNTER; 24];
    let mut i = 0;
    while i < 24 {
        all[i] = if i < 14 { COMMON[i] } else { own[i - 14] };
        i += 1;
    }
    all
}

static PRODUCTION_MAP: [Register; 24] = joined(&PRODUCTION_OWN);
static REINJECTION_MAP: [Register; 24] = joined(&REINJECTION_OWN);

/// What a role's cabinet is called, for its identification.
const fn product(role: Role) -> &'static str {
    match role {
        Role::Production => "WC-P",
        Role::Reinjection => "WC-R",
    }
}

/// Production well.
pub static PRODUCTION: Model = Model {
    kind: "production_well",
    vendor: "Wellhead Plant",
    product: product(Role::Production),
    revision: "1.0",
    map: &PRODUCTION_MAP,
};

/// Reinjection well.
pub static REINJECTION: Model = Model {
    kind: "reinjection_well",
    vendor: "Wellhead Plant",
    product: product(Role::Reinjection),
    revision: "1.0",
    map: &REINJECTION_MAP,
};
