//! Wells: drawdown and rise by Theis, a skin that clogs, sand at starts, a temperature front.
//!
//! s = q/(4πT)·(W(u) + 2S_k), u = r²S/(4Tt). Flows that change are superposed: each change of flow
//! of each well acts from its own moment on, at every well of the field.

use std::f64::consts::PI;

use super::relaxation::{Ladder, fit};

/// Theis's well function W(u) = E1(u), u > 0.
///
/// The series below 1, the continued fraction above; both to double precision.
#[must_use]
pub fn well_function(u: f64) -> f64 {
    if u > 1.0 {
        let tail = (1..80).rev().fold(0.0, |t, n| {
            let n = f64::from(n);
            n / (1.0 + n / (u + t))
        });
        return (-u).exp() / (u + tail);
    }
    let (mut term, mut sum) = (1.0, 0.0);
    for n in 1..30 {
        let n = f64::from(n);
        term *= -u / n;
        sum -= term / n;
    }
    -0.577_215_664_901_532_9 - u.ln() + sum
}

/// The water-bearing rock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aquifer {
    /// Transmissivity, m²/s.
    pub transmissivity: f64,
    /// Storativity.
    pub storativity: f64,
}

impl Default for Aquifer {
    /// T = 200 m²/d, S = 2·10⁻⁴ (assumptions of the model).
    fn default() -> Self {
        Self { transmissivity: 200.0 / 86_400.0, storativity: 2e-4 }
    }
}

/// Well radius, m.
pub const WELL_RADIUS_M: f64 = 0.1;

impl Aquifer {
    /// Change of level a flow of 1 m³/h has made after `time_s` at a distance, m.
    #[must_use]
    pub fn level_per_m3h(&self, distance_m: f64, time_s: f64) -> f64 {
        let u = distance_m.powi(2) * self.storativity / (4.0 * self.transmissivity * time_s);
        well_function(u) * self.per_m3h()
    }

    /// Change of level by a skin of 1 at a flow of 1 m³/h, m.
    #[must_use]
    pub fn skin_per_m3h(&self) -> f64 {
        2.0 * self.per_m3h()
    }

    fn per_m3h(&self) -> f64 {
        1.0 / 3600.0 / (4.0 * PI * self.transmissivity)
    }
}

/// Years until the cold front of a doublet arrives: t = πbD²·(C_aq/C_w)/(3q).
#[must_use]
pub fn breakthrough_years(thickness_m: f64, distance_m: f64, flow_m3h: f64, ratio: f64) -> f64 {
    PI * thickness_m * distance_m.powi(2) * ratio / (3.0 * flow_m3h / 3600.0) / (365.0 * 86_400.0)
}

const RELAXATIONS: Ladder = Ladder { shortest_s: 30.0, ratio: 4.0, count: 13 };

/// Levels in an aquifer with several wells, all flows superposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    taus_s: Vec<f64>,
    /// For each pair of wells: what acts at once, and the weight of each τ, m per m³/h.
    weights: Vec<Vec<(f64, Vec<f64>)>>,
    /// Flow of each well, smoothed over each τ, m³/h.
    smoothed: Vec<Vec<f64>>,
    drawdowns_m: Vec<f64>,
    decay: (f64, Vec<f64>),
}

impl Levels {
    /// Levels at rest for wells at given places, m.
    #[must_use]
    pub fn new(aquifer: Aquifer, at_m: &[[f64; 2]]) -> Self {
        let response = |a: &[f64; 2], b: &[f64; 2]| {
            let distance = (a[0] - b[0]).hypot(a[1] - b[1]).max(WELL_RADIUS_M);
            // From a minute to thirty years, once the neighbour is well felt: relaxations begin at
            // once, so that its first hours come too early, and would spoil the years.
            let times = (0..80).map(|i| 60.0 * (f64::from(i) * 0.21).exp());
            let points: Vec<(f64, f64)> = times
                .map(|time| (time, aquifer.level_per_m3h(distance, time)))
                .filter(|(_, level)| *level > aquifer.per_m3h())
                .collect();
            let (at_once, relaxations) = fit(&points, RELAXATIONS);
            (at_once, relaxations.into_iter().map(|(_, weight)| weight).collect())
        };
        Self {
            taus_s: (0..RELAXATIONS.count)
                .map(|i| RELAXATIONS.shortest_s * RELAXATIONS.ratio.powi(i as i32))
                .collect(),
            weights: at_m.iter().map(|a| at_m.iter().map(|b| response(a, b)).collect()).collect(),
            smoothed: vec![vec![0.0; RELAXATIONS.count]; at_m.len()],
            drawdowns_m: vec![0.0; at_m.len()],
            decay: (0.0, Vec::new()),
        }
    }

    /// Lets the wells flow for `dt_s` seconds, m³/h; above nought is out of the ground.
    pub fn step(&mut self, dt_s: f64, flows_m3h: &[f64]) {
        if self.decay.0 != dt_s {
            self.decay = (dt_s, self.taus_s.iter().map(|tau| (-dt_s / tau).exp()).collect());
        }
        for (smoothed, flow) in self.smoothed.iter_mut().zip(flows_m3h) {
            for (value, kept) in smoothed.iter_mut().zip(&self.decay.1) {
                *value = flow + (*value - flow) * kept;
            }
        }
        for (drawdown, weights) in self.drawdowns_m.iter_mut().zip(&self.weights) {
            let all = weights.iter().zip(&self.smoothed);
            *drawdown = all
                .map(|((_, weights), smoothed)| {
                    weights.iter().zip(smoothed).map(|(weight, flow)| weight * flow).sum::<f64>()
                })
                .sum();
        }
    }

    /// Drawdown of a well by all flows so far, without its skin and what acts at once, m; negative
    /// is a rise.
    #[must_use]
    pub fn drawdown_m(&self, well: usize) -> f64 {
        self.drawdowns_m[well]
    }

    /// What acts at once at a well by its own flow, m per m³/h.
    #[must_use]
    pub fn at_once(&self, well: usize) -> f64 {
        self.weights[well][well].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: f64 = 3600.0;
    const DAY: f64 = 24.0 * HOUR;

    #[test]
    fn drawdowns_are_those_of_the_published_table() {
        let aquifer = Aquifer::default();
        for (distance, row) in [(0.1, [18.394, 22.036, 25.933]), (300.0, [0.589, 3.712, 7.585])] {
            for (time, expected) in [HOUR, DAY, 30.0 * DAY].into_iter().zip(row) {
                let got = 120.0 * aquifer.level_per_m3h(distance, time);
                assert!((got - expected).abs() < 1e-3, "{distance} m, {time} s: {got}");
            }
        }
    }

    #[test]
    fn clogging_well_rises_as_published() {
        // 70 m³/h, skin 0.05 a day; ln-extended W from one hour on. Clean: one hour.
        let aquifer = Aquifer::default();
        let rise = |day: f64| {
            let first = 70.0 * aquifer.level_per_m3h(WELL_RADIUS_M, HOUR);
            let extended = 70.0 * aquifer.per_m3h() * (day * 24.0).max(1.0).ln();
            first + extended + 70.0 * aquifer.skin_per_m3h() * 0.05 * day
        };
        for (day, expected) in [(0.0, 10.7), (30.0, 17.1), (60.0, 19.6), (120.0, 24.1)] {
            assert!((rise(day) - expected).abs() < 0.06, "day {day}: {}", rise(day));
        }
    }

    #[test]
    fn stepped_levels_follow_theis_at_the_well_and_from_a_day_on_at_its_neighbour() {
        let aquifer = Aquifer::default();
        let mut levels = Levels::new(aquifer, &[[0.0, 0.0], [300.0, 0.0]]);
        let mut minute = 0;
        for (minutes, near) in [(60, f64::INFINITY), (1440, 0.03), (30 * 1440, 0.02)] {
            while minute < minutes {
                levels.step(60.0, &[120.0, 0.0]);
                minute += 1;
            }
            let time = f64::from(minute) * 60.0;
            let own = levels.drawdown_m(0) + 120.0 * levels.at_once(0);
            let other = levels.drawdown_m(1);
            let theis = |r| 120.0 * aquifer.level_per_m3h(r, time);
            assert!((own / theis(WELL_RADIUS_M) - 1.0).abs() < 0.01, "{minute} min: {own}");
            assert!((other / theis(300.0) - 1.0).abs() < near, "{minute} min: {other}");
        }
    }

    #[test]
    fn wells_superpose_and_levels_come_back() {
        let mut levels = Levels::new(Aquifer::default(), &[[0.0, 0.0], [300.0, 0.0]]);
        (0..1440).for_each(|_| levels.step(60.0, &[120.0, -120.0]));
        let (producing, injecting) = (levels.drawdown_m(0), levels.drawdown_m(1));
        assert!((producing + injecting).abs() < 1e-9, "{producing} {injecting}");
        assert!(producing > 2.0, "{producing}");
        (0..30 * 1440).for_each(|_| levels.step(60.0, &[0.0, 0.0]));
        assert!(levels.drawdown_m(0).abs() < 0.1, "{}", levels.drawdown_m(0));
    }

    #[test]
    fn front_arrives_when_published() {
        assert!((breakthrough_years(50.0, 500.0, 70.0, 0.6) - 12.8).abs() < 0.05);
    }
}
