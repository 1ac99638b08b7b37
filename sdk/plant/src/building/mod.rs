//! The building side: controllers of another trade, which speak BACnet/IP and not Modbus.
//!
//! At Renze a substation controller (the water that goes to the building, its pump, the exchanger
//! valve, the machines' setpoint) and two room controllers. Like a register map, a controller is
//! one table over the same plant, so that what is read here and there agrees. The site's electrician
//! named the objects, in Chinese; [`Point::name`] is what faults and the control channel call them.
//!
//! The plant has one mean room temperature; rooms differ from it by fixed offsets (an assumption).

#[cfg(feature = "bacnet")]
mod port;
#[cfg(feature = "bacnet")]
pub mod serve;

use crate::devices::map::Exception;
use crate::fault::{ActiveFault, Fault, Scope};
use crate::panel::{HEAT_PUMP_KEEPER, VALVE_KEEPER, pump_keeper};
use crate::physics::normal_hash;
use crate::plant::{LOAD_PUMP, Plant};
use crate::presets::Preset;
use crate::presets::renze::{AIR_VALVE, EXCHANGER_VALVE};

/// A controller of the building.
#[derive(Debug, Clone, Copy)]
pub struct Controller {
    /// Number by which faults and the control channel name it, after those of the Modbus units.
    pub unit: u8,
    /// Its BACnet device instance.
    pub instance: u32,
    /// Its name on the network.
    pub name: &'static str,
    /// Its objects.
    pub points: &'static [Point],
}

/// What kind of object a point is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Analog input.
    AnalogInput,
    /// Binary input.
    BinaryInput,
    /// Multi-state input with the names of its states, the first of which is number 1.
    MultiStateInput(&'static [&'static str]),
    /// Analog output, commanded between two limits.
    AnalogOutput(f64, f64),
    /// Binary output.
    BinaryOutput,
}

/// One object of a controller.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Kind.
    pub kind: Kind,
    /// Instance among its kind.
    pub instance: u32,
    /// Name for faults and the control channel.
    pub name: &'static str,
    /// Object name.
    pub label: &'static str,
    /// BACnet's number of its unit (clause 21): 62 °C, 27 Hz, 48 kW, 135 m³/h, 54 kPa, 98 %, 95 none.
    pub units: u32,
    /// Least change that is reported to subscribers.
    pub increment: f64,
    /// Standard deviation of the sensor's noise.
    pub noise: f64,
    /// The quantity; for an output what the plant does without a command.
    pub read: fn(&Plant) -> f64,
    /// What a command does; absent from inputs.
    pub command: Option<Command>,
}

/// How a commanded value reaches the plant.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// The actuator that is taken over from its panel.
    pub keeper: usize,
    /// Applies the value.
    pub set: fn(&mut Plant, f64),
}

const CELSIUS: u32 = 62;
const NO_UNITS: u32 = 95;

const fn input(kind: Kind, instance: u32, name: &'static str, label: &'static str) -> Point {
    Point {
        kind,
        instance,
        name,
        label,
        units: NO_UNITS,
        increment: 0.0,
        noise: 0.0,
        read: |_| 0.0,
        command: None,
    }
}

const fn temperature(
    instance: u32,
    name: &'static str,
    label: &'static str,
    read: fn(&Plant) -> f64,
) -> Point {
    let point = input(Kind::AnalogInput, instance, name, label);
    Point { units: CELSIUS, increment: 0.2, noise: 0.05, read, ..point }
}

const fn measured(
    instance: u32,
    (name, label): (&'static str, &'static str),
    (units, increment): (u32, f64),
    read: fn(&Plant) -> f64,
) -> Point {
    Point { units, increment, read, ..input(Kind::AnalogInput, instance, name, label) }
}

const fn output(
    kind: Kind,
    instance: u32,
    (name, label): (&'static str, &'static str),
    units: u32,
    read: fn(&Plant) -> f64,
    command: Command,
) -> Point {
    Point { units, read, command: Some(command), ..input(kind, instance, name, label) }
}

const HERTZ: f64 = 50.0;
const MODES: &[&str] = &["停止", "供热", "蓄热", "直接换热"];

/// What the room is doing, as a number of [`MODES`].
fn mode(plant: &Plant) -> f64 {
    let air = plant.air_sources.iter().any(|bank| bank.heat_w > 1e3);
    let pumps = plant.heat_pumps.iter().any(crate::physics::heat_pump::HeatPump::is_running);
    let to_ground = plant.valves[AIR_VALVE].position > 0.5;
    if air && to_ground && !pumps {
        3.0
    } else if air || pumps {
        2.0
    } else if plant.valves[EXCHANGER_VALVE].position > 0.5 {
        4.0
    } else {
        1.0
    }
}

const SUBSTATION: &[Point] = &[
    temperature(1, "supply_temperature", "供水温度", |p| p.load_loop.supply_c),
    temperature(2, "return_temperature", "回水温度", |p| p.load_loop.return_c),
    temperature(3, "outdoor_temperature", "室外温度", |p| p.weather.outdoor_c),
    measured(4, ("flow", "循环流量"), (135, 2.0), |p| p.pumps[LOAD_PUMP].flow_m3h()),
    measured(5, ("heat_output", "瞬时热量"), (48, 10.0), |p| p.load_loop.heat_w / 1e3),
    measured(6, ("differential_pressure", "供回水压差"), (54, 5.0), |p| {
        p.pumps[LOAD_PUMP].head_kpa()
    }),
    measured(7, ("valve_position", "换热阀阀位"), (98, 1.0), |p| {
        p.valves[EXCHANGER_VALVE].position * 100.0
    }),
    Point {
        read: |p| f64::from(u8::from(p.pumps[LOAD_PUMP].speed > 0.0)),
        ..input(Kind::BinaryInput, 1, "pump_running", "循环泵运行")
    },
    Point {
        read: |p| f64::from(u8::from(p.pumps[LOAD_PUMP].tripped)),
        ..input(Kind::BinaryInput, 2, "pump_tripped", "循环泵故障")
    },
    Point { read: mode, ..input(Kind::MultiStateInput(MODES), 1, "mode", "运行模式") },
    output(
        Kind::BinaryOutput,
        1,
        ("pump_run", "循环泵启停"),
        NO_UNITS,
        |p| f64::from(u8::from(p.pumps[LOAD_PUMP].run)),
        Command {
            keeper: pump_keeper(LOAD_PUMP),
            set: |p, value| p.pumps[LOAD_PUMP].run = value != 0.0,
        },
    ),
    output(
        Kind::AnalogOutput(20.0, HERTZ),
        1,
        ("pump_frequency", "循环泵频率"),
        27,
        |p| p.pumps[LOAD_PUMP].speed_command * HERTZ,
        Command {
            keeper: pump_keeper(LOAD_PUMP),
            set: |p, value| p.pumps[LOAD_PUMP].speed_command = value / HERTZ,
        },
    ),
    output(
        Kind::AnalogOutput(0.0, 100.0),
        2,
        ("valve_command", "换热阀开度"),
        98,
        |p| p.valves[EXCHANGER_VALVE].command * 100.0,
        Command {
            keeper: VALVE_KEEPER,
            set: |p, value| p.valves[EXCHANGER_VALVE].command = value / 100.0,
        },
    ),
    output(
        Kind::AnalogOutput(25.0, 55.0),
        3,
        ("supply_setpoint", "供水温度设定"),
        CELSIUS,
        |p| p.heat_pumps[0].setpoint_c,
        Command { keeper: HEAT_PUMP_KEEPER, set: |p, value| p.heat_pumps[0].setpoint_c = value },
    ),
];

/// A room of the building, so many kelvin off the mean.
macro_rules! room {
    ($instance:expr, $name:literal, $label:literal, $offset:expr) => {
        temperature($instance, $name, $label, |p| p.buildings[0].room_c + $offset)
    };
}

const SOUTH: &[Point] = &[
    room!(1, "room_101", "一层101室温", 0.9),
    room!(2, "room_102", "一层102室温", 0.6),
    room!(3, "room_501", "五层501室温", 0.8),
    room!(4, "room_1101", "十一层1101室温", 0.1),
];

const NORTH: &[Point] = &[
    room!(1, "room_103", "一层103室温", -0.7),
    room!(2, "room_104", "一层104室温", -0.9),
    room!(3, "room_503", "五层503室温", -0.3),
    room!(4, "room_1103", "十一层1103室温", -0.5),
];

const RENZE: &[Controller] = &[
    Controller { unit: 101, instance: 1001, name: "楼宇换热站", points: SUBSTATION },
    Controller { unit: 102, instance: 1002, name: "南区房间控制器", points: SOUTH },
    Controller { unit: 103, instance: 1003, name: "北区房间控制器", points: NORTH },
];

/// The controllers of a room's building; only Renze has any.
#[must_use]
pub fn controllers(preset: Preset) -> &'static [Controller] {
    match preset {
        Preset::Renze => RENZE,
        Preset::Changshu | Preset::Yanqing => &[],
    }
}

/// A point of a controller by its names.
#[must_use]
pub fn find(preset: Preset, unit: u8, name: &str) -> Option<&'static Point> {
    let controller = controllers(preset).iter().find(|controller| controller.unit == unit)?;
    controller.points.iter().find(|point| point.name == name)
}

/// What a point shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// Its value.
    pub value: f64,
    /// BACnet's Reliability; 0 is no fault.
    pub reliability: u8,
    /// Taken out of service.
    pub out_of_service: bool,
}

/// What a point shows under the faults at work.
pub fn shown<'a>(
    plant: &Plant,
    unit: u8,
    point: &Point,
    faults: impl Iterator<Item = &'a ActiveFault>,
) -> Shown {
    let mut value = (point.read)(plant);
    if point.noise > 0.0 {
        let stream = u64::from(unit) << 16 | u64::from(point.instance);
        value += point.noise * normal_hash(plant.seed(), stream, plant.steps());
    }
    let mut shown = Shown { value, reliability: 0, out_of_service: false };
    let own = Scope::unit(unit);
    for active in faults {
        if active.scope != own || active.fault.point() != Some(point.name) {
            continue;
        }
        match active.fault {
            Fault::Stuck { .. } => shown.value = active.onset.0,
            Fault::Drift { per_day, .. } => {
                shown.value += per_day * (plant.time_s() - active.onset.1) / 86_400.0;
            }
            Fault::Scale { factor, .. } => shown.value *= factor,
            Fault::Unreliable { reliability, .. } => shown.reliability = reliability,
            Fault::OutOfService { .. } => shown.out_of_service = true,
            _ => {}
        }
    }
    shown
}

/// A command reaches the plant, unless the switch at the device stands on local.
///
/// # Errors
/// When it does.
pub fn command(plant: &mut Plant, command: Command, value: f64) -> Result<(), Exception> {
    if plant.keepers[command.keeper].local {
        return Err(Exception::DeviceFailure);
    }
    plant.keepers[command.keeper].commanded();
    (command.set)(plant, value);
    Ok(())
}
