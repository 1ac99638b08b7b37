//! What the sequence gets to see: only what is believed.

use crate::source::{SOURCES, Source};
use crate::words::{Reason, State, Tariff};
use wellhead_sdk::Now;

/// Heat that a cubic metre of the loop's water carries per kelvin is a parameter; electricity
/// below this, in kW, is too little to divide by.
const ELECTRIC_MIN_KW: f64 = 0.2;

/// A role that the site may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Input<T> {
    /// The site has no such point.
    #[default]
    Absent,
    /// There is one, and it can't be believed now.
    Unknown,
    /// What it says.
    Known(T),
}

impl<T> Input<T> {
    /// What is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}

/// Who decides an output, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Held {
    /// Nobody else.
    #[default]
    Free,
    /// An interlock.
    Protection,
    /// Somebody else.
    Other,
    /// An operator.
    Operator,
    /// A hand switch.
    Local,
}

impl Held {
    fn hand(self) -> Option<Reason> {
        match self {
            Self::Free | Self::Protection => None,
            Self::Other => Some(Reason::Other),
            Self::Operator => Some(Reason::Operator),
            Self::Local => Some(Reason::LocalMode),
        }
    }
}

/// One source as it is now.
#[derive(Debug, Clone, Copy, Default)]
pub struct SourceInputs {
    /// The site has bound an output of it.
    pub fitted: bool,
    /// It reports a fault.
    pub fault: Input<bool>,
    /// Its valve stands towards the ground.
    pub valve_proof: Input<bool>,
    /// Its temperature, °C.
    pub temp_c: Option<f64>,
    /// Who holds its outputs.
    pub held: Held,
}

/// Everything one step sees.
#[derive(Debug, Clone, Copy)]
pub struct Inputs {
    /// Time since the last step, ms.
    pub dt_ms: u64,
    /// The clocks.
    pub now: Now,
    /// Flow of the ground loop, m³/h.
    pub flow_m3h: Input<f64>,
    /// Flow switch of the ground loop.
    pub flow_switch: Input<bool>,
    /// Water into the field, °C.
    pub entering_c: Option<f64>,
    /// Water out of the field, °C.
    pub return_c: Option<f64>,
    /// Mean of the temperature string, °C.
    pub field_c: Option<f64>,
    /// Electric power of all that serves recharge, kW.
    pub electric_kw: Option<f64>,
    /// Heat a cubic metre carries per kelvin, kWh/(m³·K).
    pub heat_capacity: f64,
    /// Injected over extracted, last twelve months.
    pub ledger_ratio: Option<f64>,
    /// Extracted in the last twelve months, kWh.
    pub ledger_extracted_kwh: Option<f64>,
    /// Price period.
    pub tariff: Input<Tariff>,
    /// A call for heat, cold or hot water.
    pub load_call: Input<bool>,
    /// A unit works on the field.
    pub unit_running: Input<bool>,
    /// Who holds the ground pump.
    pub ground_pump_held: Held,
    /// The sources.
    pub sources: [SourceInputs; SOURCES],
}

impl Inputs {
    /// One source.
    #[must_use]
    pub fn source(&self, source: Source) -> SourceInputs {
        self.sources[source.index()]
    }

    /// Does water flow? Meter and switch must agree on yes; what is not believed makes it unknown.
    #[must_use]
    pub fn flow(&self, min_m3h: f64) -> Input<bool> {
        let measured = match self.flow_m3h {
            Input::Known(flow) => Input::Known(flow >= min_m3h),
            Input::Unknown => Input::Unknown,
            Input::Absent => Input::Absent,
        };
        match (measured, self.flow_switch) {
            (Input::Unknown, _) | (_, Input::Unknown) => Input::Unknown,
            (Input::Absent, other) | (other, Input::Absent) => other,
            (Input::Known(a), Input::Known(b)) => Input::Known(a && b),
        }
    }

    /// Heat into the field, kW; negative when the field gives.
    #[must_use]
    pub fn heat_kw(&self) -> Option<f64> {
        let flow = self.flow_m3h.known()?;
        Some(flow * self.heat_capacity * (self.entering_c? - self.return_c?))
    }

    /// Heat per electricity; none while either is unknown or next to nothing is used.
    #[must_use]
    pub fn performance(&self) -> Option<f64> {
        let electric = self.electric_kw.filter(|kw| *kw >= ELECTRIC_MIN_KW)?;
        Some(self.heat_kw()? / electric)
    }

    /// How much warmer the source is than what comes out of the field, K. Standing water says
    /// nothing about the field: then the string does, as long as it is believed.
    #[must_use]
    pub fn gain_k(&self, source: Source, flows: bool) -> Option<f64> {
        let field = if flows { self.return_c } else { self.field_c.or(self.return_c) };
        Some(self.source(source).temp_c? - field?)
    }

    /// Does somebody want the field or the source for something that goes before recharge? What
    /// can't be known counts as yes.
    #[must_use]
    pub fn demand(&self) -> Option<(State, Reason)> {
        match (self.unit_running, self.load_call) {
            (Input::Known(true), _) => Some((State::LoadPreempt, Reason::UnitRunning)),
            (_, Input::Known(true)) => Some((State::LoadPreempt, Reason::LoadCall)),
            (Input::Unknown, _) => Some((State::Blocked, Reason::UnitUnknown)),
            (_, Input::Unknown) => Some((State::Blocked, Reason::LoadUnknown)),
            _ => None,
        }
    }

    /// A hand on an output of this source or on the ground pump.
    #[must_use]
    pub fn hand(&self, source: Source) -> Option<Reason> {
        self.source(source).held.hand().or(self.hand_on_ground_pump())
    }

    /// A hand on the ground pump.
    #[must_use]
    pub fn hand_on_ground_pump(&self) -> Option<Reason> {
        self.ground_pump_held.hand()
    }
}
