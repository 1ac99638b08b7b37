//! `[server.modbus]`: chosen points on a register map.

use super::At;
use super::line::one_socket;
use super::protocol::modbus::{Lay, RegisterKeys, encoding_word, lay, table_key, whole_range};
use crate::config::file::{BadWord, ModbusServerTable, RegisterTable};
use crate::config::problem::Problem;
use crate::config::report::{Findings, Spot};
use crate::config::site::{Device, Gateway, ModbusServer, Plugin};
use crate::config::structure::nearest;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_modbus::server::{EntrySpec, Identity, Image, OnBad, ServerSpec};
use wellhead_modbus::{Encoding, Table};
use wellhead_model::{DeviceId, Point, PointIndex, Shape};

const HOLD: Duration = Duration::from_secs(900);
/// A building has one master, a panel or two, and somebody who looks for a fault.
const CLIENTS_MAX: usize = 16;
/// Longer than any master's period, so that the place of one that has gone is free again.
const IDLE: Duration = Duration::from_secs(300);
/// What one write takes, function 16.
const WRITE_REGISTERS_MAX: u8 = 123;

/// What the table is read against.
pub(super) struct Around<'a> {
    pub(super) site: &'a str,
    pub(super) gateway: &'a Gateway,
    pub(super) devices: &'a [Device],
    pub(super) plugins: &'a [Plugin],
}

impl Around<'_> {
    /// Everybody's points: devices', and what plugins publish.
    fn points(&self) -> impl Iterator<Item = (&DeviceId, &Arc<[Point]>)> {
        let devices = self.devices.iter().map(|d| (&d.id, &d.points));
        devices.chain(self.plugins.iter().map(|p| (&p.id, &p.points)))
    }

    fn find(&self, name: &str) -> Option<(&DeviceId, PointIndex, &Point)> {
        let (device, point) = name.split_once('/')?;
        let (device, points) = self.points().find(|(id, _)| id.as_str() == device)?;
        let i = points.iter().position(|p| p.id.as_str() == point)?;
        Some((device, PointIndex(u32::try_from(i).ok()?), &points[i]))
    }

    fn unknown(&self, got: &str) -> Problem {
        let names: Vec<String> = self
            .points()
            .flat_map(|(id, points)| points.iter().map(move |p| format!("{id}/{}", p.id)))
            .collect();
        let near = nearest(got, names.iter().map(String::as_str));
        Problem::UnknownPoint { got: got.to_owned(), near }
    }
}

pub(super) fn server(
    at: &At<'_>,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<ModbusServer> {
    let t: ModbusServerTable = at.read(findings)?;
    let bind = t.bind.as_ref().and_then(|got| {
        let parsed: Option<SocketAddr> = got.parse().ok();
        match (parsed, around.gateway.metrics) {
            (None, _) => findings.add(at.key("bind"), Problem::BadBind { got: got.clone() }),
            (Some(bind), Some(metrics)) if one_socket(bind, metrics) => {
                findings.add(at.key("bind"), Problem::ServerOnMetrics { metrics });
            }
            _ => {}
        }
        parsed
    });
    let (mut entries, mut points, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    let map = at.child("map");
    if t.map.is_empty()
        && map.as_ref().is_some_and(|m| m.node.table().is_some_and(|t| t.is_empty()))
    {
        findings.add(at.key("map"), Problem::EmptyMap);
    }
    for (name, at) in map.iter().flat_map(At::entries) {
        let Some(table) = t.map.get(name) else { continue };
        let Some((device, index, point)) = around.find(name) else {
            findings.add(at.here(), around.unknown(name));
            continue;
        };
        let Some(entry) = entry(name, table, point, &at, around.gateway.commands, findings) else {
            continue;
        };
        taken.extend(Taken::by(&entry, &at));
        points.push((device.clone(), index, Arc::from(name)));
        entries.push(entry);
    }
    tell_overlaps(taken, findings);
    let spec = ServerSpec {
        unit: t.unit,
        on_bad: match t.bad {
            None | Some(BadWord::Sentinel) => OnBad::Sentinel,
            Some(BadWord::Exception) => OnBad::Exception,
        },
        clients_max: CLIENTS_MAX,
        idle_timeout: IDLE,
        identity: Identity {
            vendor: "Wellhead".into(),
            product: "Wellhead".into(),
            revision: env!("CARGO_PKG_VERSION").into(),
            name: format!("{}/{}", around.site, around.gateway.id),
        },
        entries,
    };
    // Everything it refuses has been told in its place above; should something be left, it is told
    // all the same.
    if findings.errors() == 0
        && let Err(errors) = Image::new(spec.clone())
    {
        for error in errors {
            let message = error.to_string();
            findings.add(at.here(), Problem::Plan { message, hint: error.hint });
        }
    }
    Some(ModbusServer { bind: bind?, spec, points, hold: t.hold.map_or(HOLD, |d| d.0) })
}

fn entry(
    name: &str,
    t: &RegisterTable,
    point: &Point,
    at: &At<'_>,
    commands: bool,
    findings: &mut Findings,
) -> Option<EntrySpec> {
    let keys = RegisterKeys {
        holding: t.holding,
        input: t.input,
        coil: t.coil,
        discrete: t.discrete,
        kind: t.kind,
        length: t.length,
        bit: t.bit,
        bits: t.bits,
        order: t.order,
    };
    let Lay { table, address, encoding, order } = lay(&keys, at, findings)?;
    let register = match encoding {
        Encoding::Bits(..) => "bits",
        _ => encoding_word(encoding, t.kind),
    };
    if !shows(encoding, point) {
        let point = if point.states.is_empty() { point.shape.word() } else { "states" };
        findings.add(at.here(), Problem::RegisterKind { point, register });
    }
    numbers(t, point, encoding, register, at, findings);
    let writable = t.writable.unwrap_or(false);
    if writable {
        check_writable(name, table, encoding, point, commands, at, findings);
    }
    let conversion = Conversion {
        scale: t.scale.unwrap_or(1.0),
        offset: t.offset.unwrap_or(0.0),
        no_sensor: Vec::new(),
        states: Arc::clone(&point.states),
    };
    let (name, quality) = (name.to_owned(), t.quality);
    Some(EntrySpec { name, table, address, encoding, order, conversion, writable, quality })
}

/// Whether this can lie in such registers. States lie there as their numbers.
fn shows(encoding: Encoding, point: &Point) -> bool {
    let text = point.shape == Shape::Text && point.states.is_empty();
    match encoding {
        Encoding::Text(_) => text,
        Encoding::Bit(_) => point.shape == Shape::Bool || !point.states.is_empty(),
        Encoding::F32 | Encoding::F64 => {
            matches!(point.shape, Shape::Int | Shape::Float) && point.states.is_empty()
        }
        _ => !text,
    }
}

/// Scale, offset and the numbers of states.
fn numbers(
    t: &RegisterTable,
    point: &Point,
    encoding: Encoding,
    register: &'static str,
    at: &At<'_>,
    findings: &mut Findings,
) {
    let given = [("scale", t.scale), ("offset", t.offset)];
    let senseless = match encoding {
        Encoding::Bit(_) | Encoding::Text(_) => Some(register),
        _ if !point.states.is_empty() => Some("states"),
        _ if point.shape == Shape::Bool => Some("bool"),
        _ => None,
    };
    for (key, value) in given.into_iter().filter_map(|(key, v)| Some((key, v?))) {
        if let Some(kind) = senseless {
            findings.add(at.key(key), Problem::NotForKind { key, kind });
        } else if !value.is_finite() {
            findings.add(at.key(key), Problem::NotFinite);
        }
    }
    if t.scale == Some(0.0) && senseless.is_none() {
        findings.add(at.key("scale"), Problem::ScaleZero);
    }
    let Some((min, max)) = whole_range(encoding) else { return };
    #[expect(clippy::cast_precision_loss, reason = "compared with limits, not counted")]
    let misfit = point.states.iter().find(|(code, _)| !(min..=max).contains(&(*code as f64)));
    if let Some(&(code, _)) = misfit {
        findings.add(at.here(), Problem::StateImpossible { code, kind: register });
    }
}

fn check_writable(
    name: &str,
    table: Table,
    encoding: Encoding,
    point: &Point,
    commands: bool,
    at: &At<'_>,
    findings: &mut Findings,
) {
    if matches!(table, Table::Input | Table::Discrete) {
        let table = table_key(table);
        findings.add(at.key("writable"), Problem::OutputReadOnly { table });
    }
    if point.output.is_none() {
        findings.add(at.key("writable"), Problem::NotAnOutput { got: name.to_owned() });
    } else if !commands {
        findings.add(at.key("writable"), Problem::CommandsOff);
    }
    if let Encoding::Text(n) = encoding
        && n > WRITE_REGISTERS_MAX
    {
        let problem = Problem::LengthTooLong { kind: "text", max: WRITE_REGISTERS_MAX };
        findings.add(at.key("length"), problem);
    }
}

/// Addresses that are in use.
struct Taken {
    table: Table,
    start: u32,
    end: u32,
    /// The bits of the register, if others may have the rest.
    bits: Option<u16>,
    by: String,
    spot: Spot,
}

impl Taken {
    fn by(entry: &EntrySpec, at: &At<'_>) -> impl Iterator<Item = Self> + use<> {
        let quality_table = match entry.table {
            Table::Input | Table::Discrete => Table::Input,
            Table::Holding | Table::Coil => Table::Holding,
        };
        let quality = entry.quality.map(|address| Self {
            table: quality_table,
            start: address.into(),
            end: u32::from(address) + 1,
            bits: None,
            by: entry.name.clone(),
            spot: at.key("quality"),
        });
        let value = Self {
            table: entry.table,
            start: entry.address.into(),
            end: u32::from(entry.address) + u32::from(entry.encoding.width()),
            bits: entry.encoding.mask(),
            by: entry.name.clone(),
            spot: at.key(table_key(entry.table)),
        };
        [Some(value), quality].into_iter().flatten()
    }

    fn overlaps(&self, other: &Self) -> bool {
        let shared = matches!((self.bits, other.bits), (Some(a), Some(b)) if a & b == 0);
        self.table == other.table && self.start < other.end && other.start < self.end && !shared
    }
}

/// Tells of each that lies on another, once.
fn tell_overlaps(mut taken: Vec<Taken>, findings: &mut Findings) {
    taken.sort_by_key(|t| (table_key(t.table), t.start));
    let mut free: Vec<Taken> = Vec::new();
    for next in taken {
        // The widest value has 125 registers; what ends before cannot reach this far.
        let near =
            free.iter().rev().take_while(|t| t.table == next.table && t.start + 125 > next.start);
        match near.into_iter().find(|t| t.overlaps(&next)) {
            Some(there) => {
                let (at, other, free) = (next.start, there.by.clone(), there.end);
                findings.add(next.spot, Problem::RegisterOverlap { at, other, free });
            }
            None => free.push(next),
        }
    }
}
