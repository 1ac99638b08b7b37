//! The plant room: all machines, loops and meters, advanced together.

use jiff::civil::DateTime;

use crate::panel::{Keeper, Panel};
use crate::physics::air_source::{AirSource, Surroundings};
use crate::physics::borefield::Borefield;
use crate::physics::building::Building;
use crate::physics::ground::{Ground, Soil};
use crate::physics::heat_pump::{ETA_HEATING, HeatPump, Water};
use crate::physics::hydraulics::{Pump, Valve};
use crate::physics::meters::{HeatMeter, PowerMeter};
use crate::physics::weather::{ColdSnap, Weather};
use crate::physics::{WATER_W_PER_M3H_K, unit_hash};

/// What a plant is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Local time at which the run starts.
    pub start: DateTime,
    /// The bore field.
    pub field: Borefield,
    /// The ground.
    pub soil: Soil,
    /// Resistance between water and bore wall, m·K/W (single-U 0.12, double-U 0.08).
    pub bore_resistance: f64,
    /// Water in the ground loop, m³.
    pub ground_water_m3: f64,
    /// Heated floor, m².
    pub floor_m2: f64,
    /// Rated output of each ground-source machine, W.
    pub heat_pump_w: f64,
    /// A cold spell.
    pub cold_snap: Option<ColdSnap>,
    /// Seconds without a write before an actuator falls back to its own defaults; 0 is never.
    pub watchdog_s: f64,
}

impl Default for Config {
    /// Shengshi Baihe, Xingtai: 152 × 150 m, two machines of 456 kW, 38 000 m² at 40 W/m².
    fn default() -> Self {
        Self {
            start: jiff::civil::date(2026, 7, 1).at(0, 0, 0, 0),
            field: Borefield::rectangle(8, 19, 5.0, 150.0),
            soil: Soil::default(),
            bore_resistance: 0.10,
            ground_water_m3: 27.0,
            floor_m2: 38_000.0,
            heat_pump_w: 456e3,
            cold_snap: None,
            watchdog_s: 300.0,
        }
    }
}

/// Where the pumps stand in [`Plant::pumps`].
pub const GROUND_PUMP: usize = 0;
/// The load pump.
pub const LOAD_PUMP: usize = 1;
/// The pump of the air-source circuit.
pub const AIR_PUMP: usize = 2;
/// Where the valves stand in [`Plant::valves`]: air-source heat to the load (0) or ground (1).
pub const AIR_VALVE: usize = 0;
/// The recharge heat exchanger between load and ground loop: shut (0) or open (1).
pub const EXCHANGER_VALVE: usize = 1;
/// Heat meters: the ground side.
pub const GROUND_METER: usize = 0;
/// Heat meters: the load side.
pub const LOAD_METER: usize = 1;

/// Effectiveness of the recharge heat exchanger.
const EXCHANGER: f64 = 0.8;

/// Water temperatures where a loop meets its field or building, °C.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loop {
    /// Towards the field (ground loop) or the building (load loop).
    pub supply_c: f64,
    /// Coming back.
    pub return_c: f64,
    /// Heat given to the loop's water by the plant, W (negative: taken).
    pub heat_w: f64,
}

/// The plant room. Same configuration, seed, commands and step lengths, same run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plant {
    config: Config,
    seed: u64,
    time_s: f64,
    steps: u64,
    /// Air outside.
    pub weather: Weather,
    /// The ground.
    pub ground: Ground,
    /// Mean water temperature in the bores, °C.
    pub ground_water_c: f64,
    /// Heat extracted per metre of bore, W/m.
    pub extraction_w_per_m: f64,
    /// Ground loop.
    pub ground_loop: Loop,
    /// Load loop.
    pub load_loop: Loop,
    /// Building.
    pub building: Building,
    /// Ground-source machines.
    pub heat_pumps: [HeatPump; 2],
    /// Air-source bank.
    pub air_source: AirSource,
    /// Pumps: ground, load, air-source.
    pub pumps: [Pump; 3],
    /// Valves: air-source, exchanger.
    pub valves: [Valve; 2],
    /// Heat through the recharge heat exchanger into the ground loop, W.
    pub exchanger_w: f64,
    /// Heat meters: ground, load.
    pub heat_meters: [HeatMeter; 2],
    /// Electricity meters: heat pumps, air-source bank, pumps.
    pub power_meters: [PowerMeter; 3],
    /// Who commands each actuator, in the order of [`crate::panel::ACTUATORS`].
    pub keepers: [Keeper; crate::panel::ACTUATORS],
}

impl Plant {
    /// A plant at rest at its start time, ground undisturbed.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        let weather = weather_at(&config, seed, 0.0);
        let room_c = weather.outdoor_c.max(20.0);
        let ground = Ground::new(&config.field, config.soil);
        let t0 = ground.undisturbed_c();
        let machine = || HeatPump::new(config.heat_pump_w, ETA_HEATING, 30.0);
        Self {
            seed,
            time_s: 0.0,
            steps: 0,
            weather,
            ground,
            ground_water_c: t0,
            extraction_w_per_m: 0.0,
            ground_loop: Loop { supply_c: t0, return_c: t0, heat_w: 0.0 },
            load_loop: Loop { supply_c: room_c, return_c: room_c, heat_w: 0.0 },
            building: Building::new(config.floor_m2, room_c),
            heat_pumps: [machine(), machine()],
            air_source: AirSource::new(40.0),
            pumps: [
                Pump::new(140.0, 15e3, 260.0),
                Pump::new(230.0, 22e3, 240.0),
                Pump::new(107.0, 7.5e3, 180.0),
            ],
            valves: [Valve::default(), Valve::default()],
            exchanger_w: 0.0,
            heat_meters: [HeatMeter::new(seed, 21), HeatMeter::new(seed, 22)],
            power_meters: [31, 32, 33].map(|stream| PowerMeter::new(seed, stream)),
            keepers: [Keeper::new(config.watchdog_s); crate::panel::ACTUATORS],
            config,
        }
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

    /// Advances everything by `dt_s` seconds of simulated time; 1 s when serving, up to 60 s when
    /// years are wanted.
    pub fn step(&mut self, dt_s: f64) {
        self.time_s += dt_s;
        self.steps += 1;
        self.weather = weather_at(&self.config, self.seed, self.time_s);
        Panel::for_date(self.now().date()).apply(self);
        self.pumps.iter_mut().for_each(|pump| pump.step(dt_s));
        self.valves.iter_mut().for_each(|valve| valve.step(dt_s));
        self.step_machines(dt_s);
        self.step_exchanger();
        self.step_ground_loop(dt_s);
        self.step_load_loop(dt_s);
        self.step_meters(dt_s);
    }

    fn step_machines(&mut self, dt_s: f64) {
        // Machines that are called for share their loop's flow; their isolating valves follow.
        let open = self.heat_pumps.iter().filter(|machine| machine.run).count().max(1) as f64;
        let water = Water {
            source_entering_c: self.ground_loop.return_c,
            source_m3h: self.pumps[GROUND_PUMP].flow_m3h() / open,
            load_entering_c: self.load_loop.return_c,
            load_m3h: self.pumps[LOAD_PUMP].flow_m3h() / open,
        };
        self.heat_pumps.iter_mut().for_each(|machine| machine.step(dt_s, water));
        let to_ground = self.valves[AIR_VALVE].position;
        let entering_c =
            to_ground * self.ground_loop.return_c + (1.0 - to_ground) * self.load_loop.return_c;
        self.air_source.step(
            dt_s,
            Surroundings {
                outdoor_c: self.weather.outdoor_c,
                humidity: self.weather.humidity,
                entering_c,
                flow_m3h: self.pumps[AIR_PUMP].flow_m3h(),
                time_s: self.time_s,
            },
        );
    }

    fn step_exchanger(&mut self) {
        let flow = self.pumps[GROUND_PUMP].flow_m3h().min(self.pumps[LOAD_PUMP].flow_m3h());
        let conductance = EXCHANGER * flow * WATER_W_PER_M3H_K;
        self.exchanger_w = self.valves[EXCHANGER_VALVE].position
            * conductance
            * (self.load_loop.return_c - self.ground_loop.return_c);
    }

    fn step_ground_loop(&mut self, dt_s: f64) {
        let sources: f64 = self.heat_pumps.iter().map(|machine| machine.source_w).sum();
        let air = self.air_source.heat_w * self.valves[AIR_VALVE].position;
        let heat_w = air + self.exchanger_w - sources;
        let length = self.ground.length_m();
        let capacity = self.config.ground_water_m3 * 3600.0 * WATER_W_PER_M3H_K;
        // Water against the innermost annulus; the time constant, about ten minutes, is the lag of
        // pipes and grout. Exact over the step, and what leaves the water enters the ground.
        let resistance = self.config.bore_resistance + self.ground.wall_resistance();
        let conductance = length / resistance;
        let settled = self.ground.near_c() + heat_w / conductance;
        let next =
            settled + (self.ground_water_c - settled) * (-conductance * dt_s / capacity).exp();
        let from_ground_w = capacity * (next - self.ground_water_c) / dt_s - heat_w;
        self.ground_water_c = next;
        self.extraction_w_per_m = from_ground_w / length;
        self.ground.step(self.extraction_w_per_m, dt_s);
        self.ground_loop = loop_temperatures(next, heat_w, self.pumps[GROUND_PUMP].flow_m3h());
    }

    fn step_load_loop(&mut self, dt_s: f64) {
        let machines: f64 = self.heat_pumps.iter().map(|machine| machine.heat_w).sum();
        let air = self.air_source.heat_w * (1.0 - self.valves[AIR_VALVE].position);
        let heat_w = machines + air - self.exchanger_w;
        let pump = &self.pumps[LOAD_PUMP];
        let flow = (pump.flow_m3h(), pump.nominal_m3h);
        self.building.step(dt_s, heat_w, flow, self.weather.outdoor_c);
        self.load_loop = loop_temperatures(self.building.water_c, heat_w, flow.0);
    }

    fn step_meters(&mut self, dt_s: f64) {
        let ground = self.ground_loop;
        let load = self.load_loop;
        let flow = |pump: usize| self.pumps[pump].flow_m3h();
        let (ground_flow, load_flow) = (flow(GROUND_PUMP), flow(LOAD_PUMP));
        self.heat_meters[GROUND_METER].step(dt_s, ground_flow, ground.supply_c, ground.return_c);
        self.heat_meters[LOAD_METER].step(dt_s, load_flow, load.supply_c, load.return_c);
        let compressors: f64 = self.heat_pumps.iter().map(|machine| machine.power_w).sum();
        let pumps: f64 = self.pumps.iter().map(Pump::power_w).sum();
        for (meter, power) in
            self.power_meters.iter_mut().zip([compressors, self.air_source.power_w, pumps])
        {
            meter.step(dt_s, power);
        }
    }

    /// Temperature the ground string reads at a depth, °C: the monitoring bore stands half a
    /// spacing from its neighbours; near the surface the seasons show (damped within ~10 m).
    #[must_use]
    pub fn ground_at_depth_c(&self, depth_m: f64) -> f64 {
        let field = self.ground.at_c(2.5);
        let day = f64::from(self.now().day_of_year());
        let damping = depth_m / 3.4;
        let season = 14.5
            * (-damping).exp()
            * (std::f64::consts::TAU * (day - 200.0) / 365.0 - damping).cos();
        let gradient = 0.01 * (depth_m - 75.0).max(-75.0);
        field + season + gradient
    }

    /// A uniform number in [0, 1) for `stream` at this step.
    #[must_use]
    pub fn noise(&self, stream: u64) -> f64 {
        unit_hash(self.seed, stream, self.steps)
    }

    /// Advances the actuators' communication watchdogs by `dt_s` seconds of *real* time: a
    /// watchdog guards a link, and links do not run faster when the plant does.
    pub fn watch(&mut self, dt_s: f64) {
        for actuator in 0..self.keepers.len() {
            if self.keepers[actuator].watch(dt_s) {
                Panel::DEFAULTS.apply_to(self, actuator);
            }
        }
    }
}

/// Temperatures either side of the plant for a mean water temperature: the plant's heat goes in
/// between return and supply. Standing water has one temperature.
fn loop_temperatures(mean_c: f64, heat_w: f64, flow_m3h: f64) -> Loop {
    let half = if flow_m3h > 1.0 { heat_w / (2.0 * flow_m3h * WATER_W_PER_M3H_K) } else { 0.0 };
    Loop { supply_c: mean_c + half, return_c: mean_c - half, heat_w }
}

fn local_time(config: &Config, time_s: f64) -> DateTime {
    config.start.saturating_add(jiff::SignedDuration::from_millis((time_s * 1000.0) as i64))
}

fn weather_at(config: &Config, seed: u64, time_s: f64) -> Weather {
    let now = local_time(config, time_s);
    let hour =
        f64::from(now.hour()) + f64::from(now.minute()) / 60.0 + f64::from(now.second()) / 3600.0;
    let day = u16::try_from(now.day_of_year()).unwrap_or(1);
    Weather::at(day, hour, seed, config.cold_snap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::{AIR_KEEPER, HEAT_PUMP_KEEPER};
    use crate::physics::heat_pump::Status;
    use jiff::civil::date;

    fn plant_on(month: i8, day: i8, seed: u64) -> Plant {
        let start = date(2026, month, day).at(6, 0, 0, 0);
        Plant::new(Config { start, ..Config::default() }, seed)
    }

    fn run(plant: &mut Plant, seconds: usize) {
        (0..seconds).for_each(|_| plant.step(1.0));
    }

    #[test]
    fn same_seed_same_plant_and_another_seed_another() {
        let day = |seed| {
            let mut plant = plant_on(1, 10, seed);
            run(&mut plant, 7200);
            plant
        };
        assert_eq!(day(7), day(7));
        assert_ne!(day(7).heat_meters, day(8).heat_meters);
    }

    #[test]
    fn each_day_ground_and_power_make_the_load() {
        // January: both kinds of machine heat. What the machines give is what ground, air and
        // compressors put in; here air is the bank's heat less its power.
        let mut plant = plant_on(1, 8, 1);
        for day in 0..3 {
            let (mut load, mut ground, mut power, mut air) = (0.0, 0.0, 0.0, 0.0);
            let water_before = plant.ground_water_c;
            for _ in 0..86_400 {
                plant.step(1.0);
                load += plant.load_loop.heat_w;
                ground += plant.extraction_w_per_m * plant.ground.length_m();
                power += plant.power_meters[..2].iter().map(|meter| meter.power_w).sum::<f64>();
                air += plant.air_source.heat_w - plant.air_source.power_w;
            }
            let water = plant.config.ground_water_m3 * 3600.0 * WATER_W_PER_M3H_K;
            ground += water * (water_before - plant.ground_water_c);
            let error = (ground + power + air) / load - 1.0;
            assert!(load > 0.3 * 86_400.0 * 1e6, "day {day}: hardly any load");
            assert!(error.abs() < 0.005, "day {day}: {error:.5}");
        }
    }

    #[test]
    fn nothing_is_made_or_lost_in_the_whole_room() {
        let mut plant = plant_on(2, 1, 1);
        let stored = |plant: &Plant| {
            let water = plant.config.ground_water_m3 * 3600.0 * WATER_W_PER_M3H_K;
            plant.ground.stored_j() + plant.building.stored_j() + water * plant.ground_water_c
        };
        let before = stored(&plant);
        let mut power = 0.0;
        for _ in 0..86_400 {
            plant.step(1.0);
            power += plant.heat_pumps.iter().map(|machine| machine.power_w).sum::<f64>();
        }
        let balance =
            power + plant.ground.from_far_j() - plant.building.lost_j - (stored(&plant) - before);
        assert!(power > 1e9, "the machines did not run");
        assert!(balance.abs() < 1e-6 * power, "{balance} of {power}");
    }

    #[test]
    fn load_meter_agrees_with_the_truth_within_its_class() {
        let mut plant = plant_on(1, 10, 3);
        let mut truth = 0.0;
        for _ in 0..86_400 {
            plant.step(1.0);
            truth += plant.load_loop.heat_w;
        }
        let meter = &plant.heat_meters[LOAD_METER];
        let error = (meter.positive_j - meter.negative_j) / truth - 1.0;
        assert!(error.abs() < 0.054, "{error}");
        assert_ne!(error, 0.0, "a meter without any error is not a meter");
    }

    #[test]
    fn panel_heats_in_january_and_recharges_in_july() {
        let mut winter = plant_on(1, 10, 1);
        run(&mut winter, 3600);
        assert!(winter.heat_pumps.iter().all(HeatPump::is_running));
        assert!(winter.extraction_w_per_m > 5.0, "{}", winter.extraction_w_per_m);

        let mut summer = plant_on(7, 5, 1);
        run(&mut summer, 3600);
        assert!(summer.extraction_w_per_m < -15.0, "{}", summer.extraction_w_per_m);
        assert!((summer.air_source.heat_w - 620e3).abs() < 1e3, "{}", summer.air_source.heat_w);

        let mut spring = plant_on(6, 5, 1);
        run(&mut spring, 7200);
        assert!(spring.extraction_w_per_m < -1.0, "{}", spring.extraction_w_per_m);
        assert_eq!(spring.power_meters[0].power_w, 0.0);
    }

    #[test]
    fn stopping_the_ground_pump_trips_running_machines() {
        let mut plant = plant_on(1, 10, 1);
        run(&mut plant, 3600);
        plant.keepers[crate::panel::pump_keeper(GROUND_PUMP)].commanded();
        plant.pumps[GROUND_PUMP].run = false;
        run(&mut plant, 60);
        assert!(plant.heat_pumps.iter().all(|machine| machine.status == Status::Fault));
    }

    #[test]
    fn abandoned_device_falls_to_its_defaults_and_the_next_command_takes_it_over() {
        let mut plant = plant_on(1, 10, 1);
        run(&mut plant, 600);
        plant.keepers[HEAT_PUMP_KEEPER].commanded();
        plant.watch(299.0);
        assert!(plant.heat_pumps[0].run && !plant.keepers[HEAT_PUMP_KEEPER].lost);
        plant.keepers[HEAT_PUMP_KEEPER].refresh();
        plant.watch(299.0);
        assert!(plant.heat_pumps[0].run, "the heartbeat did not count");
        plant.watch(2.0);
        assert!(!plant.heat_pumps[0].run && plant.keepers[HEAT_PUMP_KEEPER].lost);
        run(&mut plant, 10);
        assert!(!plant.heat_pumps[0].run, "the panel took over an abandoned device");
        assert!(plant.heat_pumps[1].run && plant.air_source.run, "the others were touched");
        plant.keepers[HEAT_PUMP_KEEPER].commanded();
        assert!(!plant.keepers[HEAT_PUMP_KEEPER].lost);
    }

    #[test]
    fn watchdog_time_of_zero_never_runs_out() {
        let mut plant = plant_on(1, 10, 1);
        plant.keepers[AIR_KEEPER].timeout_s = 0.0;
        plant.keepers[AIR_KEEPER].commanded();
        plant.watch(1e9);
        assert!(!plant.keepers[AIR_KEEPER].lost);
    }

    #[test]
    fn a_year_of_minutes_stays_within_reason() {
        let mut plant = plant_on(4, 1, 1);
        let (mut coldest_room, mut coldest_ground) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..365 * 1440 {
            plant.step(60.0);
            if plant.now().month() == 1 {
                coldest_room = coldest_room.min(plant.building.room_c);
            }
            coldest_ground = coldest_ground.min(plant.ground_loop.return_c);
        }
        assert!((15.0..26.0).contains(&coldest_room), "room {coldest_room}");
        assert!((3.0..17.0).contains(&coldest_ground), "ground {coldest_ground}");
        assert!(plant.heat_pumps.iter().all(|machine| machine.status != Status::Fault));
    }
}
