//! The field as a whole: cap, state, ramp, interlocks, back-wash.

use crate::cascade::Cascade;
use crate::injector::{InjectorInputs, Wash, Well};
use crate::ledger::{IN, Ledger, OUT};
use crate::producer::{ProducerInputs, Producers};
use crate::settings::{Settings, WELLS};
use crate::words::{Reason, Step};
use serde::{Deserialize, Serialize};
use wellhead_sdk::prelude::*;

/// What is read in a tick. Values are believed ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inputs {
    /// Heat is wanted; none while that is not known.
    pub call: Option<bool>,
    /// Flow wanted, m³/h: not there, or there and perhaps not believed.
    pub wanted_m3h: Option<Option<f64>>,
    /// Water back into the ground, °C.
    pub return_c: Option<f64>,
    /// Water to the building, °C.
    pub supply_c: Option<f64>,
    /// Sealed; a contact that is not believed is not.
    pub sealed: bool,
    /// Back-washing is allowed and this plugin does it.
    pub may_wash: bool,
    /// A hand holds one of the outputs.
    pub hand: bool,
    /// Production wells.
    pub producers: [ProducerInputs; WELLS],
    /// Reinjection wells.
    pub injectors: [InjectorInputs; WELLS],
}

/// Sums of a tick, m³/h.
#[derive(Debug, Clone, Copy, Default)]
pub struct View {
    /// What reinjection can take.
    pub available: f64,
    /// What may be produced.
    pub cap: f64,
    /// What is produced.
    pub out: f64,
    /// What goes back.
    pub back: f64,
    /// Heat taken from the water, kW.
    pub heat_kw: Option<f64>,
    /// The same at the licensed flow, kW.
    pub heat_limit_kw: Option<f64>,
}

/// Everything that survives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Field {
    /// The state.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// Production asked for, m³/h.
    pub setpoint_m3h: f64,
    /// Reinjection wells.
    #[serde(with = "wellhead_sdk::help::array")]
    pub wells: [Well; WELLS],
    /// Production wells.
    pub producers: Producers,
    /// Cubic metres.
    pub ledger: Ledger,
    /// Stages of heat.
    pub cascade: Cascade,
    warm_for: Duration,
    call: bool,
    call_blind: Duration,
    wanted: Option<f64>,
    hot_for: Duration,
    closed_for: Duration,
    rest: Duration,
    hand: Duration,
    on_hand: bool,
}

impl Field {
    /// Forgets the wells that the site has no more: what they did or wanted must not stand against
    /// the others, and says nothing of them should they come back.
    pub fn adopt(&mut self, s: &Settings) {
        self.wells.iter_mut().skip(s.injectors.len()).for_each(|well| *well = Well::default());
        self.producers.adopt(s);
    }

    /// One tick.
    pub fn tick(&mut self, s: &Settings, inp: &Inputs, now: &Now, dt: Duration) -> View {
        self.producers.update(s, &inp.producers, now);
        for (well, (own, seen)) in self.wells.iter_mut().zip(s.injectors.iter().zip(&inp.injectors))
        {
            well.update(s, own, seen, dt);
            well.step_wash(s, dt);
        }
        self.begin_wash(s, inp);
        let view = self.view(s, inp);
        self.book(s, inp, now, dt);
        self.calls(s, inp, dt);
        let was = std::mem::replace(&mut self.on_hand, inp.hand);
        // The wait begins with the first call that sees the hand gone.
        self.hand = match inp.hand || was {
            true => s.remote_return,
            false => self.hand.saturating_sub(dt),
        };
        let (step, reason) = self.decide(s, inp, &view, dt);
        (self.step, self.reason) = (step, reason);
        if matches!(step, Step::Locked | Step::Local | Step::Idle) {
            (self.setpoint_m3h, self.warm_for) = (0.0, Duration::ZERO);
        }
        self.producers.drive(s, &inp.producers, (self.setpoint_m3h, view.cap), dt);
        self.cascade.step(s, self.call && step != Step::Local, inp.supply_c, inp.return_c, dt);
        view
    }

    fn available(&self, s: &Settings, inp: &Inputs, at: usize) -> f64 {
        self.wells[at].available_m3h(s, &s.injectors[at], &inp.injectors[at])
    }

    fn view(&self, s: &Settings, inp: &Inputs) -> View {
        let available = (0..s.injectors.len()).map(|at| self.available(s, inp, at)).sum::<f64>();
        let out = self.producers.flow_m3h(s, &inp.producers);
        let back = inp.injectors.iter().filter_map(|well| well.flow_m3h).sum();
        // Heat of the wells whose flow and temperature are both known; all that run must be.
        let mut heat = Some(0.0);
        let mut warmest: Option<f64> = None;
        for well in &inp.producers[..s.producers.len()] {
            let flow = well.flow_m3h.unwrap_or(0.0);
            if flow > 0.1 {
                let kelvin = well.water_c.zip(inp.return_c).map(|(hot, tail)| hot - tail);
                heat = heat.zip(kelvin).map(|(sum, k)| sum + flow * k * s.heat_capacity);
                warmest = warmest.map_or(well.water_c, |c| Some(c.max(well.water_c.unwrap_or(c))));
            }
        }
        let kelvin = warmest.zip(inp.return_c).map(|(hot, tail)| hot - tail);
        View {
            available,
            cap: available.min(s.licence_m3h),
            out,
            back,
            heat_kw: heat.filter(|_| inp.return_c.is_some()),
            heat_limit_kw: kelvin.map(|k| s.licence_m3h * k * s.heat_capacity),
        }
    }

    fn book(&mut self, s: &Settings, inp: &Inputs, now: &Now, dt: Duration) {
        for (at, well) in inp.producers.iter().enumerate().take(s.producers.len()) {
            let flow = self.producers.taken_m3h(s, &inp.producers, at);
            let most = 3.0 * s.producers[at].yield_m3h;
            self.ledger.enter((OUT, at), well.volume_m3, (flow, most), (now, dt));
        }
        for (at, well) in inp.injectors.iter().enumerate().take(s.injectors.len()) {
            // What is not measured is not claimed to have gone back.
            let flow = well.flow_m3h.unwrap_or(0.0);
            let most = 3.0 * s.injectors[at].capacity_m3h.max(s.licence_m3h);
            self.ledger.enter((IN, at), well.volume_m3, (flow, most), (now, dt));
        }
        self.ledger.pass(dt);
    }

    /// A call that is not known stands for a while, and then there is none.
    fn calls(&mut self, s: &Settings, inp: &Inputs, dt: Duration) {
        let blind = inp.call.is_none() || inp.wanted_m3h == Some(None);
        self.call_blind = if blind { self.call_blind + dt } else { Duration::ZERO };
        let held = self.call_blind <= s.call_hold;
        self.call = inp.call.unwrap_or(self.call && held);
        match inp.wanted_m3h {
            None => self.wanted = None,
            Some(Some(wanted)) => self.wanted = Some(wanted.max(0.0)),
            Some(None) if held => {}
            Some(None) => self.wanted = Some(0.0),
        }
        self.call &= self.wanted != Some(0.0);
    }

    fn decide(&mut self, s: &Settings, inp: &Inputs, view: &View, dt: Duration) -> (Step, Reason) {
        if inp.hand {
            return (Step::Local, Reason::Hand);
        }
        if !self.hand.is_zero() {
            return (Step::Local, Reason::HandReturned);
        }
        if let Some(reason) = self.locked(s, inp, view, dt) {
            return (Step::Locked, reason);
        }
        let washing = self.wells.iter().any(|well| well.wash != Wash::No);
        if view.cap < s.flow_min_m3h {
            let reason = if washing { Reason::Washing } else { Reason::NoReinjection };
            let step = if washing { Step::Backwash } else { Step::Locked };
            self.setpoint_m3h = 0.0;
            return (step, reason);
        }
        let per_tick = s.ramp_per_min * s.licence_m3h * dt.as_secs_f64() / 60.0;
        if !self.call {
            self.setpoint_m3h = (self.setpoint_m3h - per_tick).min(view.cap);
            if self.setpoint_m3h <= s.flow_min_m3h {
                return (Step::Idle, Reason::NoCall);
            }
            return (Step::Ramp, Reason::Stopping);
        }
        let target = self.wanted.unwrap_or(f64::MAX).min(view.cap);
        let warm = (s.warm_up * s.licence_m3h).min(target);
        self.warm_for = self.warm_for.saturating_add(dt);
        if self.warm_for < s.warm_up_for {
            self.setpoint_m3h = warm;
            return (Step::Ramp, Reason::WarmUp);
        }
        // Up by the ramp, down by the ramp if less is wanted, and at once if less goes back.
        let up = (self.setpoint_m3h.max(warm) + per_tick).min(target);
        let down = (self.setpoint_m3h - per_tick).max(target);
        let rising = self.setpoint_m3h < target;
        self.setpoint_m3h = if rising { up } else { down }.min(view.cap);
        self.shown(s, view, washing)
    }

    fn shown(&self, s: &Settings, view: &View, washing: bool) -> (Step, Reason) {
        if washing {
            return (Step::Backwash, Reason::Washing);
        }
        let tested: f64 = s.injectors.iter().map(|own| own.capacity_m3h).sum();
        let usual = tested.min(s.licence_m3h);
        let wanted = self.wanted.unwrap_or(f64::MAX);
        if view.cap < 0.98 * usual && wanted > view.cap {
            return (Step::Cutback, Reason::WellLost);
        }
        if self.setpoint_m3h < 0.999 * wanted.min(view.cap) {
            return (Step::Ramp, Reason::Rising);
        }
        (Step::Run, if wanted <= view.cap { Reason::Wanted } else { Reason::AtCap })
    }

    fn locked(&mut self, s: &Settings, inp: &Inputs, view: &View, dt: Duration) -> Option<Reason> {
        let hot = inp.return_c.is_some_and(|c| c > s.injected_max_c) && view.out > s.flow_min_m3h;
        self.hot_for = if hot { self.hot_for + dt } else { Duration::ZERO };
        let closed = view.out > s.flow_min_m3h && view.back < 0.2 * view.out;
        self.closed_for = if closed { self.closed_for + dt } else { Duration::ZERO };
        self.rest = self.rest.saturating_sub(dt);
        let reason = if self.hot_for > s.injected_hot_after {
            Reason::InjectedHot
        } else if closed && self.closed_for >= s.reinjection_closed_after {
            Reason::ReinjectionClosed
        } else if !self.rest.is_zero() && self.step == Step::Locked {
            return Some(self.reason);
        } else if !inp.sealed {
            return Some(Reason::NotSealed);
        } else if !self.producers.any_able(s, &inp.producers) {
            return Some(Reason::NoProduction);
        } else {
            return None;
        };
        self.rest = s.retry_after;
        Some(reason)
    }

    /// One well at a time, and only by leave.
    fn begin_wash(&mut self, s: &Settings, inp: &Inputs) {
        let busy = self.wells.iter().any(|well| well.wash != Wash::No)
            || inp.injectors.iter().any(|well| well.washing);
        if busy || !inp.may_wash || inp.hand {
            return;
        }
        let count = s.injectors.len();
        if let Some(well) = self.wells[..count].iter_mut().find(|well| well.wants_wash()) {
            well.wash = Wash::Prepare(s.backwash_prepare);
        }
    }

    /// The well that wants a back-wash, counted from 1.
    pub fn wash_wanted(&self) -> Option<usize> {
        self.wells.iter().position(|well| well.low).map(|at| at + 1)
    }

    /// Heat pump, bought heat. Without a well that produces, heat comes from outside at once.
    pub fn stages(&self) -> (bool, bool) {
        let (pump, bought) = self.cascade.wants();
        let dry = self.call && self.step == Step::Locked;
        (pump && !dry, bought || dry)
    }
}
