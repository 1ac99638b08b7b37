//! The energy centre at Changshu: river water, three large machines and a small one that heat or
//! cool a district, a stratified tank of 3780 m³ to be filled when electricity is cheap, gas
//! heaters in reserve.
//!
//! The charge pump draws water from the machines' common supply through the tank and back to their
//! return. The discharge pump drives the tank's water through a plate exchanger that meets the
//! district's return before the machines do. Cold lies below and warm above, so both pumps turn
//! round with the season.

use super::{pump_power_w, run_pump};
use crate::devices::{self, Device, device};
use crate::panel::{HEAT_PUMP_KEEPER, SEASON_KEEPER, SUPPLY_KEEPER, VALVE_KEEPER, on_panel};
use crate::physics::WATER_W_PER_M3H_K;
use crate::physics::district::District;
use crate::physics::heat_pump::{HeatPump, Water};
use crate::physics::heat_supply::HeatSupply;
use crate::physics::hydraulics::{Pump, Valve};
use crate::physics::meters::{HeatMeter, PowerMeter};
use crate::physics::source::{self, Source};
use crate::physics::tank::Tank;
use crate::physics::tariff::{Period, Tariff};
use crate::plant::{LOAD_PUMP, Loop, Plant, SOURCE_PUMP};

/// The pump that fills the tank.
pub const CHARGE_PUMP: usize = 2;
/// The pump that empties it.
pub const DISCHARGE_PUMP: usize = 3;
/// Valves: heating (0) or cooling (1).
pub const SEASON_VALVE: usize = 0;
/// The tank's valve towards the machines.
pub const CHARGE_VALVE: usize = 1;
/// The tank's valve towards the district's exchanger.
pub const DISCHARGE_VALVE: usize = 2;
/// Heat meters: the river side, the district, the tank.
pub const RIVER_METER: usize = 0;
/// The district.
pub const LOAD_METER: usize = 1;
/// The tank: energy while heat goes in (or cold comes out).
pub const TANK_METER: usize = 2;

/// Heating and cooling output, W, and Carnot fraction in heating.
const MACHINES: [(f64, f64, f64); 4] = [
    (7349.2e3, 8086.8e3, 0.743),
    (7349.2e3, 8086.8e3, 0.743),
    (7349.2e3, 8086.8e3, 0.743),
    (3516e3, 4078e3, 0.704),
];
const ETA_COOLING: f64 = 0.709;
const COOLING_C: f64 = 5.0;
const HEATING_C: f64 = 46.5;
const COOLING_W: f64 = 22e6;
const HEATING_W: f64 = 17e6;
const TANK_M3: f64 = 3780.0;
const GAS_W: f64 = 16.8e6;
const EXCHANGER: f64 = 0.842;

/// All devices, by unit id.
pub(super) static DEVICES: [Device; 21] = [
    device(1, "heat-pump-1", 0, &devices::heat_pump::MODEL),
    device(2, "heat-pump-2", 1, &devices::heat_pump::MODEL),
    device(3, "heat-pump-3", 2, &devices::heat_pump::MODEL),
    device(4, "heat-pump-4", 3, &devices::heat_pump::MODEL),
    device(5, "gas-heaters", 0, &devices::supply::MODEL),
    device(11, "river-pump", 0, &devices::drive::MODEL),
    device(12, "load-pump", 1, &devices::drive::MODEL),
    device(13, "charge-pump", 2, &devices::drive::MODEL),
    device(14, "discharge-pump", 3, &devices::drive::MODEL),
    device(15, "storage-valves", 0, &devices::storage::VALVES),
    device(21, "river-heat-meter", 0, &devices::meters::HEAT_METER),
    device(22, "load-heat-meter", 1, &devices::meters::HEAT_METER),
    device(23, "tank-heat-meter", 2, &devices::meters::HEAT_METER),
    device(31, "heat-pump-power-meter", 0, &devices::meters::POWER_METER),
    device(32, "pump-power-meter", 1, &devices::meters::POWER_METER),
    device(33, "incoming-power-meter", 2, &devices::meters::POWER_METER),
    device(41, "tank-string", 0, &devices::storage::TANK_STRING),
    device(42, "weather-station", 0, &devices::sensors::WEATHER_STATION),
    device(43, "river-station", 0, &devices::storage::RIVER_STATION),
    device(44, "tariff-clock", 0, &devices::storage::TARIFF_CLOCK),
    device(45, "district", 0, &devices::storage::DISTRICT),
];

pub(super) fn fill(plant: &mut Plant) {
    let seed = plant.seed;
    let wish = Season::on(plant.calendar.month, plant.calendar.day);
    let cooling = wish != Season::Heating;
    let water_c = if cooling { 13.0 } else { 40.0 };
    plant.sources = vec![Source::new(source::Water::Yangtze)];
    plant.source_loop = Loop::at_rest(plant.sources[0].water_c);
    plant.load_loop = Loop::at_rest(water_c);
    plant.districts = vec![District::new(COOLING_W, HEATING_W, 1200.0, water_c)];
    // Empty: at the temperature at which its water would come back.
    let empty_c = if cooling { 11.5 } else { 42.0 };
    plant.tanks = vec![Tank::new(TANK_M3, plant.config.tank_layers, empty_c)];
    plant.heat_pumps = MACHINES
        .map(|(heating_w, cooling_w, eta)| {
            let mut machine = HeatPump::new(heating_w, eta, 0.02 * heating_w / 1e3);
            machine.rated_cooling_w = cooling_w;
            machine.eta_cooling = ETA_COOLING;
            machine
        })
        .to_vec();
    plant.heat_supplies = vec![HeatSupply { setpoint_c: 46.0, ..HeatSupply::new(GAS_W, 0.92) }];
    plant.pumps = vec![
        Pump::new(4756.0, 440e3, 250.0),
        Pump::new(3000.0, 450e3, 380.0),
        Pump::new(700.0, 45e3, 160.0),
        Pump::new(600.0, 37e3, 150.0),
    ];
    plant.valves = vec![Valve::default(); 3];
    // The season's change-over stays where it is when nobody commands it.
    let season = f64::from(u8::from(cooling));
    plant.valves[SEASON_VALVE] =
        Valve { command: season, position: season, rest: season, stuck: false };
    plant.heat_meters = [21, 22, 23].map(|stream| HeatMeter::new(seed, stream)).to_vec();
    plant.power_meters = [31, 32, 33].map(|stream| PowerMeter::new(seed, stream)).to_vec();
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Season {
    Heating,
    Cooling,
    None,
}

impl Season {
    fn on(month: i8, day: i8) -> Self {
        match (month, day) {
            (11, 15..) | (12 | 1 | 2, _) | (3, ..=15) => Self::Heating,
            (5, 15..) | (6..=9, _) => Self::Cooling,
            _ => Self::None,
        }
    }
}

/// The period of the tariff now.
#[must_use]
pub fn period(plant: &Plant) -> Period {
    let calendar = &plant.calendar;
    Tariff::CHANGSHU.at(calendar.month, calendar.day, calendar.hour as i8)
}

/// Minutes until the period changes.
#[must_use]
pub fn minutes_to_change(plant: &Plant) -> f64 {
    let calendar = &plant.calendar;
    let now = period(plant);
    let hour = calendar.hour as i8;
    let left =
        |ahead: &i8| Tariff::CHANGSHU.at(calendar.month, calendar.day, (hour + ahead) % 24) != now;
    let ahead = (1..24).find(left).unwrap_or(24);
    (f64::from(hour) + f64::from(ahead) - calendar.hour) * 60.0
}

/// As many machines as the demand needs, water at its usual temperatures, the tank untouched.
pub(super) fn panel(plant: &mut Plant) {
    let season = Season::on(plant.calendar.month, plant.calendar.day);
    let on = season != Season::None;
    // Whoever moves the tank's valves need not know of seasons: until he orders a change-over as
    // well, it goes by the panel.
    if on_panel(plant, VALVE_KEEPER) {
        plant.keepers[SEASON_KEEPER].release();
    }
    if on_panel(plant, SEASON_KEEPER) && on {
        let cooling = f64::from(u8::from(season == Season::Cooling));
        plant.valves[SEASON_VALVE].command = cooling;
        plant.valves[SEASON_VALVE].rest = cooling;
    }
    let demand = plant.districts[0].demand_w;
    let mut before = 0.0;
    for (i, (heating_w, cooling_w, _)) in MACHINES.iter().enumerate() {
        let cooling = season == Season::Cooling;
        if on_panel(plant, HEAT_PUMP_KEEPER + i) {
            plant.heat_pumps[i].run = on && demand > 0.9 * before;
            plant.heat_pumps[i].setpoint_c = if cooling { COOLING_C } else { HEATING_C };
        }
        before += if cooling { *cooling_w } else { *heating_w };
    }
    if on_panel(plant, SUPPLY_KEEPER) {
        plant.heat_supplies[0].run = false;
    }
    run_pump(plant, SOURCE_PUMP, on);
    run_pump(plant, LOAD_PUMP, on);
    run_pump(plant, CHARGE_PUMP, false);
    run_pump(plant, DISCHARGE_PUMP, false);
}

pub(super) fn step(plant: &mut Plant, dt_s: f64) {
    step_river(plant, dt_s);
    // Half-way valves stop the machines from being turned round while they run.
    let cooling = plant.valves[SEASON_VALVE].position > 0.5;
    let load_m3h = plant.pumps[LOAD_PUMP].flow_m3h();
    let release_m3h =
        plant.pumps[DISCHARGE_PUMP].flow_m3h() * plant.valves[DISCHARGE_VALVE].position;
    // Both share the tank's pipes, and the check valve of the charge gives way.
    let charge_m3h = if release_m3h > 0.0 {
        0.0
    } else {
        plant.pumps[CHARGE_PUMP].flow_m3h() * plant.valves[CHARGE_VALVE].position
    };
    let back_c = plant.districts[0].water_c;

    // The tank's water meets the district's return first.
    let tank = &plant.tanks[0];
    let (full_end_c, empty_end_c) =
        if cooling { (tank.bottom_c(), tank.top_c()) } else { (tank.top_c(), tank.bottom_c()) };
    let least = release_m3h.min(load_m3h) * WATER_W_PER_M3H_K;
    let released_w = EXCHANGER * least * (full_end_c - back_c);
    let after = |c: f64, heat_w: f64, m3h: f64| {
        if m3h > 1.0 { c + heat_w / (m3h * WATER_W_PER_M3H_K) } else { c }
    };
    let district_c = after(back_c, released_w, load_m3h);
    let returned_c = after(full_end_c, -released_w, release_m3h);

    // Then the machines, which also see what comes back from a charging tank.
    let all_m3h = load_m3h + charge_m3h;
    let entering_c = if all_m3h > 1.0 {
        (district_c * load_m3h + empty_end_c * charge_m3h) / all_m3h
    } else {
        district_c
    };
    let made_w = step_machines(plant, dt_s, cooling, entering_c, all_m3h);
    let supply = &mut plant.heat_supplies[0];
    supply.available = !cooling;
    supply.step(dt_s, after(entering_c, made_w, all_m3h), all_m3h * WATER_W_PER_M3H_K);
    let supply_c = after(entering_c, made_w + supply.heat_w, all_m3h);

    let to_tank_w = charge_m3h * WATER_W_PER_M3H_K * (supply_c - empty_end_c);
    let heat_w = load_m3h * WATER_W_PER_M3H_K * (supply_c - district_c) + released_w;
    // Cold comes in below and warm above; what is let out goes the other way round.
    let up = if cooling { 1.0 } else { -1.0 };
    let tank = &mut plant.tanks[0];
    tank.step(dt_s, up * charge_m3h, supply_c);
    if release_m3h > 0.0 {
        tank.step(dt_s, -up * release_m3h, returned_c);
    }
    plant.exchanger_w = released_w;

    let district = &mut plant.districts[0];
    let demand = district.demand(cooling, plant.weather, plant.calendar.hour);
    let season = Season::on(plant.calendar.month, plant.calendar.day);
    district.step(dt_s, cooling, if season == Season::None { 0.0 } else { demand }, heat_w);
    plant.load_loop = Loop { supply_c: after(back_c, heat_w, load_m3h), return_c: back_c, heat_w };
    step_meters(plant, dt_s, (charge_m3h + release_m3h, to_tank_w - released_w));
}

fn step_river(plant: &mut Plant, dt_s: f64) {
    let river_m3h = plant.pumps[SOURCE_PUMP].flow_m3h();
    let nominal = plant.pumps[SOURCE_PUMP].nominal_m3h;
    let when = (plant.calendar.day_of_year - 1.0, plant.calendar.hour, plant.time_s());
    plant.sources[0].step(dt_s, when, plant.seed, (river_m3h, nominal));
}

/// Steps the machines; returns the heat they give to the load water, W.
fn step_machines(
    plant: &mut Plant,
    dt_s: f64,
    cooling: bool,
    entering_c: f64,
    all_m3h: f64,
) -> f64 {
    let river_c = plant.sources[0].water_c;
    let river_m3h = plant.pumps[SOURCE_PUMP].flow_m3h();
    // The machines that are called share the water in proportion to their size.
    let called: f64 = plant.heat_pumps.iter().filter(|m| m.run).map(|m| m.rated_w).sum();
    let (mut made_w, mut taken_w) = (0.0, 0.0);
    for machine in &mut plant.heat_pumps {
        if machine.cooling != cooling && !machine.is_running() {
            machine.cooling = cooling;
        }
        let share = machine.rated_w / called.max(machine.rated_w);
        machine.step(
            dt_s,
            Water {
                source_entering_c: river_c,
                source_m3h: river_m3h * share,
                load_entering_c: entering_c,
                load_m3h: all_m3h * share,
            },
        );
        made_w += machine.heat_w;
        taken_w += machine.source_w;
    }
    let warmed = if river_m3h > 1.0 { taken_w / (river_m3h * WATER_W_PER_M3H_K) } else { 0.0 };
    plant.source_loop = Loop { supply_c: river_c - warmed, return_c: river_c, heat_w: -taken_w };
    made_w
}

fn step_meters(plant: &mut Plant, dt_s: f64, (tank_m3h, into_tank_w): (f64, f64)) {
    let river_m3h = plant.pumps[SOURCE_PUMP].flow_m3h();
    let load_m3h = plant.pumps[LOAD_PUMP].flow_m3h();
    let (river, load) = (plant.source_loop, plant.load_loop);
    plant.heat_meters[RIVER_METER].step(dt_s, river_m3h, river.supply_c, river.return_c);
    plant.heat_meters[LOAD_METER].step(dt_s, load_m3h, load.supply_c, load.return_c);
    let tank_c = plant.tanks[0].at_c(0.5);
    let across = if tank_m3h > 1.0 { into_tank_w / (tank_m3h * WATER_W_PER_M3H_K) } else { 0.0 };
    plant.heat_meters[TANK_METER].step(
        dt_s,
        tank_m3h,
        tank_c + across / 2.0,
        tank_c - across / 2.0,
    );
    let machines: f64 = plant.heat_pumps.iter().map(|machine| machine.power_w).sum();
    let pumps = pump_power_w(plant);
    for (meter, power) in plant.power_meters.iter_mut().zip([machines, pumps, machines + pumps]) {
        meter.step(dt_s, power);
    }
}

/// Cold (or heat) in the tank, as a share of what its season's 8 K (or 6 K) hold.
#[must_use]
pub fn state_of_charge(plant: &Plant) -> f64 {
    let tank = &plant.tanks[0];
    let full = TANK_M3 * 3600.0 * WATER_W_PER_M3H_K;
    if plant.valves[SEASON_VALVE].position > 0.5 {
        -tank.energy_j(11.5) / (8.0 * full)
    } else {
        tank.energy_j(42.0) / (6.0 * full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;
    use crate::devices::map::Table;
    use crate::panel::PUMP_KEEPER;
    use crate::plant::Config;
    use crate::presets::Preset;
    use jiff::civil::date;

    fn plant_on(month: i8, day: i8) -> Plant {
        let start = date(2026, month, day).at(0, 0, 0, 0);
        Plant::new(Config { preset: Preset::Changshu, start, ..Config::default() }, 1)
    }

    /// Takes pump and valve of the tank from the panel.
    fn move_tank(plant: &mut Plant, charge: bool, discharge: bool) {
        for (pump, valve, on) in
            [(CHARGE_PUMP, CHARGE_VALVE, charge), (DISCHARGE_PUMP, DISCHARGE_VALVE, discharge)]
        {
            plant.keepers[PUMP_KEEPER + pump].commanded();
            plant.pumps[pump].run = on;
            plant.valves[valve].command = f64::from(u8::from(on));
        }
        plant.keepers[VALVE_KEEPER].commanded();
    }

    #[test]
    fn july_is_cooled_and_january_heated_by_the_panel_alone() {
        let mut summer = plant_on(7, 10);
        (0..3 * 1440).for_each(|_| summer.step(60.0));
        let district = &summer.districts[0];
        assert!(district.drawn_j / district.demand_j > 0.99 && district.demand_j > 1e12);
        assert!(summer.source_loop.supply_c > summer.source_loop.return_c + 0.5);
        let mut winter = plant_on(1, 10);
        (0..3 * 1440).for_each(|_| winter.step(60.0));
        let district = &winter.districts[0];
        assert!(district.drawn_j / district.demand_j > 0.99 && district.demand_j > 1e12);
        assert!(winter.source_loop.supply_c < winter.source_loop.return_c - 0.5);
    }

    #[test]
    fn tank_is_filled_at_night_and_gives_its_cold_by_day() {
        let mut plant = plant_on(7, 10);
        for machine in 0..4 {
            plant.keepers[HEAT_PUMP_KEEPER + machine].commanded();
            plant.heat_pumps[machine].run = machine == 0;
            plant.heat_pumps[machine].setpoint_c = 3.5;
        }
        move_tank(&mut plant, true, false);
        (0..7 * 60).for_each(|_| plant.step(60.0));
        let full = state_of_charge(&plant);
        assert!(full > 0.8, "{full}");
        move_tank(&mut plant, false, true);
        (0..8 * 60).for_each(|_| plant.step(60.0));
        let empty = state_of_charge(&plant);
        assert!(empty < 0.25, "{empty}");
        let released = plant.heat_meters[TANK_METER].positive_j / 3.6e9;
        assert!((20.0..33.0).contains(&released), "{released} MWh");
    }

    #[test]
    fn tank_is_filled_with_heat_in_winter() {
        let mut plant = plant_on(1, 10);
        for machine in 0..4 {
            plant.keepers[HEAT_PUMP_KEEPER + machine].commanded();
            plant.heat_pumps[machine].run = true;
            plant.heat_pumps[machine].setpoint_c = 48.0;
        }
        move_tank(&mut plant, true, false);
        (0..8 * 60).for_each(|_| plant.step(60.0));
        assert!(state_of_charge(&plant) > 0.6, "{}", state_of_charge(&plant));
    }

    #[test]
    fn cold_made_is_cold_drawn_stored_or_lost() {
        let mut plant = plant_on(7, 20);
        let stored = |plant: &Plant| plant.districts[0].water_j() + plant.tanks[0].energy_j(0.0);
        let (before, lost, mut given) = (stored(&plant), plant.tanks[0].lost_j, 0.0);
        for minute in 0..1440 {
            match minute {
                0 => move_tank(&mut plant, true, false),
                420 => move_tank(&mut plant, true, true),
                1000 => move_tank(&mut plant, false, false),
                _ => {}
            }
            plant.step(60.0);
            given += (plant.heat_pumps.iter().map(|m| m.heat_w).sum::<f64>()
                - plant.districts[0].drawn_w)
                * 60.0;
        }
        let balance = given - (plant.tanks[0].lost_j - lost) - (stored(&plant) - before);
        let through = plant.districts[0].drawn_j;
        assert!(through > 1e11 && balance.abs() < 1e-5 * through, "{balance} of {through}");
    }

    #[test]
    fn season_turns_although_the_tank_is_commanded_until_a_change_over_is_ordered() {
        let mut plant = plant_on(11, 14);
        (0..1400).for_each(|_| plant.step(60.0));
        move_tank(&mut plant, false, false);
        assert_eq!(plant.valves[SEASON_VALVE].position, 1.0);
        (0..100).for_each(|_| plant.step(60.0));
        assert_eq!(plant.valves[SEASON_VALVE].position, 0.0, "15 November");
        let coil =
            |address| Access::find(Preset::Changshu, 15, Table::Coil, address, None).unwrap();
        coil(0).write(&mut plant, 1.0).unwrap();
        (0..60).for_each(|_| plant.step(60.0));
        assert_eq!(plant.valves[SEASON_VALVE].position, 1.0, "as ordered");
    }

    #[test]
    fn tariff_clock_counts_down_to_the_next_period() {
        let mut plant = plant_on(7, 10);
        assert_eq!((period(&plant), minutes_to_change(&plant)), (Period::Valley, 7.0 * 60.0));
        (0..7 * 60).for_each(|_| plant.step(60.0));
        assert_eq!((period(&plant), minutes_to_change(&plant)), (Period::Flat, 60.0));
    }
}
