//! What holds now, and for how long it has: timers counted up by the time between steps.

use crate::inputs::{Held, Input, Inputs};
use crate::settings::Settings;
use crate::source::Source;

/// A field too warm is left alone until it has cooled by this much, K.
const FIELD_HYSTERESIS_K: f64 = 0.5;

/// Adds time to a condition that holds, and forgets one that does not.
pub(crate) fn last(timer: &mut u64, holds: bool, dt_ms: u64) -> u64 {
    *timer = if holds { timer.saturating_add(dt_ms) } else { 0 };
    *timer
}

/// How long conditions have lasted, ms, and what follows from readings with a memory. Nothing of
/// this is saved: after a restart it shows again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    pub(crate) entering_unknown: u64,
    pub(crate) flow_unknown: u64,
    pub(crate) flow_lost: u64,
    pub(crate) flow_proven: u64,
    /// The end switch of the source in use says no, or is not believed.
    pub(crate) valve_lost: u64,
    pub(crate) no_heat: u64,
    pub(crate) gain_lost: u64,
    pub(crate) inefficient: u64,
    /// An interlock holds the source that should run.
    pub(crate) held_back: u64,
    /// Since the ground pump was last trimmed.
    pub(crate) trim: u64,
    pub(crate) tariff_allows: bool,
    pub(crate) field_warm: bool,
    tariff_unknown: u64,
    circulating: u64,
}

impl Conditions {
    /// A step on: `source` is in use, and has been released if `running`.
    pub(crate) fn follow(
        &mut self,
        settings: &Settings,
        inputs: &Inputs,
        source: Option<Source>,
        running: bool,
    ) {
        let dt = inputs.dt_ms;
        let flow = inputs.flow(settings.min_flow_m3h);
        let flows = flow == Input::Known(true);
        last(&mut self.entering_unknown, inputs.entering_c.is_none(), dt);
        last(&mut self.flow_unknown, flow == Input::Unknown, dt);
        last(&mut self.flow_lost, flow == Input::Known(false), dt);
        last(&mut self.flow_proven, flows, dt);
        last(&mut self.circulating, flows && running, dt);
        let seen = source.map(|source| inputs.source(source));
        let astray = |proof| matches!(proof, Input::Known(false) | Input::Unknown);
        last(&mut self.valve_lost, seen.is_some_and(|s| astray(s.valve_proof)), dt);
        let held = seen.is_some_and(|s| s.held == Held::Protection);
        last(&mut self.held_back, running && held, dt);
        let cold = inputs.heat_kw().is_some_and(|kw| kw <= 0.0);
        last(&mut self.no_heat, running && cold, dt);
        let limits = source.map(|source| settings.sources[source.index()]).unwrap_or_default();
        let gain = source.and_then(|source| inputs.gain_k(source, flows));
        let low = gain.is_some_and(|gain| gain < limits.min_gain_k);
        last(&mut self.gain_lost, running && low, dt);
        let poor = inputs.performance().is_some_and(|ratio| ratio < limits.min_ratio);
        last(&mut self.inefficient, running && poor, dt);
        self.follow_tariff(settings, inputs);
        self.follow_field(settings, inputs);
    }

    /// An episode begins: what was before does not count against it.
    pub(crate) fn restart(&mut self) {
        *self = Self {
            tariff_allows: self.tariff_allows,
            tariff_unknown: self.tariff_unknown,
            field_warm: self.field_warm,
            ..Self::default()
        };
    }

    /// A tariff that is not known stands for an hour, then counts as flat.
    fn follow_tariff(&mut self, settings: &Settings, inputs: &Inputs) {
        let unknown = inputs.tariff == Input::Unknown;
        let unknown_ms = last(&mut self.tariff_unknown, unknown, inputs.dt_ms);
        match inputs.tariff {
            Input::Absent => self.tariff_allows = true,
            Input::Known(period) => self.tariff_allows = settings.allows(period),
            Input::Unknown if unknown_ms > settings.tariff_hold_ms => {
                self.tariff_allows = settings.allow_flat;
            }
            Input::Unknown => {}
        }
    }

    fn follow_field(&mut self, settings: &Settings, inputs: &Inputs) {
        let limit = settings.undisturbed_c + settings.max_rise_k;
        if let Some((field, _)) = self.field_c(settings, inputs) {
            let release = if self.field_warm { FIELD_HYSTERESIS_K } else { 0.0 };
            self.field_warm = field > limit - release;
        }
    }

    /// Mean ground temperature, and whether it is only inferred: without the string the mean of
    /// the loop stands for it once the water has circulated for the soak time. While heat goes in
    /// the loop is warmer than the ground, so the substitute errs on the safe side.
    pub(crate) fn field_c(&self, settings: &Settings, inputs: &Inputs) -> Option<(f64, bool)> {
        if let Some(field) = inputs.field_c {
            return Some((field, false));
        }
        let mean = (inputs.entering_c? + inputs.return_c?) / 2.0;
        (self.circulating >= settings.soak_ms).then_some((mean, true))
    }
}
