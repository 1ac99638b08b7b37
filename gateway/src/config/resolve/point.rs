//! Points: what is common to all protocols: what a value means and when it is sent.

use super::At;
use super::output::{self, Restraints};
use super::protocol::Form;
use crate::config::file::{ClassWord, PointTable, ReportWord};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::text::duration_text;
use std::sync::Arc;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::{Class, DeviceId, Point, PointId, Reporting, Shape};

/// What a point takes from its device where it says nothing itself.
pub(super) struct Defaults {
    pub(super) poll: Duration,
    pub(super) every: bool,
    pub(super) report_min: Duration,
    pub(super) report_max: Option<Duration>,
    pub(super) stale_after: Option<Duration>,
}

/// A point as everybody but its driver sees it, and the conversion that its driver does.
pub(super) struct Found {
    pub(super) point: Point,
    pub(super) conversion: Conversion,
    pub(super) watchdog: Option<String>,
    pub(super) restraints: Option<Restraints>,
}

type States = Arc<[(i64, Arc<str>)]>;

/// `form` is how its protocol finds the value; `None` if that was wrong, which has been told.
pub(super) fn point(
    device: &DeviceId,
    name: &str,
    t: &PointTable,
    form: Option<&Form>,
    at: &At<'_>,
    defaults: &Defaults,
    findings: &mut Findings,
) -> Option<Found> {
    let id = PointId::new(name).ok()?;
    let states = states(t, form, at, findings);
    numbers(t, form, at, findings);
    let reporting = reporting(t, form, defaults, at, findings);
    let form = form?;
    let conversion = Conversion {
        scale: t.scale.unwrap_or(1.0),
        offset: t.offset.unwrap_or(0.0),
        no_sensor: t.no_sensor.clone().unwrap_or_default(),
        states: states.clone(),
    };
    let shape = shape(form, &conversion);
    let class = class(t, shape, &conversion);
    if t.rollover.is_some() && class != Class::Counter {
        findings.add(at.key("rollover"), Problem::RolloverNotCounter);
    }
    let numeric = matches!(shape, Shape::Int | Shape::Float);
    let unit = t.unit.as_ref().map(|u| u.0).or(form.unit.filter(|_| numeric));
    let told = unit.is_some() || form.tells_unit || at.has("unit");
    if numeric && !told && class != Class::Status {
        findings.add(at.here(), Problem::NoUnit);
    }
    let (title, title_zh) = titles(t, name);
    let mut point = Point {
        device: device.clone(),
        id,
        title,
        title_zh,
        unit,
        class,
        shape,
        states,
        range: t.range.map(|[min, max]| (min, max)),
        rollover: t.rollover,
        period: t.poll.map_or(defaults.poll, |d| d.0),
        reporting,
        output: None,
    };
    let (mut watchdog, mut restraints) = (None, None);
    if let (Some(out), Some(out_at)) = (&t.output, at.child("output")) {
        watchdog = out.watchdog.clone().filter(|text| output::is_watchdog(text));
        point.output = output::output(out, &point, form, &conversion, &out_at, findings);
        restraints = Some(output::restraints(out, &point, &out_at, findings));
    }
    Some(Found { point, conversion, watchdog, restraints })
}

/// Names for people; a sensor in a bore also says how deep it hangs.
fn titles(t: &PointTable, name: &str) -> (Arc<str>, Arc<str>) {
    let title = t.title.as_deref().unwrap_or(name);
    let title_zh = t.title_zh.as_deref().unwrap_or(title);
    match t.depth {
        Some(depth) => {
            (format!("{title}, {depth} m").into(), format!("{title_zh}，{depth} m").into())
        }
        None => (title.into(), title_zh.into()),
    }
}

fn states(t: &PointTable, form: Option<&Form>, at: &At<'_>, findings: &mut Findings) -> States {
    let (Some(given), Some(states_at)) = (&t.states, at.child("states")) else {
        return Arc::from([]);
    };
    if let Some(Form { kind, shape: Shape::Float | Shape::Text, .. }) = form {
        findings.add(states_at.here(), Problem::NotForKind { key: "states", kind });
        return Arc::from([]);
    }
    let mut states: Vec<(i64, Arc<str>)> = Vec::new();
    for (code, name) in given {
        let Ok(number) = code.parse::<i64>() else {
            findings.add(states_at.key(code), Problem::StateCode { got: code.clone() });
            continue;
        };
        if states.iter().any(|(_, known)| **known == **name) {
            findings.add(states_at.key(code), Problem::StateTwice { name: name.clone() });
        }
        #[expect(clippy::cast_precision_loss, reason = "compared with limits, not counted")]
        if let Some(form) = form.filter(|f| !f.holds(number as f64)) {
            let kind = form.kind;
            findings.add(states_at.key(code), Problem::StateImpossible { code: number, kind });
        }
        states.push((number, name.as_str().into()));
    }
    states.sort_by_key(|(code, _)| *code);
    states.into()
}

/// Scale, offset, limits of plausibility and sentinels: what only numbers have.
fn numbers(t: &PointTable, form: Option<&Form>, at: &At<'_>, findings: &mut Findings) {
    for (key, value) in [("scale", t.scale), ("offset", t.offset), ("deadband", t.deadband)] {
        if value.is_some_and(|v| !v.is_finite()) {
            findings.add(at.key(key), Problem::NotFinite);
        }
    }
    if t.scale == Some(0.0) {
        findings.add(at.key("scale"), Problem::ScaleZero);
    }
    if t.range.is_some_and(|[min, max]| min.partial_cmp(&max) != Some(std::cmp::Ordering::Less)) {
        findings.add(at.key("range"), Problem::RangeOrder);
    }
    if let Some(got) = t.rollover.filter(|r| !(r.is_finite() && *r > 0.0)) {
        findings.add(at.key("rollover"), Problem::NotPositive { got });
    }
    let Some(form) = form else { return };
    let kind = match form.shape {
        Shape::Bool => "bool",
        Shape::Text => "text",
        Shape::Int | Shape::Float => {
            for &got in t.no_sensor.iter().flatten().filter(|n| !form.holds(**n)) {
                let (kind, instead) = (form.kind, same_bits(form, got));
                findings
                    .add(at.key("no_sensor"), Problem::NoSensorImpossible { got, kind, instead });
            }
            let scaled = ["scale", "offset", "range", "rollover", "deadband"];
            if t.states.is_some() {
                tell_senseless(&scaled, "states", at, findings);
            }
            return;
        }
    };
    let numeric = ["scale", "offset", "unit", "range", "rollover", "deadband", "no_sensor"];
    tell_senseless(&numeric, kind, at, findings);
}

fn tell_senseless(keys: &[&'static str], kind: &'static str, at: &At<'_>, findings: &mut Findings) {
    for key in keys.iter().copied().filter(|k| at.has(k)) {
        findings.add(at.key(key), Problem::NotForKind { key, kind });
    }
}

/// What a number becomes if its bits are read with the other sign.
fn same_bits(form: &Form, number: f64) -> Option<i64> {
    let size = 2f64.powi(i32::from(form.bits?));
    [number - size, number + size].into_iter().find(|n| n.abs() < 9e15 && form.holds(*n)).map(|n| {
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        let whole = n as i64;
        whole
    })
}

fn shape(form: &Form, conversion: &Conversion) -> Shape {
    if !conversion.states.is_empty() {
        return Shape::Text;
    }
    match form.shape {
        Shape::Int if !conversion.is_plain() => Shape::Float,
        shape => shape,
    }
}

fn class(t: &PointTable, shape: Shape, conversion: &Conversion) -> Class {
    match t.class {
        Some(ClassWord::Measurement) => Class::Measurement,
        Some(ClassWord::Status) => Class::Status,
        Some(ClassWord::Setpoint) => Class::Setpoint,
        Some(ClassWord::Counter) => Class::Counter,
        None if t.output.is_some() => Class::Setpoint,
        None if matches!(shape, Shape::Bool | Shape::Text) => Class::Status,
        None if !conversion.states.is_empty() => Class::Status,
        None => Class::Measurement,
    }
}

fn reporting(
    t: &PointTable,
    form: Option<&Form>,
    d: &Defaults,
    at: &At<'_>,
    findings: &mut Findings,
) -> Reporting {
    let poll = t.poll.map_or(d.poll, |p| p.0);
    // Where changes are told, polls in between are rare.
    let poll = form.and_then(|f| f.check).map_or(poll, |check| check.max(poll));
    let interval_min = t.report_min.map_or(d.report_min, |r| r.0);
    let minute = Duration::from_secs(60);
    let given_max = t.report_max.map(|r| r.0).or(d.report_max);
    let interval_max = given_max.unwrap_or(minute.max(poll).max(interval_min));
    if interval_max < interval_min {
        let key = if at.has("report_max") { "report_max" } else { "report_min" };
        findings.add(at.key(key), Problem::ReportOrder);
    }
    let given_stale = t.stale_after.map(|s| s.0).or(d.stale_after);
    let stale_after = given_stale.unwrap_or(poll.saturating_mul(3).max(Duration::from_secs(10)));
    if stale_after < poll.saturating_mul(2) {
        let poll = duration_text(poll);
        findings.add(at.key("stale_after"), Problem::StaleTooSoon { poll });
    }
    let every = t.report.map_or(d.every, |r| r == ReportWord::Every);
    Reporting {
        deadband: if every { None } else { Some(t.deadband.unwrap_or(0.0)) },
        interval_min,
        interval_max,
        stale_after,
    }
}
