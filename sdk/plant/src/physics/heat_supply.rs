//! Heat bought in: a municipal network behind an exchanger, or a gas boiler.

/// A supply of heat with a control valve or burner.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatSupply {
    /// Greatest heat, W.
    pub rated_w: f64,
    /// Heat delivered per heat paid for (municipal 1, boiler its efficiency).
    pub efficiency: f64,
    /// Can it be had? (A network is shut down in summer.)
    pub available: bool,
    /// Command: run.
    pub run: bool,
    /// Command: temperature it heats the water to, °C.
    pub setpoint_c: f64,
    /// Heat now, W.
    pub heat_w: f64,
    /// Heat delivered, J.
    pub heat_j: f64,
}

/// Lag of valve, burner and exchanger.
const LAG_S: f64 = 120.0;

impl HeatSupply {
    /// A supply at rest.
    #[must_use]
    pub fn new(rated_w: f64, efficiency: f64) -> Self {
        Self {
            rated_w,
            efficiency,
            available: true,
            run: false,
            setpoint_c: 42.0,
            heat_w: 0.0,
            heat_j: 0.0,
        }
    }

    /// Advances by `dt_s` seconds: heats water that comes at `entering_c` to the setpoint, as far
    /// as its rating goes. `w_per_k` is the water's flow of heat capacity.
    pub fn step(&mut self, dt_s: f64, entering_c: f64, w_per_k: f64) {
        let wanted = w_per_k * (self.setpoint_c - entering_c);
        let on = self.run && self.available && w_per_k > 0.0;
        let target = if on { wanted.clamp(0.0, self.rated_w) } else { 0.0 };
        self.heat_w += (target - self.heat_w) * (1.0 - (-dt_s / LAG_S).exp());
        if w_per_k <= 0.0 {
            self.heat_w = 0.0;
        }
        self.heat_j += self.heat_w * dt_s;
    }

    /// Heat paid for since the start, J.
    #[must_use]
    pub fn paid_j(&self) -> f64 {
        self.heat_j / self.efficiency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heats_to_its_setpoint_within_its_rating_and_only_when_it_can_be_had() {
        let mut supply = HeatSupply::new(1e6, 0.9);
        supply.run = true;
        (0..60).for_each(|_| supply.step(60.0, 40.0, 1e5));
        assert!((supply.heat_w - 2e5).abs() < 1.0, "{}", supply.heat_w);
        (0..60).for_each(|_| supply.step(60.0, 10.0, 1e5));
        assert!((supply.heat_w - 1e6).abs() < 1.0, "{}", supply.heat_w);
        assert!((supply.paid_j() * 0.9 / supply.heat_j - 1.0).abs() < 1e-12);
        supply.available = false;
        (0..60).for_each(|_| supply.step(60.0, 10.0, 1e5));
        assert!(supply.heat_w < 1.0);
    }
}
