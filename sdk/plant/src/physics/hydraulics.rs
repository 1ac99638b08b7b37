//! Pumps on frequency converters, and motorised valves.
//!
//! Flow follows speed, power its cube, head its square. The networks are fixed, so the flow of a
//! loop is that of its pump.

/// Seconds from standstill to full speed.
const RAMP_S: f64 = 20.0;
/// Seconds a valve needs from one end to the other.
const TRAVEL_S: f64 = 60.0;

/// A pump with its frequency converter.
#[derive(Debug, Clone, PartialEq)]
pub struct Pump {
    /// Flow at 50 Hz, m³/h.
    pub nominal_m3h: f64,
    /// Electric power at 50 Hz, W.
    pub nominal_w: f64,
    /// Head at 50 Hz, kPa.
    pub nominal_kpa: f64,
    /// Command: run.
    pub run: bool,
    /// Command: speed, 0–1 of 50 Hz.
    pub speed_command: f64,
    /// The converter has tripped.
    pub tripped: bool,
    /// Its flow switch shows no flow whatever flows (a fault).
    pub proof_lost: bool,
    /// Speed now, 0–1.
    pub speed: f64,
    /// Hours turned.
    pub run_hours: f64,
    /// Electric energy, J.
    pub energy_j: f64,
}

impl Pump {
    /// A pump at rest.
    #[must_use]
    pub fn new(nominal_m3h: f64, nominal_w: f64, nominal_kpa: f64) -> Self {
        Self {
            nominal_m3h,
            nominal_w,
            nominal_kpa,
            run: false,
            speed_command: 0.9,
            tripped: false,
            proof_lost: false,
            speed: 0.0,
            run_hours: 0.0,
            energy_j: 0.0,
        }
    }

    /// Flow now, m³/h.
    #[must_use]
    pub fn flow_m3h(&self) -> f64 {
        self.nominal_m3h * self.speed
    }

    /// Flow that a machine behind its flow switch sees, m³/h.
    #[must_use]
    pub fn proven_m3h(&self) -> f64 {
        if self.proof_lost { 0.0 } else { self.flow_m3h() }
    }

    /// Does its flow switch show flow? It opens below a tenth of the nominal flow.
    #[must_use]
    pub fn flow_proven(&self) -> bool {
        !self.proof_lost && self.flow_m3h() >= 0.1 * self.nominal_m3h
    }

    /// Electric power now, W.
    #[must_use]
    pub fn power_w(&self) -> f64 {
        self.nominal_w * self.speed.powi(3)
    }

    /// Head now, kPa.
    #[must_use]
    pub fn head_kpa(&self) -> f64 {
        self.nominal_kpa * self.speed.powi(2)
    }

    /// Advances the pump by `dt_s` seconds.
    pub fn step(&mut self, dt_s: f64) {
        let target = if self.run && !self.tripped { self.speed_command } else { 0.0 };
        let reach = dt_s / RAMP_S;
        self.speed += (target - self.speed).clamp(-reach, reach);
        self.energy_j += self.power_w() * dt_s;
        if self.speed > 0.0 {
            self.run_hours += dt_s / 3600.0;
        }
    }
}

/// A motorised valve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Valve {
    /// Command: 0 is one end, 1 the other.
    pub command: f64,
    /// Where it stands.
    pub position: f64,
    /// Where it goes when nobody commands it.
    pub rest: f64,
    /// It no longer moves (a fault).
    pub stuck: bool,
}

impl Valve {
    /// Advances the valve by `dt_s` seconds.
    pub fn step(&mut self, dt_s: f64) {
        let reach = if self.stuck { 0.0 } else { dt_s / TRAVEL_S };
        self.position += (self.command - self.position).clamp(-reach, reach);
    }

    /// Has it reached the end it was sent to?
    #[must_use]
    pub fn in_place(&self) -> bool {
        (self.position - self.command).abs() < 1e-9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_speed_gives_half_flow_and_an_eighth_of_the_power() {
        let mut pump = Pump::new(140.0, 15e3, 250.0);
        (pump.run, pump.speed_command) = (true, 0.5);
        (0..60).for_each(|_| pump.step(1.0));
        assert!((pump.flow_m3h() - 70.0).abs() < 1e-9);
        assert!((pump.power_w() - 15e3 / 8.0).abs() < 1e-6);
        assert!((pump.head_kpa() - 250.0 / 4.0).abs() < 1e-9);
    }

    #[test]
    fn valve_takes_a_minute() {
        let mut valve = Valve { command: 1.0, ..Valve::default() };
        (0..59).for_each(|_| valve.step(1.0));
        assert!(!valve.in_place());
        (0..2).for_each(|_| valve.step(1.0));
        assert!(valve.in_place());
    }
}
