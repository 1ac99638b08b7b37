//! The plant room: lists of machines, loops and meters, which a preset fills and wires, advanced
//! together.

use jiff::civil::DateTime;

use crate::ground_load::GroundLoad;
use crate::panel::{self, ACTUATORS, Keeper};
use crate::physics::air_source::AirSource;
use crate::physics::borefield::Borefield;
use crate::physics::building::Building;
use crate::physics::district::District;
use crate::physics::field::Field;
use crate::physics::ground::Soil;
use crate::physics::heat_pump::HeatPump;
use crate::physics::heat_supply::HeatSupply;
use crate::physics::hydraulics::{Pump, Valve};
use crate::physics::meters::{HeatMeter, PowerMeter};
use crate::physics::source::Source;
use crate::physics::tank::Tank;
use crate::physics::tariff::Period;
use crate::physics::unit_hash;
use crate::physics::weather::{ColdSnap, Day, Weather};
use crate::physics::well_field::WellField;
use crate::presets::Preset;

/// What a plant is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Which room.
    pub preset: Preset,
    /// Local time at which the run starts.
    pub start: DateTime,
    /// A cold spell.
    pub cold_snap: Option<ColdSnap>,
    /// Seconds without a write before an actuator falls back to its own defaults; 0 is never.
    pub watchdog_s: f64,
    /// What the energy registers of all heat meters show at the start, kWh.
    pub meter_start_kwh: f64,
    /// Where the bores stand, for a room that has them.
    pub field: Borefield,
    /// The ground around them.
    pub soil: Soil,
    /// Resistance between water and bore wall, m·K/W (single-U 0.12, double-U 0.08).
    pub bore_resistance: f64,
    /// Layers of a tank, for a room that has one: its mixing parameter.
    pub tank_layers: usize,
    /// If there is one, the ground alone moves, loaded by this plan; everything else stands still.
    pub ground_load: Option<GroundLoad>,
}

impl Default for Config {
    /// Shengshi Baihe, Xingtai: 152 × 150 m, two machines of 456 kW, 38 000 m² at 40 W/m².
    fn default() -> Self {
        Self {
            preset: Preset::Renze,
            start: jiff::civil::date(2026, 7, 1).at(0, 0, 0, 0),
            cold_snap: None,
            watchdog_s: 300.0,
            meter_start_kwh: 0.0,
            field: Borefield::rectangle(8, 19, 5.0, 150.0),
            soil: Soil::default(),
            bore_resistance: 0.10,
            tank_layers: crate::physics::tank::LAYERS,
            ground_load: None,
        }
    }
}

/// Where the pump on the source side stands in [`Plant::pumps`], in every room.
pub const SOURCE_PUMP: usize = 0;
/// The pump on the load side.
pub const LOAD_PUMP: usize = 1;

/// Water temperatures where a loop meets its source or load, °C.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loop {
    /// Towards the field (source loop) or the building (load loop).
    pub supply_c: f64,
    /// Coming back.
    pub return_c: f64,
    /// Heat given to the loop's water by the plant, W (negative: taken).
    pub heat_w: f64,
}

impl Loop {
    /// All water at one temperature.
    #[must_use]
    pub fn at_rest(water_c: f64) -> Self {
        Self { supply_c: water_c, return_c: water_c, heat_w: 0.0 }
    }
}

/// Local calendar, worked out once a day: a step only adds up seconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Calendar {
    /// Simulated time at which this day began and ends, s.
    begins_s: f64,
    ends_s: f64,
    pub(crate) month: i8,
    pub(crate) day: i8,
    /// 1 is 1 January.
    pub(crate) day_of_year: f64,
    pub(crate) hour: f64,
    air: Day,
    /// What the plan takes from the ground on this day, W.
    extraction_w: f64,
}

impl Calendar {
    fn at(config: &Config, seed: u64, time_s: f64) -> Self {
        let now = local_time(config, time_s);
        let seconds = f64::from(now.hour()) * 3600.0
            + f64::from(now.minute()) * 60.0
            + f64::from(now.second())
            + f64::from(now.subsec_nanosecond()) / 1e9;
        let day_of_year = u16::try_from(now.day_of_year()).unwrap_or(1);
        Self {
            begins_s: time_s - seconds,
            ends_s: time_s - seconds + 86_400.0,
            month: now.month(),
            day: now.day(),
            day_of_year: f64::from(day_of_year),
            hour: seconds / 3600.0,
            air: Day::new(day_of_year, seed, config.cold_snap),
            extraction_w: config.ground_load.as_ref().map_or(0.0, |load| load.on(now.date())),
        }
    }
}

/// The plant room. Same configuration, seed, commands and step lengths, same run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plant {
    pub(crate) config: Config,
    pub(crate) seed: u64,
    time_s: f64,
    steps: u64,
    pub(crate) calendar: Calendar,
    /// Air outside.
    pub weather: Weather,
    /// Loop between the machines and their source.
    pub source_loop: Loop,
    /// Loop between the machines and the load.
    pub load_loop: Loop,
    /// Water-source machines.
    pub heat_pumps: Vec<HeatPump>,
    /// Banks of air-source machines.
    pub air_sources: Vec<AirSource>,
    /// Municipal heat, boilers.
    pub heat_supplies: Vec<HeatSupply>,
    /// Pumps.
    pub pumps: Vec<Pump>,
    /// Motorised valves.
    pub valves: Vec<Valve>,
    /// Bore fields.
    pub fields: Vec<Field>,
    /// Deep wells.
    pub well_fields: Vec<WellField>,
    /// Surface sources.
    pub sources: Vec<Source>,
    /// Tanks.
    pub tanks: Vec<Tank>,
    /// Buildings.
    pub buildings: Vec<Building>,
    /// Districts.
    pub districts: Vec<District>,
    /// Heat through the exchanger between source and load, W: into the source loop at a room with
    /// bores, out of the wells at one with wells, out of the tank's cold at one with a tank.
    pub exchanger_w: f64,
    /// Heat meters.
    pub heat_meters: Vec<HeatMeter>,
    /// Electricity meters.
    pub power_meters: Vec<PowerMeter>,
    /// Who commands each actuator; [`crate::panel`] says which stands where.
    pub keepers: [Keeper; ACTUATORS],
    /// Seconds left of a loss of power.
    pub(crate) blackout_s: f64,
}

impl Plant {
    /// A plant at rest at its start time, ground undisturbed.
    ///
    /// Works out what its ground and wells answer, which takes some milliseconds.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        let calendar = Calendar::at(&config, seed, 0.0);
        let mut plant = Self {
            time_s: 0.0,
            steps: 0,
            weather: calendar.air.at(calendar.hour),
            calendar,
            source_loop: Loop::default(),
            load_loop: Loop::default(),
            heat_pumps: Vec::new(),
            air_sources: Vec::new(),
            heat_supplies: Vec::new(),
            pumps: Vec::new(),
            valves: Vec::new(),
            fields: Vec::new(),
            well_fields: Vec::new(),
            sources: Vec::new(),
            tanks: Vec::new(),
            buildings: Vec::new(),
            districts: Vec::new(),
            exchanger_w: 0.0,
            heat_meters: Vec::new(),
            power_meters: Vec::new(),
            keepers: [Keeper::new(config.watchdog_s); ACTUATORS],
            blackout_s: 0.0,
            config,
            seed,
        };
        plant.config.preset.fill(&mut plant);
        let start_j = plant.config.meter_start_kwh * 3.6e6;
        for meter in &mut plant.heat_meters {
            (meter.positive_j, meter.negative_j) = (start_j, start_j);
        }
        plant
    }

    /// The configuration it was built from.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The seed of every random number in it.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Simulated seconds since the start.
    #[must_use]
    pub fn time_s(&self) -> f64 {
        self.time_s
    }

    /// Steps taken, which number the noise of the sensors.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Simulated local time.
    #[must_use]
    pub fn now(&self) -> DateTime {
        local_time(&self.config, self.time_s)
    }

    /// Electric power of the machines, the pumps and the wells, W.
    #[must_use]
    pub fn power_w(&self) -> f64 {
        let machines: f64 = self.heat_pumps.iter().map(|machine| machine.power_w).sum();
        let air: f64 = self.air_sources.iter().map(|bank| bank.power_w).sum();
        let pumps: f64 = self.pumps.iter().map(Pump::power_w).sum();
        let wells = self.well_fields.iter().flat_map(|field| &field.wells);
        machines + air + pumps + wells.map(|well| well.power_w).sum::<f64>()
    }

    /// The tariff's period now and its price, CNY/kWh, at a room with such a tariff.
    #[must_use]
    pub fn tariff(&self) -> Option<(Period, f64)> {
        self.config.preset.tariff(self)
    }

    /// Advances everything by `dt_s` seconds of simulated time; 1 s when serving, up to 60 s when
    /// years are wanted.
    pub fn step(&mut self, dt_s: f64) {
        self.time_s += dt_s;
        self.steps += 1;
        if self.time_s < self.calendar.ends_s {
            self.calendar.hour = (self.time_s - self.calendar.begins_s) / 3600.0;
        } else {
            self.calendar = Calendar::at(&self.config, self.seed, self.time_s);
        }
        self.weather = self.calendar.air.at(self.calendar.hour);
        if self.config.ground_load.is_some() {
            let heat_w = -self.calendar.extraction_w / self.fields.len().max(1) as f64;
            self.fields.iter_mut().for_each(|field| field.step(dt_s, heat_w));
            return;
        }
        let preset = self.config.preset;
        preset.panel(self);
        if self.blackout_s > 0.0 {
            self.blackout_s -= dt_s;
            (0..ACTUATORS).for_each(|actuator| panel::switch_off(self, actuator));
        }
        self.pumps.iter_mut().for_each(|pump| pump.step(dt_s));
        self.valves.iter_mut().for_each(|valve| valve.step(dt_s));
        preset.step(self, dt_s);
    }

    /// Heat that would hold the building at 20 °C, W; nought outside 15 November to 15 March.
    #[must_use]
    pub fn heat_need_w(&self) -> f64 {
        let season = matches!(
            (self.calendar.month, self.calendar.day),
            (11, 15..) | (12 | 1 | 2, _) | (3, ..=15)
        );
        let need = |building: &Building| building.need_w(self.weather.outdoor_c);
        if season { self.buildings.iter().map(need).sum() } else { 0.0 }
    }

    /// A uniform number in [0, 1) for `stream` at this step.
    #[must_use]
    pub fn noise(&self, stream: u64) -> f64 {
        unit_hash(self.seed, stream, self.steps)
    }

    /// Advances the actuators' communication watchdogs by `dt_s` seconds of *real* time: a
    /// watchdog guards a link, and links do not run faster when the plant does.
    pub fn watch(&mut self, dt_s: f64) {
        for actuator in 0..ACTUATORS {
            if self.keepers[actuator].watch(dt_s) {
                panel::switch_off(self, actuator);
            }
        }
    }

    /// The mains fail for `seconds`: everything stops, and what was remote has lost its orders.
    pub fn cut_power(&mut self, seconds: f64) {
        self.blackout_s = seconds;
        for actuator in 0..ACTUATORS {
            self.keepers[actuator].lost |= self.keepers[actuator].remote;
            panel::switch_off(self, actuator);
        }
    }
}

fn local_time(config: &Config, time_s: f64) -> DateTime {
    config.start.saturating_add(jiff::SignedDuration::from_millis((time_s * 1000.0) as i64))
}
