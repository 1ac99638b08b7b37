//! The room of Shengshi Baihe in Renze, Xingtai: 152 bores of 150 m, two water-source machines, a
//! bank of four air-source machines that also recharges the ground in summer, heating only.

use super::{about_mean, called, pump_power_w, run_pump};
use crate::devices::{self, Device, device};
use crate::panel::{AIR_KEEPER, HEAT_PUMP_KEEPER, VALVE_KEEPER, on_panel};
use crate::physics::WATER_W_PER_M3H_K;
use crate::physics::air_source::{AirSource, Surroundings};
use crate::physics::building::Building;
use crate::physics::field::Field;
use crate::physics::ground::Ground;
use crate::physics::heat_pump::{ETA_HEATING, HeatPump, Water};
use crate::physics::hydraulics::{Pump, Valve};
use crate::physics::meters::{HeatMeter, PowerMeter};
use crate::plant::{LOAD_PUMP, Loop, Plant, SOURCE_PUMP};

/// The pump of the ground loop.
pub const GROUND_PUMP: usize = SOURCE_PUMP;
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

const FLOOR_M2: f64 = 38_000.0;
const HEAT_PUMP_W: f64 = 456e3;
const GROUND_WATER_M3: f64 = 27.0;
/// Effectiveness of the recharge heat exchanger.
const EXCHANGER: f64 = 0.8;

/// All devices, by unit id.
pub(super) static DEVICES: [Device; 15] = [
    device(1, "heat-pump-1", 0, &devices::heat_pump::MODEL),
    device(2, "heat-pump-2", 1, &devices::heat_pump::MODEL),
    device(3, "air-source", 0, &devices::air_source::MODEL),
    device(11, "ground-pump", 0, &devices::drive::MODEL),
    device(12, "load-pump", 1, &devices::drive::MODEL),
    device(13, "air-pump", 2, &devices::drive::MODEL),
    device(14, "valves", 0, &devices::valves::MODEL),
    device(21, "ground-heat-meter", 0, &devices::meters::HEAT_METER),
    device(22, "load-heat-meter", 1, &devices::meters::HEAT_METER),
    device(31, "heat-pump-power-meter", 0, &devices::meters::POWER_METER),
    device(32, "air-source-power-meter", 1, &devices::meters::POWER_METER),
    device(33, "pump-power-meter", 2, &devices::meters::POWER_METER),
    device(41, "ground-string", 0, &devices::sensors::GROUND_STRING),
    device(42, "weather-station", 0, &devices::sensors::WEATHER_STATION),
    device(43, "room-sensor", 0, &devices::sensors::ROOM_SENSOR),
];

pub(super) fn fill(plant: &mut Plant) {
    let config = &plant.config;
    let ground = Ground::new(&config.field, config.soil);
    let field = Field::new(ground, config.bore_resistance, GROUND_WATER_M3);
    let room_c = plant.weather.outdoor_c.max(20.0);
    let seed = plant.seed;
    plant.source_loop = Loop::at_rest(field.water_c);
    plant.load_loop = Loop::at_rest(room_c);
    plant.fields = vec![field];
    plant.buildings = vec![Building::new(FLOOR_M2, 40.0, 41.0, room_c)];
    plant.heat_pumps = vec![HeatPump::new(HEAT_PUMP_W, ETA_HEATING, 30.0); 2];
    plant.air_sources = vec![AirSource::new(40.0)];
    plant.pumps = vec![
        Pump::new(140.0, 15e3, 260.0),
        Pump::new(230.0, 22e3, 240.0),
        Pump::new(107.0, 7.5e3, 180.0),
    ];
    plant.valves = vec![Valve::default(); 2];
    plant.heat_meters = [21, 22].map(|stream| HeatMeter::new(seed, stream)).to_vec();
    plant.power_meters = [31, 32, 33].map(|stream| PowerMeter::new(seed, stream)).to_vec();
}

/// What the panel asks of the actuators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Panel {
    ground_source: bool,
    air_source: bool,
    /// Its heat goes into the ground.
    recharge: bool,
    /// The exchanger between load and ground loop is open.
    exchanger: bool,
}

impl Panel {
    /// The season calendar of the site.
    fn for_date(month: i8, day: i8) -> Self {
        let off = Self::default();
        match (month, day) {
            (5, 15..) | (6, _) => Self { exchanger: true, ..off },
            (7 | 8, _) => Self { air_source: true, recharge: true, ..off },
            (11, 15..) | (12, ..=10) | (2, 26..) | (3, ..=15) => Self { air_source: true, ..off },
            (1, 6..) => Self { ground_source: true, air_source: true, ..off },
            (12 | 1, _) | (2, _) => Self { ground_source: true, ..off },
            _ => off,
        }
    }
}

pub(super) fn panel(plant: &mut Plant) {
    let wish = Panel::for_date(plant.calendar.month, plant.calendar.day);
    for machine in 0..plant.heat_pumps.len() {
        if on_panel(plant, HEAT_PUMP_KEEPER + machine) {
            plant.heat_pumps[machine].run = wish.ground_source;
        }
    }
    if on_panel(plant, AIR_KEEPER) {
        plant.air_sources[0].run = wish.air_source;
    }
    let to_load = wish.air_source && !wish.recharge;
    run_pump(plant, GROUND_PUMP, wish.ground_source || wish.recharge || wish.exchanger);
    run_pump(plant, LOAD_PUMP, wish.ground_source || wish.exchanger || to_load);
    run_pump(plant, AIR_PUMP, wish.air_source);
    if on_panel(plant, VALVE_KEEPER) {
        plant.valves[AIR_VALVE].command = f64::from(u8::from(wish.recharge));
        plant.valves[EXCHANGER_VALVE].command = f64::from(u8::from(wish.exchanger));
    }
}

pub(super) fn step(plant: &mut Plant, dt_s: f64) {
    step_machines(plant, dt_s);
    step_exchanger(plant);
    step_source_loop(plant, dt_s);
    step_load_loop(plant, dt_s);
    step_meters(plant, dt_s);
}

fn step_machines(plant: &mut Plant, dt_s: f64) {
    let open = called(plant);
    let water = Water {
        source_entering_c: plant.source_loop.return_c,
        source_m3h: plant.pumps[GROUND_PUMP].proven_m3h() / open,
        load_entering_c: plant.load_loop.return_c,
        load_m3h: plant.pumps[LOAD_PUMP].proven_m3h() / open,
    };
    plant.heat_pumps.iter_mut().for_each(|machine| machine.step(dt_s, water));
    let to_ground = plant.valves[AIR_VALVE].position;
    let around = Surroundings {
        outdoor_c: plant.weather.outdoor_c,
        humidity: plant.weather.humidity,
        entering_c: to_ground * plant.source_loop.return_c
            + (1.0 - to_ground) * plant.load_loop.return_c,
        flow_m3h: plant.pumps[AIR_PUMP].proven_m3h(),
        time_s: plant.time_s(),
    };
    plant.air_sources[0].step(dt_s, around);
}

fn step_exchanger(plant: &mut Plant) {
    let flow = plant.pumps[GROUND_PUMP].flow_m3h().min(plant.pumps[LOAD_PUMP].flow_m3h());
    let conductance = EXCHANGER * flow * WATER_W_PER_M3H_K;
    plant.exchanger_w = plant.valves[EXCHANGER_VALVE].position
        * conductance
        * (plant.load_loop.return_c - plant.source_loop.return_c);
}

fn step_source_loop(plant: &mut Plant, dt_s: f64) {
    let taken: f64 = plant.heat_pumps.iter().map(|machine| machine.source_w).sum();
    let air = plant.air_sources[0].heat_w * plant.valves[AIR_VALVE].position;
    let heat_w = air + plant.exchanger_w - taken;
    let field = &mut plant.fields[0];
    field.step(dt_s, heat_w);
    plant.source_loop = about_mean(field.water_c, heat_w, plant.pumps[GROUND_PUMP].flow_m3h());
}

fn step_load_loop(plant: &mut Plant, dt_s: f64) {
    let machines: f64 = plant.heat_pumps.iter().map(|machine| machine.heat_w).sum();
    let air = plant.air_sources[0].heat_w * (1.0 - plant.valves[AIR_VALVE].position);
    let heat_w = machines + air - plant.exchanger_w;
    let pump = &plant.pumps[LOAD_PUMP];
    let building = &mut plant.buildings[0];
    let weather = plant.weather;
    building.step(dt_s, heat_w, pump.speed, weather.outdoor_c, weather.sun);
    plant.load_loop = about_mean(building.water_c, heat_w, pump.flow_m3h());
}

fn step_meters(plant: &mut Plant, dt_s: f64) {
    for (meter, pump, water) in
        [(GROUND_METER, GROUND_PUMP, plant.source_loop), (LOAD_METER, LOAD_PUMP, plant.load_loop)]
    {
        let flow = plant.pumps[pump].flow_m3h();
        plant.heat_meters[meter].step(dt_s, flow, water.supply_c, water.return_c);
    }
    let compressors: f64 = plant.heat_pumps.iter().map(|machine| machine.power_w).sum();
    let powers = [compressors, plant.air_sources[0].power_w, pump_power_w(plant)];
    for (meter, power) in plant.power_meters.iter_mut().zip(powers) {
        meter.step(dt_s, power);
    }
}

/// Temperature the ground string reads at a depth, °C: the monitoring bore stands half a spacing
/// from its neighbours; near the surface the seasons show (damped within ~10 m).
pub(crate) fn ground_at_depth_c(plant: &Plant, depth_m: f64) -> f64 {
    const HALF_SPACING_M: f64 = 2.5;
    let field = plant.fields[0].ground.at_c(HALF_SPACING_M);
    let damping = depth_m / 3.4;
    let year = std::f64::consts::TAU * (plant.calendar.day_of_year - 200.0) / 365.0;
    let season = 14.5 * (-damping).exp() * (year - damping).cos();
    let gradient = 0.01 * (depth_m - 75.0).max(-75.0);
    field + season + gradient
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::PUMP_KEEPER;
    use crate::physics::heat_pump::Status;
    use crate::plant::Config;
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
            let water_before = plant.fields[0].water_j();
            for _ in 0..86_400 {
                plant.step(1.0);
                load += plant.load_loop.heat_w;
                ground += plant.fields[0].extraction_w_per_m * plant.fields[0].ground.length_m();
                power += plant.power_meters[..2].iter().map(|meter| meter.power_w).sum::<f64>();
                air += plant.air_sources[0].heat_w - plant.air_sources[0].power_w;
            }
            ground += water_before - plant.fields[0].water_j();
            let error = (ground + power + air) / load - 1.0;
            assert!(load > 0.3 * 86_400.0 * 1e6, "day {day}: hardly any load");
            assert!(error.abs() < 0.005, "day {day}: {error:.5}");
        }
    }

    #[test]
    fn nothing_is_made_or_lost_in_the_whole_room() {
        let mut plant = plant_on(2, 1, 1);
        let stored = |plant: &Plant| {
            plant.fields[0].ground.stored_j()
                + plant.buildings[0].stored_j()
                + plant.fields[0].water_j()
        };
        let before = stored(&plant);
        let mut power = 0.0;
        for _ in 0..86_400 {
            plant.step(1.0);
            power += plant.heat_pumps.iter().map(|machine| machine.power_w).sum::<f64>();
        }
        let balance = power + plant.fields[0].ground.from_far_j()
            - plant.buildings[0].lost_j
            - (stored(&plant) - before);
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
        assert!(
            winter.fields[0].extraction_w_per_m > 5.0,
            "{}",
            winter.fields[0].extraction_w_per_m
        );

        let mut summer = plant_on(7, 5, 1);
        run(&mut summer, 3600);
        assert!(
            summer.fields[0].extraction_w_per_m < -15.0,
            "{}",
            summer.fields[0].extraction_w_per_m
        );
        assert!(
            (summer.air_sources[0].heat_w - 620e3).abs() < 1e3,
            "{}",
            summer.air_sources[0].heat_w
        );

        let mut spring = plant_on(6, 5, 1);
        run(&mut spring, 7200);
        assert!(
            spring.fields[0].extraction_w_per_m < -1.0,
            "{}",
            spring.fields[0].extraction_w_per_m
        );
        assert_eq!(spring.power_meters[0].power_w, 0.0);
    }

    #[test]
    fn stopping_the_ground_pump_trips_running_machines() {
        let mut plant = plant_on(1, 10, 1);
        run(&mut plant, 3600);
        plant.keepers[PUMP_KEEPER + GROUND_PUMP].commanded();
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
        assert!(plant.heat_pumps[1].run && plant.air_sources[0].run, "the others were touched");
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
                coldest_room = coldest_room.min(plant.buildings[0].room_c);
            }
            coldest_ground = coldest_ground.min(plant.source_loop.return_c);
        }
        assert!((15.0..26.0).contains(&coldest_room), "room {coldest_room}");
        assert!((3.0..17.0).contains(&coldest_ground), "ground {coldest_ground}");
        assert!(plant.heat_pumps.iter().all(|machine| machine.status != Status::Fault));
    }

    /// Mean heat put into the ground from a date on, W, with the panel's calendar.
    fn recharged_w(month: i8, day: i8, days: usize) -> f64 {
        let mut plant = Plant::new(
            Config { start: date(2026, month, day).at(0, 0, 0, 0), ..Config::default() },
            1,
        );
        (0..days * 1440).for_each(|_| plant.step(60.0));
        plant.fields[0].injected_j / (days as f64 * 86_400.0)
    }

    #[test]
    fn air_source_recharges_the_620_kw_of_the_calendar() {
        let mean = recharged_w(7, 1, 60);
        assert!((mean / 620e3 - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn circulation_alone_can_close_the_year_in_may_and_june() {
        // 331.5 kW for 1080 hours would; the ground is at its warmest here, undisturbed.
        let mean = recharged_w(5, 15, 45);
        assert!((331.5e3..450e3).contains(&mean), "{mean}");
    }
}
