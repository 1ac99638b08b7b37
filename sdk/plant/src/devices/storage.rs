//! Register maps of a storage plant: tank string, its valves, the river's station, the tariff
//! clock, and the district's substation.

use super::map::{Exception, Kind, POLL_COUNTER, Register, coil, discrete, holding, input};
use super::{Model, flag, kept, order, temperature};
use crate::panel::{SEASON_KEEPER, VALVE_KEEPER};
use crate::physics::tariff::{Period, Tariff};
use crate::plant::Plant;
use crate::presets::changshu::{
    CHARGE_VALVE, DISCHARGE_VALVE, SEASON_VALVE, minutes_to_change, period,
};

/// One probe of the tank string, at a share of its height.
macro_rules! probe {
    ($address:expr, $name:literal, $height:expr) => {
        temperature($address, $name).scaled(0.01, "°C").read(|p, i| p.tanks[i].at_c($height))
    };
}

const TANK_MAP: &[Register] = &[
    POLL_COUNTER,
    probe!(2, "at_05", 0.05),
    probe!(3, "at_15", 0.15),
    probe!(4, "at_25", 0.25),
    probe!(5, "at_35", 0.35),
    probe!(6, "at_45", 0.45),
    probe!(7, "at_55", 0.55),
    probe!(8, "at_65", 0.65),
    probe!(9, "at_75", 0.75),
    probe!(10, "at_85", 0.85),
    probe!(11, "at_95", 0.95),
    input(12, Kind::U16, "level")
        .scaled(0.1, "%")
        .missing(65_535)
        .read(|p, i| p.tanks[i].level * 100.0),
    input(13, Kind::U16, "volume").scaled(1.0, "m³").read(|p, i| p.tanks[i].volume_m3),
];

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

const VALVE_MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::Bit { bit: 0 }, "remote").read(|p, _| flag(p.keepers[VALVE_KEEPER].remote)),
    input(2, Kind::Bit { bit: 1 }, "communication_lost")
        .read(|p, _| flag(p.keepers[VALVE_KEEPER].lost)),
    input(3, Kind::U16, "watchdog_left")
        .scaled(1.0, "s")
        .read(|p, _| p.keepers[VALVE_KEEPER].left_s),
    KEPT[0],
    KEPT[1],
    KEPT[2],
    coil(0, "season_cooling").read(|p, _| p.valves[SEASON_VALVE].command.round()).write(
        0.0,
        1.0,
        |p, _, v| {
            send(p, SEASON_VALVE, v)?;
            p.keepers[SEASON_KEEPER].commanded();
            Ok(())
        },
    ),
    coil(1, "charge_open").read(|p, _| p.valves[CHARGE_VALVE].command.round()).write(
        0.0,
        1.0,
        |p, _, v| send(p, CHARGE_VALVE, v),
    ),
    coil(2, "discharge_open").read(|p, _| p.valves[DISCHARGE_VALVE].command.round()).write(
        0.0,
        1.0,
        |p, _, v| send(p, DISCHARGE_VALVE, v),
    ),
    discrete(0, "season_at_heating").read(|p, _| at_end(p, SEASON_VALVE, 0.0)),
    discrete(1, "season_at_cooling").read(|p, _| at_end(p, SEASON_VALVE, 1.0)),
    discrete(2, "charge_is_shut").read(|p, _| at_end(p, CHARGE_VALVE, 0.0)),
    discrete(3, "charge_is_open").read(|p, _| at_end(p, CHARGE_VALVE, 1.0)),
    discrete(4, "discharge_is_shut").read(|p, _| at_end(p, DISCHARGE_VALVE, 0.0)),
    discrete(5, "discharge_is_open").read(|p, _| at_end(p, DISCHARGE_VALVE, 1.0)),
];

const RIVER_MAP: &[Register] = &[
    POLL_COUNTER,
    temperature(2, "water_temperature").read(|p, i| p.sources[i].water_c),
    input(3, Kind::U16, "level")
        .scaled(0.01, "m")
        .missing(65_535)
        .noise(0.01)
        .read(|p, i| p.sources[i].level_m),
    input(4, Kind::U16, "filter_pressure_drop")
        .scaled(0.1, "kPa")
        .missing(65_535)
        .read(|p, i| p.sources[i].filter_kpa),
    holding(0, Kind::U16, "filter_wash").read(|_, _| 0.0).write(0.0, 1.0, |p, i, v| {
        if v != 0.0 {
            p.sources[i].wash();
        }
        Ok(())
    }),
];

const PERIODS: &[(u16, &str)] = &[
    (Period::Valley as u16, "valley"),
    (Period::Flat as u16, "flat"),
    (Period::Peak as u16, "peak"),
    (Period::Sharp as u16, "sharp"),
];

const TARIFF_MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::U16, "period")
        .states(PERIODS)
        .missing(65_535)
        .read(|p, _| f64::from(period(p) as u16)),
    input(3, Kind::U16, "price")
        .scaled(0.0001, "")
        .missing(65_535)
        .read(|p, _| Tariff::CHANGSHU.price(period(p)))
        .note("CNY/kWh"),
    input(4, Kind::U16, "minutes_to_change").scaled(1.0, "min").read(|p, _| minutes_to_change(p)),
];

const DISTRICT_MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::U16, "demand").scaled(1.0, "kW").read(|p, i| p.districts[i].demand_w / 1e3),
    input(3, Kind::U16, "drawn").scaled(1.0, "kW").read(|p, i| p.districts[i].drawn_w.abs() / 1e3),
    temperature(4, "supply_temperature").read(|p, _| p.load_loop.supply_c),
    temperature(5, "return_temperature").read(|p, _| p.load_loop.return_c),
];

/// Builds the model of a storage plant's device.
const fn model(kind: &'static str, product: &'static str, map: &'static [Register]) -> Model {
    Model { kind, vendor: "Wellhead Plant", product, revision: "1.0", map }
}

/// Ten probes and the level of a tank.
pub static TANK_STRING: Model = model("tank_string", "TTS-10", TANK_MAP);
/// Season change-over and the tank's valves.
pub static VALVES: Model = model("storage_valves", "RIO-6", VALVE_MAP);
/// Temperature, level and intake filter.
pub static RIVER_STATION: Model = model("river_station", "RS-R", RIVER_MAP);
/// What electricity costs now.
pub static TARIFF_CLOCK: Model = model("tariff_clock", "TC-4", TARIFF_MAP);
/// The district's substation.
pub static DISTRICT: Model = model("district", "DS-1", DISTRICT_MAP);
