//! From rows to a profile: which rows count, how addresses count, and what each point is called.

use super::columns::{self, Column, Columns};
use super::row::{Point, Reader, key};
use super::said::said;
use super::sheet::{Row, Sheet};
use super::words::{self, Address, Form};
use super::{Said, doubled, written};
use std::collections::BTreeSet;
use wellhead_modbus::Table;

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
        let reader = Reader { row, columns: &columns, numbering, settings };
        match reader.point(&mut remark) {
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
    let toml = written::profile(head, &points);
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
