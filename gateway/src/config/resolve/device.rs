//! Devices: references to lines and profiles, manners on the line, and the list of points.

use super::At;
use super::line::LineFound;
use super::output::Restraints;
use super::point::{self, Defaults};
use crate::config::file::{DeviceTable, ReportWord};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::site::Device;
use crate::config::structure::nearest;
use crate::config::text::DurationText;
use crate::config::tree::Data;
use std::collections::BTreeMap;
use std::time::Duration;
use wellhead_driver::Backoff;
use wellhead_modbus::{DeviceSpec, Framing, Grouping, Timing};
use wellhead_model::{DeviceId, Point, PointIndex};

/// An output, before what it refers to is looked up.
pub(super) struct OutputFound {
    pub(super) device: DeviceId,
    pub(super) index: PointIndex,
    pub(super) point: Point,
    pub(super) restraints: Restraints,
}

/// Reads all devices with their points.
pub(super) fn devices(
    all: &At<'_>,
    lines: &[LineFound],
    outputs: &mut Vec<OutputFound>,
    findings: &mut Findings,
) -> Vec<Device> {
    let mut stations: BTreeMap<(String, u8), String> = BTreeMap::new();
    let mut devices = Vec::new();
    for (id, at) in all.entries() {
        // An id that is none was told by the structure check.
        let (Ok(device_id), Some(table)) = (DeviceId::new(id), at.read::<DeviceTable>(findings))
        else {
            continue;
        };
        let line = line_of(&table, &at, lines, findings);
        if let (Some(unit), Some(name)) = (table.unit, table.line.clone()) {
            let station = (name, unit);
            match stations.get(&station) {
                Some(other) => {
                    let other = other.clone();
                    findings.add(at.key("unit"), Problem::SameUnit { unit, other });
                }
                None => drop(stations.insert(station, id.to_owned())),
            }
        }
        devices.extend(device(device_id, table, &at, line, lines, outputs, findings));
    }
    devices
}

/// Finds the line; tells if it does not exist or can't have this unit.
fn line_of(
    table: &DeviceTable,
    at: &At<'_>,
    lines: &[LineFound],
    findings: &mut Findings,
) -> Option<usize> {
    let got = table.line.as_ref()?;
    let Some(line) = lines.iter().position(|l| l.id == *got) else {
        let ids = || lines.iter().map(|l| l.id.as_str());
        let problem = Problem::UnknownLine {
            got: got.clone(),
            near: nearest(got, ids()),
            known: ids().collect::<Vec<_>>().join(", "),
        };
        findings.add(at.key("line"), problem);
        return None;
    };
    let framing = lines.get(line)?.framing;
    if let Some(unit @ 248..) = table.unit
        && (unit < 255 || framing == Framing::Rtu)
    {
        findings.add(at.key("unit"), Problem::UnitOnLine { unit });
    }
    Some(line)
}

fn device(
    id: DeviceId,
    t: DeviceTable,
    at: &At<'_>,
    line: Option<usize>,
    lines: &[LineFound],
    outputs: &mut Vec<OutputFound>,
    findings: &mut Findings,
) -> Option<Device> {
    let or = |d: Option<DurationText>, ms| d.map_or(Duration::from_millis(ms), |d| d.0);
    let backoff = Backoff {
        first: or(t.backoff_first, 2000),
        max: or(t.backoff_max, 60_000),
        attempts: t.retries.unwrap_or(1) + 1,
    };
    if backoff.max < backoff.first {
        let key = if at.has("backoff_max") { "backoff_max" } else { "backoff_first" };
        findings.add(at.key(key), Problem::BackoffOrder);
    }
    let defaults = Defaults {
        poll: or(t.poll, 1000),
        every: t.report == Some(ReportWord::Every),
        report_min: or(t.report_min, 0),
        registers_max: t.registers_max.unwrap_or(125),
        report_max: t.report_max.map(|d| d.0),
        stale_after: t.stale_after.map(|d| d.0),
    };
    let mut points: Vec<Point> = Vec::new();
    let mut specs = Vec::new();
    let mut watchdogs = Vec::new();
    for (name, point_at) in chosen(&t, at, findings) {
        let index = u32::try_from(points.len()).ok()?;
        if let Some(found) = point::point(&id, name, &point_at, &defaults, index, findings) {
            if let Some(text) = found.watchdog {
                watchdogs.push((found.point.id.clone(), text));
            }
            if let (Some(_), Some(restraints)) = (&found.point.output, found.restraints) {
                let (device, index) = (id.clone(), PointIndex(index));
                let point = found.point.clone();
                outputs.push(OutputFound { device, index, point, restraints });
            }
            points.push(found.point);
            specs.push(found.spec);
        }
    }
    let line = line?;
    let spec = DeviceSpec {
        name: id.to_string(),
        unit: t.unit?,
        framing: lines.get(line)?.framing,
        mode: None,
        timing: Timing {
            response_timeout: or(t.response_timeout, 1000),
            pause: or(t.pause, 0),
            turnaround: or(t.turnaround, 100),
            late_window: or(t.late_window, 1000),
        },
        grouping: Grouping {
            registers_max: t.registers_max.unwrap_or(125),
            bits_max: t.bits_max.unwrap_or(2000),
            gap_max: t.gap_max.unwrap_or(0),
        },
        points: specs,
    };
    tell_plan_errors(&spec, at, findings);
    let title = t.title.unwrap_or_else(|| id.to_string());
    Some(Device {
        id,
        title_zh: t.title_zh.unwrap_or_else(|| title.clone()),
        title,
        line,
        spec,
        backoff,
        points: points.into(),
        watchdogs,
    })
}

/// Lets the driver plan, and tells what it refuses. All that it refuses today was checked before,
/// in two languages and at the right key; that is not said twice.
fn tell_plan_errors(spec: &DeviceSpec, at: &At<'_>, findings: &mut Findings) {
    let before = findings.errors();
    let Err(errors) = wellhead_modbus::plan(spec.clone()) else { return };
    if before > 0 {
        return;
    }
    for e in errors {
        let point = e.point.as_deref();
        let point_at = point.and_then(|p| at.child("point").and_then(|points| points.child(p)));
        let spot = point_at.as_ref().unwrap_or(at).key(key_of(e.key));
        findings.add(spot, Problem::Plan { message: e.message, hint: e.hint });
    }
}

/// The configuration's name for a setting of the planner.
fn key_of(planned: &str) -> &str {
    match planned {
        "period" => "poll",
        "write" => "write_with",
        same => same,
    }
}

/// The points a device has: all of its own and its profile's, or those it lists.
fn chosen<'a>(t: &DeviceTable, at: &At<'a>, findings: &mut Findings) -> Vec<(&'a str, At<'a>)> {
    let all: Vec<_> = at.child("point").map(|p| p.entries().collect()).unwrap_or_default();
    let given = at.node.get("point").and_then(|p| p.table()).is_some_and(|t| !t.is_empty());
    if !given && !at.cut("point") {
        findings.add(at.here(), Problem::NoPoints);
    }
    let Some(list) = &t.points else { return all };
    if let Some(Data::List(items)) = at.child("points").map(|c| &c.node.data) {
        for (item, name) in items.iter().zip(list) {
            let known = at.node.get("point").is_some_and(|p| p.get(name).is_some());
            if !known && !at.cut("point") {
                let near = nearest(name, all.iter().map(|(n, _)| *n));
                let spot = crate::config::report::Spot::value(item, &format!("{}.points", at.path));
                findings.add(spot, Problem::NoSuchPoint { got: name.clone(), near });
            }
        }
    }
    if list.is_empty() {
        findings.add(at.key("points"), Problem::NoPoints);
    }
    all.into_iter().filter(|(name, _)| list.iter().any(|l| l == name)).collect()
}
