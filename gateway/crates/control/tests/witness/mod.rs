//! Three outputs under every rule, and a [`Witness`] that judges what reaches them by books of its
//! own.

use crate::common::*;
use std::time::Duration;
use wellhead_control::{Interlock, OutputId, OutputSetup, Rules, Setup};
use wellhead_model::Value;

/// Two switches with everything, a setpoint with rate, interval and budget.
pub(crate) const OUTPUTS: u32 = 3;

pub(crate) fn safe(output: u32) -> Value {
    if output == 2 { float(40.0) } else { Value::Bool(false) }
}

/// But for the last digit of a ramp.
pub(crate) fn is_safe(output: u32, v: &Value) -> bool {
    let near = |v: &Value, safe: &Value| Some((v.as_f64()? - safe.as_f64()?).abs() < 1e-6);
    near(v, &safe(output)).unwrap_or(*v == safe(output))
}

pub(crate) const RATE: f64 = 0.05;
pub(crate) const INTERVAL: Duration = Duration::from_secs(7);
pub(crate) const BUDGET: u32 = 60;
/// Limits of the setpoint, which a reload may change.
pub(crate) const WIDE: (f64, f64) = (30.0, 55.0);
pub(crate) const NARROW: (f64, f64) = (35.0, 46.0);

pub(crate) fn rules(output: u32) -> Rules {
    match output {
        0 => Rules {
            min_on: 15 * MIN,
            min_off: 10 * MIN,
            starts_per_hour_max: Some(2),
            restart_delay: 3 * MIN,
            restart_index: 1,
            ..Rules::default()
        },
        1 => Rules { min_on: 2 * MIN, min_off: MIN, local: local(2), ..Rules::default() },
        _ => Rules { writes_per_year_max: Some(BUDGET), ..Rules::default() },
    }
}

pub(crate) fn locks() -> Vec<Interlock> {
    vec![
        interlock(&[0, 2], 0, 30 * S, 10 * S),
        interlock(&[0, 1], 1, Duration::ZERO, Duration::ZERO),
    ]
}

pub(crate) fn setup() -> Setup {
    let switches = [switch("a", rules(0)), switch("b", rules(1))];
    let mut temp = setpoint("temp", |o| {
        o.rate_max = Some(RATE);
        o.interval_min = INTERVAL;
    });
    temp.rules = rules(2);
    let outputs: Vec<OutputSetup> = switches.into_iter().chain([temp]).collect();
    Setup { outputs, inputs: 3, interlocks: locks() }
}

/// What the witness knows of one output. Times are seconds since the beginning of everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    /// slot, source, value, until.
    pub(crate) claims: Vec<(u64, usize, Value, f64)>,
    /// The last value written in this life of the gateway, and when.
    pub(crate) last: Option<(Value, f64)>,
    pub(crate) on: bool,
    pub(crate) on_at: f64,
    /// What the device itself does: on or off, since when, and the starts that writes gave it.
    /// A rule is broken only if the plant and what could be known of it both say so: a device may
    /// be stuck, deaf or moved by hand between two polls.
    pub(crate) real: Real,
    /// When it was written safe out of on, or seen off.
    pub(crate) off_at: Option<f64>,
    pub(crate) starts: Vec<f64>,
    pub(crate) writes: u32,
    /// Those that the device answered.
    pub(crate) answered: u32,
    /// Changed by hand, or seen for the first time, since the last write.
    pub(crate) moved: bool,
    pub(crate) restoring: bool,
    pub(crate) touched: bool,
    /// Since when everything is such that the device must obey.
    pub(crate) obeys_since: f64,
    /// Since when nobody wants anything.
    pub(crate) free_since: f64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Real {
    pub(crate) on: bool,
    pub(crate) since: f64,
    pub(crate) starts: Vec<f64>,
}

impl Real {
    pub(crate) fn turn(&mut self, on: bool, by_write: bool, t: f64) {
        if on != self.on {
            (self.on, self.since) = (on, t);
            if on && by_write {
                self.starts.push(t);
            }
        }
    }
}

pub(crate) fn within_hour(starts: &[f64], t: f64) -> usize {
    starts.iter().filter(|s| t - **s + 1e-6 < 3600.0).count()
}

pub(crate) struct Proof {
    pub(crate) holds: bool,
    pub(crate) since: f64,
    /// It was lost beyond its grace, and has not held for long enough since.
    pub(crate) tripped: bool,
}

pub(crate) struct Witness {
    pub(crate) t: f64,
    pub(crate) life_began: f64,
    pub(crate) books: Vec<Books>,
    pub(crate) proofs: Vec<Proof>,
    pub(crate) contact: Option<bool>,
    /// When the contact last said remote after having said something else.
    pub(crate) remote_since: f64,
    /// Of the setpoint.
    pub(crate) limits: (f64, f64),
}

impl Witness {
    pub(crate) fn live(&self, output: u32) -> Option<&(u64, usize, Value, f64)> {
        let claims = &self.books[output as usize].claims;
        claims.iter().filter(|c| self.t < c.3).min_by_key(|c| c.0)
    }

    pub(crate) fn lock_lost(&self, output: u32) -> bool {
        let recovering = locks().iter().zip(&self.proofs).any(|(lock, proof)| {
            let held = proof.holds && self.t - proof.since >= lock.hold.as_secs_f64();
            lock.outputs.contains(&OutputId(output)) && proof.tripped && !held
        });
        recovering || self.lost_for(output).is_some()
    }

    /// How long an interlock of this output has been lost beyond its grace.
    pub(crate) fn lost_for(&self, output: u32) -> Option<f64> {
        let lost = |(lock, proof): (&Interlock, &Proof)| {
            let guards = lock.outputs.contains(&OutputId(output));
            let lost = self.t - proof.since - lock.within.as_secs_f64();
            (guards && !proof.holds && lost >= 0.0).then_some(lost)
        };
        locks().iter().zip(&self.proofs).filter_map(lost).reduce(f64::max)
    }

    /// A write is on its way to a device.
    pub(crate) fn write(&mut self, output: u32, v: &Value) {
        let t = self.t;
        let rules = rules(output);
        let b = &self.books[output as usize];
        let away = *v != safe(output);
        assert!(b.touched, "nobody asked for output {output}");
        if output == 2 {
            let f = v.as_f64().unwrap();
            let (min, max) = self.limits;
            assert!((min..=max).contains(&f), "{f} is outside its limits");
        }
        if output == 1 {
            assert_ne!(self.contact, Some(true), "written in local operation");
        }
        if away {
            assert!(!b.restoring, "the safe value comes first");
            let wish = self.live(output).unwrap_or_else(|| panic!("{output}: nobody wants {v}"));
            if output != 2 {
                assert_eq!(wish.2, *v);
            }
            for (i, (lock, proof)) in locks().iter().zip(&self.proofs).enumerate() {
                if lock.outputs.contains(&OutputId(output)) {
                    assert!(proof.holds, "interlock {i} is lost");
                    let held = t - proof.since >= lock.hold.as_secs_f64();
                    assert!(
                        held || (b.on && !proof.tripped),
                        "{output}: interlock {i} held for too short a time"
                    );
                }
            }
            if output == 1 {
                assert_eq!(self.contact, Some(false), "who operates it is not known");
                assert!(t - self.remote_since >= 60.0, "back from local for too short a time");
            }
            if output == 2 {
                assert!(b.answered < BUDGET, "its writes are spent");
            }
            if !b.on && !b.real.on {
                let index = f64::from(rules.restart_index) * 30.0;
                let delay = rules.restart_delay.as_secs_f64();
                let wait = if delay > 0.0 { delay + index } else { 0.0 };
                assert!(t >= self.life_began + wait, "restart delay of {output}");
                let off = b.off_at.map_or(f64::INFINITY, |at| t - at.min(b.real.since));
                assert!(off + 1e-6 >= rules.min_off.as_secs_f64(), "{output} was off for {off} s");
                if let Some(max) = rules.starts_per_hour_max {
                    let recent = within_hour(&b.starts, t).min(within_hour(&b.real.starts, t));
                    assert!(recent < max as usize, "{recent} starts within the hour");
                }
            }
            if let (2, Some((was, at)), false) = (output, &b.last, b.moved) {
                // From outside new limits it begins at the limit.
                let was = was.as_f64().unwrap().clamp(self.limits.0, self.limits.1);
                let step = (v.as_f64().unwrap() - was).abs();
                assert!(step <= RATE * (t - at) + 1e-6, "a step of {step} in {} s", t - at);
                assert!(t - at + 1e-6 >= INTERVAL.as_secs_f64(), "{} s after the last", t - at);
            }
        } else if b.on
            && b.real.on
            && t - b.on_at.min(b.real.since) + 1e-6 < rules.min_on.as_secs_f64()
        {
            let asked = b.claims.iter().filter(|c| t < c.3).min_by_key(|c| c.0);
            let protection = asked.is_some_and(|c| c.0 < 6 && c.2 == safe(output));
            // A device that did not follow is told again what was right when it was first told.
            let told = |(last, at): &(Value, f64)| *last == safe(output) && *at >= b.real.since;
            let again = b.last.as_ref().is_some_and(told);
            let why = protection || again || b.restoring || self.lock_lost(output);
            assert!(why, "{output} was on for {} s only", t - b.on_at.min(b.real.since));
        }
        let b = &mut self.books[output as usize];
        if away && !b.on {
            b.starts.push(t);
        }
        if away && !b.on {
            b.on_at = t;
        }
        if !away && b.on {
            b.off_at = Some(t);
        }
        b.on = away;
        b.writes += 1;
        b.last = Some((v.clone(), t));
        b.moved = false;
    }

    /// The device shows something that was not written last.
    pub(crate) fn seen(&mut self, output: u32, v: &Value) {
        let t = self.t;
        let b = &mut self.books[output as usize];
        let on = *v != safe(output);
        if b.last.as_ref().is_some_and(|(last, _)| last == v) && !b.moved {
            return;
        }
        b.moved = true;
        if on != b.on {
            b.on = on;
            if on {
                b.on_at = t;
            } else {
                b.off_at = Some(t);
            }
        }
    }
}
