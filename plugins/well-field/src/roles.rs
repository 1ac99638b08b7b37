//! Where readings come from and decisions go.

use crate::field::{Field, Inputs};
use crate::injector::{InjectorInputs, Wash};
use crate::producer::ProducerInputs;
use crate::settings::{Settings, WELLS};
use crate::words::Step;
use wellhead_sdk::PointValue;
use wellhead_sdk::prelude::*;

/// What is read at every production well.
const OUT: [&str; 6] = [
    "production_flow",
    "production_volume",
    "production_temp",
    "production_level",
    "production_sand",
    "production_filter",
];

/// What is read at every reinjection well.
const INTO: [&str; 4] =
    ["reinjection_flow", "reinjection_volume", "reinjection_pressure", "reinjection_filter"];

/// What the site has bound.
pub struct Roles {
    call: Option<Input<bool>>,
    wanted: Option<Input<f64>>,
    back: Option<Input<f64>>,
    supply: Option<Input<f64>>,
    sealed: Option<Input<bool>>,
    allowed: Option<Input<bool>>,
    /// As in [`OUT`].
    out: [Vec<Input<f64>>; 6],
    out_fault: Vec<Input<bool>>,
    /// As in [`INTO`].
    into: [Vec<Input<f64>>; 4],
    into_fault: Vec<Input<bool>>,
    open: Vec<Input<bool>>,
    washing: Vec<Input<bool>>,
    run: Vec<Output<bool>>,
    speed: Vec<Output<f64>>,
    valve: Vec<Output<bool>>,
    wash: Vec<Output<bool>>,
    heat_pump: Option<Output<bool>>,
    boiler: Option<Output<bool>>,
}

impl Roles {
    /// Looks them up; every list must have as many points as its table has wells.
    pub fn bind(cx: &mut Init<'_>, s: &Settings) -> Result<Self, Error> {
        let roles = Self {
            run: cx.outputs("production_run")?,
            speed: cx.outputs("production_speed")?,
            valve: cx.outputs("reinjection_valve")?,
            wash: cx.outputs("backwash")?,
            heat_pump: cx.output_optional("heat_pump")?,
            boiler: cx.output_optional("boiler")?,
            call: cx.input_optional("heat_call"),
            wanted: cx.input_optional("wanted_flow"),
            back: cx.input_optional("return_temp"),
            supply: cx.input_optional("load_supply_temp"),
            sealed: cx.input_optional("sealed"),
            allowed: cx.input_optional("backwash_allowed"),
            out: OUT.map(|role| cx.inputs(role)),
            out_fault: cx.inputs("production_fault"),
            into: INTO.map(|role| cx.inputs(role)),
            into_fault: cx.inputs("reinjection_fault"),
            open: cx.inputs("reinjection_open"),
            washing: cx.inputs("back_washing"),
        };
        roles.as_many(s.producers.len(), s.injectors.len())?;
        if roles.call.is_none() && roles.wanted.is_none() {
            return Err("bind heat_call or wanted_flow: nobody says when heat is wanted".into());
        }
        Ok(roles)
    }

    /// Every list is left out or has as many points as its table has wells.
    fn as_many(&self, out: usize, into: usize) -> Result<(), Error> {
        let of_out = OUT.into_iter().zip(self.out.iter().map(Vec::len));
        let of_into = INTO.into_iter().zip(self.into.iter().map(Vec::len));
        let others_out = [
            ("production_fault", self.out_fault.len()),
            ("production_run", self.run.len()),
            ("production_speed", self.speed.len()),
        ];
        let others_into = [
            ("reinjection_fault", self.into_fault.len()),
            ("reinjection_open", self.open.len()),
            ("back_washing", self.washing.len()),
            ("reinjection_valve", self.valve.len()),
            ("backwash", self.wash.len()),
        ];
        same(&mut of_out.chain(others_out), out)?;
        same(&mut of_into.chain(others_into), into)
    }

    /// Believed values that are not too old.
    pub fn read(&self, cx: &Tick<'_>, s: &Settings) -> Inputs {
        let process = |input: &Input<f64>| cx.read(input).fresh(s.age_process);
        let nth = |list: &[Input<f64>], at: usize| list.get(at).and_then(process);
        let contact = |input: &Input<bool>| cx.read(input).fresh(s.age_interlock);
        // What is not known to be well counts as not well; what is not bound says nothing.
        let unless = |list: &[Input<bool>], at: usize, well: bool| {
            list.get(at).is_some_and(|i| contact(i) != Some(well))
        };
        let mut inputs = Inputs {
            call: match &self.call {
                Some(call) => cx.read(call).fresh(s.age_process),
                None => Some(true),
            },
            wanted_m3h: self.wanted.as_ref().map(process),
            return_c: self.back.as_ref().and_then(process),
            supply_c: self.supply.as_ref().and_then(process),
            sealed: self.sealed.as_ref().is_none_or(|input| contact(input) == Some(true)),
            may_wash: !self.wash.is_empty()
                && self.allowed.as_ref().is_none_or(|input| contact(input) == Some(true)),
            hand: self.held(cx),
            ..Inputs::default()
        };
        for at in 0..s.producers.len().min(WELLS) {
            inputs.producers[at] = ProducerInputs {
                flow_m3h: nth(&self.out[0], at).map(|flow| flow.max(0.0)),
                volume_m3: nth(&self.out[1], at),
                water_c: nth(&self.out[2], at),
                level_m: self.out[3].get(at).map(process),
                sand_pct: nth(&self.out[4], at),
                filter_kpa: nth(&self.out[5], at),
                fault: unless(&self.out_fault, at, false),
            };
        }
        for at in 0..s.injectors.len().min(WELLS) {
            inputs.injectors[at] = InjectorInputs {
                flow_m3h: nth(&self.into[0], at).map(|flow| flow.max(0.0)),
                volume_m3: nth(&self.into[1], at),
                pressure_kpa: nth(&self.into[2], at),
                filter_kpa: nth(&self.into[3], at),
                fault: unless(&self.into_fault, at, false),
                shut: unless(&self.open, at, true),
                washing: self.washing.get(at).is_some_and(|i| contact(i) == Some(true)),
            };
        }
        inputs
    }

    fn held(&self, cx: &Tick<'_>) -> bool {
        let by_hand = |holder| matches!(holder, Holder::Operator | Holder::Local);
        let switches = self.run.iter().chain(&self.valve).chain(&self.wash);
        switches.map(|output| cx.holder(output)).any(by_hand)
            || self.speed.iter().map(|output| cx.holder(output)).any(by_hand)
    }

    /// Writes every output, or gives it back while a hand is on a well.
    pub fn write(
        &self,
        cx: &mut Tick<'_>,
        field: &Field,
        stages: (bool, bool),
    ) -> Result<(), Error> {
        let why = field.reason;
        let free = field.step != Step::Local;
        for (at, output) in self.run.iter().enumerate() {
            give(cx, output, free.then_some(field.producers.told(at).0), why)?;
        }
        for (at, output) in self.speed.iter().enumerate() {
            let (run, speed) = field.producers.told(at);
            give(cx, output, (free && run).then_some(speed), why)?;
        }
        for (at, output) in self.valve.iter().enumerate() {
            let open = !matches!(field.wells[at].wash, Wash::Run(_));
            give(cx, output, free.then_some(open), why)?;
        }
        for (at, output) in self.wash.iter().enumerate() {
            let wash = matches!(field.wells[at].wash, Wash::Run(_));
            give(cx, output, free.then_some(wash), why)?;
        }
        for (output, on) in [(&self.heat_pump, stages.0), (&self.boiler, stages.1)] {
            if let Some(output) = output {
                give(cx, output, free.then_some(on), why)?;
            }
        }
        Ok(())
    }
}

fn same(lists: &mut dyn Iterator<Item = (&'static str, usize)>, wells: usize) -> Result<(), Error> {
    for (role, points) in lists {
        if points != 0 && points != wells {
            return Err(format!("{role} has {points} points, its table has {wells} wells").into());
        }
    }
    Ok(())
}

fn give<T: PointValue>(
    cx: &mut Tick<'_>,
    output: &Output<T>,
    value: Option<T>,
    why: impl AsRef<str>,
) -> Result<(), Error> {
    match value {
        Some(value) => cx.write(output, value, why),
        None => cx.relinquish(output, why),
    }
}
