//! Devices: references to lines and profiles, manners on the line, and the list of points.

use super::At;
use super::line::LineFound;
use super::output::Restraints;
use super::point::Defaults;
use super::protocol::{self, Reader};
use crate::config::file::{DeviceTable, Protocol, ReportWord};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::site::Device;
use crate::config::structure::nearest;
use crate::config::text::DurationText;
use crate::config::tree::Data;
use crate::registry::{DeviceSpec, Unfit};
use std::collections::BTreeMap;
use std::time::Duration;
use wellhead_driver::Backoff;
use wellhead_model::{DeviceId, Point, PointIndex};

/// An output, before what it refers to is looked up.
pub(super) struct OutputFound {
    pub(super) device: DeviceId,
    pub(super) index: PointIndex,
    pub(super) point: Point,
    pub(super) restraints: Restraints,
}

/// Who is who where: where the line leads, the protocol and what tells devices apart there; the
/// device, and its line.
type Stations = BTreeMap<(String, Protocol, String), (String, usize)>;

/// Reads all devices with their points. `alone` if a profile is checked by itself.
pub(super) fn devices(
    all: &At<'_>,
    lines: &[LineFound],
    alone: bool,
    outputs: &mut Vec<OutputFound>,
    findings: &mut Findings,
) -> Vec<Device> {
    let mut stations = Stations::new();
    let mut devices = Vec::new();
    for (id, at) in all.entries() {
        // An id that is none was told by the structure check.
        let (Ok(device_id), Some(table)) = (DeviceId::new(id), at.read::<DeviceTable>(findings))
        else {
            continue;
        };
        let line = line_of(&table, &at, lines, findings);
        let found = line.and_then(|line| lines.get(line));
        let Some(protocol) = protocol_of(&table, &at, found, findings) else { continue };
        let device =
            device(device_id, table, &at, (line, found), protocol, alone, outputs, findings);
        if let Some(device) = &device {
            tell_same_station(device, lines, &at, &mut stations, findings);
        }
        devices.extend(device);
    }
    devices
}

/// Finds the line; tells if it does not exist.
fn line_of(
    table: &DeviceTable,
    at: &At<'_>,
    lines: &[LineFound],
    findings: &mut Findings,
) -> Option<usize> {
    let got = table.line.as_ref()?;
    let found = lines.iter().position(|l| l.id == *got);
    if found.is_none() {
        let ids = || lines.iter().map(|l| l.id.as_str());
        let problem = Problem::UnknownLine {
            got: got.clone(),
            near: nearest(got, ids()),
            known: ids().collect::<Vec<_>>().join(", "),
        };
        findings.add(at.key("line"), problem);
    }
    found
}

/// What it speaks; tells if its line does not carry that, or if nobody says it.
fn protocol_of(
    table: &DeviceTable,
    at: &At<'_>,
    line: Option<&LineFound>,
    findings: &mut Findings,
) -> Option<Protocol> {
    if at.cut("protocol") {
        return None;
    }
    let Some(kind) = line.and_then(|l| l.kind) else {
        // Of a device on no known line the points are checked all the same.
        return Some(table.protocol.unwrap_or(Protocol::Modbus));
    };
    let words = |of: &[Protocol]| of.iter().map(|p| p.word()).collect::<Vec<_>>().join(", ");
    // Otherwise each of its keys would be told as no key of the usual protocol.
    let suggested = protocol::suggested(at, kind);
    if table.protocol.is_none() && kind.usual() == Some(Protocol::Modbus) && !suggested.is_empty() {
        let known = words(&suggested);
        findings.add(at.key("protocol"), Problem::ProtocolMissing { known });
        return None;
    }
    match table.protocol.or(kind.usual()) {
        Some(protocol) if kind.protocols().contains(&protocol) => Some(protocol),
        Some(protocol) => {
            let (line, got) = (kind.word(), protocol.word());
            let known = words(kind.protocols());
            findings.add(at.key("protocol"), Problem::ProtocolOnLine { line, got, known });
            None
        }
        None => {
            let known = words(kind.protocols());
            findings.add(at.key("protocol"), Problem::ProtocolMissing { known });
            None
        }
    }
}

/// Tells of two devices that would both answer.
fn tell_same_station(
    device: &Device,
    lines: &[LineFound],
    at: &At<'_>,
    stations: &mut Stations,
    findings: &mut Findings,
) {
    let protocol = device.spec.protocol();
    let Some(line) = lines.get(device.line) else { return };
    for (point, key, got) in device.spec.stations() {
        let id = device.id.to_string();
        let station = (line.reaches().to_owned(), protocol, got.clone());
        let first = stations.entry(station).or_insert_with(|| (id.clone(), device.line));
        let (other, others_line) = first.clone();
        // Twice in one device is told by its driver's own check.
        if other == id {
            continue;
        }
        let place = point.and_then(|p| at.child("point")?.child(p));
        let problem = match device.spec {
            _ if others_line != device.line => Problem::SameStationElsewhere { key, got, other },
            DeviceSpec::Modbus(ref spec) => Problem::SameUnit { unit: spec.unit, other },
            _ => Problem::SameStation { key, got, other },
        };
        findings.add(place.as_ref().unwrap_or(at).key(key), problem);
    }
}

#[expect(clippy::too_many_arguments, reason = "one device with all that stands around it")]
fn device(
    id: DeviceId,
    t: DeviceTable,
    at: &At<'_>,
    (line, found): (Option<usize>, Option<&LineFound>),
    protocol: Protocol,
    alone: bool,
    outputs: &mut Vec<OutputFound>,
    findings: &mut Findings,
) -> Option<Device> {
    let or = |d: Option<DurationText>, ms| d.map_or(Duration::from_millis(ms), |d| d.0);
    let backoff = Backoff {
        first: or(t.backoff_first, 2000),
        max: or(t.backoff_max, 60_000),
        // BACnet's client repeats its requests by itself.
        attempts: match protocol {
            Protocol::Bacnet => 1,
            _ => t.retries.unwrap_or(1) + 1,
        },
    };
    if backoff.max < backoff.first {
        let key = if at.has("backoff_max") { "backoff_max" } else { "backoff_first" };
        findings.add(at.key(key), Problem::BackoffOrder);
    }
    let defaults = Defaults {
        poll: t.poll.map_or(protocol::usual_poll(protocol), |d| d.0),
        every: t.report == Some(ReportWord::Every),
        report_min: or(t.report_min, 0),
        report_max: t.report_max.map(|d| d.0),
        stale_after: t.stale_after.map(|d| d.0),
    };
    let chosen = chosen(&t, at, findings);
    let unknown = LineFound::for_profiles();
    let mut reader = Reader {
        id: &id,
        at,
        defaults,
        chosen,
        protocol,
        alone,
        points: Vec::new(),
        watchdogs: Vec::new(),
        outputs,
        findings,
    };
    let spec = protocol::device(&t, found.unwrap_or(&unknown), &mut reader);
    let Reader { points, watchdogs, .. } = reader;
    let (line, spec) = (line?, spec?);
    tell_unfit(&spec, at, findings);
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

/// Tells what the driver refuses. All that Modbus refuses today was checked before, in two
/// languages and at the right key; that is not said twice.
fn tell_unfit(spec: &DeviceSpec, at: &At<'_>, findings: &mut Findings) {
    if spec.protocol() == Protocol::Modbus && findings.errors() > 0 {
        return;
    }
    for unfit in spec.problems() {
        let point = unfit.point.as_deref();
        let point_at = point.and_then(|p| at.child("point").and_then(|points| points.child(p)));
        let spot = point_at.as_ref().unwrap_or(at).key(unfit.key);
        let Unfit { message, message_zh, hint, .. } = unfit;
        let refused = match hint {
            Some(hint) => Problem::Plan { message, hint },
            None => {
                let message_zh = message_zh.unwrap_or_else(|| message.clone());
                Problem::Refused { message, message_zh }
            }
        };
        findings.add(spot, refused);
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
