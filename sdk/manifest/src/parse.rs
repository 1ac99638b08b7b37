//! From the text of a manifest to a [`Manifest`], or to everything that is wrong with it.

use crate::problem::{Found, Problem, Problems, both};
use crate::read::{Section, no_name, plain};
use crate::text::{self, Contract};
use crate::{
    CONTRACT, Class, DEADLINE_MAX, Direction, Form, Kind, Limits, MANY_MAX, MEMORY_MAX, Manifest,
    Parameter, Published, Role, Scalar, Shape,
};
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// How often a plugin may be called.
const PERIOD: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// Least memory a plugin can ask for. One in Rust starts with 1.2 MiB, most of it its stack, and wants
/// a few pages more for what it reads.
const MEMORY_MIN: u64 = 2 << 20;

/// Longest manifest, in bytes: the longest there is has 6 kB.
const TEXT_LEN_MAX: usize = 64 << 10;

/// Most parts of a dotted key. The parser bounds brackets, but recurses over these.
const DOTS_MAX: usize = 64;

const SHAPES: [(&str, Shape); 4] =
    [("bool", Shape::Bool), ("int", Shape::Int), ("float", Shape::Float), ("text", Shape::Text)];

const CLASSES: [(&str, Class); 4] = [
    ("measurement", Class::Measurement),
    ("status", Class::Status),
    ("setpoint", Class::Setpoint),
    ("counter", Class::Counter),
];

const DIRECTIONS: [(&str, Direction); 2] =
    [("input", Direction::Input), ("output", Direction::Output)];

pub(crate) fn manifest(
    text: &str,
    wrong_unit: &dyn Fn(&str) -> Option<Problem>,
) -> Result<Manifest, Problems> {
    let mut found = Found::new(text, wrong_unit);
    if text.len() > TEXT_LEN_MAX {
        let kib = TEXT_LEN_MAX >> 10;
        found.add(&(0..0), "", both!("is longer than {kib} KiB", "超过 {kib} KiB"), None);
        return found.check(None);
    }
    if let Some(at) = too_deep(text) {
        let message = both!("a key with more than {DOTS_MAX} parts", "有一个键超过 {DOTS_MAX} 段");
        found.add(&(at..at), "", message, None);
        return found.check(None);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let message = error.message();
        let message = both!("{message}", "TOML 语法错误：{message}");
        found.add(&error.span().unwrap_or(0..0), "", message, None);
    }
    if !errors.is_empty() {
        // What follows a broken line would only be misread.
        return found.check(None);
    }
    let read = read(Section::new("", 0..0, table.get_ref()), &mut found);
    found.check(read)
}

/// Finds a run of dots that could only be a very long key, or a text nobody needs.
fn too_deep(text: &str) -> Option<usize> {
    let (mut dots, mut start) = (0, 0);
    for (i, c) in text.bytes().enumerate() {
        match c {
            b'.' => dots += 1,
            b'\n' | b'=' | b',' | b'{' | b'#' => (dots, start) = (0, i + 1),
            _ => {}
        }
        if dots > DOTS_MAX {
            return Some(start);
        }
    }
    None
}

fn read(mut root: Section<'_>, found: &mut Found<'_>) -> Option<Manifest> {
    let roles = root.sections("role", found);
    let parameters = root.sections("parameter", found);
    let values = root.sections("value", found);
    let roles = roles.into_iter().filter_map(|(n, s)| role(n, s, found)).collect();
    let parameters = parameters.into_iter().filter_map(|(n, s)| parameter(n, s, found)).collect();
    let values = values.into_iter().filter_map(|(n, s)| published(n, s, found)).collect();
    let limits = limits(root.section("limits", found), found);
    let plugin = root.section("plugin", found);
    if plugin.is_none() {
        let hint = both!(
            "start with [plugin], its name, version, contract, title and period",
            "请先写 [plugin]，包括 name、version、contract、title 和 period"
        );
        found.add(&(0..0), "plugin", both!("is missing", "缺失"), hint);
    }
    root.finish(found);
    let mut plugin = plugin?;
    let name = plugin.text_required("name", "\"my-plugin\"", found);
    if let Some(name) = name.as_ref().filter(|n| !text::is_name(n.text, '-')) {
        let (wrong, hint) = no_name('-');
        plugin.wrong(&name.at, "name", wrong, hint, found);
    }
    let version = plugin.text_required("version", "\"0.1.0\"", found);
    if let Some(version) = version.as_ref().filter(|v| !text::is_version(v.text)) {
        let message = both!("`{}` is no version", "`{}` 不是版本号", version.text);
        let hint = both!(
            "three numbers as on semver.org: \"0.1.0\"",
            "按 semver.org 写三段数字：\"0.1.0\""
        );
        plugin.wrong(&version.at, "version", message, hint, found);
    }
    let contract = contract(&mut plugin, found);
    plugin.required("title", "\"what people call it\"", found);
    let title = plugin.title(["title", "title_zh"], "", found);
    let summary = plugin.title(["summary", "summary_zh"], "", found);
    let period = plugin.text_required("period", "\"60s\"", found);
    let period = period.and_then(|p| {
        let period = text::duration(p.text).filter(|d| PERIOD.contains(d));
        if period.is_none() {
            let message = both!("`{}` is no period", "`{}` 不能作调用周期", p.text);
            let hint = both!("from \"1s\" to \"1h\"", "从 \"1s\" 到 \"1h\"");
            plugin.wrong(&p.at, "period", message, hint, found);
        }
        period
    });
    let on_change = plugin.bool("on_change", found).unwrap_or(false);
    plugin.finish(found);
    Some(Manifest {
        name: name?.text.to_owned(),
        version: version?.text.to_owned(),
        contract: contract?,
        title,
        summary,
        period: period?,
        on_change,
        limits,
        roles,
        parameters,
        values,
    })
}

fn contract(plugin: &mut Section<'_>, found: &mut Found<'_>) -> Option<Contract> {
    let text = plugin.text_required("contract", &format!("\"{CONTRACT}\""), found)?;
    let contract = Contract::parse(text.text);
    if contract.is_none() {
        let message = both!("`{}` is no contract", "`{}` 不是接口版本", text.text);
        let hint = both!("write \"{CONTRACT}\"", "请写 \"{CONTRACT}\"");
        plugin.wrong(&text.at, "contract", message, hint, found);
    }
    contract
}

fn limits(section: Option<Section<'_>>, found: &mut Found<'_>) -> Limits {
    let mut limits = Limits { memory: 4 << 20, deadline: DEADLINE_MAX };
    let Some(mut section) = section else { return limits };
    if let Some(text) = section.text("memory", found) {
        match text::size(text.text).filter(|m| (MEMORY_MIN..=MEMORY_MAX).contains(m)) {
            Some(memory) => limits.memory = memory,
            None => {
                let message = both!(
                    "`{}` is no size a plugin can have",
                    "`{}` 不能作插件的内存大小",
                    text.text
                );
                let (least, most) = (MEMORY_MIN >> 20, MEMORY_MAX >> 20);
                let hint = both!(
                    "from \"{least}MiB\", of which a plugin in Rust starts with 1.2, to \"{most}MiB\"",
                    "从 \"{least}MiB\"（Rust 插件启动即用 1.2）到 \"{most}MiB\""
                );
                section.wrong(&text.at, "memory", message, hint, found);
            }
        }
    }
    if let Some(text) = section.text("deadline", found) {
        let least = Duration::from_millis(1);
        match text::duration(text.text).filter(|d| (least..=DEADLINE_MAX).contains(d)) {
            Some(deadline) => limits.deadline = deadline,
            None => {
                let message = both!(
                    "`{}` is no deadline a plugin can have",
                    "`{}` 不能作插件的时限",
                    text.text
                );
                let most = DEADLINE_MAX.as_millis();
                let hint = both!("from \"1ms\" to \"{most}ms\"", "从 \"1ms\" 到 \"{most}ms\"");
                section.wrong(&text.at, "deadline", message, hint, found);
            }
        }
    }
    section.finish(found);
    limits
}

fn role(name: String, mut section: Section<'_>, found: &mut Found<'_>) -> Option<Role> {
    let direction = section.choice_required("direction", &DIRECTIONS, found);
    let shape = section.choice_required("shape", &SHAPES, found);
    let unit = unit(&mut section, matches!(shape, None | Some(Shape::Int | Shape::Float)), found);
    let required = section.bool("required", found).unwrap_or(true);
    let many = section.entry("many").and_then(|entry| {
        let many = match plain(entry.value) {
            toml::Value::Integer(n) => u32::try_from(n).ok().filter(|n| (1..=MANY_MAX).contains(n)),
            _ => None,
        };
        if many.is_none() {
            let hint = both!(
                "to how many points it may be bound: 1 to {MANY_MAX}",
                "最多可绑定的点位数：1 到 {MANY_MAX}"
            );
            found.add(&entry.at, entry.path, both!("is no such number", "不是这样的数"), hint);
        }
        many
    });
    let title = section.title(["title", "title_zh"], &name, found);
    section.finish(found);
    let (direction, shape) = (direction?, shape?);
    Some(Role { name, direction, shape, unit, required, many: many.unwrap_or(1), title })
}

fn published(name: String, mut section: Section<'_>, found: &mut Found<'_>) -> Option<Published> {
    let shape = section.choice_required("shape", &SHAPES, found);
    let number = matches!(shape, None | Some(Shape::Int | Shape::Float));
    let unit = unit(&mut section, number, found);
    let class = section.choice("class", &CLASSES, found);
    let title = section.title(["title", "title_zh"], &name, found);
    section.finish(found);
    let otherwise = if number { Class::Measurement } else { Class::Status };
    Some(Published { name, shape: shape?, unit, class: class.unwrap_or(otherwise), title })
}

fn unit(section: &mut Section<'_>, number: bool, found: &mut Found<'_>) -> Option<String> {
    let text = section.text("unit", found)?;
    if !number {
        let hint = both!("only \"int\" and \"float\" have one", "只有 \"int\" 和 \"float\" 有单位");
        section.wrong(&text.at, "unit", both!("has no meaning here", "在此无意义"), hint, found);
    } else if let Some(problem) = found.wrong_unit(text.text) {
        found.add_at(&text.at, Problem { key: section.path("unit"), ..problem });
    }
    Some(text.text.to_owned())
}

fn parameter(name: String, mut section: Section<'_>, found: &mut Found<'_>) -> Option<Parameter> {
    let mut types = Kind::ALL.map(|k| (k.word(), Some(k))).to_vec();
    types.push(("table", None));
    let form = match section.choice_required("type", &types, found) {
        Some(Some(kind)) => Some(Form::One(scalar(kind, &mut section, found))),
        Some(None) => columns(&mut section, found).map(Form::Table),
        None => None,
    };
    let title = section.title(["title", "title_zh"], &name, found);
    let default = section.entry("default");
    let Some(form) = form else {
        // The type decides which keys there are.
        return None;
    };
    section.finish(found);
    let default = default.and_then(|entry| {
        let mut problems = Vec::new();
        let setting = form.check(&entry.path, &plain(entry.value), &mut problems);
        for problem in problems {
            found.add_at(&entry.at, problem);
        }
        setting
    });
    Some(Parameter { name, form, default, title })
}

fn columns(section: &mut Section<'_>, found: &mut Found<'_>) -> Option<Vec<(String, Scalar)>> {
    let types = Kind::ALL.map(|k| (k.word(), k));
    let Some(entry) = section.entry("columns") else {
        let columns = "`columns = [{ name = \"from\", type = \"date\" }, …]`";
        let hint = both!("add {columns}", "请加上 {columns}");
        section.wrong(&section.at.clone(), "columns", both!("is missing", "缺失"), hint, found);
        return None;
    };
    let (path, at) = (entry.path.clone(), entry.at.clone());
    let mut columns: Vec<(String, Scalar)> = Vec::new();
    for (i, item) in entry.list(found)?.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let DeValue::Table(table) = item.get_ref() else {
            let column = "{ name = \"from\", type = \"date\" }";
            let hint = both!("write {column}", "请写 {column}");
            found.add(&item.span(), path, both!("is no column", "不是列"), hint);
            continue;
        };
        let mut column = Section::new(path, item.span(), table);
        let name = column.text_required("name", "\"from\"", found);
        if let Some(name) = &name {
            if !text::is_name(name.text, '_') {
                let (wrong, hint) = no_name('_');
                column.wrong(&name.at, "name", wrong, hint, found);
            }
            if columns.iter().any(|(n, _)| n == name.text) {
                column.wrong(&name.at, "name", both!("is there twice", "重复"), None, found);
            }
        }
        let kind = column.choice_required("type", &types, found);
        let scalar = kind.map(|kind| scalar(kind, &mut column, found));
        if scalar.is_some() {
            column.finish(found);
        }
        columns.extend(name.map(|n| n.text.to_owned()).zip(scalar));
    }
    if columns.is_empty() {
        let hint = both!("a table needs at least one", "表至少要有一列");
        found.add(&at, path, both!("has no column", "没有列"), hint);
    }
    Some(columns)
}

/// The keys that say more of one value's type. Those that do not fit it are told as unknown.
fn scalar(kind: Kind, section: &mut Section<'_>, found: &mut Found<'_>) -> Scalar {
    let mut scalar = Scalar { kind, unit: None, range: None, words: Vec::new() };
    if matches!(kind, Kind::Int | Kind::Float) {
        scalar.unit = unit(section, true, found);
    }
    if matches!(kind, Kind::Int | Kind::Float | Kind::Duration) {
        scalar.range = range(kind, section, found);
    }
    if kind == Kind::Text
        && let Some(entry) = section.entry("words")
    {
        let (path, at) = (entry.path.clone(), entry.at.clone());
        for item in entry.list(found).unwrap_or_default() {
            match item.get_ref() {
                DeValue::String(word) if !word.is_empty() => scalar.words.push(word.to_string()),
                _ => {
                    let hint = both!("a text in quotes", "请写带引号的文本");
                    found.add(&item.span(), &*path, both!("is no word", "不是词"), hint);
                }
            }
        }
        if scalar.words.is_empty() {
            let hint = both!("leave it out to allow any text", "若允许任意文本，请删去");
            found.add(&at, path, both!("offers no choice", "没有可选项"), hint);
        }
    }
    scalar
}

fn range(kind: Kind, section: &mut Section<'_>, found: &mut Found<'_>) -> Option<(f64, f64)> {
    let entry = section.entry("range")?;
    let (path, at) = (entry.path.clone(), entry.at.clone());
    let ends: Vec<_> =
        entry.list(found)?.iter().map(|end| number(kind, &plain(end.get_ref()))).collect();
    match ends[..] {
        [Some(low), Some(high)] if low <= high => Some((low, high)),
        _ => {
            let example = match kind {
                Kind::Duration => "[\"1min\", \"2h\"]",
                _ => "[10, 45]",
            };
            let hint = both!(
                "the smallest and the largest value: {example}",
                "写最小值和最大值：{example}"
            );
            found.add(&at, path, both!("is no range", "不是范围"), hint);
            None
        }
    }
}

fn number(kind: Kind, value: &toml::Value) -> Option<f64> {
    match (kind, value) {
        (Kind::Duration, toml::Value::String(s)) => text::duration(s).map(|d| d.as_secs_f64()),
        (Kind::Int | Kind::Float, toml::Value::Integer(i)) => Some(*i as f64),
        (Kind::Float, toml::Value::Float(f)) if f.is_finite() => Some(*f),
        _ => None,
    }
}
