//! From rows to a profile.

use super::columns::{self, Column, Columns};
use super::said::said;
use super::sheet::{Row, Sheet};
use super::words::{self, Address, Form, Kind};
use super::{Said, doubled};
use std::collections::BTreeSet;
use std::fmt::Write;
use wellhead_modbus::Table;
use wellhead_model::Unit;

/// What plain decimal addresses count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Numbering {
    /// The protocol's own, from 0.
    Zero,
    /// From 1.
    One,
    /// 40001 is the first holding register, 30001 the first input register.
    Traditional,
}

/// What the profile is called and where its map is from.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// Its id, the name of its file.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Who makes the device.
    pub vendor: Option<String>,
    /// The file that the map was read from.
    pub document: String,
}

/// What the file does not say.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Columns that were named.
    pub columns: Vec<(Column, String)>,
    /// How plain addresses count; found out if not given: traditional if all of them can be, else
    /// from 0.
    pub numbering: Option<Numbering>,
    /// The table of rows that name none.
    pub table: Option<Table>,
    /// The type of rows that name none.
    pub kind: Option<String>,
    /// The order of bytes of rows that name none.
    pub order: Option<String>,
}

/// Something about a row that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Its line in the file.
    pub line: u64,
    /// What it is about.
    pub text: Said,
    /// The row is not in the profile.
    pub lost: bool,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The profile.
    pub toml: String,
    /// How many points it has.
    pub points: usize,
    /// How plain addresses were counted.
    pub numbering: Numbering,
    /// About which rows, in their order.
    pub remarks: Vec<Remark>,
}

/// A row that was understood.
pub(super) struct Point<'r> {
    pub(super) row: &'r Row,
    pub(super) id: String,
    pub(super) table: Table,
    pub(super) address: u16,
    pub(super) bit: Option<u8>,
    kind: Option<Kind>,
    order: Option<String>,
    scale: Option<f64>,
    offset: Option<f64>,
    unit: Option<Unit>,
    /// Names of its values.
    states: Vec<(i64, String)>,
    /// Texts for people: the name as it stood, and the description.
    pub(super) name: String,
    description: String,
    writable: bool,
}

/// Makes a profile of a sheet.
///
/// # Errors
/// If no header can be found.
pub fn import(sheet: &Sheet, head: &Head, settings: &Settings) -> Result<Imported, Said> {
    let (header, columns) = columns::find(&sheet.rows, &settings.columns)?;
    let rows = sheet.rows.get(header + 1..).unwrap_or(&[]);
    let guessed = guess_numbering(rows, &columns);
    let numbering = settings.numbering.unwrap_or(guessed);
    // Where nobody has said how the map counts, what may be meant in two ways is left out.
    let mixed = settings.numbering.is_none() && guessed == Numbering::Zero;
    let mut remarks = columns.remarks(&sheet.rows, header);
    let mut points: Vec<Point<'_>> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut rows_so_far = doubled::Rows::default();
    for row in rows {
        let mut remark = |text, lost| remarks.push(Remark { line: row.line, text, lost });
        if row.cells.iter().filter(|c| !c.is_empty()).count() == 1 {
            let text = row.cells.iter().find(|c| !c.is_empty()).map_or("", |t| t);
            remark(said!("taken for a heading: {text}", "视为标题：{text}"), false);
            continue;
        }
        let two_ways = |text: &str| words::address(text).is_ok_and(|a| looks_traditional(&a));
        let address = columns.cell(row, Column::Address);
        if mixed && two_ways(address) {
            let text = said!(
                "`{address}` beside addresses that count plainly: register {address}, or the \
                 traditional number of another? Give --numbering zero, or write 4x0001",
                "`{address}` 与普通编号混用：是寄存器 {address}，还是传统编号？请给出 \
                 --numbering zero，或写成 4x0001"
            );
            remark(text, true);
            continue;
        }
        match point(row, &columns, numbering, settings, &mut remark) {
            Ok(mut point) => {
                point.id = free_id(&point, &mut ids);
                if let Some(text) = rows_so_far.add(&point) {
                    remark(text, false);
                }
                points.push(point);
            }
            Err(why) => remark(why, true),
        }
    }
    let toml = write(head, &points);
    Ok(Imported { toml, points: points.len(), numbering, remarks })
}

/// Traditional if all plain addresses can be.
fn guess_numbering(rows: &[Row], columns: &Columns) -> Numbering {
    let addresses =
        rows.iter().filter_map(|r| words::address(columns.cell(r, Column::Address)).ok());
    let plain: Vec<Address> = addresses.filter(|a| matches!(a.form, Form::Plain(_))).collect();
    let can = !plain.is_empty() && plain.iter().all(|a| words::traditional(a).is_some());
    if can { Numbering::Traditional } else { Numbering::Zero }
}

/// 30001 and 40001, which hardly any map has as plain addresses.
fn looks_traditional(address: &Address) -> bool {
    matches!(words::traditional(address), Some((Table::Input | Table::Holding, _)))
}

fn point<'r>(
    row: &'r Row,
    columns: &Columns,
    numbering: Numbering,
    settings: &Settings,
    remark: &mut impl FnMut(Said, bool),
) -> Result<Point<'r>, Said> {
    let cell = |c| columns.cell(row, c);
    if cell(Column::Address).is_empty() {
        return Err(said!("no address", "没有地址"));
    }
    let written = words::address(cell(Column::Address))?;
    let (by_address, address) = words::place(&written, numbering)?;
    let by_function = match cell(Column::Function) {
        "" => None,
        text => Some(words::table(text)?),
    };
    if let (Some(a), Some(f)) = (by_address, by_function)
        && a != f
    {
        let (a, f) = (key(a), key(f));
        return Err(said!("the address names {a}, the function {f}", "地址为 {a}，功能码为 {f}"));
    }
    let table = by_address.or(by_function).or(settings.table);
    let table = table.ok_or_else(|| {
        said!(
            "neither address nor function says which kind of register; give --table",
            "地址和功能码都未说明寄存器类型；请给出 --table"
        )
    })?;
    let length =
        match cell(Column::Length) {
            "" => None,
            text => Some(text.parse::<u8>().map_err(|_| {
                said!("`{text}` is no number of registers", "`{text}` 不是寄存器数量")
            })?),
        };
    let bit = match (cell(Column::Bit), written.bit) {
        ("", bit) => bit,
        (text, _) => {
            let bit = text.trim_start_matches(['b', 'B', 'i', 't']).parse().ok();
            let bit = bit.filter(|b| *b < 16);
            Some(bit.ok_or_else(|| {
                said!("`{text}` is no bit, 0 to 15", "`{text}` 不是位号，应为 0 到 15")
            })?)
        }
    };
    let bits_only = matches!(table, Table::Coil | Table::Discrete);
    if bits_only && bit.is_some() {
        return Err(said!(
            "a coil or discrete input has no further bits",
            "线圈和离散输入没有位号"
        ));
    }
    let kind = match (cell(Column::Type), &settings.kind) {
        _ if bits_only || bit.is_some() => None,
        ("", None) => {
            return Err(said!(
                "no type; give --type for rows without one",
                "没有数据类型；请用 --type 给出"
            ));
        }
        ("", Some(kind)) => Some(words::kind(kind, length)?),
        (text, _) => Some(words::kind(text, length)?),
    };
    if kind.as_ref().is_some_and(|k| k.word == "bool") {
        return Err(said!(
            "a single bit of a register; say which, in a column for the bit",
            "寄存器中的一位；请在位号列中说明是哪一位"
        ));
    }
    let name = match (cell(Column::Name), cell(Column::Description)) {
        ("", "") => return Err(said!("no name", "没有名称")),
        ("", description) => description,
        (name, _) => name,
    };
    let order = match (cell(Column::Order), kind.as_ref().and_then(|k| k.order)) {
        ("", Some(order)) => Some(order.to_owned()),
        ("", None) => settings.order.clone(),
        (text, _) => {
            let order = words::order(text);
            if order.is_none() {
                let text = said!(
                    "order `{text}` is not understood and left out",
                    "字节序 `{text}` 无法识别，已略去"
                );
                remark(text, false);
            }
            order.map(str::to_owned)
        }
    };
    let (scale, behind) = match cell(Column::Scale) {
        "" | "-" | "/" | "无" => (None, ""),
        text => words::scale(text).map(|(scale, behind)| (Some(scale), behind))?,
    };
    let offset = match cell(Column::Offset) {
        "" | "-" | "/" => None,
        text => {
            let number = text.replace(',', ".").parse().ok().filter(|f: &f64| f.is_finite());
            Some(number.ok_or_else(|| said!("`{text}` is no offset", "`{text}` 不是偏移量"))?)
        }
    };
    let wanted = if cell(Column::Unit).is_empty() { behind } else { cell(Column::Unit) };
    let unit = unit(wanted);
    if let Err(unknown) = &unit {
        let text =
            said!("unit `{unknown}` is not known and left out", "单位 `{unknown}` 未知，已略去");
        remark(text, false);
    }
    let numeric = kind.as_ref().is_some_and(|k| k.word != "text");
    let (scale, offset) =
        (scale.filter(|s| numeric && *s != 1.0), offset.filter(|o| numeric && *o != 0.0));
    let mut states = words::states(cell(Column::Description));
    if states.is_empty() {
        states = words::states(name);
    }
    // What is scaled is measured, whatever the remark numbers.
    if scale.is_some() || offset.is_some() || !states.iter().all(|(n, _)| holds(kind.as_ref(), *n))
    {
        states.clear();
    }
    Ok(Point {
        row,
        id: String::new(),
        table,
        address,
        bit,
        order: order.filter(|_| kind.as_ref().is_some_and(is_long)),
        scale,
        offset,
        unit: unit.ok().flatten().filter(|_| numeric && states.is_empty()),
        states,
        kind,
        name: name.to_owned(),
        description: cell(Column::Description).to_owned(),
        writable: words::writable(cell(Column::Access))
            && !matches!(table, Table::Input | Table::Discrete),
    })
}

/// Whether a state may have this number; without a type it is that of a bit.
fn holds(kind: Option<&Kind>, number: i64) -> bool {
    match kind.map(|k| k.word) {
        None => (0..=1).contains(&number),
        Some("i16") => i16::try_from(number).is_ok(),
        Some("u16") => u16::try_from(number).is_ok(),
        Some("i32") => i32::try_from(number).is_ok(),
        Some("u32") => u32::try_from(number).is_ok(),
        Some(_) => false,
    }
}

fn is_long(kind: &Kind) -> bool {
    !matches!(kind.word, "i16" | "u16") && (kind.word != "bcd" || kind.length.unwrap_or(1) > 1)
}

/// Units that only maps use.
fn unit(text: &str) -> Result<Option<Unit>, String> {
    let text = text.trim_matches(['(', ')', '[', ']', ' ']);
    let known = match text {
        "" | "-" | "--" | "/" | "无" | "N/A" | "n/a" | "none" => return Ok(None),
        "摄氏度" | "度" | "deg C" | "deg.C" | "° C" | "ºC" => "°C",
        "kW.h" | "kW·h" | "KW.h" | "kwh" | "度电" | "千瓦时" => "kWh",
        "kw" | "千瓦" => "kW",
        "安" | "安培" => "A",
        "伏" | "伏特" => "V",
        "赫兹" | "HZ" | "hz" => "Hz",
        "m^3/h" | "立方米/小时" | "方/时" => "m³/h",
        "m^3" | "立方米" => "m³",
        "小时" => "h",
        "分钟" | "分" => "min",
        "秒" => "s",
        "Mpa" | "mpa" | "MPA" | "兆帕" => "MPa",
        "千帕" => "kPa",
        other => other,
    };
    Unit::parse(known).map(Some).map_err(|_| text.to_owned())
}

/// An id of the ASCII letters of the name, else of a description that could be one, else of the
/// place; never one twice.
fn free_id(point: &Point, taken: &mut BTreeSet<String>) -> String {
    let place = || match point.bit {
        Some(bit) => format!("{}_{}_{bit}", key(point.table), point.address),
        None => format!("{}_{}", key(point.table), point.address),
    };
    let described = Some(&*point.description).filter(|d| {
        d.len() <= ID_LEN_MAX
            && d.starts_with(|c: char| c.is_ascii_alphabetic())
            && !d.contains('=')
    });
    let mut id =
        plain_id(&point.name).or_else(|| described.and_then(plain_id)).unwrap_or_else(place);
    if taken.contains(&id) {
        id = format!("{id}_{}", point.address);
    }
    let first = id.clone();
    for n in 2.. {
        if taken.insert(id.clone()) {
            break;
        }
        id = format!("{first}_{n}");
    }
    id
}

/// Letters of a text that an id takes; short enough for a number behind them.
const ID_LEN_MAX: usize = 48;

/// `None` of a text in other letters: a few ASCII ones in a Chinese name are rarely what it is
/// called.
fn plain_id(text: &str) -> Option<String> {
    let mut id = String::new();
    for c in text.chars().take(ID_LEN_MAX) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => id.push(c),
            _ if id.ends_with('_') || id.is_empty() => {}
            _ => id.push('_'),
        }
    }
    let telling = text.is_ascii() && id.bytes().any(|b| b.is_ascii_lowercase());
    telling.then(|| id.trim_end_matches('_').to_owned())
}

pub(super) fn key(table: Table) -> &'static str {
    match table {
        Table::Holding => "holding",
        Table::Input => "input",
        Table::Coil => "coil",
        Table::Discrete => "discrete",
    }
}

fn write(head: &Head, points: &[Point]) -> String {
    let mut out = String::new();
    // Writing to a text can't fail.
    let _ = put(&mut out, head, points);
    out
}

fn put(out: &mut String, head: &Head, points: &[Point]) -> std::fmt::Result {
    writeln!(out, "# Read from {} by `wellhead import`.", one_line(&head.document))?;
    writeln!(out, "# Compare each point with the device before it is relied on.\n")?;
    writeln!(out, "[profile]\nid = {}\ntitle = {}", quoted(&head.id), quoted(&head.title))?;
    if let Some(vendor) = &head.vendor {
        writeln!(out, "vendor = {}", quoted(vendor))?;
    }
    writeln!(out, "document = {}", quoted(&head.document))?;
    writeln!(
        out,
        "# `revision` and `source` of that document, and `vendor`, are yet to be given."
    )?;
    for p in points {
        writeln!(out, "\n[point.{}]", toml_key(&p.id))?;
        if p.name.is_ascii() {
            writeln!(out, "title = {}", quoted(&p.name))?;
        } else {
            writeln!(out, "title_zh = {}", quoted(&p.name))?;
        }
        if !p.description.is_empty() && p.description != p.name {
            writeln!(out, "# {}", one_line(&p.description))?;
        }
        writeln!(out, "{} = {}", key(p.table), p.address)?;
        if let Some(bit) = p.bit {
            writeln!(out, "bit = {bit}")?;
        }
        if let Some(kind) = &p.kind {
            writeln!(out, "type = {}", quoted(kind.word))?;
            if let Some(length) = kind.length {
                writeln!(out, "length = {length}")?;
            }
        }
        if let Some(order) = &p.order {
            writeln!(out, "order = {}", quoted(order))?;
        }
        if let Some(scale) = p.scale {
            writeln!(out, "scale = {}", float(scale))?;
        }
        if let Some(offset) = p.offset {
            writeln!(out, "offset = {}", float(offset))?;
        }
        if !p.states.is_empty() {
            let one = |(n, name): &(i64, String)| format!("{n} = {}", quoted(name));
            let all: Vec<_> = p.states.iter().map(one).collect();
            writeln!(out, "states = {{ {} }}", all.join(", "))?;
        }
        if let Some(unit) = p.unit {
            writeln!(out, "unit = {}", quoted(unit.symbol()))?;
        }
        if p.writable {
            writeln!(out, "# Line {}: may be written; a site makes it an output.", p.row.line)?;
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    toml::Value::String(one_line(text)).to_string()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A point in an id would be read as a level.
fn toml_key(id: &str) -> String {
    if id.contains('.') { quoted(id) } else { id.to_owned() }
}

fn float(f: f64) -> String {
    toml::Value::Float(f).to_string()
}
