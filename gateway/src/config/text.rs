//! Values that TOML has no type for: durations, sizes, ids, units. Each is a text with a unit, so
//! that nobody has to know whether a number meant seconds or milliseconds.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use std::borrow::Cow;
use std::time::Duration;
pub(super) use wellhead_manifest::{duration, size};
use wellhead_model::Value;

/// How the structure check recognises each kind of text in the schema.
pub(super) mod format {
    pub(in super::super) const DURATION: &str = "wellhead-duration";
    pub(in super::super) const SIZE: &str = "wellhead-size";
    pub(in super::super) const ID: &str = "wellhead-id";
    pub(in super::super) const UNIT: &str = "wellhead-unit";
}

/// Writes a duration the way it is read, in the largest unit that leaves a whole number.
pub(crate) fn duration_text(d: Duration) -> String {
    let ms = d.as_millis();
    if ms == 0 {
        return "0s".to_owned();
    }
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)] {
        if ms >= size && ms.is_multiple_of(size) {
            return format!("{}{unit}", ms / size);
        }
    }
    format!("{ms}ms")
}

/// Writes a size the way it is read.
pub(super) fn size_text(bytes: u64) -> String {
    for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= size && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    format!("{bytes}B")
}

/// A duration in a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DurationText(pub(super) Duration);

/// A size in bytes in a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SizeText(pub(super) u64);

/// The symbol of a unit in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitText(pub(super) wellhead_model::Unit);

/// A single value: `true`, a number or a text.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// As a value of a point; `None` if it is not finite.
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Scalar::Bool(b) => Some(Value::Bool(*b)),
            Scalar::Int(i) => Some(Value::Int(*i)),
            Scalar::Float(f) => Value::float(*f),
            Scalar::Text(text) => Some(Value::Text(text.as_str().into())),
        }
    }
}

/// Whatever TOML can hold: what it must be stands elsewhere.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Anything(toml::Value);

/// A text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// As a list.
    pub(super) fn list(&self) -> &[String] {
        match self {
            OneOrMany::One(text) => std::slice::from_ref(text),
            OneOrMany::Many(texts) => texts,
        }
    }
}

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        duration(&text).map(Self).ok_or_else(|| D::Error::custom("not a duration"))
    }
}

impl<'de> Deserialize<'de> for SizeText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        size(&text).map(Self).ok_or_else(|| D::Error::custom("not a size"))
    }
}

impl<'de> Deserialize<'de> for UnitText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        wellhead_model::Unit::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

macro_rules! text_schema {
    ($type:ident, $schema:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

text_schema!(
    DurationText,
    json_schema!({
        "type": "string",
        "format": format::DURATION,
        "pattern": r"^[0-9]+(\.[0-9]+)? *(ms|s|min|h|d)$",
    })
);
text_schema!(
    SizeText,
    json_schema!({
        "type": "string",
        "format": format::SIZE,
        "pattern": r"^[0-9]+(\.[0-9]+)? *(B|kB|MB|GB|KiB|MiB|GiB)$",
    })
);
// No list of symbols: usual spellings of them (`degC`) are taken as well.
text_schema!(UnitText, json_schema!({ "type": "string", "format": format::UNIT }));
text_schema!(Scalar, json_schema!({ "type": ["boolean", "number", "string"] }));
text_schema!(
    OneOrMany,
    json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
);
text_schema!(
    Anything,
    json_schema!({ "type": ["boolean", "number", "string", "array", "object"] })
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["500ms", "1s", "90s", "5min", "1h", "2d", "0s"] {
            assert_eq!(duration(text).map(duration_text).as_deref(), Some(text));
        }
    }
}
