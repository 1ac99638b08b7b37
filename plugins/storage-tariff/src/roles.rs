//! Where readings come from and decisions go.

use crate::actuators::Proof;
use crate::brain::{Brain, Inputs, Optional, View};
use crate::settings::Settings;
use crate::store::{PROBES, Readings};
use crate::words::{Kept, Kind, Mode};
use wellhead_sdk::PointValue;
use wellhead_sdk::prelude::*;

/// Switched outputs: valve and pump of charge, then of discharge.
const SWITCHES: [&str; 4] = ["charge_valve", "charge", "discharge_valve", "discharge"];

/// What the site has bound.
pub struct Roles {
    load: Input<f64>,
    forecast: Option<Input<f64>>,
    supply: Input<f64>,
    back: Option<Input<f64>>,
    string: Vec<Input<f64>>,
    ice: Option<Input<f64>>,
    heat: Option<Input<f64>>,
    level: Option<Input<f64>>,
    glycol: Option<Input<f64>>,
    glycol_ok: Option<Input<bool>>,
    cooling: Option<Input<bool>>,
    tariff: Option<Input<Kind>>,
    site: Option<Input<f64>>,
    unit: Option<Input<f64>>,
    ends: [Option<Input<bool>>; 4],
    mode: Option<Output<Mode>>,
    switches: [Option<Output<bool>>; 4],
    rate: Option<Output<f64>>,
    speed: Option<Output<f64>>,
    setpoints: Vec<Output<f64>>,
    enables: Vec<Output<bool>>,
    limits: Vec<Output<f64>>,
}

impl Roles {
    /// Looks them up.
    pub fn bind(cx: &mut Init<'_>, settings: &Settings) -> Result<Self, Error> {
        let string = cx.inputs("tank_temp");
        let ice = cx.input_optional("ice_level");
        match settings.kept {
            Kept::Water if string.len() < 2 => {
                return Err("a water store needs at least two probes at the role tank_temp".into());
            }
            Kept::Ice if ice.is_none() => {
                return Err("an ice store needs a point at the role ice_level".into());
            }
            _ => {}
        }
        let ends = [
            cx.input_optional("charge_valve_open"),
            cx.input_optional("charge_valve_shut"),
            cx.input_optional("discharge_valve_open"),
            cx.input_optional("discharge_valve_shut"),
        ];
        let mut switches = [None; 4];
        for (switch, name) in switches.iter_mut().zip(SWITCHES) {
            *switch = cx.output_optional(name)?;
        }
        Ok(Self {
            load: cx.input("load_power")?,
            forecast: cx.input_optional("load_forecast"),
            supply: cx.input("supply_temp")?,
            back: cx.input_optional("charge_return_temp"),
            string,
            ice,
            heat: cx.input_optional("tank_power"),
            level: cx.input_optional("tank_level"),
            glycol: cx.input_optional("glycol_leaving_temp"),
            glycol_ok: cx.input_optional("glycol_ok"),
            cooling: cx.input_optional("cooling"),
            tariff: cx.input_optional("tariff"),
            site: cx.input_optional("site_power"),
            unit: cx.input_optional("unit_power"),
            ends,
            mode: cx.output_optional("mode")?,
            switches,
            rate: cx.output_optional("release_rate")?,
            speed: cx.output_optional("discharge_speed")?,
            setpoints: cx.outputs("unit_setpoint")?,
            enables: cx.outputs("unit_enable")?,
            limits: cx.outputs("unit_limit")?,
        })
    }

    /// Believed values that are not too old.
    pub fn read(&self, cx: &Tick<'_>, s: &Settings) -> Inputs {
        let process = |input: &Input<f64>| cx.read(input).fresh(s.age_process);
        let maybe = |input: &Option<Input<f64>>| input.as_ref().and_then(process);
        let optional =
            |input: &Option<Input<f64>>| -> Optional<f64> { input.as_ref().map(process) };
        let contact = |input: &Option<Input<bool>>| -> Optional<bool> {
            input.as_ref().map(|input| cx.read(input).fresh(s.age_process))
        };
        let mut string_c = [None; PROBES];
        for (slot, input) in string_c.iter_mut().zip(&self.string) {
            *slot = process(input);
        }
        // An end switch that is not believed shows nothing.
        let end = |at: usize| contact(&self.ends[at]).map(|shown| shown == Some(true));
        let proof = |side: usize| Proof {
            valve: self.switches[2 * side].is_some(),
            open: end(2 * side),
            shut: end(2 * side + 1),
        };
        let hand =
            |output: &Output<bool>| matches!(cx.holder(output), Holder::Operator | Holder::Local);
        Inputs {
            load_kw: process(&self.load),
            forecast_kwh: self
                .forecast
                .as_ref()
                .and_then(|input| cx.read(input).fresh(s.age_slow))
                .filter(|mwh| *mwh >= 0.0)
                .map(|mwh| mwh * 1e3),
            supply_c: process(&self.supply),
            return_c: maybe(&self.back),
            store: Readings {
                string_c,
                probes: self.string.len().min(PROBES),
                ice_pct: maybe(&self.ice),
                heat_kw: maybe(&self.heat),
            },
            level_pct: optional(&self.level),
            glycol_c: optional(&self.glycol),
            glycol_ok: contact(&self.glycol_ok),
            cooling: contact(&self.cooling),
            tariff: self.tariff.as_ref().map(|input| cx.read(input).fresh(s.age_slow)),
            site_kw: maybe(&self.site),
            unit_kw: maybe(&self.unit),
            proofs: [proof(0), proof(1)],
            hand: self.switches.iter().flatten().any(hand),
        }
    }

    /// Writes every output, or gives it back while a hand is on the store.
    pub fn write(
        &self,
        cx: &mut Tick<'_>,
        s: &Settings,
        brain: &Brain,
        asked: &Asked,
    ) -> Result<(), Error> {
        let (mode, why) = (brain.mode(), brain.reason);
        let local = mode == Mode::Local;
        give(cx, self.mode.iter(), Some(mode), why)?;
        let told = [brain.actuators.told(0), brain.actuators.told(1)];
        let told = [told[0].0, told[0].1, told[1].0, told[1].1];
        for (output, on) in self.switches.iter().zip(told) {
            give(cx, output.iter(), (!local).then_some(on), why)?;
        }
        let rate = (!local).then_some(brain.rate_kw);
        give(cx, self.rate.iter(), rate, why)?;
        let (low, high) = s.speed_hz;
        let speed = rate.map(|kw| (kw / s.release_kw * high).max(low).min(high));
        give(cx, self.speed.iter(), speed, why)?;
        give(cx, self.setpoints.iter(), asked.setpoint_c, why)?;
        give(cx, self.enables.iter(), (!local).then_some(asked.units), why)?;
        give(cx, self.limits.iter(), asked.limit_pct, why)
    }
}

/// What is asked of the units.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// To run.
    pub units: bool,
    /// Leaving temperature, °C; none outside the seasons and while a hand is on the store.
    pub setpoint_c: Option<f64>,
    /// Capacity, % of all; none without a demand limit.
    pub limit_pct: Option<f64>,
}

impl Asked {
    /// By mode, season and demand limit.
    pub fn of(brain: &Brain, s: &Settings, view: &View, now: &Now) -> Self {
        let mode = brain.mode();
        let limit = view.unit_allow_kw.map(|kw| (kw / s.unit_rated_kwe).min(1.0));
        let enough = limit.is_none_or(|limit| limit >= s.unit_limit_min);
        let season = s.season(&now.local).filter(|_| mode != Mode::Local);
        let setpoint_c = season.map(|season| match mode {
            Mode::Charge => season.charge_setpoint_c,
            _ => season.setpoint_c,
        });
        Self {
            units: mode.wants_units() && enough,
            setpoint_c,
            limit_pct: limit.map(|limit| limit * 100.0),
        }
    }
}

fn give<'a, T: PointValue + Copy + 'a>(
    cx: &mut Tick<'_>,
    outputs: impl Iterator<Item = &'a Output<T>>,
    value: Option<T>,
    why: impl AsRef<str> + Copy,
) -> Result<(), Error> {
    for output in outputs {
        match value {
            Some(value) => cx.write(output, value, why)?,
            None => cx.relinquish(output, why)?,
        }
    }
    Ok(())
}
