//! Register map of bought heat: a municipal exchanger or a gas boiler with its own controller.

use super::map::{Exception, Kind, POLL_COUNTER, Register, holding, input};
use super::{Model, OFF_ON, flag, kept, order};
use crate::panel::SUPPLY_KEEPER;
use crate::physics::heat_supply::HeatSupply;
use crate::plant::Plant;

const fn keeper(_: usize) -> usize {
    SUPPLY_KEEPER
}

fn command(
    plant: &mut Plant,
    i: usize,
    apply: impl FnOnce(&mut HeatSupply),
) -> Result<(), Exception> {
    order(plant, SUPPLY_KEEPER)?;
    apply(&mut plant.heat_supplies[i]);
    Ok(())
}

const KEPT: [Register; 3] = kept!(10, keeper);

const MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::Bit { bit: 0 }, "heating").read(|p, i| flag(p.heat_supplies[i].heat_w > 1e3)),
    input(2, Kind::Bit { bit: 1 }, "available").read(|p, i| flag(p.heat_supplies[i].available)),
    input(2, Kind::Bit { bit: 2 }, "remote").read(|p, _| flag(p.keepers[SUPPLY_KEEPER].remote)),
    input(2, Kind::Bit { bit: 3 }, "communication_lost")
        .read(|p, _| flag(p.keepers[SUPPLY_KEEPER].lost)),
    input(3, Kind::U32, "heat_output")
        .scaled(0.1, "kW")
        .low_first()
        .read(|p, i| p.heat_supplies[i].heat_w / 1e3),
    input(5, Kind::U32, "heat_energy")
        .scaled(1.0, "kWh")
        .low_first()
        .read(|p, i| (p.heat_supplies[i].heat_j / 3.6e6).floor()),
    input(7, Kind::U16, "watchdog_left")
        .scaled(1.0, "s")
        .read(|p, _| p.keepers[SUPPLY_KEEPER].left_s),
    holding(0, Kind::U16, "run").states(OFF_ON).read(|p, i| flag(p.heat_supplies[i].run)).write(
        0.0,
        1.0,
        |p, i, v| command(p, i, |supply| supply.run = v != 0.0),
    ),
    holding(1, Kind::I16, "leaving_setpoint")
        .scaled(0.1, "°C")
        .read(|p, i| p.heat_supplies[i].setpoint_c)
        .write(25.0, 60.0, |p, i, v| command(p, i, |supply| supply.setpoint_c = v)),
    KEPT[0],
    KEPT[1],
    KEPT[2],
];

/// Municipal heat exchanger or gas boiler.
pub static MODEL: Model = Model {
    kind: "heat_supply",
    vendor: "Wellhead Plant",
    product: "HS-1",
    revision: "1.0",
    map: MAP,
};
