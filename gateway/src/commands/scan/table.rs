//! What was found, for people.

use super::found::{Found, Point};
use crate::config::Lang;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// A cell wider than this would push the others off the screen.
const CELL_WIDTH_MAX: usize = 44;

/// A heading for each device and a line for each of its values.
pub(super) fn table(found: &Found, lang: Lang) -> String {
    let mut out = String::new();
    // Writing to a text can't fail.
    let _ = put(&mut out, found, lang);
    out
}

fn put(out: &mut String, found: &Found, lang: Lang) -> std::fmt::Result {
    for device in &found.devices {
        let name = device.name.as_deref().unwrap_or("");
        let model = device.model.as_deref().map_or(String::new(), |m| format!("({m})"));
        let heading = [device.place.as_str(), name, &model].map(str::trim);
        let heading: Vec<&str> = heading.into_iter().filter(|h| !h.is_empty()).collect();
        writeln!(out, "{}", one_line(&heading.join("  ")))?;
        if let Some(problem) = &device.problem {
            writeln!(out, "  {}: {problem}", lang.pick("not read", "未能读取"))?;
        }
        rows(out, &device.points, lang)?;
        writeln!(out)?;
    }
    for unclear in &found.unclear {
        writeln!(out, "{}: {unclear}", lang.pick("unclear", "不明"))?;
    }
    let devices = found.devices.len();
    let points: usize = found.devices.iter().map(|d| d.points.len()).sum();
    match lang {
        Lang::En => writeln!(out, "Devices: {devices}, values: {points}"),
        Lang::Zh => writeln!(out, "设备 {devices}，数值 {points}"),
    }
}

fn rows(out: &mut String, points: &[Point], lang: Lang) -> std::fmt::Result {
    if points.is_empty() {
        return Ok(());
    }
    let head = match lang {
        Lang::En => ["ADDRESS", "VALUE", "UNIT", "NAME", "DESCRIPTION"],
        Lang::Zh => ["地址", "数值", "单位", "名称", "说明"],
    };
    let row = |p: &Point| {
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        [p.place(), p.shown(), text(&p.unit), text(&p.name), text(&p.description)]
            .map(|cell| short(&one_line(&cell)))
    };
    let rows: Vec<[String; 5]> =
        std::iter::once(head.map(str::to_owned)).chain(points.iter().map(row)).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    for row in &rows {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            // Values stand at the right.
            if column == 1 { format!("{space}{cell}") } else { format!("{cell}{space}") }
        });
        writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn short(cell: &str) -> String {
    if cell.width() <= CELL_WIDTH_MAX {
        return cell.to_owned();
    }
    let mut used = 1;
    let kept = cell.chars().take_while(|c| {
        used += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        used <= CELL_WIDTH_MAX
    });
    kept.chain(['…']).collect()
}

/// What a device calls itself must not move the cursor of a terminal, nor begin a line of a file.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
