//! Checks a tree against the schema: unknown keys, wrong types, numbers out of range, missing
//! keys. What is wrong is told and cut, so that the rest can still be read and checked further.
//!
//! It knows the few words of JSON Schema that our own types produce, not the whole language; a
//! general validator has no did-you-mean, no places and no Chinese.

use super::problem::{Kind, Problem};
use super::report::{Findings, Spot};
use super::text::{self, format};
use super::tree::{Data, Node};
use serde_json::Value;
use std::borrow::Cow;
use wellhead_model::{DeviceId, Unit};

/// Checks `node` and everything under it.
pub(super) fn check(node: &mut Node, path: &str, schema: &Value, findings: &mut Findings) {
    let mut walk = Walk { root: schema, findings };
    if !walk.fits(node, path, schema) {
        node.data = Data::Cut;
    }
}

struct Walk<'a> {
    root: &'a Value,
    findings: &'a mut Findings,
}

impl<'a> Walk<'a> {
    /// Whether the node can stay. Its children may have been cut.
    fn fits(&mut self, node: &mut Node, path: &str, given: &'a Value) -> bool {
        let schema = self.behind_reference(given);
        let problem = match (&mut node.data, expected(schema)) {
            (Data::Cut, _) | (_, Kind::Anything) => return true,
            (Data::Table(_), Kind::Table) => {
                self.table(node, path, schema, given);
                return true;
            }
            (Data::List(items), Kind::List | Kind::Texts) => {
                let mut fits = true;
                let element = schema.get("items").unwrap_or(&Value::Null);
                for (i, item) in items.iter_mut().enumerate() {
                    fits &= self.fits(item, &format!("{path}[{i}]"), element);
                }
                if !fits {
                    return false;
                }
                let length = schema.get("minItems").and_then(Value::as_u64);
                let got = items.len();
                length
                    .filter(|n| *n != got as u64)
                    .map(|expected| Problem::ListLength { expected, got })
            }
            (Data::HugeInt(written), Kind::Whole | Kind::Number | Kind::Scalar) => {
                Some(Problem::NumberTooLong { got: written.clone() })
            }
            #[expect(clippy::cast_precision_loss, reason = "the limits are small numbers")]
            (Data::Int(i), Kind::Whole | Kind::Number) => out_of_range(*i as f64, schema, given),
            (Data::Float(f), Kind::Number) => out_of_range(*f, schema, given),
            (Data::Text(t), Kind::Text) => text_problem(t, schema, given),
            (Data::Text(_), Kind::Texts) => None,
            (Data::Bool(_), Kind::Bool | Kind::Scalar)
            | (Data::Int(_) | Data::Float(_) | Data::Text(_), Kind::Scalar) => None,
            (data, expected) => Some(wrong_type(data, expected, schema)),
        };
        let fits = problem.is_none();
        if let Some(p) = problem {
            self.findings.add(Spot::value(node, path), p);
        }
        fits
    }

    fn behind_reference(&self, schema: &'a Value) -> &'a Value {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let pointer = reference.and_then(|r| r.strip_prefix('#'));
        pointer.and_then(|p| self.root.pointer(p)).unwrap_or(schema)
    }

    fn table(&mut self, node: &mut Node, path: &str, schema: &'a Value, given: &'a Value) {
        let known = schema.get("properties").and_then(Value::as_object);
        let any = schema.get("additionalProperties").filter(|v| v.is_object());
        let ids = [given, schema]
            .iter()
            .any(|s| s.pointer("/propertyNames/format").is_some_and(|f| f == format::ID));
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if node.get(key).is_none() {
                let missing = Spot::missing(node, path, key);
                self.findings.add(missing, Problem::Missing { key: key.to_owned() });
            }
        }
        let Data::Table(entries) = &mut node.data else { return };
        for (key, child) in entries.iter_mut() {
            let path = join_path(path, key);
            let schema = known.and_then(|k| k.get(key)).or(any);
            let Some(schema) = schema else {
                let known: Vec<&str> =
                    known.into_iter().flat_map(|k| k.keys().map(String::as_str)).collect();
                self.findings.add(Spot::key(child, &path), unknown_key(key, &known));
                child.data = Data::Cut;
                continue;
            };
            if ids && let Err(e) = DeviceId::new(key) {
                self.findings.add(Spot::key(child, &path), Problem::BadId { error: e });
                child.data = Data::Cut;
            }
            if !self.fits(child, &path, schema) {
                child.data = Data::Cut;
            }
        }
    }
}

/// `a.b`, with quotes where TOML needs them.
pub(super) fn join_path(path: &str, key: &str) -> String {
    let bare =
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let key = if bare { Cow::Borrowed(key) } else { Cow::Owned(format!("{key:?}")) };
    if path.is_empty() { key.into_owned() } else { format!("{path}.{key}") }
}

fn unknown_key(key: &str, known: &[&str]) -> Problem {
    if key == "password" && known.contains(&"password_file") {
        return Problem::PasswordInFile;
    }
    Problem::UnknownKey {
        key: key.to_owned(),
        near: nearest(key, known.iter().copied()),
        known: known.join(", "),
    }
}

/// The candidate that was probably meant.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|c| (strsim::jaro_winkler(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c.to_owned())
}

/// What is wrong with the symbol of a unit, if it is none.
pub(super) fn unknown_unit(got: &str) -> Option<Problem> {
    Unit::parse(got).err().map(|_| Problem::UnknownUnit {
        got: got.to_owned(),
        near: nearest(got, Unit::symbols()),
        known: Unit::symbols().collect::<Vec<_>>().join(" "),
    })
}

fn expected(schema: &Value) -> Kind {
    match schema.get("type") {
        Some(Value::String(t)) => match t.as_str() {
            "string" => Kind::Text,
            "integer" => Kind::Whole,
            "number" => Kind::Number,
            "boolean" => Kind::Bool,
            "array" => Kind::List,
            _ => Kind::Table,
        },
        Some(Value::Array(kinds)) if kinds.iter().any(|k| k == "object") => Kind::Anything,
        Some(Value::Array(kinds)) if kinds.iter().any(|k| k == "array") => Kind::Texts,
        Some(Value::Array(_)) => Kind::Scalar,
        _ => Kind::Text, // an enum of words
    }
}

fn out_of_range(got: f64, schema: &Value, given: &Value) -> Option<Problem> {
    let limit = |key| [given, schema].iter().find_map(|s| s.get(key)).and_then(Value::as_f64);
    if let Some(above) = limit("exclusiveMinimum")
        && (got <= above || got.is_nan())
    {
        return Some(Problem::NotAbove { got, limit: above });
    }
    let (min, max) = (limit("minimum"), limit("maximum"));
    let fits = min.is_none_or(|m| got >= m) && max.is_none_or(|m| got <= m);
    (!fits).then_some(Problem::OutOfRange { got, min, max })
}

fn text_problem(got: &str, schema: &Value, given: &Value) -> Option<Problem> {
    let word = |key| [given, schema].iter().find_map(|s| s.get(key)).and_then(Value::as_str);
    match word("format") {
        Some(format::DURATION) => {
            let Some(d) = text::duration(got) else {
                return Some(Problem::BadDuration { got: got.to_owned() });
            };
            let (min, max) = (word("x-min"), word("x-max"));
            let fits = min.and_then(text::duration).is_none_or(|m| d >= m)
                && max.and_then(text::duration).is_none_or(|m| d <= m);
            (!fits).then(|| text_range(got, min, max))
        }
        Some(format::SIZE) => {
            let Some(bytes) = text::size(got) else {
                return Some(Problem::BadSize { got: got.to_owned() });
            };
            let (min, max) = (word("x-min"), word("x-max"));
            let fits = min.and_then(text::size).is_none_or(|m| bytes >= m)
                && max.and_then(text::size).is_none_or(|m| bytes <= m);
            (!fits).then(|| text_range(got, min, max))
        }
        Some(format::UNIT) => unknown_unit(got),
        Some(format::ID) => DeviceId::new(got).err().map(|error| Problem::BadId { error }),
        _ if [given, schema].iter().any(|s| s.get("minLength").is_some())
            && got.trim().is_empty() =>
        {
            Some(Problem::Empty)
        }
        _ => {
            let allowed = words(schema);
            (!allowed.is_empty() && !allowed.contains(&got)).then(|| Problem::UnknownWord {
                got: got.to_owned(),
                near: nearest(got, allowed.iter().copied()),
                known: allowed.join(", "),
            })
        }
    }
}

fn text_range(got: &str, min: Option<&str>, max: Option<&str>) -> Problem {
    let word = |w: Option<&str>| w.unwrap_or("…").to_owned();
    Problem::OutOfTextRange { got: got.to_owned(), min: word(min), max: word(max) }
}

/// The words an enumeration allows; empty if the schema is none.
fn words(schema: &Value) -> Vec<&str> {
    let list = schema.get("enum").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|v| v.as_str().or_else(|| v.get("const").and_then(Value::as_str)))
        .collect()
}

fn wrong_type(data: &Data, expected: Kind, schema: &Value) -> Problem {
    let format = schema.get("format").and_then(Value::as_str);
    let needs_unit = match (format, data) {
        (Some(format::DURATION), Data::Int(i)) => Some(format!("\"{i}s\"")),
        (Some(format::DURATION), Data::Float(f)) => Some(format!("\"{f}s\"")),
        (Some(format::SIZE), Data::Int(i)) => Some(format!("\"{i}MiB\"")),
        _ => None,
    };
    let (got, plain) = match data {
        Data::Text(t) => (Kind::Text, Some(t.clone())),
        Data::Int(i) => (Kind::Whole, Some(i.to_string())),
        Data::HugeInt(t) => (Kind::Whole, Some(t.clone())),
        Data::Float(f) => (Kind::Number, Some(f.to_string())),
        Data::Bool(b) => (Kind::Bool, Some(b.to_string())),
        Data::Date => (Kind::Date, None),
        Data::List(_) => (Kind::List, None),
        Data::Table(_) | Data::Cut => (Kind::Table, None),
    };
    // A number in quotes, or a word without them: show how it is written.
    let instead = needs_unit.or_else(|| match (expected, plain) {
        (Kind::Text, Some(p)) => Some(format!("{p:?}")),
        (Kind::Whole, Some(p)) if p.parse::<i64>().is_ok() => Some(p),
        (Kind::Number, Some(p)) if p.parse::<f64>().is_ok() => Some(p),
        (Kind::Bool, Some(p)) if p == "true" || p == "false" => Some(p),
        (Kind::List, Some(p)) if got == Kind::Text => Some(format!("[{p:?}]")),
        _ => None,
    });
    Problem::WrongType { expected, got, instead }
}
