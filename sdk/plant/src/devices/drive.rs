//! Register map of a pump's frequency converter: hundredths of hertz, a control word of bits.

use super::map::{Exception, Kind, POLL_COUNTER, Register, holding, input};
use super::{Model, OFF_ON, flag, kept, order};
use crate::panel::pump_keeper;
use crate::physics::hydraulics::Pump;
use crate::physics::meters::POWER_FACTOR;
use crate::plant::Plant;

const HERTZ: f64 = 50.0;

fn command(plant: &mut Plant, i: usize, apply: impl FnOnce(&mut Pump)) -> Result<(), Exception> {
    order(plant, pump_keeper(i))?;
    apply(&mut plant.pumps[i]);
    Ok(())
}

const KEPT: [Register; 3] = kept!(4, pump_keeper);

const MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::Bit { bit: 0 }, "turning").read(|p, i| flag(p.pumps[i].speed > 0.0)),
    input(2, Kind::Bit { bit: 1 }, "at_speed").read(|p, i| {
        let pump = &p.pumps[i];
        flag(pump.run && (pump.speed - pump.speed_command).abs() < 1e-9)
    }),
    input(2, Kind::Bit { bit: 3 }, "tripped").read(|p, i| flag(p.pumps[i].tripped)),
    input(2, Kind::Bit { bit: 4 }, "flow_proven").read(|p, i| flag(p.pumps[i].flow_proven())),
    input(2, Kind::Bit { bit: 8 }, "local").read(|p, i| flag(p.keepers[pump_keeper(i)].local)),
    input(2, Kind::Bit { bit: 9 }, "remote").read(|p, i| flag(p.keepers[pump_keeper(i)].remote)),
    input(2, Kind::Bit { bit: 10 }, "communication_lost")
        .read(|p, i| flag(p.keepers[pump_keeper(i)].lost)),
    input(3, Kind::U16, "output_frequency")
        .scaled(0.01, "Hz")
        .read(|p, i| p.pumps[i].speed * HERTZ),
    input(4, Kind::U16, "motor_current")
        .scaled(0.1, "A")
        .read(|p, i| p.pumps[i].power_w() / (3f64.sqrt() * 400.0 * POWER_FACTOR)),
    input(5, Kind::U16, "motor_power").scaled(0.01, "kW").read(|p, i| p.pumps[i].power_w() / 1e3),
    input(6, Kind::I16, "differential_pressure")
        .scaled(0.1, "kPa")
        .noise(0.2)
        .read(|p, i| p.pumps[i].head_kpa()),
    input(7, Kind::I16, "heatsink_temperature")
        .scaled(1.0, "°C")
        .read(|p, i| 28.0 + 25.0 * p.pumps[i].speed.powi(3)),
    input(8, Kind::U32, "energy")
        .scaled(0.1, "kWh")
        .low_first()
        .read(|p, i| p.pumps[i].energy_j / 3.6e6),
    input(10, Kind::U32, "run_hours")
        .scaled(1.0, "h")
        .low_first()
        .read(|p, i| p.pumps[i].run_hours.floor()),
    input(12, Kind::U16, "watchdog_left")
        .scaled(1.0, "s")
        .read(|p, i| p.keepers[pump_keeper(i)].left_s),
    holding(0, Kind::U16, "run").states(OFF_ON).read(|p, i| flag(p.pumps[i].run)).write(
        0.0,
        1.0,
        |p, i, v| command(p, i, |pump| pump.run = v != 0.0),
    ),
    holding(1, Kind::U16, "frequency_setpoint")
        .scaled(0.01, "Hz")
        .read(|p, i| p.pumps[i].speed_command * HERTZ)
        .write(20.0, HERTZ, |p, i, v| command(p, i, |pump| pump.speed_command = v / HERTZ)),
    // 2 is where a careless block write from 1 to 4 does its harm.
    holding(2, Kind::U16, "parameter_restore")
        .read(|_, _| 0.0)
        .write(0.0, 65_535.0, |p, i, _| {
            p.pumps[i].tripped = true;
            p.pumps[i].speed_command = 1.0;
            Ok(())
        })
        .note("any write, 0 too, restores factory parameters and trips the drive: never write"),
    holding(3, Kind::U16, "reset")
        .read(|_, _| 0.0)
        .write(0.0, 1.0, |p, i, v| command(p, i, |pump| pump.tripped &= v == 0.0)),
    KEPT[0],
    KEPT[1],
    KEPT[2],
];

/// Frequency converter.
pub static MODEL: Model =
    Model { kind: "drive", vendor: "Wellhead Plant", product: "VFD-22", revision: "5.0", map: MAP };
