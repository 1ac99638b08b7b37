//! What other systems may ask of the gateway: the BACnet device and its objects.

use super::At;
use super::line::{LineFound, one_socket};
use crate::config::file::{BacnetServerTable, CharsetWord, NamesWord};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::site::{BacnetServer, Device, Gateway};
use crate::config::structure::nearest;
use crate::registry::LineSetup;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wellhead_bacnet::server::{Charset, DeviceInfo, Holds, ObjectSpec, clash};
use wellhead_model::{Class, Point, Shape};

const BIND: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 47_808);
const HOLD: Duration = Duration::from_secs(900);
/// The operator's.
const PRIORITY_FIRST: u8 = 8;

/// What the table is read against.
pub(super) struct Around<'a> {
    pub(super) site: &'a str,
    pub(super) gateway: &'a Gateway,
    pub(super) devices: &'a [Device],
    pub(super) lines: &'a [LineFound],
}

pub(super) fn bacnet(
    at: &At<'_>,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<BacnetServer> {
    let t: BacnetServerTable = at.read(findings)?;
    let bind = match &t.bind {
        None => Some(BIND),
        Some(got) => {
            let parsed = got.parse().ok();
            if parsed.is_none() {
                findings.add(at.key("bind"), Problem::BadBacnetAddress { got: got.clone() });
            }
            parsed
        }
    };
    let broadcast = match &t.broadcast {
        None => Some(Ipv4Addr::BROADCAST),
        Some(got) => {
            let parsed = got.parse().ok();
            if parsed.is_none() {
                findings.add(at.key("broadcast"), Problem::BadBroadcast { got: got.clone() });
            }
            parsed
        }
    };
    if let Some(line) = bind.and_then(|bind| line_at(around.lines, bind)) {
        findings.add(at.key("bind"), Problem::ServerOnLine { line });
    }
    let commands = t.commands.as_deref().unwrap_or_default();
    let names = t.names.unwrap_or(NamesWord::Id);
    let mut points = Vec::new();
    let mut objects = Vec::new();
    // Given whole, so that an instance stays what it is when another point is wrong.
    for (place, name) in (1..).zip(t.points.iter().flatten()) {
        let Some((device, point)) = find(around.devices, name) else {
            findings.add(at.key("points"), unknown(around.devices, name));
            continue;
        };
        points.push(name.clone());
        objects.push(object(place, device, point, names, commands.contains(name)));
    }
    check_commands(at, commands, &points, around, findings);
    if let Some((_, again)) = clash(&objects) {
        let name = objects.get(again).map(|o| o.name.clone()).unwrap_or_default();
        findings.add(at.key("points"), Problem::SameObjectName { name });
    }
    let name = t.name.unwrap_or_else(|| format!("{}/{}", around.site, around.gateway.id));
    Some(BacnetServer {
        bind: bind?,
        broadcast: broadcast?,
        device: DeviceInfo { instance: t.instance?, name, description: around.site.to_owned() },
        charset: match t.charset {
            Some(CharsetWord::Ucs2) => Charset::Ucs2,
            Some(CharsetWord::Utf8) | None => Charset::Utf8,
        },
        points,
        objects,
        priority_first: t.priority_first.unwrap_or(PRIORITY_FIRST),
        hold: t.hold.map_or(HOLD, |d| d.0),
    })
}

/// The line that has this port already.
fn line_at(lines: &[LineFound], bind: SocketAddrV4) -> Option<String> {
    let clashes = |line: &&LineFound| match &line.setup {
        Some(LineSetup::Bacnet(port)) => one_socket(port.bind.into(), bind.into()),
        _ => false,
    };
    lines.iter().find(clashes).map(|line| line.id.clone())
}

fn find<'a>(devices: &'a [Device], name: &str) -> Option<(&'a Device, &'a Point)> {
    let (device, point) = name.split_once('/')?;
    let device = devices.iter().find(|d| d.id.as_str() == device)?;
    Some((device, device.points.iter().find(|p| p.id.as_str() == point)?))
}

fn unknown(devices: &[Device], got: &str) -> Problem {
    let name = |p: &Point| format!("{}/{}", p.device, p.id);
    let names: Vec<String> = devices.iter().flat_map(|d| &*d.points).map(name).collect();
    let near = nearest(got, names.iter().map(String::as_str));
    Problem::UnknownPoint { got: got.to_owned(), near }
}

fn check_commands(
    at: &At<'_>,
    commands: &[String],
    points: &[String],
    around: &Around<'_>,
    findings: &mut Findings,
) {
    if !commands.is_empty() && !around.gateway.commands {
        findings.add(at.key("commands"), Problem::CommandsOff);
    }
    for name in commands {
        let problem = match find(around.devices, name) {
            None => unknown(around.devices, name),
            Some((_, point)) if point.output.is_none() => {
                Problem::NotAnOutput { got: name.clone() }
            }
            Some((_, point)) if holds(point) == Holds::Text || holds(point) == Holds::Count => {
                Problem::NotCommandable { got: name.clone() }
            }
            Some(_) if !points.contains(name) => Problem::NotAnObject { got: name.clone() },
            Some(_) => continue,
        };
        findings.add(at.key("commands"), problem);
    }
}

fn holds(point: &Point) -> Holds {
    match point.shape {
        _ if !point.states.is_empty() => {
            Holds::States(point.states.iter().map(|(_, name)| name.clone()).collect())
        }
        Shape::Bool => Holds::Bool,
        Shape::Text => Holds::Text,
        Shape::Int | Shape::Float if point.class == Class::Counter => Holds::Count,
        Shape::Int | Shape::Float => Holds::Number,
    }
}

fn object(
    instance: u32,
    device: &Device,
    point: &Point,
    names: NamesWord,
    commanded: bool,
) -> ObjectSpec {
    let id = format!("{}/{}", point.device, point.id);
    let titles = format!("{} {}", device.title, point.title);
    let (name, description) = match names {
        NamesWord::Id => (id, titles),
        NamesWord::En => (titles, id),
        NamesWord::Zh => (format!("{} {}", device.title_zh, point.title_zh), id),
    };
    let output = point.output.as_ref();
    ObjectSpec {
        name,
        description,
        instance,
        holds: holds(point),
        setpoint: point.class == Class::Setpoint,
        unit: point.unit,
        increment: point.reporting.deadband.unwrap_or(0.0),
        limits: output.and_then(|o| o.limits).or(point.range),
        commanded: output.filter(|_| commanded).map(|o| o.safe.clone()),
    }
}
