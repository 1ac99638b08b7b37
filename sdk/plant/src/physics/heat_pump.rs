//! A water-source heat pump with its own controller and protections.
//!
//! COP = η (T_lo + a + 273.15) / ((T_lo + a) − (T_so − a)), T_lo load leaving and T_so source
//! leaving in °C, approach a = 2 K, lift never below 10 K, COP never above 8. Capacity grows 3 %
//! per K of source leaving above 5 °C and falls 1 % per K of load leaving above 45 °C. Part load:
//! power × 1/PLF, PLF = 1 − 0.15 (1 − PLR) down to 30 %, below which the machine cycles.
//!
//! A machine whose valves are set for cooling chills its load and rejects into its source:
//! EER = η_c (T_lo − a + 273.15) / ((T_so + a) − (T_lo − a)), never above 12; capacity falls 1 %
//! per K of source leaving above 35 °C (assumption).

use super::{KELVIN, WATER_W_PER_M3H_K};

/// Median Carnot fraction of twenty heating nameplates.
pub const ETA_HEATING: f64 = 0.6709;
/// Median Carnot fraction of seventeen cooling nameplates.
pub const ETA_COOLING: f64 = 0.7072;
const APPROACH_K: f64 = 2.0;
const LIFT_MIN_K: f64 = 10.0;
const COP_MAX: f64 = 8.0;
const EER_MAX: f64 = 12.0;
const PART_LOAD_MIN: f64 = 0.3;
const RAMP_S: f64 = 90.0;
const LAG_S: f64 = 60.0;
const FLOW_PROOF_S: f64 = 5.0;
const FLOW_WAIT_S: f64 = 60.0;
const MIN_OFF_S: f64 = 180.0;
/// Load leaving temperature at which the high-pressure switch opens, °C.
pub const HIGH_LOAD_TRIP_C: f64 = 60.0;
/// Chilled water leaving temperature at which the frost protection acts, °C.
pub const FROST_TRIP_C: f64 = 2.0;
/// Source leaving temperature at which a cooling machine's high-pressure switch opens, °C.
pub const HIGH_SOURCE_TRIP_C: f64 = 45.0;

/// Heating COP from leaving temperatures, °C.
#[must_use]
pub fn cop_heating(eta: f64, load_leaving_c: f64, source_leaving_c: f64) -> f64 {
    let lift = (load_leaving_c + APPROACH_K) - (source_leaving_c - APPROACH_K);
    (eta * (load_leaving_c + APPROACH_K + KELVIN) / lift.max(LIFT_MIN_K)).min(COP_MAX)
}

/// Cooling EER from leaving temperatures, °C: the chilled side and the heat-rejecting side.
#[must_use]
pub fn eer_cooling(eta: f64, chilled_leaving_c: f64, rejecting_leaving_c: f64) -> f64 {
    let lift = (rejecting_leaving_c + APPROACH_K) - (chilled_leaving_c - APPROACH_K);
    (eta * (chilled_leaving_c - APPROACH_K + KELVIN) / lift.max(LIFT_MIN_K)).min(EER_MAX)
}

/// What the machine is doing; the numbers are those of its status register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    /// Not asked to run.
    Off = 0,
    /// Asked to run, waiting for proven flow.
    Starting = 1,
    /// Compressor running.
    Running = 2,
    /// Asked to run, but the load is satisfied.
    Standby = 3,
    /// Stopped by a protection; needs a reset.
    Fault = 4,
}

/// Which protection stopped the machine; the numbers are those of its alarm register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Alarm {
    /// None.
    None = 0,
    /// No flow on the source side.
    SourceFlow = 11,
    /// No flow on the load side.
    LoadFlow = 12,
    /// Source leaving temperature below its limit.
    SourceLow = 21,
    /// Load leaving temperature above its limit.
    LoadHigh = 22,
    /// Chilled water near freezing.
    Frost = 23,
    /// Source leaving temperature above its limit while cooling.
    SourceHigh = 24,
    /// A protection of the compressor itself, which resets by itself after a while.
    Compressor = 31,
}

/// The water at the machine's two sides.
#[derive(Debug, Clone, Copy)]
pub struct Water {
    /// Source entering temperature, °C.
    pub source_entering_c: f64,
    /// Source flow, m³/h.
    pub source_m3h: f64,
    /// Load entering temperature, °C.
    pub load_entering_c: f64,
    /// Load flow, m³/h.
    pub load_m3h: f64,
}

/// One machine.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatPump {
    /// Rated heating output at 5 °C source leaving and 45 °C load leaving, W.
    pub rated_w: f64,
    /// Carnot fraction.
    pub eta: f64,
    /// Flow below which the flow switches open, m³/h (either side).
    pub flow_min_m3h: f64,
    /// Source leaving temperature that trips the machine, °C (2 for water).
    pub source_trip_c: f64,

    /// Carnot fraction while cooling.
    pub eta_cooling: f64,
    /// Rated cooling output at 35 °C source leaving, W; 0 for a machine that only heats.
    pub rated_cooling_w: f64,
    /// Its valves are set for cooling.
    pub cooling: bool,

    /// Command: run.
    pub run: bool,
    /// Command: load leaving temperature, °C.
    pub setpoint_c: f64,
    /// Command: upper limit of capacity, 0–1.
    pub limit: f64,

    /// What it is doing.
    pub status: Status,
    /// Why it stopped.
    pub alarm: Alarm,
    /// The alarm kept until it is read (see the register map).
    pub latched_alarm: Alarm,
    /// Fraction of the available capacity delivered.
    pub part_load: f64,
    /// Heat to the load, W (negative: taken from it, cooling).
    pub heat_w: f64,
    /// Heat from the source, W (negative: rejected into it, cooling).
    pub source_w: f64,
    /// Electric power, W.
    pub power_w: f64,
    /// Temperatures of the water at the machine, °C.
    pub source_entering_c: f64,
    /// °C.
    pub source_leaving_c: f64,
    /// °C.
    pub load_entering_c: f64,
    /// °C.
    pub load_leaving_c: f64,
    /// Compressor hours.
    pub run_hours: f64,
    /// Compressor starts.
    pub starts: u32,
    /// Heat, or cold, delivered, J.
    pub heat_j: f64,
    /// Electric energy, J.
    pub power_j: f64,
    /// Seconds until a compressor trip resets itself; 0 when none does.
    retry_s: f64,
    proof_s: f64,
    waited_s: f64,
    stopped_s: f64,
}

impl HeatPump {
    /// A machine at rest.
    #[must_use]
    pub fn new(rated_w: f64, eta: f64, flow_min_m3h: f64) -> Self {
        Self {
            rated_w,
            eta,
            flow_min_m3h,
            source_trip_c: 2.0,
            eta_cooling: ETA_COOLING,
            rated_cooling_w: 0.0,
            cooling: false,
            run: false,
            setpoint_c: 44.0,
            limit: 1.0,
            status: Status::Off,
            alarm: Alarm::None,
            latched_alarm: Alarm::None,
            part_load: 0.0,
            heat_w: 0.0,
            source_w: 0.0,
            power_w: 0.0,
            source_entering_c: 18.0,
            source_leaving_c: 18.0,
            load_entering_c: 20.0,
            load_leaving_c: 20.0,
            run_hours: 0.0,
            starts: 0,
            heat_j: 0.0,
            power_j: 0.0,
            retry_s: 0.0,
            proof_s: 0.0,
            waited_s: 0.0,
            stopped_s: MIN_OFF_S,
        }
    }

    /// Is the compressor turning?
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status == Status::Running
    }

    /// Coefficient of performance now; 0 when off.
    #[must_use]
    pub fn cop(&self) -> f64 {
        if self.power_w > 0.0 { self.heat_w.abs() / self.power_w } else { 0.0 }
    }

    /// Clears a fault; the machine starts again if it is still asked to run.
    pub fn reset(&mut self) {
        if self.status == Status::Fault {
            self.status = Status::Off;
            self.alarm = Alarm::None;
            self.retry_s = 0.0;
        }
    }

    /// Advances the machine by `dt_s` seconds.
    pub fn step(&mut self, dt_s: f64, water: Water) {
        self.decide(dt_s, water);
        if self.is_running() {
            self.run_compressor(dt_s, water);
        } else {
            self.part_load = 0.0;
            self.stopped_s += dt_s;
            self.heat_w = 0.0;
            self.source_w = 0.0;
            self.power_w = 0.0;
            self.source_leaving_c = water.source_entering_c;
            self.load_leaving_c = water.load_entering_c;
        }
        self.source_entering_c = water.source_entering_c;
        self.load_entering_c = water.load_entering_c;
        self.heat_j += self.heat_w.abs() * dt_s;
        self.power_j += self.power_w * dt_s;
    }

    /// The compressor's own protection stops it; it resets itself after `retry_s` seconds, or
    /// waits for a reset when that is 0.
    pub fn trip_compressor(&mut self, retry_s: f64) {
        self.trip(Alarm::Compressor);
        self.retry_s = retry_s;
    }

    fn decide(&mut self, dt_s: f64, water: Water) {
        let source_flow = water.source_m3h >= self.flow_min_m3h;
        let load_flow = water.load_m3h >= self.flow_min_m3h;
        self.proof_s = if source_flow && load_flow { self.proof_s + dt_s } else { 0.0 };
        let missing = if source_flow { Alarm::LoadFlow } else { Alarm::SourceFlow };
        if self.retry_s > 0.0 {
            self.retry_s -= dt_s;
            if self.retry_s <= 0.0 {
                self.reset();
            }
        }
        match self.status {
            Status::Fault => {}
            _ if !self.run => self.status = Status::Off,
            Status::Off => {
                self.status = Status::Starting;
                self.waited_s = 0.0;
            }
            Status::Starting if self.proof_s >= FLOW_PROOF_S => self.status = Status::Standby,
            Status::Starting => {
                self.waited_s += dt_s;
                if self.waited_s >= FLOW_WAIT_S {
                    self.trip(missing);
                }
            }
            Status::Running | Status::Standby if self.proof_s == 0.0 => self.trip(missing),
            Status::Standby => {
                let wanted = self.demand(water) > PART_LOAD_MIN + 0.05;
                if wanted && self.stopped_s >= MIN_OFF_S {
                    self.status = Status::Running;
                    self.starts += 1;
                }
            }
            Status::Running => {
                if self.demand(water) < PART_LOAD_MIN - 0.05 {
                    self.status = Status::Standby;
                    self.stopped_s = 0.0;
                }
            }
        }
    }

    fn trip(&mut self, alarm: Alarm) {
        self.status = Status::Fault;
        self.alarm = alarm;
        self.latched_alarm = alarm;
        self.stopped_s = 0.0;
    }

    /// Output that would bring the load water to its setpoint, as a fraction of the capacity.
    fn demand(&self, water: Water) -> f64 {
        let gap = self.setpoint_c - water.load_entering_c;
        let needed = water.load_m3h * WATER_W_PER_M3H_K * if self.cooling { -gap } else { gap };
        needed / self.capacity_w(self.setpoint_c, self.source_leaving_c)
    }

    /// Available output, heat or cold, at the given leaving temperatures, W.
    #[must_use]
    pub fn capacity_w(&self, load_leaving_c: f64, source_leaving_c: f64) -> f64 {
        if self.cooling {
            return self.rated_cooling_w * (1.0 - 0.010 * (source_leaving_c - 35.0)).max(0.2);
        }
        let source = 1.0 + 0.03 * (source_leaving_c - 5.0);
        let load = 1.0 - 0.010 * (load_leaving_c - 45.0);
        self.rated_w * source.max(0.2) * load.max(0.2)
    }

    fn run_compressor(&mut self, dt_s: f64, water: Water) {
        let target = self.demand(water).min(self.limit).max(PART_LOAD_MIN);
        let pull = (target - self.part_load) * (1.0 - (-dt_s / LAG_S).exp());
        self.part_load += pull.min(dt_s / RAMP_S);
        let part_load_factor = 1.0 - 0.15 * (1.0 - self.part_load.max(PART_LOAD_MIN));
        let (load_w_per_k, source_w_per_k) =
            (water.load_m3h * WATER_W_PER_M3H_K, water.source_m3h * WATER_W_PER_M3H_K);

        // Leaving temperatures and output depend on each other; the loop gain is about 0.15, so
        // four rounds are exact to the last digit a register shows.
        let (mut load_leaving, mut source_leaving) = (self.load_leaving_c, self.source_leaving_c);
        for _ in 0..4 {
            let output = self.part_load * self.capacity_w(load_leaving, source_leaving);
            let (sign, cop) = if self.cooling {
                (-1.0, eer_cooling(self.eta_cooling, load_leaving, source_leaving))
            } else {
                (1.0, cop_heating(self.eta, load_leaving, source_leaving))
            };
            self.power_w = output / (cop * part_load_factor);
            self.heat_w = sign * output;
            self.source_w = self.heat_w - self.power_w;
            load_leaving = water.load_entering_c + self.heat_w / load_w_per_k;
            source_leaving = water.source_entering_c - self.source_w / source_w_per_k;
        }
        self.load_leaving_c = load_leaving;
        self.source_leaving_c = source_leaving;
        self.run_hours += dt_s / 3600.0;
        if source_leaving < self.source_trip_c {
            self.trip(Alarm::SourceLow);
        } else if load_leaving > HIGH_LOAD_TRIP_C {
            self.trip(Alarm::LoadHigh);
        } else if self.cooling && load_leaving < FROST_TRIP_C {
            self.trip(Alarm::Frost);
        } else if self.cooling && source_leaving > HIGH_SOURCE_TRIP_C {
            self.trip(Alarm::SourceHigh);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATER: Water =
        Water { source_entering_c: 12.0, source_m3h: 70.0, load_entering_c: 38.0, load_m3h: 65.0 };

    fn running() -> HeatPump {
        let mut machine = HeatPump::new(456e3, ETA_HEATING, 30.0);
        machine.run = true;
        for _ in 0..900 {
            machine.step(1.0, WATER);
        }
        machine
    }

    #[test]
    fn heating_cop_gives_the_published_grid() {
        for (source, row) in [
            (5.0, [6.12, 5.42, 4.88, 4.45, 4.10, 3.81]),
            (0.0, [5.34, 4.81, 4.38, 4.04, 3.75, 3.51]),
            (11.0, [7.43, 6.41, 5.65, 5.07, 4.61, 4.24]),
        ] {
            for (load, expected) in [35.0, 40.0, 45.0, 50.0, 55.0, 60.0].into_iter().zip(row) {
                let got = cop_heating(ETA_HEATING, load, source);
                assert!((got - expected).abs() < 0.006, "{source}/{load}: {got}");
            }
        }
    }

    #[test]
    fn cooling_eer_gives_the_published_row() {
        for (chilled, expected) in
            [(3.5, 5.47), (5.0, 5.74), (7.0, 6.15), (10.0, 6.86), (14.0, 8.07)]
        {
            let got = eer_cooling(ETA_COOLING, chilled, 35.0);
            assert!((got - expected).abs() < 0.006, "{chilled}: {got}");
        }
    }

    #[test]
    fn running_machine_reaches_its_setpoint_and_its_energies_close() {
        let machine = running();
        assert_eq!(machine.status, Status::Running);
        assert!((machine.load_leaving_c - 44.0).abs() < 0.3, "{}", machine.load_leaving_c);
        assert!((machine.heat_w - machine.power_w - machine.source_w).abs() < 1e-6);
        assert!((4.0..6.5).contains(&machine.cop()), "{}", machine.cop());
    }

    #[test]
    fn machine_without_flow_refuses_to_start() {
        let mut machine = HeatPump::new(456e3, ETA_HEATING, 30.0);
        machine.run = true;
        for _ in 0..120 {
            machine.step(1.0, Water { source_m3h: 0.0, ..WATER });
            assert_eq!(machine.power_w, 0.0);
        }
        assert_eq!((machine.status, machine.alarm), (Status::Fault, Alarm::SourceFlow));
    }

    #[test]
    fn losing_load_flow_trips_at_once_and_stays_tripped_until_reset() {
        let mut machine = running();
        machine.step(1.0, Water { load_m3h: 0.0, ..WATER });
        assert_eq!((machine.status, machine.alarm), (Status::Fault, Alarm::LoadFlow));
        machine.step(60.0, WATER);
        assert_eq!(machine.status, Status::Fault);
        machine.reset();
        for _ in 0..400 {
            machine.step(1.0, WATER);
        }
        assert_eq!(machine.status, Status::Running);
    }

    #[test]
    fn source_below_two_degrees_trips() {
        let mut machine = running();
        machine.step(1.0, Water { source_entering_c: 5.0, ..WATER });
        assert_eq!((machine.status, machine.alarm), (Status::Fault, Alarm::SourceLow));
        assert!(machine.source_leaving_c < 2.0);
    }

    #[test]
    fn satisfied_load_makes_the_machine_cycle_with_a_minimum_pause() {
        let mut machine = running();
        let warm = Water { load_entering_c: 43.5, ..WATER };
        machine.step(1.0, warm);
        assert_eq!(machine.status, Status::Standby);
        machine.step(1.0, WATER);
        assert_eq!(machine.status, Status::Standby, "restart came before the minimum pause");
        for _ in 0..200 {
            machine.step(1.0, WATER);
        }
        assert_eq!((machine.status, machine.starts), (Status::Running, 2));
    }

    #[test]
    fn machine_set_for_cooling_chills_and_rejects() {
        let mut machine = HeatPump::new(456e3, ETA_HEATING, 30.0);
        (machine.cooling, machine.rated_cooling_w) = (true, 430e3);
        (machine.run, machine.setpoint_c) = (true, 7.0);
        let warm = Water { source_entering_c: 28.0, load_entering_c: 12.0, ..WATER };
        (0..900).for_each(|_| machine.step(1.0, warm));
        assert!((machine.load_leaving_c - 7.0).abs() < 0.3, "{}", machine.load_leaving_c);
        assert!(machine.source_leaving_c > 32.0 && machine.source_w < 0.0);
        assert!((machine.heat_w - machine.power_w - machine.source_w).abs() < 1e-6);
        assert!((4.5..7.5).contains(&machine.cop()), "{}", machine.cop());
        let cold = Water { source_entering_c: 28.0, load_entering_c: 3.0, ..WATER };
        machine.setpoint_c = -5.0;
        machine.step(1.0, cold);
        assert_eq!((machine.status, machine.alarm), (Status::Fault, Alarm::Frost));
    }

    #[test]
    fn compressor_trip_retries_by_itself_after_its_time() {
        let mut machine = running();
        machine.trip_compressor(600.0);
        (0..590).for_each(|_| machine.step(1.0, WATER));
        assert_eq!((machine.status, machine.alarm), (Status::Fault, Alarm::Compressor));
        (0..60).for_each(|_| machine.step(1.0, WATER));
        assert_eq!(machine.status, Status::Running);
    }
}
