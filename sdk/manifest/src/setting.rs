//! What a parameter may be, and whether what a site gives is that.

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

    fn wanted(self) -> &'static str {
        match self {
            Kind::Bool => "`true` or `false`",
            Kind::Int => "a whole number",
            Kind::Float => "a number",
            Kind::Text => "a text in quotes",
            Kind::Duration => "a text such as \"90s\", \"10min\", \"2h\" or \"1d\"",
            Kind::Date => "a month and a day such as \"05-15\"",
            Kind::Time => "a time of day such as \"23:00\"",
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

fn problem(key: &str, message: impl Into<String>, hint: impl Into<Option<String>>) -> Problem {
    Problem { place: None, key: key.to_owned(), message: message.into(), hint: hint.into() }
}

pub(crate) fn settings(
    parameters: &[Parameter],
    given: &toml::Table,
) -> Result<Vec<(String, Setting)>, Vec<Problem>> {
    let mut problems = Vec::new();
    for key in given.keys().filter(|k| !parameters.iter().any(|p| p.name == **k)) {
        let names: Vec<_> = parameters.iter().map(|p| p.name.as_str()).collect();
        let hint = match names[..] {
            [] => "the plugin has no parameters".to_owned(),
            _ => format!("the plugin has {}", names.join(", ")),
        };
        problems.push(problem(key, "is no parameter of this plugin", hint));
    }
    let mut settings = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        let name = &parameter.name;
        let setting = match (given.get(name), &parameter.default) {
            (Some(value), _) => parameter.form.check(name, value, &mut problems),
            (None, Some(default)) => Some(default.clone()),
            (None, None) => {
                let hint = format!("add `{name} = …`: {}", parameter.form.wanted());
                problems.push(problem(name, "has no default and must be given", hint));
                None
            }
        };
        settings.extend(setting.map(|s| (name.clone(), s)));
    }
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

impl Form {
    fn wanted(&self) -> String {
        match self {
            Form::One(scalar) => scalar.kind.wanted().to_owned(),
            Form::Table(columns) => {
                let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
                format!("a list of rows [{}]", names.join(", "))
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
                let message = format!("has {} rows, more than {ROWS_MAX}", rows.len());
                problems.push(problem(key, message, None));
                return None;
            }
            _ => {
                problems.push(problem(key, wrong_type(value), format!("give {}", self.wanted())));
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
                Value::Array(cells) => problems.push(problem(
                    &format!("{key}[{i}]"),
                    format!("has {} values for {} columns", cells.len(), columns.len()),
                    format!("give {}", self.wanted()),
                )),
                _ => problems.push(problem(
                    &format!("{key}[{i}]"),
                    wrong_type(row),
                    format!("give {}", self.wanted()),
                )),
            }
        }
        Some(Setting::Table(table))
    }
}

fn told<T>(result: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|p| problems.push(p)).ok()
}

fn wrong_type(value: &Value) -> String {
    let what = match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a point",
        Value::Boolean(_) => "`true` or `false`",
        Value::Datetime(_) => "a date without quotes",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    };
    format!("{what} can't stand here")
}

impl Scalar {
    fn check(&self, key: &str, value: &Value) -> Result<Setting, Problem> {
        let setting = match (self.kind, value) {
            (Kind::Bool, Value::Boolean(b)) => Some(Setting::Bool(*b)),
            (Kind::Int, Value::Integer(i)) => Some(Setting::Int(*i)),
            (Kind::Float, Value::Integer(i)) => Some(Setting::Float(*i as f64)),
            (Kind::Float, Value::Float(f)) if f.is_finite() => Some(Setting::Float(*f)),
            (Kind::Float, Value::Float(f)) => {
                return Err(problem(key, format!("{f} is no number to work with"), None));
            }
            (Kind::Text, Value::String(s)) => Some(Setting::Text(s.clone())),
            (Kind::Date, Value::String(s)) if text::is_date(s) => Some(Setting::Text(s.clone())),
            (Kind::Time, Value::String(s)) if text::is_time(s) => Some(Setting::Text(s.clone())),
            (Kind::Duration, Value::String(s)) => {
                text::duration(s).map(|d| Setting::Float(d.as_secs_f64()))
            }
            _ => None,
        };
        let hint = || format!("give {}", self.kind.wanted());
        let Some(setting) = setting else {
            let message = match value {
                Value::String(s) if s.len() <= TEXT_LEN_MAX => {
                    format!("`{s}` is no {}", self.kind.word())
                }
                other => wrong_type(other),
            };
            return Err(problem(key, message, hint()));
        };
        match &setting {
            Setting::Int(i) => self.in_range(key, *i as f64)?,
            Setting::Float(f) => self.in_range(key, *f)?,
            Setting::Text(s) if s.len() > TEXT_LEN_MAX => {
                return Err(problem(key, format!("is longer than {TEXT_LEN_MAX} bytes"), None));
            }
            Setting::Text(s) if !self.words.is_empty() && !self.words.contains(s) => {
                let hint = format!("choose from {}", self.words.join(", "));
                return Err(problem(key, format!("`{s}` is no choice"), hint));
            }
            _ => {}
        }
        Ok(setting)
    }

    fn in_range(&self, key: &str, number: f64) -> Result<(), Problem> {
        let Some((low, high)) = self.range else { return Ok(()) };
        let unit = match (&self.unit, self.kind) {
            (Some(unit), _) => format!(" {unit}"),
            (None, Kind::Duration) => " s".to_owned(),
            (None, _) => String::new(),
        };
        let (side, limit) = match number {
            n if n < low => ("below", low),
            n if n > high => ("above", high),
            _ => return Ok(()),
        };
        let hint = format!("from {low} to {high}{unit}");
        Err(problem(key, format!("{number}{unit} is {side} {limit}{unit}"), hint))
    }
}
