//! What a plugin says of itself, for whoever installs it.

use super::Lang;
use crate::config::duration_text;
use std::fmt::Write as _;
use std::time::Duration;
use wellhead_manifest::{Direction, Form, Kind, Manifest, Parameter, Scalar, Setting, Title};

pub(super) fn describe(m: &Manifest, lang: Lang) -> String {
    let text = |t: &Title| lang.pick(&t.en, &t.zh).to_owned();
    let unit = |u: &Option<String>| u.as_ref().map_or(String::new(), |u| format!(" {u}"));
    let mut out = format!("{} {}: {}\n", m.name, m.version, text(&m.title));
    if !m.summary.en.is_empty() {
        out += &format!("  {}\n", text(&m.summary));
    }
    let (period, memory) = (m.period.as_secs(), m.limits.memory >> 10);
    let deadline = m.limits.deadline.as_millis();
    let changes = if m.on_change { lang.pick(" and on changes", "并在变化时") } else { "" };
    // Writing into a String can't fail.
    let contract = &m.contract;
    let _ = match lang {
        Lang::En => {
            writeln!(
                out,
                "every {period} s{changes}, contract {contract}, memory {memory} KiB, {deadline} ms a call"
            )
        }
        Lang::Zh => {
            writeln!(
                out,
                "每 {period} 秒一次{changes}，接口版本 {contract}，内存 {memory} KiB，每次调用 {deadline} ms"
            )
        }
    };
    for role in &m.roles {
        let arrow = match role.direction {
            Direction::Output => lang.pick("writes", "写入"),
            _ => lang.pick("reads ", "读取"),
        };
        let optional = if role.required { "" } else { lang.pick(" (optional)", "（可选）") };
        let many = if role.many > 1 { format!(" ×{}", role.many) } else { String::new() };
        let (shape, unit) = (role.shape.word(), unit(&role.unit));
        let _ = writeln!(
            out,
            "  {arrow} {}{many}: {shape}{unit} {}{optional}",
            role.name,
            text(&role.title)
        );
    }
    for p in &m.parameters {
        let takes = lang.pick("takes ", "参数");
        let _ = writeln!(out, "  {takes} {}: {} {}", p.name, parameter(p, lang), text(&p.title));
    }
    for v in &m.values {
        let _ = writeln!(
            out,
            "  {} {}: {}{} {}",
            lang.pick("shows ", "显示"),
            v.name,
            v.shape.word(),
            unit(&v.unit),
            text(&v.title)
        );
    }
    out
}

/// Type, unit, range and default, these as a site file has them: `float °C = 3 (-5 to 10)`.
fn parameter(p: &Parameter, lang: Lang) -> String {
    let default = match &p.default {
        Some(default) => format!(" = {}", toml(&p.form, default)),
        None => lang.pick(", to be given", "，必须给出").to_owned(),
    };
    match &p.form {
        Form::One(scalar) => {
            let (kind, limits) = scalar_text(scalar, lang);
            format!("{kind}{default}{limits}")
        }
        Form::Table(columns) => {
            let one = |(name, scalar): &(String, Scalar)| {
                let (kind, limits) = scalar_text(scalar, lang);
                format!("{name} {kind}{limits}")
            };
            let columns: Vec<_> = columns.iter().map(one).collect();
            format!("table{default}, [{}]", columns.join("; "))
        }
    }
}

/// `float °C`, and ` (-5 to 10)`.
fn scalar_text(scalar: &Scalar, lang: Lang) -> (String, String) {
    let unit = scalar.unit.as_deref().filter(|u| *u != "1");
    let unit = unit.map_or(String::new(), |u| format!(" {u}"));
    let end = |end: f64| number(scalar.kind, end);
    let limits = match scalar.range {
        Some((low, high)) => {
            format!(" ({} {} {})", end(low), lang.pick("to", "到"), end(high))
        }
        None if scalar.words.is_empty() => String::new(),
        None => format!(" ({})", scalar.words.join("|")),
    };
    (format!("{}{unit}", scalar.kind.word()), limits)
}

fn number(kind: Kind, value: f64) -> String {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if kind == Kind::Duration => duration_text(duration),
        _ => value.to_string(),
    }
}

/// A setting as a site file gives it.
fn toml(form: &Form, setting: &Setting) -> String {
    match (form, setting) {
        (Form::Table(columns), Setting::Table(rows)) => {
            let row = |row: &Vec<Setting>| {
                let cells = columns.iter().zip(row).map(|((_, scalar), cell)| one(scalar, cell));
                format!("[{}]", cells.collect::<Vec<_>>().join(", "))
            };
            format!("[{}]", rows.iter().map(row).collect::<Vec<_>>().join(", "))
        }
        (Form::One(scalar), setting) => one(scalar, setting),
        // A table's setting is a table: nothing else passes the manifest's own check.
        (Form::Table(_), _) => String::new(),
    }
}

fn one(scalar: &Scalar, setting: &Setting) -> String {
    match setting {
        Setting::Bool(b) => b.to_string(),
        Setting::Int(i) => i.to_string(),
        Setting::Float(f) if scalar.kind == Kind::Duration => {
            format!("\"{}\"", number(Kind::Duration, *f))
        }
        Setting::Float(f) => f.to_string(),
        Setting::Text(text) => format!("{text:?}"),
        // Cells are never tables.
        Setting::Table(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_told_with_all_that_a_site_may_give_for_it() {
        let manifest = Manifest::parse(
            r#"
[plugin]
name = "a"
version = "0.1.0"
contract = "1.0"
title = "A"
period = "60s"
[parameter.on_below]
type = "float"
unit = "°C"
default = 3.5
range = [-5, 10]
title = "Runs below"
title_zh = "启泵"
[parameter.min_on]
type = "duration"
default = "90s"
range = ["0s", "2h"]
[parameter.stages]
type = "int"
[parameter.mode]
type = "text"
default = "pump"
words = ["pump", "source"]
[parameter.windows]
type = "table"
columns = [
  { name = "from", type = "date" },
  { name = "budget", type = "duration", range = ["1h", "90d"] },
  { name = "flow", type = "float", unit = "m³/h" },
]
default = [["05-15", "90min", 2.0]]
"#,
        )
        .unwrap();
        let told = describe(&manifest, Lang::En);
        let takes: Vec<_> = told.lines().filter_map(|l| l.strip_prefix("  takes  ")).collect();
        assert_eq!(
            takes,
            [
                "on_below: float °C = 3.5 (-5 to 10) Runs below",
                "min_on: duration = \"90s\" (0s to 2h) min_on",
                "stages: int, to be given stages",
                "mode: text = \"pump\" (pump|source) mode",
                "windows: table = [[\"05-15\", \"90min\", 2]], \
                 [from date; budget duration (1h to 90d); flow float m³/h] windows",
            ]
        );
        let told = describe(&manifest, Lang::Zh);
        assert!(told.contains("参数 on_below: float °C = 3.5 (-5 到 10) 启泵"), "{told}");
        assert!(told.contains("参数 stages: int，必须给出 stages"), "{told}");
    }
}
