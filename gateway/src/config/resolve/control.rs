//! What Control judges by: outputs with their rules, local contacts and interlocks. Points are
//! looked up here, when all devices are known.

use super::At;
use super::device::OutputFound;
use crate::config::file::InterlockTable;
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::site::{Device, Outputs};
use crate::config::structure::nearest;
use crate::config::text::{OneOrMany, Scalar};
use std::sync::Arc;
use std::time::Duration;
use wellhead_control::{Condition, InputId, Interlock, Local, OutputId, OutputSetup, Setup};
use wellhead_model::{DeviceId, Point, PointIndex, Shape, Value};

/// Points by name, and the inputs that were needed so far.
struct Book<'a> {
    devices: &'a [Device],
    inputs: Vec<(DeviceId, PointIndex)>,
}

impl Book<'_> {
    fn find(&self, name: &str) -> Option<(&DeviceId, PointIndex, &Point)> {
        let (device, point) = name.split_once('/')?;
        let device = self.devices.iter().find(|d| d.id.as_str() == device)?;
        let i = device.points.iter().position(|p| p.id.as_str() == point)?;
        Some((&device.id, PointIndex(u32::try_from(i).ok()?), &device.points[i]))
    }

    fn unknown(&self, got: &str) -> Problem {
        let name = |p: &Point| format!("{}/{}", p.device, p.id);
        let names: Vec<String> = self.devices.iter().flat_map(|d| &*d.points).map(name).collect();
        Problem::UnknownPoint {
            got: got.to_owned(),
            near: nearest(got, names.iter().map(String::as_str)),
        }
    }

    fn input(&mut self, place: (DeviceId, PointIndex)) -> InputId {
        let known = self.inputs.iter().position(|i| *i == place);
        let i = known.unwrap_or_else(|| {
            self.inputs.push(place);
            self.inputs.len() - 1
        });
        InputId(u32::try_from(i).unwrap_or(u32::MAX))
    }
}

pub(super) fn outputs(
    root: &At<'_>,
    devices: &[Device],
    found: Vec<OutputFound>,
    findings: &mut Findings,
) -> Outputs {
    let mut book = Book { devices, inputs: Vec::new() };
    let mut places = Vec::new();
    let mut outputs = Vec::new();
    let mut delayed = 0;
    for one in found {
        let at = ["device", one.device.as_str(), "point", one.point.id.as_str(), "output"]
            .iter()
            .try_fold(At::new(root.node, ""), |at, key| at.child(key));
        let mut rules = one.restraints.rules.clone();
        let waits = rules.restart_delay > Duration::ZERO;
        let index = one.restraints.restart_index;
        rules.restart_index = index.unwrap_or(if waits { delayed } else { 0 });
        delayed += u32::from(waits);
        if let (Some(at), Some(name)) = (at, &one.restraints.local) {
            let when = one.restraints.local_when.as_ref();
            rules.local = local(name, when, &at, &mut book, findings);
        }
        places.push((one.device, one.index));
        outputs.push(OutputSetup { point: one.point, rules });
    }
    let mut interlocks = Vec::new();
    if let Some(all) = root.child("interlock") {
        for (id, at) in all.entries() {
            interlocks.extend(interlock(id, &at, &places, &mut book, findings));
        }
    }
    let inputs = u32::try_from(book.inputs.len()).unwrap_or(u32::MAX);
    Outputs { setup: Setup { outputs, inputs, interlocks }, outputs: places, inputs: book.inputs }
}

fn local(
    name: &str,
    when: Option<&Scalar>,
    at: &At<'_>,
    book: &mut Book<'_>,
    findings: &mut Findings,
) -> Option<Local> {
    let Some((device, index, point)) = book.find(name) else {
        findings.add(at.key("local"), book.unknown(name));
        return None;
    };
    let place = (device.clone(), index);
    match is(point, when) {
        Ok(when) => Some(Local { input: book.input(place), when }),
        Err(Problem::ConditionMissing { kind }) => {
            findings.add(at.key("local"), Problem::LocalWhenMissing { kind });
            None
        }
        Err(problem) => {
            findings.add(at.key("local_when"), problem);
            None
        }
    }
}

fn interlock(
    id: &str,
    at: &At<'_>,
    places: &[(DeviceId, PointIndex)],
    book: &mut Book<'_>,
    findings: &mut Findings,
) -> Option<Interlock> {
    let t: InterlockTable = at.read(findings)?;
    let needs = t.needs.as_deref().filter(|name| {
        let known = book.find(name).is_some();
        if !known {
            findings.add(at.key("needs"), book.unknown(name));
        }
        known
    });
    let guarded = match t.output.as_ref() {
        None => Vec::new(),
        Some(OneOrMany::One(name)) => vec![name.as_str()],
        Some(OneOrMany::Many(names)) => names.iter().map(String::as_str).collect(),
    };
    if guarded.is_empty() && t.output.is_some() {
        findings.add(at.key("output"), Problem::NoOutputs);
    }
    let mut outputs = Vec::new();
    for name in guarded {
        let Some((device, index, _)) = book.find(name) else {
            findings.add(at.key("output"), book.unknown(name));
            continue;
        };
        if needs == Some(name) {
            findings.add(at.key("needs"), Problem::LooksAtItself { point: name.to_owned() });
        }
        match places.iter().position(|(d, i)| d == device && *i == index) {
            Some(i) => outputs.push(OutputId(u32::try_from(i).unwrap_or(u32::MAX))),
            None => {
                findings.add(at.key("output"), Problem::NotAnOutput { got: name.to_owned() });
            }
        }
    }
    let (device, index, point) = book.find(needs?)?;
    let place = (device.clone(), index);
    let condition = match condition(&t, point) {
        Ok(condition) => condition,
        Err((key, problem)) => {
            findings.add(at.key(key), problem);
            return None;
        }
    };
    let title: Arc<str> = t.title.as_deref().unwrap_or(id).into();
    Some(Interlock {
        id: id.into(),
        title_zh: t.title_zh.as_deref().map_or_else(|| title.clone(), Arc::from),
        title,
        outputs,
        input: book.input(place),
        needs: condition,
        hold: t.hold.map_or(Duration::ZERO, |d| d.0),
        within: t.within.map_or(Duration::ZERO, |d| d.0),
    })
}

fn condition(t: &InterlockTable, point: &Point) -> Result<Condition, (&'static str, Problem)> {
    let kind = kind(point);
    let measured = matches!(point.shape, Shape::Int | Shape::Float) && point.states.is_empty();
    let number = |key, limit: f64, make: fn(f64) -> Condition| {
        if !measured {
            return Err((key, Problem::ConditionNotForKind { key, kind }));
        }
        if limit.is_finite() { Ok(make(limit)) } else { Err((key, Problem::NotFinite)) }
    };
    match (&t.is, t.above, t.below) {
        (None, Some(limit), None) => number("above", limit, Condition::Above),
        (None, None, Some(limit)) => number("below", limit, Condition::Below),
        (Some(_), None, None) if measured && point.shape == Shape::Float => {
            Err(("is", Problem::ConditionNotForKind { key: "is", kind }))
        }
        (is_given, None, None) => {
            let key = if is_given.is_some() { "is" } else { "needs" };
            is(point, is_given.as_ref()).map_err(|problem| (key, problem))
        }
        _ => Err(("needs", Problem::SeveralConditions)),
    }
}

/// Exactly this value, if the point can show it.
fn is(point: &Point, wanted: Option<&Scalar>) -> Result<Condition, Problem> {
    let Some(wanted) = wanted else {
        return match point.shape {
            Shape::Bool if point.states.is_empty() => Ok(Condition::Is(Value::Bool(true))),
            _ => Err(Problem::ConditionMissing { kind: kind(point) }),
        };
    };
    let value = wanted.value().ok_or(Problem::NotFinite)?;
    let never = |known: String| Problem::NotAState { got: value.to_string(), known };
    if !point.states.is_empty() {
        let shown = point.states.iter().find(|(code, name)| match &value {
            Value::Int(i) => i == code,
            Value::Text(t) => t == name,
            _ => false,
        });
        let known = || point.states.iter().map(|(_, n)| &**n).collect::<Vec<_>>().join(", ");
        let (_, name) = shown.ok_or_else(|| never(known()))?;
        return Ok(Condition::Is(Value::Text(name.clone())));
    }
    match (point.shape, &value) {
        (Shape::Bool, Value::Bool(_))
        | (Shape::Int, Value::Int(_))
        | (Shape::Text, Value::Text(_)) => Ok(Condition::Is(value)),
        (Shape::Bool, _) => Err(never("true, false".into())),
        (Shape::Int | Shape::Float, _) => Err(never("0, 1, 2 …".into())),
        (Shape::Text, _) => Err(never("\"…\"".into())),
    }
}

fn kind(point: &Point) -> &'static str {
    if point.states.is_empty() { point.shape.word() } else { "states" }
}
