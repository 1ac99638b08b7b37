//! Stores: a stratified water tank in layers, and ice as energy with a limit of release.
//!
//! The tank is plug flow through N layers, upwind, each sub-step moving at most one layer's water;
//! layers that lie the wrong way round mix. N is the mixing parameter: 20 keeps 91 % of the ideal
//! turnover. Loss 1 % of the stored difference a day.

use super::WATER_W_PER_M3H_K;

/// Layers of a tank unless told otherwise.
pub const LAYERS: usize = 20;
const LOSS_PER_DAY: f64 = 0.01;
/// Surroundings of a tank, °C (a buried or insulated one follows the year's mean).
const AROUND_C: f64 = 16.0;

/// A stratified tank. Layer 0 is the lowest.
#[derive(Debug, Clone, PartialEq)]
pub struct Tank {
    /// Water, m³.
    pub volume_m3: f64,
    /// Water level, share of full.
    pub level: f64,
    /// Temperatures of the layers, from the lowest, °C.
    pub layers_c: Vec<f64>,
    /// Heat lost to the surroundings since the start, J (negative: gained).
    pub lost_j: f64,
}

impl Tank {
    /// A tank of one temperature.
    #[must_use]
    pub fn new(volume_m3: f64, layers: usize, water_c: f64) -> Self {
        Self { volume_m3, level: 1.0, layers_c: vec![water_c; layers.max(1)], lost_j: 0.0 }
    }

    /// Temperature of the lowest layer, °C.
    #[must_use]
    pub fn bottom_c(&self) -> f64 {
        self.layers_c[0]
    }

    /// Temperature of the highest layer, °C.
    #[must_use]
    pub fn top_c(&self) -> f64 {
        self.layers_c[self.layers_c.len() - 1]
    }

    /// Temperature at a height, 0 (bottom) to 1 (top), °C.
    #[must_use]
    pub fn at_c(&self, height: f64) -> f64 {
        let layer = (height * self.layers_c.len() as f64) as usize;
        self.layers_c[layer.min(self.layers_c.len() - 1)]
    }

    /// Heat above a temperature, J (negative: cold below it).
    #[must_use]
    pub fn energy_j(&self, reference_c: f64) -> f64 {
        let layer = self.layer_j_per_k();
        self.layers_c.iter().map(|c| layer * (c - reference_c)).sum()
    }

    fn layer_j_per_k(&self) -> f64 {
        self.volume_m3 / self.layers_c.len() as f64 * 3600.0 * WATER_W_PER_M3H_K
    }

    /// Advances by `dt_s` seconds with water of `inlet_c` coming in: at the bottom for a flow above
    /// nought, at the top for one below. Returns the mean temperature of what left, °C.
    pub fn step(&mut self, dt_s: f64, flow_m3h: f64, inlet_c: f64) -> f64 {
        let n = self.layers_c.len();
        let moved = flow_m3h.abs() * dt_s / 3600.0 / (self.volume_m3 / n as f64);
        let rounds = moved.ceil().max(1.0);
        let courant = moved / rounds;
        let mut left_c = 0.0;
        for _ in 0..rounds as usize {
            if flow_m3h >= 0.0 {
                left_c += self.top_c() / rounds;
                let mut from = inlet_c;
                for layer in &mut self.layers_c {
                    let old = *layer;
                    *layer += courant * (from - old);
                    from = old;
                }
            } else {
                left_c += self.bottom_c() / rounds;
                let mut from = inlet_c;
                for layer in self.layers_c.iter_mut().rev() {
                    let old = *layer;
                    *layer += courant * (from - old);
                    from = old;
                }
            }
        }
        self.mix();
        let kept = 1.0 - LOSS_PER_DAY * dt_s / 86_400.0;
        self.lost_j += self.energy_j(AROUND_C) * (1.0 - kept);
        self.layers_c.iter_mut().for_each(|c| *c = AROUND_C + (*c - AROUND_C) * kept);
        left_c
    }

    /// Layers colder than those below them sink: each such run takes its mean.
    fn mix(&mut self) {
        if self.layers_c.is_sorted() {
            return;
        }
        let mut at = 1;
        while at < self.layers_c.len() {
            if self.layers_c[at] >= self.layers_c[at - 1] {
                at += 1;
                continue;
            }
            let mut from = at - 1;
            let mut mean = (self.layers_c[from] + self.layers_c[at]) / 2.0;
            while from > 0 && self.layers_c[from - 1] > mean {
                let count = (at - from + 1) as f64;
                from -= 1;
                mean = (mean * count + self.layers_c[from]) / (count + 1.0);
            }
            self.layers_c[from..=at].fill(mean);
            at += 1;
        }
    }
}

/// An ice store: energy that cannot be released faster than its coils melt.
#[derive(Debug, Clone, PartialEq)]
pub struct IceStore {
    /// Cold when full, J.
    pub full_j: f64,
    /// Cold now, J.
    pub energy_j: f64,
    /// Greatest release, W.
    pub release_w_max: f64,
}

/// Glycol leaving the machine while ice is made, °C.
pub const ICE_CHARGE_C: f64 = -6.0;

impl IceStore {
    /// An empty store.
    #[must_use]
    pub fn new(full_j: f64, release_w_max: f64) -> Self {
        Self { full_j, energy_j: 0.0, release_w_max }
    }

    /// Takes cold in; returns what was taken, W.
    pub fn charge(&mut self, dt_s: f64, power_w: f64) -> f64 {
        let taken = power_w.clamp(0.0, (self.full_j - self.energy_j) / dt_s);
        self.energy_j += taken * dt_s;
        taken
    }

    /// Gives cold out, at most its limit; returns what was given, W.
    pub fn release(&mut self, dt_s: f64, wanted_w: f64) -> f64 {
        let given = wanted_w.clamp(0.0, self.release_w_max.min(self.energy_j / dt_s));
        self.energy_j -= given * dt_s;
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outlet_of_a_discharge_follows_the_published_table() {
        for (layers, expected, released) in [
            (1, [5.187, 6.529, 7.585, 8.417, 8.549], 22.22),
            (10, [3.501, 3.680, 4.955, 7.357, 7.809], 30.79),
            (20, [3.500, 3.512, 4.173, 7.052, 7.698], 32.08),
            (50, [3.500, 3.500, 3.578, 6.542, 7.585], 33.26),
        ] {
            let mut tank = Tank::new(3780.0, layers, 3.5);
            let (mut outlets, mut out_mwh) = (Vec::new(), 0.0);
            for minute in 1..=503 {
                // The table is of a tank without loss: undo it.
                let shown = tank.bottom_c();
                let before = tank.lost_j;
                let left = tank.step(60.0, -451.0, 11.5);
                let lost = (tank.lost_j - before) / tank.layer_j_per_k() / layers as f64;
                tank.layers_c.iter_mut().for_each(|c| *c += lost);
                out_mwh += 451.0 * WATER_W_PER_M3H_K * (11.5 - left) * 60.0 / 3.6e9;
                if [120, 240, 360, 480, 502].contains(&minute) {
                    outlets.push(shown);
                }
            }
            for (got, expected) in outlets.iter().zip(expected) {
                assert!((got - expected).abs() < 0.02, "{layers} layers: {outlets:.3?}");
            }
            assert!((out_mwh - released).abs() < 0.06, "{layers} layers: {out_mwh:.2} MWh");
        }
    }

    #[test]
    fn published_capacities_are_those_of_the_volumes() {
        for (volume, kelvin, mwh) in
            [(3780.0, 8.0, 35.17), (5800.0, 8.0, 53.97), (29_995.0, 8.0, 279.09)]
        {
            let tank = Tank::new(volume, LAYERS, kelvin);
            assert!((tank.energy_j(0.0) / 3.6e9 - mwh).abs() < 0.01, "{volume}");
        }
    }

    #[test]
    fn a_tank_loses_a_hundredth_a_day() {
        let mut tank = Tank::new(3780.0, LAYERS, 46.0);
        (0..1440).for_each(|_| {
            tank.step(60.0, 0.0, 0.0);
        });
        assert!((tank.top_c() - AROUND_C - 30.0 * 0.99).abs() < 0.01, "{}", tank.top_c());
    }

    #[test]
    fn ice_is_released_no_faster_than_its_limit_and_not_beyond_its_end() {
        let mut ice = IceStore::new(98.0 * 3.6e9, 12e6);
        assert_eq!(ice.charge(3600.0, 20e6), 20e6);
        assert_eq!(ice.release(3600.0, 15e6), 12e6);
        assert_eq!(ice.release(3600.0, 15e6), 8e6);
        assert_eq!(ice.release(3600.0, 15e6), 0.0);
        assert_eq!(ice.charge(36_000.0, 20e6), 98.0 * 3.6e9 / 36_000.0);
    }

    proptest! {
        #[test]
        fn heat_is_kept_and_warm_lies_above_cold(
            flows in prop::collection::vec((-3000.0..3000.0f64, 2.0..60.0f64), 1..60),
        ) {
            let mut tank = Tank::new(500.0, LAYERS, 20.0);
            for (flow, inlet) in flows {
                let (before, lost) = (tank.energy_j(0.0), tank.lost_j);
                let left = tank.step(60.0, flow, inlet);
                let through = flow.abs() * WATER_W_PER_M3H_K * 60.0 * (inlet - left);
                let gap = tank.energy_j(0.0) - before - through + tank.lost_j - lost;
                prop_assert!(gap.abs() < 1e-6 * 500.0 * 4.187e6, "{}", gap);
                prop_assert!(tank.layers_c.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9));
            }
        }
    }
}
