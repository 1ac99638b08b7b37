//! One reinjection well: how much it can take, and how well it still takes it.

use crate::settings::{Injector, Settings};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Less overpressure than this says nothing of a well's injectivity.
const OVERPRESSURE_MIN_KPA: f64 = 5.0;

/// What is read of a well. Values are believed ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct InjectorInputs {
    /// Flow into it, m³/h.
    pub flow_m3h: Option<f64>,
    /// Its meter, m³.
    pub volume_m3: Option<f64>,
    /// Wellhead pressure, kPa.
    pub pressure_kpa: Option<f64>,
    /// Pressure across its filter, kPa.
    pub filter_kpa: Option<f64>,
    /// Out of use, or not known to be in use.
    pub fault: bool,
    /// Its valve is shut, or not known to be open.
    pub shut: bool,
    /// It is being washed, by whomever.
    pub washing: bool,
}

/// The slowest valves take so long.
const VALVE_TRAVEL: Duration = Duration::from_mins(3);

/// Where a back-wash is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wash {
    /// The well takes water.
    #[default]
    No,
    /// Production falls to what the others take.
    Prepare(Duration),
    /// The well is pumped.
    Run(Duration),
}

/// What is known of a well.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Well {
    injectivity: Option<f64>,
    low_for: Duration,
    /// It wants a back-wash.
    pub low: bool,
    /// Where that is.
    pub wash: Wash,
    rest: Duration,
    washed_by_hand: bool,
    /// Its valve may still be opening after a back-wash.
    opens_for: Duration,
    over: bool,
    blocked: bool,
}

impl Well {
    /// Injectivity now, m³/h per kPa, once there was flow to judge by.
    pub fn injectivity(&self) -> Option<f64> {
        self.injectivity
    }

    /// Against that of the test, 0–1.
    pub fn against_test(&self, own: &Injector) -> Option<f64> {
        self.injectivity.map(|now| now / own.injectivity)
    }

    /// Takes readings in.
    pub fn update(&mut self, s: &Settings, own: &Injector, inp: &InjectorInputs, dt: Duration) {
        self.rest = self.rest.saturating_sub(dt);
        let washing = inp.washing || matches!(self.wash, Wash::Run(_));
        self.opens_for = match washing {
            true => VALVE_TRAVEL,
            false => self.opens_for.saturating_sub(dt),
        };
        if self.washed_by_hand && !washing {
            // What it took before says nothing any more.
            self.injectivity = None;
            self.low_for = Duration::ZERO;
        }
        self.washed_by_hand = washing;
        if let Some(kpa) = inp.pressure_kpa {
            self.over = kpa > if self.over { 0.95 } else { 1.0 } * s.pressure_max_kpa;
        }
        self.blocked = inp.filter_kpa.map_or(self.blocked, |kpa| kpa > s.filter_stop_kpa);
        if washing {
            return;
        }
        let over = inp.pressure_kpa.map(|kpa| kpa - own.rest_kpa);
        if let (Some(flow), Some(over)) = (inp.flow_m3h, over)
            && flow >= s.flow_min_m3h
            && over >= OVERPRESSURE_MIN_KPA
        {
            let seen = flow / over;
            let part = dt.as_secs_f64() / s.smoothing.max(dt).as_secs_f64().max(1.0);
            let before = self.injectivity.unwrap_or(seen);
            self.injectivity = Some(before + part * (seen - before));
        }
        let Some(part) = self.against_test(own) else { return };
        self.low_for = if part < s.injectivity_alarm { self.low_for + dt } else { Duration::ZERO };
        if self.low_for > s.injectivity_after {
            self.low = true;
        } else if part >= s.injectivity_restored {
            self.low = false;
        }
    }

    /// How much it can take, m³/h: by its injectivity up to the highest pressure, by its test, and
    /// nothing if its flow is not known. Without a pressure to guard it is trusted with half.
    pub fn available_m3h(&self, s: &Settings, own: &Injector, inp: &InjectorInputs) -> f64 {
        let out = inp.fault || inp.shut || inp.washing || self.blocked || self.wash != Wash::No;
        let Some(flow) = inp.flow_m3h.filter(|_| !out) else { return 0.0 };
        if inp.pressure_kpa.is_none() {
            return own.capacity_m3h / 2.0;
        }
        let injectivity = self.injectivity.unwrap_or(own.injectivity);
        let by_pressure = (injectivity * (s.pressure_max_kpa - own.rest_kpa)).max(0.0);
        let most = by_pressure.min(own.capacity_m3h);
        if self.over { most.min(0.9 * flow) } else { most }
    }

    /// Out of use by intent: a back-wash goes on, or its valve comes back from one.
    pub fn is_washed(&self) -> bool {
        self.wash != Wash::No || !self.opens_for.is_zero()
    }

    /// Whether a back-wash may begin.
    pub fn wants_wash(&self) -> bool {
        self.low && self.wash == Wash::No && self.rest.is_zero()
    }

    /// Lets a wash go on.
    pub fn step_wash(&mut self, s: &Settings, dt: Duration) {
        self.wash = match self.wash {
            Wash::No => Wash::No,
            Wash::Prepare(left) if left > dt => Wash::Prepare(left - dt),
            Wash::Prepare(_) => Wash::Run(s.backwash_for),
            Wash::Run(left) if left > dt => Wash::Run(left - dt),
            Wash::Run(_) => {
                self.rest = s.backwash_rest;
                Wash::No
            }
        };
    }
}
