//! What a parameter may be, and whether what a site gives is that.

use crate::problem::{Both, both};
use crate::text;
use crate::{Parameter, Problem};
use toml::Value;

/// What may be given for a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// One value.
    One(Scalar),
    /// Rows, each with a value for every column. A table has at least one column.
    Table(Vec<(String, Scalar)>),
}

/// What one value may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// Its type.
    pub kind: Kind,
    /// Symbol of its unit. Only for numbers.
    pub unit: Option<String>,
    /// Smallest and largest value, both allowed; for durations in seconds. Only for numbers and
    /// durations.
    pub range: Option<(f64, f64)>,
    /// The texts that may be chosen from; any if empty. Only for texts.
    pub words: Vec<String>,
}

/// The type of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the others' names are their own description")]
pub enum Kind {
    Bool,
    Int,
    Float,
    Text,
    /// `10min` in TOML, a number of seconds for the plugin.
    Duration,
    /// A day of the year, `05-15`; a text for the plugin.
    Date,
    /// A time of day, `23:00`, up to `24:00`; a text for the plugin.
    Time,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 7] =
        [Kind::Bool, Kind::Int, Kind::Float, Kind::Text, Kind::Duration, Kind::Date, Kind::Time];

    /// The word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Text => "text",
            Kind::Duration => "duration",
            Kind::Date => "date",
            Kind::Time => "time",
        }
    }

    fn wanted(self) -> Both {
        match self {
            Kind::Bool => both!("`true` or `false`", "`true` 或 `false`"),
            Kind::Int => both!("a whole number", "整数"),
            Kind::Float => both!("a number", "数字"),
            Kind::Text => both!("a text in quotes", "带引号的文本"),
            Kind::Duration => both!(
                "a text such as \"90s\", \"10min\", \"2h\" or \"1d\"",
                "时长文本，如 \"90s\"、\"10min\"、\"2h\" 或 \"1d\""
            ),
            Kind::Date => both!("a month and a day such as \"05-15\"", "月和日，如 \"05-15\""),
            Kind::Time => both!("a time of day such as \"23:00\"", "时刻，如 \"23:00\""),
        }
    }
}

/// A checked value of a parameter, as the plugin gets it.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i64),
    /// A float, always finite; or a duration, in seconds.
    Float(f64),
    /// A text, date or time.
    Text(String),
    /// Rows of a table in the order of the columns. Its cells are never tables.
    Table(Vec<Vec<Setting>>),
}

/// Most rows of a table, so that a plugin's memory has a bound.
const ROWS_MAX: usize = 1000;

/// Longest text, in bytes.
const TEXT_LEN_MAX: usize = 1000;

pub(crate) fn settings(
    parameters: &[Parameter],
    given: &toml::Table,
) -> Result<Vec<(String, Setting)>, Vec<Problem>> {
    let mut problems = Vec::new();
    for key in given.keys().filter(|k| !parameters.iter().any(|p| p.name == **k)) {
        let names: Vec<_> = parameters.iter().map(|p| p.name.as_str()).collect();
        let hint = match names.join(", ") {
            none if none.is_empty() => both!("the plugin has no parameters", "此插件没有参数"),
            names => both!("the plugin has {names}", "此插件的参数有 {names}"),
        };
        let message = both!("is no parameter of this plugin", "不是此插件的参数");
        problems.push(Problem::new(key, message, hint));
    }
    let mut settings = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        let name = &parameter.name;
        let setting = match (given.get(name), &parameter.default) {
            (Some(value), _) => parameter.form.check(name, value, &mut problems),
            (None, Some(default)) => Some(default.clone()),
            (None, None) => {
                let (en, zh) = parameter.form.wanted();
                let hint =
                    (format!("add `{name} = …`: {en}"), format!("请加上 `{name} = …`：{zh}"));
                let message = both!("has no default and must be given", "没有默认值，必须给出");
                problems.push(Problem::new(name, message, hint));
                None
            }
        };
        settings.extend(setting.map(|s| (name.clone(), s)));
    }
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

impl Form {
    fn wanted(&self) -> Both {
        match self {
            Form::One(scalar) => scalar.kind.wanted(),
            Form::Table(columns) => {
                let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
                let names = names.join(", ");
                both!("a list of rows [{names}]", "行的列表 [{names}]")
            }
        }
    }

    /// Checks a value; what is wrong with it goes to `problems`.
    pub(crate) fn check(
        &self,
        key: &str,
        value: &Value,
        problems: &mut Vec<Problem>,
    ) -> Option<Setting> {
        let columns = match self {
            Form::One(scalar) => return told(scalar.check(key, value), problems),
            Form::Table(columns) => columns,
        };
        let rows = match value {
            Value::Array(rows) if rows.len() <= ROWS_MAX => rows,
            Value::Array(rows) => {
                let n = rows.len();
                let message =
                    both!("has {n} rows, more than {ROWS_MAX}", "有 {n} 行，超过 {ROWS_MAX} 行");
                problems.push(Problem::new(key, message, None));
                return None;
            }
            _ => {
                problems.push(Problem::new(key, wrong_type(value), give(self.wanted())));
                return None;
            }
        };
        let mut table = Vec::with_capacity(rows.len());
        for (i, row) in rows.iter().enumerate() {
            match row {
                Value::Array(cells) if cells.len() == columns.len() => {
                    let mut checked = Vec::with_capacity(cells.len());
                    for ((column, scalar), cell) in columns.iter().zip(cells) {
                        let cell = scalar.check(&format!("{key}[{i}].{column}"), cell);
                        checked.extend(told(cell, problems));
                    }
                    table.push(checked);
                }
                Value::Array(cells) => problems.push(Problem::new(
                    format!("{key}[{i}]"),
                    both!(
                        "has {} values for {} columns",
                        "有 {} 个值，而表有 {} 列",
                        cells.len(),
                        columns.len()
                    ),
                    give(self.wanted()),
                )),
                _ => problems.push(Problem::new(
                    format!("{key}[{i}]"),
                    wrong_type(row),
                    give(self.wanted()),
                )),
            }
        }
        Some(Setting::Table(table))
    }
}

fn told<T>(result: Result<T, Box<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|p| problems.push(*p)).ok()
}

fn give((en, zh): Both) -> Both {
    (format!("give {en}"), format!("请写{zh}"))
}

fn wrong_type(value: &Value) -> Both {
    let (en, zh) = match value {
        Value::String(_) => ("a text", "文本"),
        Value::Integer(_) => ("a whole number", "整数"),
        Value::Float(_) => ("a number with a point", "小数"),
        Value::Boolean(_) => ("`true` or `false`", "`true` 或 `false`"),
        Value::Datetime(_) => ("a date without quotes", "不带引号的日期"),
        Value::Array(_) => ("a list", "列表"),
        Value::Table(_) => ("a table", "表"),
    };
    (format!("{en} can't stand here"), format!("此处不能是{zh}"))
}

impl Scalar {
    fn check(&self, key: &str, value: &Value) -> Result<Setting, Box<Problem>> {
        let setting = match (self.kind, value) {
            (Kind::Bool, Value::Boolean(b)) => Some(Setting::Bool(*b)),
            (Kind::Int, Value::Integer(i)) => Some(Setting::Int(*i)),
            (Kind::Float, Value::Integer(i)) => Some(Setting::Float(*i as f64)),
            (Kind::Float, Value::Float(f)) if f.is_finite() => Some(Setting::Float(*f)),
            (Kind::Float, Value::Float(f)) => {
                let message = both!("{f} is no number to work with", "{f} 不是可用的数字");
                return Err(Box::new(Problem::new(key, message, None)));
            }
            (Kind::Text, Value::String(s)) => Some(Setting::Text(s.clone())),
            (Kind::Date, Value::String(s)) if text::is_date(s) => Some(Setting::Text(s.clone())),
            (Kind::Time, Value::String(s)) if text::is_time(s) => Some(Setting::Text(s.clone())),
            (Kind::Duration, Value::String(s)) => {
                text::duration(s).map(|d| Setting::Float(d.as_secs_f64()))
            }
            _ => None,
        };
        let Some(setting) = setting else {
            let message = match value {
                Value::String(s) if s.len() <= TEXT_LEN_MAX => {
                    both!("`{s}` is no {}", "`{s}` 不是 {}", self.kind.word())
                }
                other => wrong_type(other),
            };
            return Err(Box::new(Problem::new(key, message, give(self.kind.wanted()))));
        };
        match &setting {
            Setting::Int(i) => self.in_range(key, *i as f64)?,
            Setting::Float(f) => self.in_range(key, *f)?,
            Setting::Text(s) if s.len() > TEXT_LEN_MAX => {
                let message =
                    both!("is longer than {TEXT_LEN_MAX} bytes", "超过 {TEXT_LEN_MAX} 字节");
                return Err(Box::new(Problem::new(key, message, None)));
            }
            Setting::Text(s) if !self.words.is_empty() && !self.words.contains(s) => {
                let words = self.words.join(", ");
                let hint = both!("choose from {words}", "可选：{words}");
                return Err(Box::new(Problem::new(
                    key,
                    both!("`{s}` is no choice", "`{s}` 不可选"),
                    hint,
                )));
            }
            _ => {}
        }
        Ok(setting)
    }

    fn in_range(&self, key: &str, number: f64) -> Result<(), Box<Problem>> {
        let Some((low, high)) = self.range else { return Ok(()) };
        let unit = match (&self.unit, self.kind) {
            (Some(unit), _) => format!(" {unit}"),
            (None, Kind::Duration) => " s".to_owned(),
            (None, _) => String::new(),
        };
        let (side, limit) = match number {
            n if n < low => (["below", "低于"], low),
            n if n > high => (["above", "高于"], high),
            _ => return Ok(()),
        };
        let [side, side_zh] = side;
        let message = (
            format!("{number}{unit} is {side} {limit}{unit}"),
            format!("{number}{unit} {side_zh} {limit}{unit}"),
        );
        let hint = both!("from {low} to {high}{unit}", "从 {low} 到 {high}{unit}");
        Err(Box::new(Problem::new(key, message, hint)))
    }
}
