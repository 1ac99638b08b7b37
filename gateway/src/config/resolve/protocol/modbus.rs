//! Modbus: tables, addresses, and how values lie in registers.

use super::{Form, Half, Reader};
use crate::config::file::{DeviceTable, OrderWord, PointTable, TypeWord, WriteWord};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::resolve::At;
use crate::config::resolve::line::LineFound;
use crate::config::tree::Data;
use std::time::Duration;
use wellhead_modbus::{
    DeviceSpec, Encoding, Framing, Grouping, PointSpec, Table, Timing, WordOrder, WriteFunction,
};
use wellhead_model::Shape;

/// The keys that say where a value lies in registers, and how.
#[derive(Clone, Copy)]
pub(in crate::config::resolve) struct RegisterKeys {
    pub(in crate::config::resolve) holding: Option<u16>,
    pub(in crate::config::resolve) input: Option<u16>,
    pub(in crate::config::resolve) coil: Option<u16>,
    pub(in crate::config::resolve) discrete: Option<u16>,
    pub(in crate::config::resolve) kind: Option<TypeWord>,
    pub(in crate::config::resolve) length: Option<u8>,
    pub(in crate::config::resolve) bit: Option<u8>,
    pub(in crate::config::resolve) bits: Option<[u8; 2]>,
    pub(in crate::config::resolve) order: Option<OrderWord>,
}

/// What those keys say.
pub(in crate::config::resolve) struct Lay {
    pub(in crate::config::resolve) table: Table,
    pub(in crate::config::resolve) address: u16,
    pub(in crate::config::resolve) encoding: Encoding,
    pub(in crate::config::resolve) order: WordOrder,
}

/// Where a value lies and how.
struct Place {
    table: Table,
    address: u16,
    encoding: Encoding,
    order: WordOrder,
    write: WriteFunction,
}

pub(super) fn device(
    t: &DeviceTable,
    line: &LineFound,
    reader: &mut Reader<'_, '_>,
) -> Option<DeviceSpec> {
    let unit = reader.needs("unit", t.unit);
    if let Some(unit @ 248..) = t.unit
        && (unit < 255 || line.framing == Framing::Rtu)
    {
        reader.tell("unit", Problem::UnitOnLine { unit });
    }
    let timing = super::timing(t);
    let registers_max = t.registers_max.unwrap_or(125);
    // An output that is not read back may well be meant for all units.
    let read = |at: &At<'_>| {
        let back = at.child("output").and_then(|o| o.child("readback"));
        !back.is_some_and(|b| b.node.data == Data::Bool(false))
    };
    if t.unit == Some(0) && reader.chosen.iter().any(|(_, at)| read(at)) {
        reader.tell("unit", Problem::UnitOfAll);
    }
    // What the site itself gives may be misread. A profile's addresses are its maker's, of whom
    // some have registers up there too; but one that has them nowhere else has the manual's numbers.
    let own = (!reader.alone).then_some(reader.at.node.place.file);
    let device = reader.at;
    let place = |t: &PointTable, at: &At<'_>, findings: &mut Findings| {
        let place = place(t, at, registers_max, findings)?;
        let (key, got) = (table_key(place.1.table), place.1.address);
        let file = at.child(key).map(|k| k.node.place.file);
        if let Some(meant) = number_of_a_manual(place.1.table, got)
            && let Some(file) = file
            && (own == Some(file) || all_of_a_manual(device, place.1.table, file))
        {
            findings.add(at.key(key), Problem::CountedFromOne { key, got, meant });
        }
        Some(place)
    };
    let points = reader.points(place, point);
    Some(DeviceSpec {
        name: reader.name(),
        unit: unit?,
        framing: line.framing,
        mode: reader.mode(t, line),
        timing: Timing {
            response_timeout: timing.response_timeout,
            pause: timing.pause,
            turnaround: t.turnaround.map_or(Duration::from_millis(100), |d| d.0),
            late_window: timing.late_window,
        },
        grouping: Grouping {
            registers_max,
            bits_max: t.bits_max.unwrap_or(2000),
            gap_max: t.gap_max.unwrap_or(0),
        },
        points,
    })
}

/// What an address would be as a number whose first digit names its table, as in 40001.
fn number_of_a_manual(table: Table, address: u16) -> Option<u16> {
    let first = match table {
        Table::Holding => 40_001,
        Table::Input => 30_001,
        Table::Discrete => 10_001,
        Table::Coil => return None,
    };
    address.checked_sub(first).filter(|n| *n < 9_999)
}

/// Whether every address that this file gives in this table looks like a number of a manual.
fn all_of_a_manual(device: &At<'_>, table: Table, file: usize) -> bool {
    let points = device.child("point");
    let addresses =
        points.iter().flat_map(At::entries).filter_map(|(_, p)| p.child(table_key(table)));
    addresses.filter(|a| a.node.place.file == file).all(|a| match a.node.data {
        Data::Int(n) => u16::try_from(n).is_ok_and(|n| number_of_a_manual(table, n).is_some()),
        _ => false,
    })
}

fn point(place: Place, half: Half) -> PointSpec {
    PointSpec {
        index: half.index,
        name: half.name,
        table: place.table,
        address: place.address,
        encoding: place.encoding,
        order: place.order,
        conversion: half.conversion,
        period: half.period,
        write: place.write,
    }
}

fn place(
    t: &PointTable,
    at: &At<'_>,
    registers_max: u16,
    findings: &mut Findings,
) -> Option<(Form, Place)> {
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
    let width = encoding.width();
    if width > registers_max {
        findings.add(at.here(), Problem::TooWideForOneRead { width, most: registers_max });
    }
    let read_only = matches!(table, Table::Input | Table::Discrete).then(|| table_key(table));
    if let (Some(WriteWord::Multiple), Some(table)) = (t.write_with, read_only) {
        findings.add(at.key("write_with"), Problem::WriteWithReadOnly { table });
    }
    let write = match t.write_with {
        None | Some(WriteWord::Auto) => WriteFunction::Auto,
        Some(WriteWord::Multiple) => WriteFunction::Multiple,
    };
    let form = Form {
        kind: encoding_word(encoding, t.kind),
        whole: whole_range(encoding),
        bits: match encoding {
            Encoding::Bits(..) | Encoding::Bcd(_) => None,
            e => Some(16 * e.width()),
        },
        error: if encoding == Encoding::F32 { Form::SINGLE } else { 0.0 },
        read_only,
        ..Form::of(match encoding {
            Encoding::Bit(_) => Shape::Bool,
            Encoding::Text(_) => Shape::Text,
            Encoding::F32 | Encoding::F64 => Shape::Float,
            _ => Shape::Int,
        })
    };
    Some((form, Place { table, address, encoding, order, write }))
}

/// Reads those keys, or tells what is wrong with them.
pub(in crate::config::resolve) fn lay(
    keys: &RegisterKeys,
    at: &At<'_>,
    findings: &mut Findings,
) -> Option<Lay> {
    let (table, address) = address(keys, at, findings)?;
    let encoding = encoding(keys, table, at, findings)?;
    let last = u32::from(address) + u32::from(encoding.width()) - 1;
    if last > 65535 {
        findings.add(at.key(table_key(table)), Problem::BeyondAddresses { last });
    }
    let order = match keys.order {
        None | Some(OrderWord::Abcd) => WordOrder::Abcd,
        Some(OrderWord::Cdab) => WordOrder::Cdab,
        Some(OrderWord::Badc) => WordOrder::Badc,
        Some(OrderWord::Dcba) => WordOrder::Dcba,
    };
    Some(Lay { table, address, encoding, order })
}

/// The key that gives an address in this table.
pub(in crate::config::resolve) fn table_key(table: Table) -> &'static str {
    match table {
        Table::Discrete => "discrete",
        Table::Coil => "coil",
        Table::Input => "input",
        Table::Holding => "holding",
    }
}

fn address(t: &RegisterKeys, at: &At<'_>, findings: &mut Findings) -> Option<(Table, u16)> {
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
    t: &RegisterKeys,
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
    t: &RegisterKeys,
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

/// The word for how a value lies, for messages.
pub(in crate::config::resolve) fn encoding_word(
    encoding: Encoding,
    kind: Option<TypeWord>,
) -> &'static str {
    if let Encoding::Bit(_) = encoding { "bool" } else { kind_word(kind) }
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

/// Smallest and largest number of an encoding; `None` if it holds no whole numbers.
pub(in crate::config::resolve) fn whole_range(encoding: Encoding) -> Option<(f64, f64)> {
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
