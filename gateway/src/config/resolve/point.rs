//! Points: what lies at an address, what it means and when it is sent.

use super::At;
use super::output::{self, Registers, Restraints};
use crate::config::file::{ClassWord, OrderWord, PointTable, ReportWord, TypeWord, WriteWord};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::text::duration_text;
use std::sync::Arc;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_modbus::{Encoding, PointSpec, Table, WordOrder, WriteFunction};
use wellhead_model::{Class, DeviceId, Point, PointId, PointIndex, Reporting, Shape};

/// What a point takes from its device where it says nothing itself.
pub(super) struct Defaults {
    pub(super) poll: Duration,
    pub(super) every: bool,
    pub(super) report_min: Duration,
    pub(super) registers_max: u16,
    pub(super) report_max: Option<Duration>,
    pub(super) stale_after: Option<Duration>,
}

/// A point in both of its halves: what it is, and how Modbus reads it.
pub(super) struct Found {
    pub(super) point: Point,
    pub(super) spec: PointSpec,
    pub(super) watchdog: Option<String>,
    pub(super) restraints: Option<Restraints>,
}

type States = Arc<[(i64, Arc<str>)]>;

pub(super) fn point(
    device: &DeviceId,
    name: &str,
    at: &At<'_>,
    defaults: &Defaults,
    index: u32,
    findings: &mut Findings,
) -> Option<Found> {
    let id = PointId::new(name).ok()?;
    let t: PointTable = at.read(findings)?;
    let place = address(&t, at, findings);
    let encoding = place.and_then(|(table, _)| encoding(&t, table, at, findings));
    let states = states(&t, encoding, at, findings);
    numbers(&t, encoding, at, findings);
    let reporting = reporting(&t, defaults, at, findings);
    let ((table, address), encoding) = (place?, encoding?);
    let last = u32::from(address) + u32::from(encoding.width()) - 1;
    if last > 65535 {
        findings.add(at.key(table_key(table)), Problem::BeyondAddresses { last });
    }
    let (width, most) = (encoding.width(), defaults.registers_max);
    if width > most {
        findings.add(at.here(), Problem::TooWideForOneRead { width, most });
    }
    if t.write_with == Some(WriteWord::Multiple) && matches!(table, Table::Input | Table::Discrete)
    {
        let table = table_key(table);
        findings.add(at.key("write_with"), Problem::WriteWithReadOnly { table });
    }
    let conversion = Conversion {
        scale: t.scale.unwrap_or(1.0),
        offset: t.offset.unwrap_or(0.0),
        no_sensor: t.no_sensor.clone().unwrap_or_default(),
        states: states.clone(),
    };
    let shape = shape(encoding, &conversion);
    let class = class(&t, shape, &conversion);
    if t.rollover.is_some() && class != Class::Counter {
        findings.add(at.key("rollover"), Problem::RolloverNotCounter);
    }
    let numeric = matches!(shape, Shape::Int | Shape::Float);
    if numeric && t.unit.is_none() && class != Class::Status && !at.has("unit") {
        findings.add(at.here(), Problem::NoUnit);
    }
    let title: Arc<str> = t.title.as_deref().unwrap_or(name).into();
    let mut point = Point {
        device: device.clone(),
        id,
        title_zh: t.title_zh.as_deref().map_or_else(|| title.clone(), Arc::from),
        title,
        unit: t.unit.map(|u| u.0),
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
    if let (Some(out), Some(out_at)) = (t.output, at.child("output")) {
        watchdog = out.watchdog.clone();
        let registers = Registers { table, encoding, conversion: &conversion };
        point.output = output::output(&out, &point, &registers, &out_at, findings);
        restraints = Some(output::restraints(&out, &point, &out_at, findings));
    }
    let spec = PointSpec {
        index: PointIndex(index),
        name: name.to_owned(),
        table,
        address,
        encoding,
        order: match t.order {
            None | Some(OrderWord::Abcd) => WordOrder::Abcd,
            Some(OrderWord::Cdab) => WordOrder::Cdab,
            Some(OrderWord::Badc) => WordOrder::Badc,
            Some(OrderWord::Dcba) => WordOrder::Dcba,
        },
        conversion,
        period: point.period,
        write: match t.write_with {
            None | Some(WriteWord::Auto) => WriteFunction::Auto,
            Some(WriteWord::Multiple) => WriteFunction::Multiple,
        },
    };
    Some(Found { point, spec, watchdog, restraints })
}

/// The key that gives an address in this table.
pub(super) fn table_key(table: Table) -> &'static str {
    match table {
        Table::Discrete => "discrete",
        Table::Coil => "coil",
        Table::Input => "input",
        Table::Holding => "holding",
    }
}

fn address(t: &PointTable, at: &At<'_>, findings: &mut Findings) -> Option<(Table, u16)> {
    let all = [
        (Table::Holding, t.holding),
        (Table::Input, t.input),
        (Table::Coil, t.coil),
        (Table::Discrete, t.discrete),
    ];
    let given: Vec<Table> =
        all.iter().map(|(table, _)| *table).filter(|t| at.has(table_key(*t))).collect();
    match given.as_slice() {
        [] => findings.add(at.here(), Problem::NoAddress),
        [_] => return all.into_iter().find_map(|(table, a)| Some((table, a?))),
        [_, second, ..] => findings.add(at.key(table_key(*second)), Problem::SeveralAddresses),
    }
    None
}

/// How the value lies in its registers, or `None` with the reason told.
fn encoding(
    t: &PointTable,
    table: Table,
    at: &At<'_>,
    findings: &mut Findings,
) -> Option<Encoding> {
    if ["type", "bit", "bits", "length"].iter().any(|k| at.cut(k)) {
        return None;
    }
    if matches!(table, Table::Coil | Table::Discrete) {
        for key in ["bit", "bits", "length", "order"].into_iter().filter(|k| at.has(k)) {
            findings.add(at.key(key), Problem::BitKey { key });
        }
        if !matches!(t.kind, None | Some(TypeWord::Bool)) {
            findings.add(at.key("type"), Problem::BitTableType);
        }
        return Some(Encoding::Bit(None));
    }
    let kind = kind_word(t.kind);
    match (t.kind, t.length) {
        (Some(TypeWord::Bcd | TypeWord::Text), _) | (_, None) => {}
        (_, Some(_)) => findings.add(at.key("length"), Problem::LengthNotTaken { kind }),
    }
    match (t.bit, t.bits) {
        (Some(_), Some(_)) => {
            findings.add(at.key("bits"), Problem::BitsAndBit);
            return None;
        }
        (Some(bit), None) => {
            if !matches!(t.kind, None | Some(TypeWord::Bool)) {
                findings.add(at.key("type"), Problem::BitType);
            }
            return Some(Encoding::Bit(Some(bit)));
        }
        (None, Some([low, high])) => {
            if low > high {
                findings.add(at.key("bits"), Problem::BitsOrder);
                return None;
            }
            if !matches!(t.kind, None | Some(TypeWord::U16)) {
                findings.add(at.key("type"), Problem::BitType);
            }
            return Some(Encoding::Bits(low, high - low + 1));
        }
        (None, None) => {}
    }
    Some(match t.kind {
        None => {
            findings.add(at.here(), Problem::NoType);
            return None;
        }
        Some(TypeWord::Bool) => Encoding::Bit(Some(0)),
        Some(TypeWord::I16) => Encoding::I16,
        Some(TypeWord::U16) => Encoding::U16,
        Some(TypeWord::I32) => Encoding::I32,
        Some(TypeWord::U32) => Encoding::U32,
        Some(TypeWord::I64) => Encoding::I64,
        Some(TypeWord::U64) => Encoding::U64,
        Some(TypeWord::F32) => Encoding::F32,
        Some(TypeWord::F64) => Encoding::F64,
        Some(TypeWord::Bcd) => Encoding::Bcd(length(t, 4, kind, at, findings)?),
        Some(TypeWord::Text) => Encoding::Text(length(t, 125, kind, at, findings)?),
    })
}

fn length(
    t: &PointTable,
    max: u8,
    kind: &'static str,
    at: &At<'_>,
    findings: &mut Findings,
) -> Option<u8> {
    match t.length {
        Some(n) if n <= max => return Some(n),
        Some(_) => findings.add(at.key("length"), Problem::LengthTooLong { kind, max }),
        None => findings.add(at.key("length"), Problem::LengthMissing { kind }),
    }
    None
}

fn kind_word(kind: Option<TypeWord>) -> &'static str {
    match kind {
        Some(TypeWord::Bool) => "bool",
        Some(TypeWord::I16) => "i16",
        None | Some(TypeWord::U16) => "u16",
        Some(TypeWord::I32) => "i32",
        Some(TypeWord::U32) => "u32",
        Some(TypeWord::I64) => "i64",
        Some(TypeWord::U64) => "u64",
        Some(TypeWord::F32) => "f32",
        Some(TypeWord::F64) => "f64",
        Some(TypeWord::Bcd) => "bcd",
        Some(TypeWord::Text) => "text",
    }
}

fn states(
    t: &PointTable,
    encoding: Option<Encoding>,
    at: &At<'_>,
    findings: &mut Findings,
) -> States {
    let (Some(given), Some(states_at)) = (&t.states, at.child("states")) else {
        return Arc::from([]);
    };
    let kind = match encoding {
        Some(Encoding::F32) => Some("f32"),
        Some(Encoding::F64) => Some("f64"),
        Some(Encoding::Text(_)) => Some("text"),
        _ => None,
    };
    if let Some(kind) = kind {
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
        if let Some(e) = encoding.filter(|e| !holds(*e, number as f64)) {
            let kind = if let Encoding::Bit(_) = e { "bool" } else { kind_word(t.kind) };
            findings.add(states_at.key(code), Problem::StateImpossible { code: number, kind });
        }
        states.push((number, name.as_str().into()));
    }
    states.sort_by_key(|(code, _)| *code);
    states.into()
}

/// Smallest and largest number of an encoding; `None` if it holds no whole numbers.
pub(super) fn whole_range(encoding: Encoding) -> Option<(f64, f64)> {
    let unsigned = |bits: i32| (0.0, 2f64.powi(bits) - 1.0);
    let signed = |bits: i32| (-(2f64.powi(bits - 1)), 2f64.powi(bits - 1) - 1.0);
    Some(match encoding {
        Encoding::Bit(_) => unsigned(1),
        Encoding::Bits(_, n) => unsigned(i32::from(n)),
        Encoding::U16 => unsigned(16),
        Encoding::U32 => unsigned(32),
        Encoding::U64 => unsigned(64),
        Encoding::I16 => signed(16),
        Encoding::I32 => signed(32),
        Encoding::I64 => signed(64),
        Encoding::Bcd(n) => (0.0, 10f64.powi(4 * i32::from(n)) - 1.0),
        Encoding::F32 | Encoding::F64 | Encoding::Text(_) => return None,
    })
}

fn holds(encoding: Encoding, number: f64) -> bool {
    whole_range(encoding)
        .is_none_or(|(min, max)| number.fract() == 0.0 && (min..=max).contains(&number))
}

/// Scale, offset, limits of plausibility and sentinels: what only numbers have.
fn numbers(t: &PointTable, encoding: Option<Encoding>, at: &At<'_>, findings: &mut Findings) {
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
    let kind = match encoding {
        Some(Encoding::Bit(_)) => "bool",
        Some(Encoding::Text(_)) => "text",
        Some(e) => {
            for &got in t.no_sensor.iter().flatten().filter(|n| !holds(e, **n)) {
                let kind = kind_word(t.kind);
                let instead = same_bits(e, got);
                findings
                    .add(at.key("no_sensor"), Problem::NoSensorImpossible { got, kind, instead });
            }
            let scaled = ["scale", "offset", "range", "rollover", "deadband"];
            if t.states.is_some() {
                tell_senseless(&scaled, "states", at, findings);
            }
            return;
        }
        None => return,
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
fn same_bits(encoding: Encoding, number: f64) -> Option<i64> {
    let size = 2f64.powi(16 * i32::from(encoding.width()));
    [number - size, number + size]
        .into_iter()
        .find(|n| n.abs() < 9e15 && holds(encoding, *n))
        .filter(|_| !matches!(encoding, Encoding::Bits(..) | Encoding::Bcd(_)))
        .map(|n| {
            #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
            let whole = n as i64;
            whole
        })
}

fn shape(encoding: Encoding, conversion: &Conversion) -> Shape {
    if !conversion.states.is_empty() {
        return Shape::Text;
    }
    match encoding {
        Encoding::Bit(_) => Shape::Bool,
        Encoding::Text(_) => Shape::Text,
        Encoding::F32 | Encoding::F64 => Shape::Float,
        _ if conversion.is_plain() => Shape::Int,
        _ => Shape::Float,
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

fn reporting(t: &PointTable, d: &Defaults, at: &At<'_>, findings: &mut Findings) -> Reporting {
    let poll = t.poll.map_or(d.poll, |p| p.0);
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
