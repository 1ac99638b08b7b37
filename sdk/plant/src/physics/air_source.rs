//! The bank of air-source heat pumps: four scroll units on one water circuit, whose valve sends
//! their heat either to the load (winter) or into the ground (summer recharge).
//!
//! One unit gives 155 kW of heat for 41.89 kW at 7 °C outdoors and 45 °C leaving (COP 3.70).
//! Away from there: Carnot fraction 0.5547 with 2 K approach on the water side and 8 K on the coil,
//! which falls by 0.06 per K of colder air, and is capped at 8 (warm air into a cool ground).
//! Capacity −2 %/K below 7 °C. Defrost: 5 minutes an hour between −3 and +3 °C above 80 % humidity,
//! one unit after the other. The coefficients are assumptions of the model, not measurements.

use super::{KELVIN, WATER_W_PER_M3H_K};

/// Units in the bank.
pub const UNITS: u16 = 4;
/// Nominal heat of one unit, W.
pub const UNIT_W: f64 = 155e3;
const COP_NOMINAL: f64 = 3.70;
const COP_MAX: f64 = 8.0;
const WATER_APPROACH_K: f64 = 2.0;
const COIL_APPROACH_K: f64 = 8.0;
const LIFT_MIN_K: f64 = 10.0;
const LAG_S: f64 = 60.0;
const STAGE_S: f64 = 60.0;
const FLOW_PROOF_S: f64 = 5.0;
const FLOW_WAIT_S: f64 = 60.0;
const DEFROST_S: f64 = 300.0;
/// Share of its power a unit takes while it defrosts (assumption).
const DEFROST_POWER: f64 = 0.3;

fn carnot(leaving_c: f64, outdoor_c: f64) -> f64 {
    let hot = leaving_c + WATER_APPROACH_K;
    (hot + KELVIN) / (hot - (outdoor_c - COIL_APPROACH_K)).max(LIFT_MIN_K)
}

/// Heating COP at a water leaving and an outdoor temperature, °C.
#[must_use]
pub fn cop(leaving_c: f64, outdoor_c: f64) -> f64 {
    (COP_NOMINAL * carnot(leaving_c, outdoor_c) / carnot(45.0, 7.0)).min(COP_MAX)
}

/// Heat one unit can give at an outdoor temperature, W.
#[must_use]
pub fn unit_capacity_w(outdoor_c: f64) -> f64 {
    UNIT_W * (1.0 - 0.02 * (7.0 - outdoor_c).max(0.0)).max(0.2)
}

/// What the bank is doing; the numbers are those of its status register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    /// Not asked to run.
    Off = 0,
    /// Asked to run, waiting for proven flow.
    Starting = 1,
    /// At least one unit heating.
    Running = 2,
    /// At least one unit defrosting.
    Defrost = 3,
    /// Stopped for lack of flow; needs a reset.
    Fault = 4,
}

/// Air and water at the bank.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// Outdoor temperature, °C.
    pub outdoor_c: f64,
    /// Relative humidity, %.
    pub humidity: f64,
    /// Water entering, °C.
    pub entering_c: f64,
    /// Water flow, m³/h.
    pub flow_m3h: f64,
    /// Seconds since the start of the run, which staggers the defrosts.
    pub time_s: f64,
}

/// The bank.
#[derive(Debug, Clone, PartialEq)]
pub struct AirSource {
    /// Flow below which the flow switch opens, m³/h.
    pub flow_min_m3h: f64,
    /// Command: run.
    pub run: bool,
    /// Command: most units that may run.
    pub units_allowed: u16,
    /// Command: water leaving temperature, °C.
    pub setpoint_c: f64,

    /// What the bank is doing.
    pub status: Status,
    /// Stopped for lack of flow.
    pub flow_alarm: bool,
    /// Units with their compressors on.
    pub units_running: u16,
    /// Units in defrost.
    pub units_defrosting: u16,
    /// Heat to the water, W.
    pub heat_w: f64,
    /// Electric power, W.
    pub power_w: f64,
    /// Water entering, °C.
    pub entering_c: f64,
    /// Water leaving, °C.
    pub leaving_c: f64,
    /// Hours with at least one unit on.
    pub run_hours: f64,
    /// Times the bank has begun to heat.
    pub starts: u32,
    /// Heat delivered, J.
    pub heat_j: f64,
    /// Electric energy, J.
    pub power_j: f64,
    output: f64,
    proof_s: f64,
    waited_s: f64,
    staged_s: f64,
}

impl AirSource {
    /// A bank at rest.
    #[must_use]
    pub fn new(flow_min_m3h: f64) -> Self {
        Self {
            flow_min_m3h,
            run: false,
            units_allowed: UNITS,
            setpoint_c: 44.0,
            status: Status::Off,
            flow_alarm: false,
            units_running: 0,
            units_defrosting: 0,
            heat_w: 0.0,
            power_w: 0.0,
            entering_c: 20.0,
            leaving_c: 20.0,
            run_hours: 0.0,
            starts: 0,
            heat_j: 0.0,
            power_j: 0.0,
            output: 0.0,
            proof_s: 0.0,
            waited_s: 0.0,
            staged_s: STAGE_S,
        }
    }

    /// Clears a fault.
    pub fn reset(&mut self) {
        if self.status == Status::Fault {
            self.status = Status::Off;
            self.flow_alarm = false;
        }
    }

    /// Coefficient of performance now; 0 when off.
    #[must_use]
    pub fn cop(&self) -> f64 {
        if self.power_w > 0.0 { self.heat_w / self.power_w } else { 0.0 }
    }

    /// Advances the bank by `dt_s` seconds.
    pub fn step(&mut self, dt_s: f64, around: Surroundings) {
        self.decide(dt_s, around);
        if matches!(self.status, Status::Running | Status::Defrost) {
            self.stage(dt_s, around);
        } else {
            self.units_running = 0;
            self.units_defrosting = 0;
            self.staged_s = STAGE_S;
        }
        if self.units_running == 0 {
            self.output = 0.0;
            (self.heat_w, self.power_w) = (0.0, 0.0);
            self.leaving_c = around.entering_c;
        } else {
            self.heat(dt_s, around);
            self.run_hours += dt_s / 3600.0;
        }
        self.entering_c = around.entering_c;
        self.heat_j += self.heat_w * dt_s;
        self.power_j += self.power_w * dt_s;
    }

    fn decide(&mut self, dt_s: f64, around: Surroundings) {
        let flow = around.flow_m3h >= self.flow_min_m3h;
        self.proof_s = if flow { self.proof_s + dt_s } else { 0.0 };
        match self.status {
            Status::Fault => {}
            _ if !self.run => self.status = Status::Off,
            Status::Off => {
                self.status = Status::Starting;
                self.waited_s = 0.0;
            }
            Status::Starting if self.proof_s >= FLOW_PROOF_S => {
                self.status = Status::Running;
                self.starts += 1;
            }
            Status::Starting => {
                self.waited_s += dt_s;
                if self.waited_s >= FLOW_WAIT_S {
                    self.trip();
                }
            }
            Status::Running | Status::Defrost => {
                if !flow {
                    self.trip();
                }
            }
        }
    }

    fn trip(&mut self) {
        self.status = Status::Fault;
        self.flow_alarm = true;
    }

    /// One unit more or less, a minute apart, around the leaving setpoint.
    fn stage(&mut self, dt_s: f64, around: Surroundings) {
        self.staged_s += dt_s;
        let too_warm = self.leaving_c > self.setpoint_c + 1.0;
        let too_cold = self.leaving_c < self.setpoint_c - 1.0;
        let before = self.units_running;
        if self.units_running > self.units_allowed {
            self.units_running = self.units_allowed;
        } else if self.staged_s >= STAGE_S {
            if too_warm {
                self.units_running = self.units_running.saturating_sub(1);
            } else if too_cold && self.units_running < self.units_allowed {
                self.units_running += 1;
            }
        }
        if self.units_running != before {
            self.staged_s = 0.0;
        }
        let frosting = (-3.0..=3.0).contains(&around.outdoor_c) && around.humidity > 80.0;
        self.units_defrosting = (0..self.units_running)
            .filter(|unit| {
                let in_hour = (around.time_s + f64::from(*unit) * 900.0).rem_euclid(3600.0);
                frosting && in_hour < DEFROST_S
            })
            .count() as u16;
        self.status = if self.units_defrosting > 0 { Status::Defrost } else { Status::Running };
    }

    fn heat(&mut self, dt_s: f64, around: Surroundings) {
        let heating = f64::from(self.units_running - self.units_defrosting);
        self.output += (heating - self.output) * (1.0 - (-dt_s / LAG_S).exp());
        self.heat_w = self.output * unit_capacity_w(around.outdoor_c);
        self.leaving_c = around.entering_c + self.heat_w / (around.flow_m3h * WATER_W_PER_M3H_K);
        let defrost = f64::from(self.units_defrosting) * UNIT_W / COP_NOMINAL * DEFROST_POWER;
        self.power_w = self.heat_w / cop(self.leaving_c, around.outdoor_c) + defrost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINTER: Surroundings = Surroundings {
        outdoor_c: -1.0,
        humidity: 60.0,
        entering_c: 36.0,
        flow_m3h: 100.0,
        time_s: 0.0,
    };

    fn run_for(bank: &mut AirSource, seconds: usize, around: Surroundings) {
        for second in 0..seconds {
            bank.step(1.0, Surroundings { time_s: around.time_s + second as f64, ..around });
        }
    }

    #[test]
    fn nominal_point_and_its_slopes_hold() {
        assert!((cop(45.0, 7.0) - 3.70).abs() < 1e-9);
        let slope = (cop(45.0, 7.0) - cop(45.0, -3.0)) / 10.0;
        assert!((slope - 0.06).abs() < 0.01, "{slope}");
        assert_eq!(cop(25.0, 28.0), 8.0, "summer recharge reaches the cap");
        assert!((unit_capacity_w(-3.0) - 0.8 * UNIT_W).abs() < 1e-6);
    }

    #[test]
    fn units_come_on_one_by_one() {
        let mut bank = AirSource::new(40.0);
        bank.run = true;
        run_for(&mut bank, 30, WINTER);
        assert_eq!(bank.units_running, 1);
        run_for(&mut bank, 300, WINTER);
        assert_eq!(bank.units_running, UNITS);
    }

    #[test]
    fn bank_without_flow_makes_a_fault_instead_of_heat() {
        let mut bank = AirSource::new(40.0);
        bank.run = true;
        run_for(&mut bank, 120, Surroundings { flow_m3h: 0.0, ..WINTER });
        assert_eq!((bank.status, bank.power_w), (Status::Fault, 0.0));
    }

    #[test]
    fn damp_cold_air_makes_each_unit_defrost_five_minutes_an_hour() {
        let mut bank = AirSource::new(40.0);
        bank.run = true;
        run_for(&mut bank, 600, WINTER);
        let mut unit_seconds = 0;
        for second in 0..3600 {
            let time_s = 600.0 + f64::from(second);
            bank.step(1.0, Surroundings { humidity: 90.0, time_s, ..WINTER });
            unit_seconds += u32::from(bank.units_defrosting);
        }
        assert_eq!(unit_seconds, 4 * 300);
    }
}
