//! The resettlement housing at Yanqing: two production and three reinjection wells at 58 °C, a
//! plate exchanger that heats first, a heat pump that takes the rest down, a gas boiler in reserve.

use super::{about_mean, called, pump_power_w, run_pump};
use crate::devices::{self, Device, device};
use crate::panel::{HEAT_PUMP_KEEPER, SUPPLY_KEEPER, WELL_KEEPER, on_panel};
use crate::physics::WATER_W_PER_M3H_K;
use crate::physics::building::Building;
use crate::physics::heat_pump::{ETA_HEATING, HeatPump, Water};
use crate::physics::heat_supply::HeatSupply;
use crate::physics::hydraulics::Pump;
use crate::physics::meters::{HeatMeter, PowerMeter};
use crate::physics::well::{Aquifer, breakthrough_years};
use crate::physics::well_field::{Role, WellField};
use crate::plant::{LOAD_PUMP, Loop, Plant, SOURCE_PUMP};

/// Heat meters: the wells' side of the exchanger and heat pump.
pub const WELL_METER: usize = 0;
/// Heat meters: the load side.
pub const LOAD_METER: usize = 1;

const FLOOR_M2: f64 = 264_500.0;
/// The heat pump: 3062 kW of heat for 596 kW.
const HEAT_PUMP_W: f64 = 3062e3;
const BOILER_W: f64 = 3e6;
/// Effectiveness of the plate exchanger.
const EXCHANGER: f64 = 0.92;
const ROCK_C: f64 = 58.0;
/// Two production wells, then three reinjection wells, m.
const WELLS: [(Role, [f64; 2]); 5] = [
    (Role::Production, [0.0, 0.0]),
    (Role::Production, [300.0, 0.0]),
    (Role::Reinjection, [0.0, 600.0]),
    (Role::Reinjection, [400.0, 600.0]),
    (Role::Reinjection, [800.0, 600.0]),
];

/// All devices, by unit id.
pub(super) static DEVICES: [Device; 16] = [
    device(1, "heat-pump", 0, &devices::heat_pump::MODEL),
    device(4, "gas-boiler", 0, &devices::supply::MODEL),
    device(11, "tail-pump", 0, &devices::drive::MODEL),
    device(12, "load-pump", 1, &devices::drive::MODEL),
    device(21, "well-heat-meter", 0, &devices::meters::HEAT_METER),
    device(22, "load-heat-meter", 1, &devices::meters::HEAT_METER),
    device(31, "heat-pump-power-meter", 0, &devices::meters::POWER_METER),
    device(32, "well-power-meter", 1, &devices::meters::POWER_METER),
    device(33, "pump-power-meter", 2, &devices::meters::POWER_METER),
    device(42, "weather-station", 0, &devices::sensors::WEATHER_STATION),
    device(43, "room-sensor", 0, &devices::sensors::ROOM_SENSOR),
    device(51, "production-1", 0, &devices::wells::PRODUCTION),
    device(52, "production-2", 1, &devices::wells::PRODUCTION),
    device(61, "reinjection-1", 2, &devices::wells::REINJECTION),
    device(62, "reinjection-2", 3, &devices::wells::REINJECTION),
    device(63, "reinjection-3", 4, &devices::wells::REINJECTION),
];

pub(super) fn fill(plant: &mut Plant) {
    let seed = plant.seed;
    let room_c = plant.weather.outdoor_c.max(20.0);
    // 50 m of aquifer, 600 m between the two groups, rock to water 0.6; then half a kelvin a year.
    let front = (breakthrough_years(50.0, 600.0, 325.0 / 2.0, 0.6), 0.5);
    plant.well_fields = vec![WellField::new(&WELLS, Aquifer::default(), ROCK_C, front, seed)];
    plant.source_loop = Loop::at_rest(ROCK_C);
    plant.load_loop = Loop::at_rest(room_c);
    // Floor heating on 40/30 °C water.
    plant.buildings = vec![Building::new(FLOOR_M2, 36.0, 35.0, room_c)];
    let mut machine = HeatPump::new(HEAT_PUMP_W, ETA_HEATING, 80.0);
    machine.setpoint_c = 40.0;
    plant.heat_pumps = vec![machine];
    plant.heat_supplies = vec![HeatSupply { setpoint_c: 40.0, ..HeatSupply::new(BOILER_W, 0.92) }];
    plant.pumps = vec![Pump::new(330.0, 15e3, 120.0), Pump::new(900.0, 110e3, 300.0)];
    plant.heat_meters = [21, 22].map(|stream| HeatMeter::new(seed, stream)).to_vec();
    plant.power_meters = [31, 32, 33].map(|stream| PowerMeter::new(seed, stream)).to_vec();
}

/// 5 November to 25 March, day and night: the wells and the load pump run; the heat pump and the
/// boiler are called below −3 and −10 °C outdoors. The heat pump brings its tail water pump along,
/// whoever calls it.
pub(super) fn panel(plant: &mut Plant) {
    let season = matches!(
        (plant.calendar.month, plant.calendar.day),
        (11, 5..) | (12 | 1 | 2, _) | (3, ..=25)
    );
    let outdoor_c = plant.weather.outdoor_c;
    if on_panel(plant, HEAT_PUMP_KEEPER) {
        plant.heat_pumps[0].run = season && outdoor_c < -3.0;
    }
    if on_panel(plant, SUPPLY_KEEPER) {
        plant.heat_supplies[0].run = season && outdoor_c < -10.0;
    }
    let called = plant.heat_pumps[0].run;
    run_pump(plant, SOURCE_PUMP, called);
    run_pump(plant, LOAD_PUMP, season);
    for well in 0..WELLS.len() {
        if on_panel(plant, WELL_KEEPER + well) {
            let well = &mut plant.well_fields[0].wells[well];
            well.run = season && well.role == Role::Production;
            well.valve.command = 1.0;
        }
    }
}

pub(super) fn step(plant: &mut Plant, dt_s: f64) {
    let time_s = plant.time_s();
    let load_m3h = plant.pumps[LOAD_PUMP].flow_m3h();
    let field = &mut plant.well_fields[0];
    field.produce(dt_s, time_s);
    let (hot_m3h, hot_c) = (field.flow_m3h(Role::Production), field.produced_c);

    // First the exchanger, on the whole of the returning load water.
    let back_c = plant.load_loop.return_c;
    let least = hot_m3h.min(load_m3h) * WATER_W_PER_M3H_K;
    plant.exchanger_w = (EXCHANGER * least * (hot_c - back_c)).max(0.0);
    let after = |c: f64, heat_w: f64, m3h: f64| {
        if m3h > 1.0 { c + heat_w / (m3h * WATER_W_PER_M3H_K) } else { c }
    };
    let tail_c = after(hot_c, -plant.exchanger_w, hot_m3h);
    let warmed_c = after(back_c, plant.exchanger_w, load_m3h);

    // Then the heat pump takes from the tail; its pump cannot draw more than the wells give.
    let open = called(plant);
    let water = Water {
        source_entering_c: tail_c,
        source_m3h: plant.pumps[SOURCE_PUMP].flow_m3h().min(hot_m3h) / open,
        load_entering_c: warmed_c,
        load_m3h: load_m3h / open,
    };
    plant.heat_pumps[0].step(dt_s, water);
    let machine = &plant.heat_pumps[0];
    let (pumped_w, taken_w) = (machine.heat_w, machine.source_w);
    let supply = &mut plant.heat_supplies[0];
    supply.step(dt_s, after(warmed_c, pumped_w, load_m3h), load_m3h * WATER_W_PER_M3H_K);
    let heat_w = plant.exchanger_w + pumped_w + supply.heat_w;

    let returned_c = after(tail_c, -taken_w, hot_m3h);
    plant.well_fields[0].reinject(dt_s, returned_c);
    // Supply is towards the rock.
    let given_w = -(plant.exchanger_w + taken_w);
    plant.source_loop = Loop { supply_c: returned_c, return_c: hot_c, heat_w: given_w };
    let speed = plant.pumps[LOAD_PUMP].speed;
    let building = &mut plant.buildings[0];
    building.step(dt_s, heat_w, speed, plant.weather.outdoor_c, plant.weather.sun);
    plant.load_loop = about_mean(building.water_c, heat_w, load_m3h);

    plant.heat_meters[WELL_METER].step(dt_s, hot_m3h, returned_c, hot_c);
    let load = plant.load_loop;
    plant.heat_meters[LOAD_METER].step(dt_s, load_m3h, load.supply_c, load.return_c);
    let wells: f64 = plant.well_fields[0].wells.iter().map(|well| well.power_w).sum();
    let powers = [plant.heat_pumps[0].power_w, wells, pump_power_w(plant)];
    for (meter, power) in plant.power_meters.iter_mut().zip(powers) {
        meter.step(dt_s, power);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::Config;
    use crate::presets::Preset;
    use jiff::civil::date;

    fn plant_on(month: i8, day: i8) -> Plant {
        let start = date(2026, month, day).at(0, 0, 0, 0);
        Plant::new(Config { preset: Preset::Yanqing, start, ..Config::default() }, 1)
    }

    #[test]
    fn january_is_heated_mostly_by_the_exchanger_and_all_water_goes_back() {
        let mut plant = plant_on(1, 5);
        let (mut exchanger, mut all, mut power) = (0.0, 0.0, 0.0);
        for _ in 0..14 * 1440 {
            plant.step(60.0);
            exchanger += plant.exchanger_w;
            all += plant.load_loop.heat_w;
            power += plant.power_meters.iter().map(|meter| meter.power_w).sum::<f64>();
        }
        assert!(exchanger / all > 0.7, "{}", exchanger / all);
        assert!((17.0..24.0).contains(&plant.buildings[0].room_c), "{}", plant.buildings[0].room_c);
        // Overall efficiency of such a plant is far above any COP: 19.6 at the site.
        assert!((8.0..60.0).contains(&(all / power)), "{}", all / power);
        let field = &plant.well_fields[0];
        let (out, back) = (field.flow_m3h(Role::Production), field.flow_m3h(Role::Reinjection));
        assert!(out > 150.0 && (out - back).abs() < 1e-9, "{out} {back}");
        assert!((22.0..40.0).contains(&field.wells[2].water_c), "{}", field.wells[2].water_c);
    }

    #[test]
    fn wells_ground_and_power_make_the_load() {
        let mut plant = plant_on(1, 20);
        let stored = |plant: &Plant| plant.buildings[0].stored_j();
        let (before, mut given) = (stored(&plant), 0.0);
        for _ in 0..1440 {
            plant.step(60.0);
            given += (plant.heat_pumps[0].power_w + plant.heat_supplies[0].heat_w) * 60.0;
            let wells = &plant.well_fields[0];
            let flow = wells.flow_m3h(Role::Production);
            let cooled = plant.source_loop.return_c - plant.source_loop.supply_c;
            given += flow * WATER_W_PER_M3H_K * cooled * 60.0;
        }
        let balance = given - plant.buildings[0].lost_j - (stored(&plant) - before);
        assert!(given > 1e11 && balance.abs() < 1e-6 * given, "{balance} of {given}");
    }

    #[test]
    fn nothing_runs_in_summer() {
        let mut plant = plant_on(7, 1);
        (0..1440).for_each(|_| plant.step(60.0));
        assert_eq!(plant.well_fields[0].flow_m3h(Role::Production), 0.0);
        assert_eq!(plant.power_meters[1].energy_j, 0.0);
    }
}
