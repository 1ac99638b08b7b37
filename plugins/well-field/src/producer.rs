//! The production wells: which of them run, and how fast.

use crate::settings::{Settings, WELLS};
use serde::{Deserialize, Serialize};
use wellhead_sdk::prelude::*;

/// Part of the difference between flow and target that a tick's speed makes up for.
const GAIN: f64 = 0.3;

/// What is read of a well. Values are believed ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProducerInputs {
    /// Flow out of it, m³/h.
    pub flow_m3h: Option<f64>,
    /// Its meter, m³.
    pub volume_m3: Option<f64>,
    /// Water temperature, °C.
    pub water_c: Option<f64>,
    /// Depth of the water, m: not there, or there and perhaps not believed.
    pub level_m: Option<Option<f64>>,
    /// Sand, % by volume.
    pub sand_pct: Option<f64>,
    /// Pressure across its filter, kPa.
    pub filter_kpa: Option<f64>,
    /// Out of use, or not known to be in use.
    pub fault: bool,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Pump {
    run: bool,
    speed_hz: f64,
    hours: HourCounter,
    deep: bool,
    blocked: bool,
    sand: OnDelay,
    sandy: bool,
}

/// All production wells.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Producers {
    #[serde(with = "wellhead_sdk::help::array")]
    pumps: [Pump; WELLS],
    more_for: Duration,
    less_for: Duration,
}

impl Producers {
    /// Forgets the wells that the site has no more, but for their hours.
    pub fn adopt(&mut self, s: &Settings) {
        for pump in self.pumps.iter_mut().skip(s.producers.len()) {
            *pump = Pump { hours: pump.hours, ..Pump::default() };
        }
    }

    /// Takes readings in.
    pub fn update(&mut self, s: &Settings, inputs: &[ProducerInputs; WELLS], now: &Now) {
        for (pump, inp) in self.pumps.iter_mut().zip(inputs).take(s.producers.len()) {
            pump.hours.update(pump.run, now);
            if let Some(Some(level)) = inp.level_m {
                let floor = s.level_floor_m - if pump.deep { s.level_return_m } else { 0.0 };
                pump.deep = level > floor;
            }
            pump.blocked = inp.filter_kpa.map_or(pump.blocked, |kpa| kpa > s.filter_stop_kpa);
            let sandy = inp.sand_pct.is_some_and(|pct| pct > s.sand_max_pct);
            pump.sandy = pump.sand.update(sandy, s.sand_after, now);
        }
    }

    /// What a well can give, m³/h; half while its level is not known.
    fn able(&self, s: &Settings, inputs: &[ProducerInputs; WELLS], at: usize) -> f64 {
        let (pump, inp) = (&self.pumps[at], &inputs[at]);
        if inp.fault || pump.deep || pump.blocked {
            return 0.0;
        }
        let part = if inp.level_m == Some(None) { 0.5 } else { 1.0 };
        part * s.producers.get(at).map_or(0.0, |own| own.yield_m3h)
    }

    /// Whether any well can produce.
    pub fn any_able(&self, s: &Settings, inputs: &[ProducerInputs; WELLS]) -> bool {
        (0..s.producers.len()).any(|at| self.able(s, inputs, at) > 0.0)
    }

    /// Runs as many wells as the setpoint needs, those with the fewest hours first, each with its
    /// share. Production above `cap_m3h` is taken back in the same call.
    pub fn drive(
        &mut self,
        s: &Settings,
        inputs: &[ProducerInputs; WELLS],
        (setpoint_m3h, cap_m3h): (f64, f64),
        dt: Duration,
    ) {
        let count = s.producers.len();
        for at in 0..count {
            if setpoint_m3h <= 0.0 || self.able(s, inputs, at) <= 0.0 {
                self.stop(at);
            }
        }
        if setpoint_m3h <= 0.0 {
            (self.more_for, self.less_for) = (Duration::ZERO, Duration::ZERO);
            return;
        }
        self.choose(s, inputs, setpoint_m3h, dt);
        let able: f64 =
            (0..count).filter(|at| self.pumps[*at].run).map(|at| self.able(s, inputs, at)).sum();
        let flow = self.flow_m3h(s, inputs);
        let joining = self.pumps[..count].iter().any(|pump| pump.run && pump.speed_hz <= 0.0);
        for at in 0..count {
            if !self.pumps[at].run {
                continue;
            }
            let own = s.producers[at];
            let target = setpoint_m3h * self.able(s, inputs, at) / able.max(1.0);
            // A pump that lifts water gives less than in proportion when it slows: never too much.
            let by_the_book = own.speed_hz * target / own.yield_m3h;
            let pump = &mut self.pumps[at];
            pump.speed_hz = match inputs[at].flow_m3h {
                _ if pump.speed_hz <= 0.0 => by_the_book,
                // Another pump joins in this call, or this one's flow is not known.
                _ if joining => pump.speed_hz.min(by_the_book),
                None => pump.speed_hz.min(by_the_book),
                Some(flow) => {
                    let gap = (target - flow) / own.yield_m3h;
                    pump.speed_hz + GAIN * own.speed_hz * gap.clamp(-1.0, 0.1)
                }
            };
            if flow > 1.02 * cap_m3h {
                pump.speed_hz *= cap_m3h / flow;
            }
            pump.speed_hz = pump.speed_hz.max(s.speed_hz.0).min(s.speed_hz.1);
        }
    }

    fn choose(
        &mut self,
        s: &Settings,
        inputs: &[ProducerInputs; WELLS],
        setpoint: f64,
        dt: Duration,
    ) {
        let count = s.producers.len();
        let sum = |wells: &Self| -> f64 {
            (0..count).filter(|at| wells.pumps[*at].run).map(|at| wells.able(s, inputs, at)).sum()
        };
        let running = sum(self);
        let hours = |at: &usize| self.pumps[*at].hours.total();
        let next = (0..count)
            .filter(|at| !self.pumps[*at].run && self.able(s, inputs, *at) > 0.0)
            .min_by_key(hours);
        let last = (0..count).filter(|at| self.pumps[*at].run).max_by_key(hours);
        let spare = last.map_or(0.0, |at| running - self.able(s, inputs, at));
        let more = running <= 0.0 || setpoint > running;
        let less = spare > 0.0 && setpoint < 0.85 * spare;
        self.more_for = if more { self.more_for + dt } else { Duration::ZERO };
        self.less_for = if less { self.less_for + dt } else { Duration::ZERO };
        let at_once = running <= 0.0;
        if let Some(at) = next.filter(|_| more && (at_once || self.more_for >= s.surplus_after)) {
            self.pumps[at].run = true;
            self.more_for = Duration::ZERO;
        }
        // A pump at its lowest speed can't give less: with two of them above the setpoint, one goes.
        let lowest = (0..count)
            .filter(|at| self.pumps[*at].run)
            .all(|at| self.pumps[at].speed_hz <= s.speed_hz.0 + 0.01);
        let over = spare > 0.0 && lowest && self.flow_m3h(s, inputs) > 1.02 * setpoint;
        if let Some(at) = last.filter(|_| (less && self.less_for >= s.surplus_after) || over) {
            self.stop(at);
            self.less_for = Duration::ZERO;
        }
    }

    fn stop(&mut self, at: usize) {
        (self.pumps[at].run, self.pumps[at].speed_hz) = (false, 0.0);
    }

    /// Flow of a well, and of one whose meter is not believed what its speed would give at most.
    pub fn taken_m3h(&self, s: &Settings, inputs: &[ProducerInputs; WELLS], at: usize) -> f64 {
        let pump = &self.pumps[at];
        inputs[at].flow_m3h.unwrap_or_else(|| {
            let own = s.producers[at];
            if pump.run { own.yield_m3h * pump.speed_hz / own.speed_hz.max(1.0) } else { 0.0 }
        })
    }

    /// Flow of all.
    pub fn flow_m3h(&self, s: &Settings, inputs: &[ProducerInputs; WELLS]) -> f64 {
        (0..s.producers.len()).map(|at| self.taken_m3h(s, inputs, at)).sum()
    }

    /// Run command and speed of a well.
    pub fn told(&self, at: usize) -> (bool, f64) {
        (self.pumps[at].run, self.pumps[at].speed_hz)
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.pumps.iter().filter(|pump| pump.run).count()
    }

    /// Any well is too deep, sandy.
    pub fn trouble(&self) -> (bool, bool) {
        let any = |is: fn(&Pump) -> bool| self.pumps.iter().any(is);
        (any(|pump| pump.deep), any(|pump| pump.sandy))
    }
}
