//! A field of production and reinjection wells joined by one pipe.
//!
//! A production pump finds its flow where its head H0·n² − k·q² meets the lift from the level and
//! the friction of the pipe. What is produced divides among the open reinjection wells so that all
//! stand at one pressure; what they cannot take below the relief pressure goes to the drain, and is
//! lost to the aquifer. Clogging is a skin that grows with every cubic metre injected; pumping the
//! well for half an hour (回扬) takes four fifths of it away.

use super::hydraulics::Valve;
use super::normal_hash;
use super::well::{Aquifer, Levels};

/// What a well is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Water comes up.
    Production,
    /// Water goes down.
    Reinjection,
}

/// Pump head at 50 Hz without flow, m.
const HEAD_M: f64 = 220.0;
/// Fall of the head with the flow, m/(m³/h)².
const HEAD_FALL: f64 = 0.8e-3;
/// Friction of riser, exchanger and pipes, m/(m³/h)².
const FRICTION: f64 = 3.3e-3;
const PUMP_EFFICIENCY: f64 = 0.68;
const RAMP_S: f64 = 60.0;
/// Level at rest, m below the surface.
const REST_M: f64 = 2.0;
/// Wellhead pressure at which the relief valve opens, kPa.
pub const RELIEF_KPA: f64 = 400.0;
const KPA_PER_M: f64 = 9.81;
/// Skin a cubic metre of injected water leaves: 0.05 a day at 70 m³/h.
pub const CLOG_PER_M3: f64 = 0.05 / (24.0 * 70.0);
const WASH_S: f64 = 1800.0;
const WASH_M3H: f64 = 60.0;
const WASH_LEAVES: f64 = 0.2;
const SAND_PPM: f64 = 1.2;
const SAND_DECAY_S: f64 = 600.0;
/// Filter at 133 m³/h, kPa; a cubic metre adds its share of fouling.
const FILTER_KPA: f64 = 8.0;
const FOULING_PER_M3: f64 = 1.0 / 4e5;

/// One well.
#[derive(Debug, Clone, PartialEq)]
pub struct Well {
    /// What it is for.
    pub role: Role,
    /// Command: run the pump (production).
    pub run: bool,
    /// Command: speed, 0–1 of 50 Hz (production).
    pub speed_command: f64,
    /// Command: back-wash, taken at its rising edge (reinjection).
    pub backwash: bool,
    /// Valve at the wellhead (reinjection); 1 is open.
    pub valve: Valve,
    /// The well is out of use (a fault): pump tripped, or shut off for lack of intake.
    pub lost: bool,
    /// Seconds of back-washing left.
    pub washing_s: f64,
    /// Speed now, 0–1.
    pub speed: f64,
    /// Flow, m³/h, in the direction of its role.
    pub flow_m3h: f64,
    /// Cubic metres in the direction of its role.
    pub volume_m3: f64,
    /// Level, m below the surface; nought when the well stands full.
    pub level_m: f64,
    /// Pressure at the wellhead, kPa above the air's.
    pub pressure_kpa: f64,
    /// Water temperature, °C.
    pub water_c: f64,
    /// Sand, parts per million by volume.
    pub sand_ppm: f64,
    /// Pressure across the filter, kPa.
    pub filter_kpa: f64,
    /// Cubic metres since the filter was changed.
    pub filtered_m3: f64,
    /// Skin.
    pub skin: f64,
    /// Electric power of the pump, W.
    pub power_w: f64,
    /// Its energy, J.
    pub energy_j: f64,
    /// Hours it has run.
    pub run_hours: f64,
    /// Starts of the pump.
    pub starts: u32,
    sand_spike_ppm: f64,
    meter_factor: f64,
    washed: bool,
}

impl Well {
    fn new(role: Role, seed: u64, number: u64) -> Self {
        Self {
            role,
            run: false,
            speed_command: 0.7,
            backwash: false,
            valve: Valve { command: 1.0, position: 1.0, rest: 1.0, ..Valve::default() },
            lost: false,
            washing_s: 0.0,
            speed: 0.0,
            flow_m3h: 0.0,
            volume_m3: 0.0,
            level_m: REST_M,
            pressure_kpa: 0.0,
            water_c: 20.0,
            sand_ppm: 0.0,
            filter_kpa: 0.0,
            filtered_m3: 0.0,
            skin: 0.0,
            power_w: 0.0,
            energy_j: 0.0,
            run_hours: 0.0,
            starts: 0,
            sand_spike_ppm: 0.0,
            meter_factor: 1.0 + 0.0025 * normal_hash(seed, 0x3E11, number).clamp(-2.0, 2.0),
            washed: false,
        }
    }

    /// Off, and open for what comes.
    pub(crate) fn rest(&mut self) {
        self.run = false;
        self.backwash = false;
        self.valve.command = self.valve.rest;
    }

    /// Flow as its meter shows it, m³/h.
    #[must_use]
    pub fn metered_m3h(&self) -> f64 {
        self.flow_m3h * self.meter_factor
    }

    /// Volume as its meter shows it, m³.
    #[must_use]
    pub fn metered_m3(&self) -> f64 {
        self.volume_m3 * self.meter_factor
    }

    /// Can water go down it?
    #[must_use]
    pub fn takes_water(&self) -> bool {
        self.role == Role::Reinjection && !self.lost && self.washing_s <= 0.0
    }

    /// `level` is the drawdown so far, and what a flow of 1 m³/h adds to it at once, m.
    fn pump(&mut self, dt_s: f64, level: (f64, f64), draw: impl FnOnce(u32) -> f64) {
        let target = if self.run && !self.lost { self.speed_command } else { 0.0 };
        let before = self.speed;
        let reach = dt_s / RAMP_S;
        self.speed += (target - self.speed).clamp(-reach, reach);
        if before == 0.0 && self.speed > 0.0 {
            self.starts += 1;
            self.sand_spike_ppm = draw(self.starts);
        }
        // H0·n² − k·q² = depth + own·q + R·q².
        let (drawdown_m, own) = level;
        let left = (HEAD_M * self.speed.powi(2) - (REST_M + drawdown_m).max(0.0)).max(0.0);
        let steep = HEAD_FALL + FRICTION;
        self.flow_m3h = ((own.powi(2) + 4.0 * steep * left).sqrt() - own) / (2.0 * steep);
        let head = HEAD_M * self.speed.powi(2) - HEAD_FALL * self.flow_m3h.powi(2);
        let hydraulic = self.flow_m3h / 3600.0 * 1000.0 * KPA_PER_M * head.max(0.0);
        self.power_w = hydraulic / PUMP_EFFICIENCY;
        if self.speed > 0.0 {
            self.run_hours += dt_s / 3600.0;
        }
        self.sand_spike_ppm *= (-dt_s / SAND_DECAY_S).exp();
        self.sand_ppm = if self.flow_m3h > 0.0 { SAND_PPM + self.sand_spike_ppm } else { 0.0 };
    }

    fn wash(&mut self, dt_s: f64) {
        if self.backwash && !self.washed && self.washing_s <= 0.0 && !self.lost {
            self.washing_s = WASH_S;
        }
        self.washed = self.backwash;
        if self.washing_s > 0.0 {
            self.washing_s -= dt_s;
            if self.washing_s <= 0.0 {
                self.skin *= WASH_LEAVES;
            }
        }
    }
}

/// The wells, their aquifer and the pipe between them.
#[derive(Debug, Clone, PartialEq)]
pub struct WellField {
    /// The wells.
    pub wells: Vec<Well>,
    /// Water that leaves the pipe between the meters (a fault), m³/h.
    pub leak_m3h: f64,
    /// Skin per cubic metre injected.
    pub clog_per_m3: f64,
    /// Water given to the drain by the relief valve and by back-washing, m³.
    pub drained_m3: f64,
    /// Produced water arriving, °C.
    pub produced_c: f64,
    aquifer: Aquifer,
    levels: Levels,
    flows: Vec<f64>,
    /// Wells found to take nothing while a flow is divided.
    closed: Vec<bool>,
    seed: u64,
    /// Years until produced water grows colder, and by how much a year from then on.
    front: (f64, f64),
    rock_c: f64,
}

impl WellField {
    /// Wells at rest in rock of a temperature; `front` is years until the injected cold arrives,
    /// and kelvin a year from then on.
    #[must_use]
    pub fn new(
        wells: &[(Role, [f64; 2])],
        aquifer: Aquifer,
        rock_c: f64,
        front: (f64, f64),
        seed: u64,
    ) -> Self {
        let at_m: Vec<[f64; 2]> = wells.iter().map(|(_, at)| *at).collect();
        let numbered = wells.iter().zip(0u64..);
        Self {
            wells: numbered.map(|((role, _), number)| Well::new(*role, seed, number)).collect(),
            leak_m3h: 0.0,
            clog_per_m3: CLOG_PER_M3,
            drained_m3: 0.0,
            produced_c: rock_c,
            levels: Levels::new(aquifer, &at_m),
            flows: vec![0.0; at_m.len()],
            closed: vec![false; at_m.len()],
            aquifer,
            seed,
            front,
            rock_c,
        }
    }

    /// Flow of all wells of a role, m³/h.
    #[must_use]
    pub fn flow_m3h(&self, role: Role) -> f64 {
        self.wells.iter().filter(|well| well.role == role).map(|well| well.flow_m3h).sum()
    }

    /// Lifts the production's water: call before the exchanger, with seconds since the start.
    pub fn produce(&mut self, dt_s: f64, time_s: f64) {
        let seed = self.seed;
        for (i, well) in self.wells.iter_mut().enumerate() {
            if well.role == Role::Production {
                // Log-normal: half the starts below 20 ppm, one in fifty above 150.
                let draw =
                    |start| 20.0 * normal_hash(seed, 0x5A4D + i as u64, u64::from(start)).exp();
                let own = self.levels.at_once(i) + well.skin * self.aquifer.skin_per_m3h();
                well.pump(dt_s, (self.levels.drawdown_m(i), own), draw);
            }
        }
        let years = time_s / (365.0 * 86_400.0);
        self.produced_c = self.rock_c - self.front.1 * (years - self.front.0).max(0.0);
    }

    /// Gives the water back at `returned_c` and moves the levels.
    pub fn reinject(&mut self, dt_s: f64, returned_c: f64) {
        for well in self.wells.iter_mut().filter(|well| well.role == Role::Reinjection) {
            well.valve.step(dt_s);
            well.wash(dt_s);
        }
        let offered = (self.flow_m3h(Role::Production) - self.leak_m3h).max(0.0);
        self.divide(dt_s, offered);
        for (i, well) in self.wells.iter().enumerate() {
            self.flows[i] = match well.role {
                Role::Production => well.flow_m3h,
                Role::Reinjection if well.washing_s > 0.0 => WASH_M3H,
                Role::Reinjection => -well.flow_m3h,
            };
        }
        self.levels.step(dt_s, &self.flows);
        for (i, well) in self.wells.iter_mut().enumerate() {
            let flow = self.flows[i];
            let own = self.levels.at_once(i) + well.skin * self.aquifer.skin_per_m3h();
            let depth = REST_M + self.levels.drawdown_m(i) + own * flow;
            well.level_m = depth.max(0.0);
            let cubic = well.flow_m3h * dt_s / 3600.0;
            well.volume_m3 += cubic;
            well.filtered_m3 += cubic;
            well.energy_j += well.power_w * dt_s;
            let fouled = 1.0 + FOULING_PER_M3 * well.filtered_m3;
            well.filter_kpa = FILTER_KPA * (well.flow_m3h / 133.0).powi(2) * fouled;
            match well.role {
                Role::Production => well.water_c = self.produced_c,
                Role::Reinjection => {
                    well.pressure_kpa = (-depth * KPA_PER_M).max(0.0);
                    well.skin += self.clog_per_m3 * cubic;
                    if well.flow_m3h > 0.0 {
                        well.water_c = returned_c;
                        well.run_hours += dt_s / 3600.0;
                    }
                    if well.washing_s > 0.0 {
                        self.drained_m3 += WASH_M3H * dt_s / 3600.0;
                    }
                }
            }
        }
    }

    /// Divides the offered water so that all open wells stand at one pressure, at most the relief
    /// valve's.
    fn divide(&mut self, dt_s: f64, offered_m3h: f64) {
        let relief_m = RELIEF_KPA / KPA_PER_M + REST_M;
        self.closed.fill(false);
        // A well whose neighbours hold its level above the common one takes nothing: drop and redo.
        for _ in 0..self.wells.len() {
            let (mut conductance, mut offset) = (0.0, 0.0);
            for (i, well) in self.wells.iter().enumerate() {
                if well.takes_water() && !self.closed[i] {
                    let c = self.intake(i, well);
                    conductance += c;
                    offset += c * -self.levels.drawdown_m(i);
                }
            }
            let level = if conductance > 0.0 { (offered_m3h + offset) / conductance } else { 0.0 };
            let level = level.min(relief_m);
            let mut again = false;
            for i in 0..self.wells.len() {
                if self.wells[i].role == Role::Production {
                    continue;
                }
                let takes = self.wells[i].takes_water() && !self.closed[i];
                let rise = level + self.levels.drawdown_m(i);
                let flow = if takes { self.intake(i, &self.wells[i]) * rise } else { 0.0 };
                self.closed[i] |= flow < 0.0;
                again |= flow < 0.0;
                self.wells[i].flow_m3h = flow.max(0.0);
            }
            if !again {
                break;
            }
        }
        let taken = self.flow_m3h(Role::Reinjection);
        self.drained_m3 += (offered_m3h - taken).max(0.0) * dt_s / 3600.0;
    }

    /// Flow into a well per metre of pressure above its level, m³/h per m.
    fn intake(&self, i: usize, well: &Well) -> f64 {
        let rise = self.levels.at_once(i) + well.skin * self.aquifer.skin_per_m3h();
        // Wellhead and screen: 2 m at 100 m³/h; it also keeps an ideal well finite.
        well.valve.position / (rise + 0.02)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELLS: [(Role, [f64; 2]); 5] = [
        (Role::Production, [0.0, 0.0]),
        (Role::Production, [300.0, 0.0]),
        (Role::Reinjection, [0.0, 600.0]),
        (Role::Reinjection, [400.0, 600.0]),
        (Role::Reinjection, [800.0, 600.0]),
    ];

    fn running() -> WellField {
        let mut field = WellField::new(&WELLS, Aquifer::default(), 58.0, (12.8, 0.5), 1);
        field.wells[..2].iter_mut().for_each(|well| (well.run, well.speed_command) = (true, 0.9));
        run(&mut field, 3.0);
        field
    }

    fn run(field: &mut WellField, days: f64) {
        for _ in 0..(days * 1440.0) as usize {
            field.produce(60.0, 0.0);
            field.reinject(60.0, 25.0);
        }
    }

    #[test]
    fn what_is_produced_is_what_goes_back() {
        let field = running();
        let (out, back) = (field.flow_m3h(Role::Production), field.flow_m3h(Role::Reinjection));
        assert!((200.0..420.0).contains(&out), "{out}");
        assert!((out - back).abs() < 1e-9 && field.drained_m3 < 1e-6, "{out} {back}");
        let volume =
            |role| field.wells.iter().filter(|w| w.role == role).map(|w| w.volume_m3).sum::<f64>();
        assert!((volume(Role::Production) / volume(Role::Reinjection) - 1.0).abs() < 1e-9);
        assert!(field.wells[0].level_m > 15.0, "{}", field.wells[0].level_m);
        assert!(field.wells[2].pressure_kpa > 30.0, "{}", field.wells[2].pressure_kpa);
    }

    #[test]
    fn losing_one_reinjection_well_raises_the_pressure_of_the_others() {
        let mut field = running();
        let before = field.wells[2].pressure_kpa;
        field.wells[4].lost = true;
        run(&mut field, 0.2);
        assert_eq!(field.wells[4].flow_m3h, 0.0);
        assert!(field.wells[2].pressure_kpa > 1.3 * before, "{}", field.wells[2].pressure_kpa);
        field.wells[3].lost = true;
        run(&mut field, 0.2);
        assert!(field.drained_m3 > 0.0, "one well cannot take it all below the relief pressure");
    }

    #[test]
    fn leak_shows_as_the_difference_of_the_meters() {
        let mut field = running();
        field.leak_m3h = 42.0;
        let volumes = |field: &WellField| {
            let sum = |wells: &[Well]| wells.iter().map(Well::metered_m3).sum::<f64>();
            (sum(&field.wells[..2]), sum(&field.wells[2..]))
        };
        let (out, back) = volumes(&field);
        run(&mut field, 1.0);
        let (out_after, back_after) = volumes(&field);
        let missing = (out_after - out) - (back_after - back);
        assert!((missing - 42.0 * 24.0).abs() < 0.01 * (out_after - out), "{missing}");
    }

    #[test]
    fn clogging_costs_injectivity_and_back_wash_gives_most_of_it_back() {
        let mut field = running();
        field.clog_per_m3 *= 3.0;
        run(&mut field, 15.0);
        field.drained_m3 = 0.0;
        let skin = field.wells[2].skin;
        assert!(skin > 2.0, "{skin}");
        field.clog_per_m3 = CLOG_PER_M3;
        field.wells[..2].iter_mut().for_each(|well| well.speed_command = 0.6);
        run(&mut field, 0.1);
        field.wells[2].backwash = true;
        run(&mut field, 0.1);
        assert!(
            (0.19 * skin..0.3 * skin).contains(&field.wells[2].skin),
            "{}",
            field.wells[2].skin
        );
        let at = |well: usize| field.wells[well].flow_m3h / field.wells[well].pressure_kpa;
        assert!(at(2) > at(3), "the washed well does not take more than its neighbour");
        assert!((29.0..40.0).contains(&field.drained_m3), "{}", field.drained_m3);
    }

    #[test]
    fn every_start_brings_sand_that_settles() {
        let mut field = running();
        let settled = field.wells[0].sand_ppm;
        field.wells[0].run = false;
        run(&mut field, 0.1);
        field.wells[0].run = true;
        run(&mut field, 0.002);
        assert!(field.wells[0].sand_ppm > 2.0 * settled, "{}", field.wells[0].sand_ppm);
        run(&mut field, 0.2);
        assert!((field.wells[0].sand_ppm - SAND_PPM).abs() < 0.1);
        assert_eq!(field.wells[0].starts, 2);
    }
}
