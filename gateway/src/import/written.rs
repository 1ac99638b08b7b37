//! A profile as it is written, for a person to go through.

use super::profile::Head;
use super::row::{Point, key};
use std::fmt::Write;

/// The profile in TOML.
pub(super) fn profile(head: &Head, points: &[Point]) -> String {
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
