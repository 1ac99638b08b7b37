//! A plant of one number for all inputs, and plugins on it.

#![allow(dead_code, reason = "each test file uses its part")]

use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;
use wellhead_fixtures::Fixture;
use wellhead_model::{Mono, Now, Quality, Timestamp, Value};
use wellhead_plugin_host::*;

/// What every binding of [`setup`] shows.
pub(crate) fn showing(value: Option<Value>, quality: Quality) -> Seen {
    let reading = Reading { value, quality, age: Duration::from_secs(1) };
    Seen { readings: vec![reading; BINDINGS], holders: vec![Holder::Nobody; BINDINGS] }
}

pub(crate) fn plant() -> Seen {
    showing(Value::float(12.5), Quality::Good)
}

pub(crate) fn at(seconds: f64) -> Now {
    let mono = Duration::from_secs_f64(seconds);
    let utc = 1_784_347_200_000 + i64::try_from(mono.as_millis()).unwrap();
    Now { utc: Timestamp(utc), mono: Mono(mono), synced: true }
}

pub(crate) fn package(fixture: Fixture) -> Package {
    let component = fixture.component();
    Package::unsigned(fixture.manifest(), component).unwrap()
}

pub(crate) fn prepare(fixture: Fixture) -> Result<Program, Refusal> {
    Program::prepare(&engine(), &Cache::none(), &package(fixture), &Grant::all("it"))
}

/// One for all tests of a process, as in the gateway.
pub(crate) fn engine() -> Engine {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap()).clone()
}

/// All inputs and pumps are bound; the pumps are granted, the valve is not.
pub(crate) fn setup() -> Setup {
    let bind = |role: &str, index, granted| Binding { role: role.into(), index, granted };
    let mut bindings = vec![bind("valve", 0, false)];
    bindings.extend((0..20).map(|i| bind("temperature", i, false)));
    bindings.extend((0..5).map(|i| bind("pump", i, true)));
    Setup { bindings, settings: Vec::new(), zone: TimeZone::UTC, saved: None, kv: BTreeMap::new() }
}

/// Position of the first pump in [`setup`].
pub(crate) const PUMP: usize = 21;
const BINDINGS: usize = PUMP + 5;

pub(crate) fn start(fixture: Fixture) -> Instance {
    let program = prepare(fixture).unwrap();
    Instance::new(&program, &setup(), &mut plant(), at(0.0)).unwrap().0
}

/// The fault of a fixture's first tick.
pub(crate) fn fault(fixture: Fixture) -> Fault {
    start(fixture).tick(&mut plant(), at(1.0)).unwrap_err()
}

pub(crate) fn written(effects: &Effects) -> Vec<(usize, Option<f64>)> {
    let number = |w: &Write| w.value.as_ref().and_then(Value::as_f64);
    effects.writes.iter().map(|w| (w.binding, number(w))).collect()
}

pub(crate) fn lines(logs: &Logs) -> Vec<&str> {
    logs.lines.iter().map(|l| l.text.as_str()).collect()
}
