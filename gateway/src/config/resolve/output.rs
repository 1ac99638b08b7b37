//! Outputs: what may be written, and what is written when nobody does.

use super::At;
use super::protocol::Form;
use crate::config::file::OutputTable;
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::text::{DurationText, Scalar};
use std::time::Duration;
use wellhead_control::Rules;
use wellhead_driver::Conversion;
use wellhead_model::{Output, Point, Shape, Value};

/// What restrains an output beyond its point; references are not resolved yet.
#[derive(Debug, Clone)]
pub(super) struct Restraints {
    pub(super) rules: Rules,
    pub(super) restart_index: Option<u32>,
    pub(super) local: Option<String>,
    pub(super) local_when: Option<Scalar>,
}

/// Machines wait this long after a restart (rules of plant rooms; 1 to 5 minutes are usual).
const RESTART_DELAY: Duration = Duration::from_secs(180);

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Reads what restrains it.
pub(super) fn restraints(
    t: &OutputTable,
    point: &Point,
    at: &At<'_>,
    findings: &mut Findings,
) -> Restraints {
    let time = |d: Option<DurationText>| d.map_or(Duration::ZERO, |d| d.0);
    let machine = ["min_on", "min_off", "starts_per_hour_max"].into_iter().find(|k| at.has(k));
    let safe = point.output.as_ref().map(|o| &o.safe);
    if let (Some(key), Some(Value::Bool(true))) = (machine, safe) {
        findings.add(at.key(key), Problem::RestsOn { key });
    }
    if t.local_when.is_some() && !at.has("local") {
        findings.add(at.key("local_when"), Problem::WhenWithoutLocal);
    }
    let default = if machine.is_some() { RESTART_DELAY } else { Duration::ZERO };
    if let (Some(every), Some(most)) = (t.refresh, t.writes_per_year_max) {
        let writes = (YEAR.as_secs_f64() / every.0.as_secs_f64()) as u64;
        if writes > u64::from(most) {
            let hours = format!("{:.1}", f64::from(most) * every.0.as_secs_f64() / 3600.0);
            findings.add(at.key("refresh"), Problem::RefreshWears { writes, most, hours });
        }
    }
    Restraints {
        rules: Rules {
            min_on: time(t.min_on),
            min_off: time(t.min_off),
            starts_per_hour_max: t.starts_per_hour_max,
            refresh: t.refresh.map(|d| d.0),
            writes_per_year_max: t.writes_per_year_max,
            restart_delay: t.restart_delay.map_or(default, |d| d.0),
            restart_index: 0,
            local: None,
        },
        restart_index: t.restart_index,
        local: t.local.clone(),
        local_when: t.local_when.clone(),
    }
}

pub(super) fn output(
    t: &OutputTable,
    point: &Point,
    form: &Form,
    conversion: &Conversion,
    at: &At<'_>,
    findings: &mut Findings,
) -> Option<Output> {
    if let Some(table) = form.read_only {
        findings.add(at.here(), Problem::OutputReadOnly { table });
    }
    match &t.watchdog {
        Some(text) if !is_watchdog(text) => findings.add(at.key("watchdog"), Problem::NoWatchdog),
        None if !at.has("watchdog") => findings.add(at.here(), Problem::NoWatchdog),
        _ => {}
    }
    let numeric = matches!(point.shape, Shape::Int | Shape::Float);
    match t.limits {
        Some(_) if !numeric => findings.add(at.key("limits"), Problem::LimitsNotTaken),
        Some(limits) => check_limits(limits, form, conversion, at, findings),
        None if numeric && !at.has("limits") => findings.add(at.here(), Problem::LimitsMissing),
        None => {}
    }
    if !at.has("safe") {
        findings.add(at.here(), Problem::SafeMissing);
    }
    if t.relinquish == Some(true) && !form.gives_back {
        findings.add(at.key("relinquish"), Problem::NotGivenBack);
    }
    let Some(given) = t.safe.as_ref()?.value() else {
        findings.add(at.key("safe"), Problem::NotFinite);
        return None;
    };
    let output = Output {
        // Between limits that are reversed lies nothing; that is not the safe value's mistake.
        limits: t.limits.filter(|[min, max]| min < max).map(|[min, max]| (min, max)),
        rate_max: t.rate_max,
        interval_min: t.interval_min.map_or(Duration::ZERO, |d| d.0),
        safe: given.clone(),
        relinquish: t.relinquish == Some(true),
        readback_tolerance: t
            .readback_tolerance
            .unwrap_or_else(|| tolerance(form, conversion, t.limits)),
        readback: t.readback.unwrap_or(true),
    };
    // The safe value goes the way of every other write.
    let writable = Point { output: Some(output.clone()), ..point.clone() };
    match writable.accept(&given) {
        Ok(safe) => Some(Output { safe, ..output }),
        Err(refusal) => {
            findings.add(at.key("safe"), Problem::SafeRefused { refusal });
            None
        }
    }
}

/// Whether a text names something that acts; words for "none" do not.
pub(super) fn is_watchdog(text: &str) -> bool {
    const NONE: [&str; 19] = [
        "",
        "none",
        "no",
        "n/a",
        "na",
        "nil",
        "null",
        "false",
        "off",
        "nothing",
        "not available",
        "unknown",
        "todo",
        "tbd",
        "0",
        "无",
        "没有",
        "暂无",
        "未知",
    ];
    let word = text.trim_matches(|c: char| c.is_whitespace() || "-–—./?？。".contains(c));
    !NONE.contains(&word.to_lowercase().as_str())
}

fn check_limits(
    [min, max]: [f64; 2],
    form: &Form,
    c: &Conversion,
    at: &At<'_>,
    findings: &mut Findings,
) {
    if !(min.is_finite() && max.is_finite()) {
        findings.add(at.key("limits"), Problem::NotFinite);
        return;
    }
    if min >= max {
        findings.add(at.key("limits"), Problem::RangeOrder);
        return;
    }
    let Some((low, high)) = form.whole else { return };
    if c.scale == 0.0 {
        return;
    }
    let (a, b) = (low * c.scale + c.offset, high * c.scale + c.offset);
    let (least, most) = (a.min(b), a.max(b));
    // Half a count of room: limits of 6553.5 are met by 65535 × 0.1 only nearly.
    let room = c.scale.abs() / 2.0;
    for got in [min, max] {
        if got < least - room || got > most + room {
            findings
                .add(at.key("limits"), Problem::LimitsUnreachable { got, min: least, max: most });
        }
    }
}

/// How far a value may come back from what was written: half of what one count is worth, as the
/// device rounds to counts; for floats what 24 bits lose.
fn tolerance(form: &Form, conversion: &Conversion, limits: Option<[f64; 2]>) -> f64 {
    match form.shape {
        Shape::Bool | Shape::Text => 0.0,
        Shape::Float => limits.map_or(0.0, |[a, b]| a.abs().max(b.abs())) * form.error,
        Shape::Int if conversion.is_plain() => 0.0,
        Shape::Int => conversion.scale.abs() / 2.0,
    }
}
