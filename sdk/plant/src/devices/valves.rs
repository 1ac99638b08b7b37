//! Register map of the valve module: relays as coils, end switches as discrete inputs, positions
//! as analogue values. It is the room's remote I/O.

use super::map::{Exception, Kind, POLL_COUNTER, Register, coil, discrete, holding, input};
use super::{Model, flag, kept, order};
use crate::panel::VALVE_KEEPER;
use crate::plant::Plant;
use crate::presets::renze::{AIR_VALVE, EXCHANGER_VALVE};

const fn keeper(_: usize) -> usize {
    VALVE_KEEPER
}

fn send(plant: &mut Plant, valve: usize, position: f64) -> Result<(), Exception> {
    order(plant, VALVE_KEEPER)?;
    plant.valves[valve].command = position;
    Ok(())
}

fn at_end(plant: &Plant, valve: usize, end: f64) -> f64 {
    flag((plant.valves[valve].position - end).abs() < 1e-9)
}

const KEPT: [Register; 3] = kept!(10, keeper);

const MAP: &[Register] =
    &[
        POLL_COUNTER,
        input(2, Kind::U16, "air_valve_position")
            .scaled(0.1, "%")
            .read(|p, _| p.valves[AIR_VALVE].position * 100.0),
        input(3, Kind::U16, "exchanger_valve_position")
            .scaled(0.1, "%")
            .read(|p, _| p.valves[EXCHANGER_VALVE].position * 100.0),
        input(4, Kind::Bit { bit: 0 }, "remote").read(|p, _| flag(p.keepers[VALVE_KEEPER].remote)),
        input(4, Kind::Bit { bit: 1 }, "communication_lost")
            .read(|p, _| flag(p.keepers[VALVE_KEEPER].lost)),
        input(4, Kind::Bit { bit: 2 }, "local").read(|p, _| flag(p.keepers[VALVE_KEEPER].local)),
        input(5, Kind::U16, "watchdog_left")
            .scaled(1.0, "s")
            .read(|p, _| p.keepers[VALVE_KEEPER].left_s),
        holding(0, Kind::U16, "exchanger_valve_setpoint")
            .scaled(0.1, "%")
            .read(|p, _| p.valves[EXCHANGER_VALVE].command * 100.0)
            .write(0.0, 100.0, |p, _, v| send(p, EXCHANGER_VALVE, v / 100.0)),
        KEPT[0],
        KEPT[1],
        KEPT[2],
        coil(0, "air_valve_to_ground").read(|p, _| p.valves[AIR_VALVE].command.round()).write(
            0.0,
            1.0,
            |p, _, v| send(p, AIR_VALVE, v),
        ),
        coil(1, "exchanger_valve_open")
            .read(|p, _| p.valves[EXCHANGER_VALVE].command.round())
            .write(0.0, 1.0, |p, _, v| send(p, EXCHANGER_VALVE, v)),
        discrete(0, "air_valve_at_load").read(|p, _| at_end(p, AIR_VALVE, 0.0)),
        discrete(1, "air_valve_at_ground").read(|p, _| at_end(p, AIR_VALVE, 1.0)),
        discrete(2, "exchanger_valve_shut").read(|p, _| at_end(p, EXCHANGER_VALVE, 0.0)),
        discrete(3, "exchanger_valve_is_open").read(|p, _| at_end(p, EXCHANGER_VALVE, 1.0)),
    ];

/// Valve module.
pub static MODEL: Model =
    Model { kind: "valves", vendor: "Wellhead Plant", product: "RIO-8", revision: "1.0", map: MAP };
