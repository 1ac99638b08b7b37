//! The sequence: when recharge starts, what it waits for, and what stops it.
//!
//! Pure: readings in, decision out. Timers are counted up by the time that passes between steps,
//! never compared with a clock, so that they go on after a restart where they stopped.

use crate::calendar::{self, Calendar};
use crate::conditions::{Conditions, last};
use crate::counters::Counters;
use crate::inputs::{Held, Input, Inputs};
use crate::plan::{self, Books};
use crate::settings::{Plan, Settings};
use crate::source::{SOURCES, Source};
use crate::words::{Reason, State};
use wellhead_sdk::prelude::{Civil, Deserialize, Serialize};

/// An asked power is met when the measured one is within this share of it.
const TRIM_BAND: f64 = 0.05;
/// Step of the ground pump when it trims, Hz.
const TRIM_HZ: f64 = 1.0;
/// The window of an episode that has none in the plan.
const NO_WINDOW: u8 = u8::MAX;

/// What is wanted of the plant; `None` gives an output back.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wanted {
    /// Whose outputs these are.
    pub source: Option<Source>,
    /// Ground loop pump.
    pub ground_pump: Option<bool>,
    /// Its speed, Hz.
    pub speed_hz: Option<f64>,
    /// Release of the source.
    pub enable: Option<bool>,
    /// Pump of the source's own circuit.
    pub pump: Option<bool>,
    /// Valve that leads the source to the ground loop.
    pub valve: Option<bool>,
    /// Leaving temperature of the source, °C.
    pub setpoint_c: Option<f64>,
}

/// How long a source has been off, and how long it still has to be after trouble.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Rest {
    off_ms: u64,
    locked_ms: u64,
    /// Place in [`Reason::ALL`]: by its word it would cost a kilobyte of the component.
    reason: u8,
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Episode {
    window: u8,
    source: Source,
    /// In the present state.
    state_ms: u64,
}

/// The sequence and what it remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// Where it is.
    pub state: State,
    /// Why. Not saved: the first step finds it again.
    #[serde(skip)]
    pub reason: Reason,
    /// Hours and heat of the season.
    pub counters: Counters,
    episode: Option<Episode>,
    rests: [Rest; SOURCES],
    /// The ledger's verdict, with hysteresis; none before it spoke.
    balanced: Option<bool>,
    /// Time the pump still runs on after a source.
    run_on_ms: u64,
    /// Time since a hand was taken off the outputs.
    returned_ms: u64,
    speed_hz: f64,
    #[serde(skip)]
    calendar: Calendar,
    #[serde(skip)]
    now: Conditions,
    #[serde(skip)]
    day: Option<Civil>,
    #[serde(skip)]
    asked_kw: Option<f64>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            state: State::Off,
            reason: Reason::NoWindow,
            counters: Counters::default(),
            episode: None,
            // A plant that was never run has rested long enough.
            rests: [Rest { off_ms: u64::MAX / 2, locked_ms: 0, reason: 0 }; SOURCES],
            balanced: None,
            run_on_ms: 0,
            returned_ms: u64::MAX / 2,
            speed_hz: 0.0,
            calendar: Calendar::default(),
            now: Conditions::default(),
            day: None,
            asked_kw: None,
        }
    }
}

impl Machine {
    /// Takes over a plan, maybe another one than before. An episode goes on in its window, or, if
    /// that has gone or its dates were changed, in one of the same source. Without any it ends as
    /// if its window had closed: the pumps run on.
    pub fn adopt(&mut self, plan: &Plan) {
        if let Some(episode) = &mut self.episode {
            let known = self.counters.window(usize::from(episode.window));
            let mut windows = plan.windows.iter();
            let same = windows.position(|w| Some((w.dates, w.source)) == known);
            let of_source = || plan.windows.iter().position(|w| w.source == episode.source);
            let window = same.or_else(of_source).and_then(|window| u8::try_from(window).ok());
            episode.window = window.unwrap_or(NO_WINDOW);
        }
        self.counters.adopt(plan);
    }

    /// Takes up what was saved. An episode goes on where it was only if its outputs still stand;
    /// otherwise the plant has stopped meanwhile, and the source rests its time.
    pub fn resume(&mut self, outputs_stand: impl Fn(Source) -> bool) {
        let Some(episode) = self.episode else { return };
        let stands = self.state == State::Run && outputs_stand(episode.source);
        self.reason = if stands { Reason::Running } else { Reason::Restarted };
        if stands || self.run_on_ms > 0 {
            return;
        }
        self.episode = None;
        self.rests[episode.source.index()].off_ms = 0;
        self.state = State::Armed;
    }

    /// The source in use, also while its pump runs on.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        self.episode.map(|episode| episode.source)
    }

    /// Is the source in use, or about to be?
    #[must_use]
    pub fn is_on(&self) -> bool {
        matches!(self.state, State::Preflow | State::Run)
    }

    /// Mean heat flow the plan asks for now, kW; none outside an episode.
    #[must_use]
    pub fn asked_kw(&self) -> Option<f64> {
        self.asked_kw
    }

    /// Hours left of the windows that are open: budget or dates, whichever ends first.
    #[must_use]
    pub fn hours_left(&self, settings: &Settings) -> f64 {
        let Some(day) = self.day else { return 0.0 };
        let left = |window| {
            let used_ms = self.counters.used_ms(window);
            plan::hours_left(&settings.plan, window, used_ms, day.month_day())
        };
        self.open_windows(settings).map(left).sum()
    }

    /// One step: `inputs.dt_ms` after the last one.
    pub fn step(&mut self, settings: &Settings, inputs: &Inputs) -> Wanted {
        self.day = self.calendar.today(&inputs.now);
        self.count(settings, inputs);
        self.watch(settings, inputs);
        match self.state {
            State::Run | State::Preflow => self.advance(settings, inputs),
            State::Post if self.run_on_ms > 0 => {}
            _ => self.rest(settings, inputs),
        }
        self.asked_kw = self.episode_asked_kw(settings, inputs);
        self.trim(settings, inputs);
        self.wanted(settings)
    }

    fn count(&mut self, settings: &Settings, inputs: &Inputs) {
        let dt = inputs.dt_ms;
        if let Some(day) = self.day {
            self.counters.turn(calendar::season(&day, settings.plan.season_start));
        }
        self.counters.heat(inputs, settings.noise_k);
        let running = self.state == State::Run;
        let on_now = self.source().filter(|_| running);
        for (rest, source) in self.rests.iter_mut().zip(Source::ALL) {
            let on = on_now == Some(*source);
            rest.off_ms = if on { 0 } else { rest.off_ms.saturating_add(dt) };
            rest.locked_ms = rest.locked_ms.saturating_sub(dt);
        }
        self.run_on_ms = self.run_on_ms.saturating_sub(dt);
        self.returned_ms = self.returned_ms.saturating_add(dt);
        if let Some(episode) = &mut self.episode {
            episode.state_ms += dt;
        }
        if let Some(window) = self.used_window(settings, inputs)
            && let Some(planned) = settings.plan.windows.get(window)
        {
            self.counters.run(window, planned.source, dt, planned.budget_ms);
            self.counters.electricity(inputs.electric_kw, dt);
        }
    }

    /// The window whose hours the time that passed has used.
    fn used_window(&self, settings: &Settings, inputs: &Inputs) -> Option<usize> {
        match (self.state, self.episode) {
            // Held back by an interlock the source does not run, whatever we ask.
            (State::Run, Some(episode)) => {
                let runs = inputs.source(episode.source).held != Held::Protection;
                runs.then_some(usize::from(episode.window))
            }
            // Somebody else recharges: the hours are used all the same.
            (State::Local, _) if inputs.heat_kw().is_some_and(|kw| kw > 0.0) => {
                self.open_windows(settings).next()
            }
            _ => None,
        }
    }

    fn watch(&mut self, settings: &Settings, inputs: &Inputs) {
        let running = self.state == State::Run;
        self.now.follow(settings, inputs, self.source(), running);
        self.follow_ledger(settings, inputs);
    }

    fn follow_ledger(&mut self, settings: &Settings, inputs: &Inputs) {
        let Some(ratio) = inputs.ledger_ratio else { return };
        if ratio >= settings.stop_ratio {
            self.balanced = Some(true);
        } else if ratio < settings.resume_ratio {
            self.balanced = Some(false);
        } else if self.balanced.is_none() {
            self.balanced = Some(ratio >= settings.plan.target_ratio);
        }
    }

    /// Nothing is missing, as far as the ledger knows; without one only the budgets count.
    fn is_balanced(&self, inputs: &Inputs) -> bool {
        inputs.ledger_ratio.is_some() && self.balanced == Some(true)
    }

    /// Mean ground temperature, and whether it is only inferred.
    #[must_use]
    pub fn field_c(&self, settings: &Settings, inputs: &Inputs) -> Option<(f64, bool)> {
        self.now.field_c(settings, inputs)
    }

    fn open_windows<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = usize> + 'a {
        let day = self.day;
        settings
            .plan
            .windows
            .iter()
            .enumerate()
            .filter(move |(_, window)| day.is_some_and(|day| window.dates.contains(&day)))
            .map(|(i, _)| i)
    }

    fn has_budget(&self, settings: &Settings, window: usize) -> bool {
        self.counters.used_ms(window) < settings.plan.windows[window].budget_ms
    }

    /// Preflow and run.
    fn advance(&mut self, settings: &Settings, inputs: &Inputs) {
        let Some(episode) = self.episode else {
            self.state = State::Armed;
            return;
        };
        if let Some((state, reason)) = self.must_stop(settings, inputs, episode) {
            return self.stop(settings, state, reason);
        }
        if self.state == State::Preflow {
            let proven = self.now.flow_proven >= settings.preflow_ms
                && self.valve_ready(settings, inputs, episode);
            if proven {
                self.enter(State::Run, Reason::Running);
            } else if episode.state_ms >= settings.preflow_max_ms {
                let flows = self.now.flow_proven > 0;
                let reason = if flows { Reason::Valve } else { Reason::NoFlow };
                self.lock(episode.source, settings.retry_ms, reason);
                self.stop(settings, State::Blocked, reason);
            }
            return;
        }
        if episode.state_ms >= settings.min_on_ms
            && let Some((state, reason)) = self.may_stop(settings, inputs, episode)
        {
            self.stop(settings, state, reason);
        }
    }

    fn valve_ready(&self, settings: &Settings, inputs: &Inputs, episode: Episode) -> bool {
        match inputs.source(episode.source).valve_proof {
            Input::Known(there) => there,
            Input::Unknown => false,
            // No end switch: the valve gets the time of its travel.
            Input::Absent => episode.state_ms >= settings.valve_travel_ms,
        }
    }

    /// What stops an episode at once, its minimum time or not.
    fn must_stop(
        &mut self,
        settings: &Settings,
        inputs: &Inputs,
        episode: Episode,
    ) -> Option<(State, Reason)> {
        let source = inputs.source(episode.source);
        let now = &self.now;
        let running = self.state == State::Run;
        let window = usize::from(episode.window);
        let blocked = |reason| Some((State::Blocked, reason));
        if let Some(hand) = inputs.hand(episode.source) {
            return Some((State::Local, hand));
        }
        if let Some(demand) = inputs.demand() {
            return Some(demand);
        }
        if self.day.is_none() {
            return Some((State::Off, Reason::Clock));
        }
        if !self.open_windows(settings).any(|open| open == window) {
            return Some((State::Off, Reason::NoWindow));
        }
        if !self.has_budget(settings, window) {
            return Some((State::Done, Reason::Budget));
        }
        if now.flow_unknown >= settings.sensor_grace_ms {
            return blocked(Reason::FlowUnknown);
        }
        if now.entering_unknown >= settings.sensor_grace_ms {
            return blocked(Reason::EnteringUnknown);
        }
        if self.now.field_warm {
            return blocked(Reason::FieldWarm);
        }
        let locked = if matches!(source.fault, Input::Known(true) | Input::Unknown) {
            Some((Reason::SourceFault, settings.retry_ms))
        } else if running && now.flow_lost >= settings.loss_ms {
            Some((Reason::NoFlow, settings.retry_ms))
        } else if running && now.valve_lost >= settings.loss_ms {
            Some((Reason::Valve, settings.retry_ms))
        } else if running && inputs.entering_c.is_some_and(|t| t > settings.max_entering_c) {
            Some((Reason::EnteringHigh, settings.retry_ms))
        } else if running && inputs.entering_c.is_some_and(|t| t < settings.min_entering_c) {
            Some((Reason::EnteringLow, settings.retry_ms))
        } else if now.held_back >= settings.preflow_max_ms {
            Some((Reason::Protection, settings.retry_ms))
        } else if now.no_heat >= settings.no_heat_ms {
            Some((Reason::NoHeat, settings.retry_ms))
        } else if now.inefficient >= settings.inefficient_ms {
            Some((Reason::Inefficient, settings.retry_inefficient_ms))
        } else {
            None
        };
        let (reason, rest_ms) = locked?;
        self.lock(episode.source, rest_ms, reason);
        blocked(reason)
    }

    /// What stops an episode once it has run its minimum time.
    fn may_stop(
        &self,
        settings: &Settings,
        inputs: &Inputs,
        episode: Episode,
    ) -> Option<(State, Reason)> {
        if self.is_balanced(inputs) {
            return Some((State::Done, Reason::Balanced));
        }
        if !self.now.tariff_allows {
            return Some((State::Armed, Reason::Tariff));
        }
        if self.now.gain_lost >= settings.gain_lost_ms {
            return Some((State::Armed, Reason::GainLow));
        }
        let cheaper = self.choose(settings, inputs).ok()?;
        (settings.plan.windows[cheaper].source < episode.source)
            .then_some((State::Armed, Reason::CheaperSource))
    }

    /// Off, armed, done, blocked: is it time to start?
    fn rest(&mut self, settings: &Settings, inputs: &Inputs) {
        self.episode = self.episode.filter(|_| self.run_on_ms > 0);
        let (state, reason) = match self.wish(settings, inputs) {
            Ok(window) => {
                self.start(settings, window);
                (State::Preflow, Reason::Starting)
            }
            Err(verdict) => verdict,
        };
        (self.state, self.reason) = (state, reason);
    }

    /// The window to start now, or why none.
    fn wish(&mut self, settings: &Settings, inputs: &Inputs) -> Result<usize, (State, Reason)> {
        if self.day.is_none() {
            return Err((State::Off, Reason::Clock));
        }
        if self.open_windows(settings).next().is_none() {
            return Err((State::Off, Reason::NoWindow));
        }
        if let Some(hand) = inputs.hand_on_ground_pump() {
            self.returned_ms = 0;
            return Err((State::Local, hand));
        }
        if let Some(demand) = inputs.demand() {
            return Err(demand);
        }
        if !self.open_windows(settings).any(|window| self.has_budget(settings, window)) {
            return Err((State::Done, Reason::Budget));
        }
        if self.is_balanced(inputs) {
            return Err((State::Done, Reason::Balanced));
        }
        if inputs.flow(settings.min_flow_m3h) == Input::Unknown {
            return Err((State::Blocked, Reason::FlowUnknown));
        }
        if inputs.entering_c.is_none() {
            return Err((State::Blocked, Reason::EnteringUnknown));
        }
        if self.now.field_warm {
            return Err((State::Blocked, Reason::FieldWarm));
        }
        let window = match self.choose(settings, inputs) {
            Ok(window) => window,
            Err((State::Local, hand)) => {
                self.returned_ms = 0;
                return Err((State::Local, hand));
            }
            Err(verdict) => return Err(verdict),
        };
        if self.returned_ms < settings.remote_return_ms {
            return Err((State::Armed, Reason::Returning));
        }
        if !self.now.tariff_allows {
            return Err((State::Armed, Reason::Tariff));
        }
        if self.run_on_ms > 0 {
            return Err((State::Armed, Reason::MinOff));
        }
        Ok(window)
    }

    /// The open window with the cheapest source that could start, or why there is none: the
    /// reason of the last one looked at that is more than resting.
    fn choose(&self, settings: &Settings, inputs: &Inputs) -> Result<usize, (State, Reason)> {
        let mut verdict = (State::Armed, Reason::NoSource);
        let mut best: Option<usize> = None;
        for window in self.open_windows(settings) {
            if !self.has_budget(settings, window) {
                continue;
            }
            let source = settings.plan.windows[window].source;
            match self.fit(settings, inputs, source) {
                Ok(()) if best.is_none_or(|b| source < settings.plan.windows[b].source) => {
                    best = Some(window);
                }
                Ok(()) => {}
                Err(why) => verdict = why,
            }
        }
        best.ok_or(verdict)
    }

    fn fit(
        &self,
        settings: &Settings,
        inputs: &Inputs,
        source: Source,
    ) -> Result<(), (State, Reason)> {
        let state = inputs.source(source);
        let rest = self.rests[source.index()];
        if !state.fitted {
            return Err((State::Armed, Reason::NoSource));
        }
        if let Some(hand) = inputs.hand(source) {
            return Err((State::Local, hand));
        }
        if matches!(state.fault, Input::Known(true) | Input::Unknown) {
            return Err((State::Blocked, Reason::SourceFault));
        }
        if rest.locked_ms > 0 {
            let reason = Reason::ALL.get(usize::from(rest.reason)).copied().unwrap_or_default();
            return Err((State::Blocked, reason));
        }
        if rest.off_ms < settings.min_off_ms {
            return Err((State::Armed, Reason::MinOff));
        }
        if source.is_found() {
            let flows = self.now.flow_proven > 0;
            match inputs.gain_k(source, flows) {
                None => return Err((State::Armed, Reason::GainUnknown)),
                Some(gain) if gain < settings.sources[source.index()].min_gain_k => {
                    return Err((State::Armed, Reason::GainLow));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn lock(&mut self, source: Source, locked_ms: u64, reason: Reason) {
        let rest = &mut self.rests[source.index()];
        (rest.locked_ms, rest.reason) = (locked_ms, reason as u8);
    }

    fn start(&mut self, settings: &Settings, window: usize) {
        let source = settings.plan.windows[window].source;
        self.episode = Some(Episode { window: window as u8, source, state_ms: 0 });
        self.speed_hz = settings.speed_hz;
        self.now.restart();
    }

    fn enter(&mut self, state: State, reason: Reason) {
        (self.state, self.reason) = (state, reason);
        if let Some(episode) = &mut self.episode {
            episode.state_ms = 0;
        }
    }

    /// The source goes off now; the pumps run on.
    fn stop(&mut self, settings: &Settings, state: State, reason: Reason) {
        if let Some(episode) = self.episode {
            self.rests[episode.source.index()].off_ms = 0;
        }
        if state == State::Local {
            self.returned_ms = 0;
        }
        self.run_on_ms = settings.post_ms;
        let shown =
            if matches!(state, State::LoadPreempt | State::Local) { state } else { State::Post };
        self.enter(shown, reason);
    }

    fn episode_asked_kw(&self, settings: &Settings, inputs: &Inputs) -> Option<f64> {
        let window = usize::from(self.episode?.window);
        settings.plan.windows.get(window)?;
        let used_ms: [u64; crate::settings::WINDOWS_MAX] =
            std::array::from_fn(|i| self.counters.used_ms(i));
        let books = Books {
            extracted_kwh: inputs.ledger_extracted_kwh.filter(|_| inputs.ledger_ratio.is_some()),
            injected_kwh: self.counters.heat_kwh,
            used_ms: &used_ms,
        };
        Some(plan::asked_kw(&settings.plan, books, window, self.day?.month_day()))
    }

    /// Pumping alone has no capacity to set: the ground pump looks for the asked heat flow.
    fn trim(&mut self, settings: &Settings, inputs: &Inputs) {
        let pumping = self.state == State::Run && self.source() == Some(Source::PumpOnly);
        let due = last(&mut self.now.trim, pumping, inputs.dt_ms) >= settings.trim_ms;
        let (Some(asked), Some(heat), true) = (self.asked_kw, inputs.heat_kw(), due) else {
            return;
        };
        self.now.trim = 0;
        let step = if heat < asked * (1.0 - TRIM_BAND) {
            TRIM_HZ
        } else if heat > asked * (1.0 + TRIM_BAND) {
            -TRIM_HZ
        } else {
            0.0
        };
        self.speed_hz =
            (self.speed_hz + step).max(settings.speed_min_hz).min(settings.speed_max_hz);
    }

    fn wanted(&self, settings: &Settings) -> Wanted {
        let Some(episode) = self.episode else { return Wanted::default() };
        let source = episode.source;
        let setpoint = settings.setpoint_c.min(settings.max_entering_c);
        let on = Wanted {
            source: Some(source),
            ground_pump: Some(true),
            speed_hz: Some(self.speed_hz),
            // Only proven flow releases a source.
            enable: Some(self.state == State::Run),
            pump: Some(true),
            valve: Some(true),
            setpoint_c: Some(setpoint),
        };
        match self.state {
            State::Preflow | State::Run => on,
            // The valve is what lets the building's heat into the ground: shut it first.
            _ if source == Source::PumpOnly => Wanted {
                enable: Some(false),
                pump: Some(false),
                valve: Some(false),
                setpoint_c: None,
                ..on
            },
            State::Post => Wanted { enable: Some(false), setpoint_c: None, ..on },
            // Somebody wants the circuit back.
            _ => Wanted { enable: Some(false), valve: Some(false), setpoint_c: None, ..on },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Window;
    use wellhead_sdk::MonthDay;
    use wellhead_sdk::prelude::DateWindow;

    fn saved_while_running() -> Machine {
        let episode = Episode { window: 0, source: Source::AirSource, state_ms: 1 };
        Machine { state: State::Run, episode: Some(episode), ..Machine::default() }
    }

    #[test]
    fn c5_outputs_that_still_stand_are_taken_over_without_a_bump() {
        let mut machine = saved_while_running();
        machine.resume(|_| true);
        assert_eq!((machine.state, machine.source()), (State::Run, Some(Source::AirSource)));
    }

    #[test]
    fn c5_source_whose_outputs_lapsed_rests_first() {
        let mut machine = saved_while_running();
        machine.resume(|_| false);
        assert_eq!((machine.state, machine.reason), (State::Armed, Reason::Restarted));
        assert_eq!((machine.source(), machine.rests[Source::AirSource.index()].off_ms), (None, 0));
    }

    #[test]
    fn episode_goes_on_in_a_window_of_its_own_source() {
        let day = |month, day| MonthDay::new(month, day).expect("a date");
        let window = |(from, to), source| Window {
            dates: DateWindow { from: day(from, 1), to: day(to, 28) },
            source,
            budget_ms: 1,
            power_kw: 1.0,
        };
        let plan = |windows: &[Window]| Plan {
            windows: windows.to_vec(),
            season_start: day(3, 16),
            target_ratio: 1.0,
        };
        let (june, july) = (window((6, 6), Source::PumpOnly), window((7, 7), Source::AirSource));
        let (early, longer) =
            (window((5, 5), Source::AirSource), window((7, 8), Source::AirSource));
        for (windows, at) in [
            (&[early, july] as &[_], 1),
            (&[june, longer], 1),
            (&[june], NO_WINDOW),
            (&[], NO_WINDOW),
        ] {
            let mut machine = saved_while_running();
            machine.counters.adopt(&plan(&[july, june]));
            machine.adopt(&plan(windows));
            assert_eq!(machine.episode.map(|episode| episode.window), Some(at), "{windows:?}");
        }
    }
}
