//! What a point is, apart from what it reads.

use crate::{DeviceId, PointId, Unit, Value};
use std::sync::Arc;
use std::time::Duration;

/// What a point is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// A measured quantity.
    Measurement,
    /// A state of the machine.
    Status,
    /// What somebody asks of the machine.
    Setpoint,
    /// Only ever grows, until it rolls over.
    Counter,
}

impl Class {
    /// The word in configuration and catalog.
    pub fn word(self) -> &'static str {
        match self {
            Class::Measurement => "measurement",
            Class::Status => "status",
            Class::Setpoint => "setpoint",
            Class::Counter => "counter",
        }
    }
}

/// Which kind of value a point holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Shape {
    Bool,
    Int,
    Float,
    Text,
}

impl Shape {
    /// The word in the catalog.
    pub fn word(self) -> &'static str {
        match self {
            Shape::Bool => "bool",
            Shape::Int => "int",
            Shape::Float => "float",
            Shape::Text => "text",
        }
    }
}

/// When a reading is worth sending on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reporting {
    /// Smaller changes than this are not sent, in the point's unit; 0 sends every change.
    /// `None` sends every reading, changed or not.
    pub deadband: Option<f64>,
    /// Good readings are not sent more often than this. A change of quality always is.
    pub interval_min: Duration,
    /// Even an unchanged reading is sent this often, so that stable never looks dead.
    pub interval_max: Duration,
    /// Without a good reading for this long the point is stale.
    pub stale_after: Duration,
}

/// What may be written to a point, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Smallest and largest value accepted, in the point's unit. Empty for booleans and text.
    pub limits: Option<(f64, f64)>,
    /// Fastest change accepted, in units per second, against the last value written.
    pub rate_max: Option<f64>,
    /// At least this long between two writes.
    pub interval_min: Duration,
    /// What is written when a writer's time ends, or something keeps away what a writer wants.
    pub safe: Value,
    /// When nobody wants anything the output is given back and its device decides, instead of the
    /// safe value. Only for protocols that know priorities.
    pub relinquish: bool,
    /// How far the value read back may differ from the one written, in the point's unit.
    pub readback_tolerance: f64,
    /// Whether the point is read again after a write.
    pub readback: bool,
}

/// Why a value is not acceptable for an output.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WriteRefusal {
    /// The point has no [`Output`].
    #[error("the point is no output; the site file makes it one: [device.….point.….output]")]
    NotWritable,
    /// The value is of another kind than the point.
    #[error("the point holds {expected}, not {got}")]
    Kind {
        /// What the point holds.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// A state that the point has no name for.
    #[error("`{got}` is not a state of this point; it knows {known}")]
    UnknownState {
        /// What was given.
        got: String,
        /// The states there are.
        known: String,
    },
    /// Below or above the limits.
    #[error("{got} is outside {min} to {max}")]
    Limits {
        /// What was given.
        got: f64,
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
}

impl WriteRefusal {
    /// What [`Display`](std::fmt::Display) says, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            WriteRefusal::NotWritable => {
                "该点位不是输出；须在站点文件中设为输出：[device.….point.….output]".to_owned()
            }
            WriteRefusal::Kind { expected, got } => {
                format!("该点位的类型是 {expected}，不是 {got}")
            }
            WriteRefusal::UnknownState { got, known } => {
                format!("`{got}` 不是该点位的状态；可用：{known}")
            }
            WriteRefusal::Limits { got, min, max } => format!("{got} 超出 {min} 至 {max} 的范围"),
        }
    }
}

/// One point of the site: its name, meaning and rules. How it is read is its driver's business.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The device it belongs to.
    pub device: DeviceId,
    /// Its name there.
    pub id: PointId,
    /// Text for people, in English.
    pub title: Arc<str>,
    /// Text for people, in Chinese.
    pub title_zh: Arc<str>,
    /// What the number is measured in.
    pub unit: Option<Unit>,
    /// What it is for.
    pub class: Class,
    /// What it holds.
    pub shape: Shape,
    /// Names of its states by number; empty if it is not enumerated.
    pub states: Arc<[(i64, Arc<str>)]>,
    /// Physically possible range, in its unit; outside it a reading is bad.
    pub range: Option<(f64, f64)>,
    /// For counters: the first value that it can no longer show, where it rolls over to 0.
    pub rollover: Option<f64>,
    /// How often it is read.
    pub period: Duration,
    /// When it is sent on.
    pub reporting: Reporting,
    /// What may be written to it.
    pub output: Option<Output>,
}

impl Point {
    /// Checks that `value` may be written as far as the point alone can say (kind, state name,
    /// limits) and returns it in the point's own kind.
    pub fn accept(&self, value: &Value) -> Result<Value, WriteRefusal> {
        let output = self.output.as_ref().ok_or(WriteRefusal::NotWritable)?;
        let kind = || WriteRefusal::Kind { expected: self.shape.word(), got: value.to_string() };
        let value = if self.states.is_empty() {
            match (self.shape, value) {
                (Shape::Bool, Value::Bool(_)) | (Shape::Text, Value::Text(_)) => value.clone(),
                (Shape::Bool, Value::Int(i @ (0 | 1))) => Value::Bool(*i == 1),
                (Shape::Int, Value::Int(_) | Value::UInt(_)) => value.clone(),
                (Shape::Int, Value::Float(f)) if f.get().fract() == 0.0 && f.get().abs() < 9e15 =>
                {
                    #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
                    Value::Int(f.get() as i64)
                }
                (Shape::Float, Value::Int(_) | Value::UInt(_) | Value::Float(_)) => {
                    value.as_f64().and_then(Value::float).ok_or_else(kind)?
                }
                _ => return Err(kind()),
            }
        } else {
            self.state_named(value)?
        };
        if let (Some((min, max)), Some(got)) = (output.limits, value.as_f64())
            && !(min..=max).contains(&got)
        {
            return Err(WriteRefusal::Limits { got, min, max });
        }
        Ok(value)
    }

    fn state_named(&self, value: &Value) -> Result<Value, WriteRefusal> {
        let found = self.states.iter().find(|(code, name)| match value {
            Value::Int(i) => i == code,
            Value::Text(t) => t == name,
            _ => false,
        });
        match found {
            Some((_, name)) => Ok(Value::Text(name.clone())),
            None => Err(WriteRefusal::UnknownState {
                got: value.to_string(),
                known: self.states.iter().map(|(_, n)| &**n).collect::<Vec<_>>().join(", "),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(shape: Shape, states: &[(i64, &str)], limits: Option<(f64, f64)>) -> Point {
        Point {
            device: DeviceId::new("hp1").unwrap(),
            id: PointId::new("setpoint").unwrap(),
            title: "Setpoint".into(),
            title_zh: "设定值".into(),
            unit: None,
            class: Class::Setpoint,
            shape,
            states: states.iter().map(|(c, n)| (*c, Arc::from(*n))).collect(),
            range: None,
            rollover: None,
            period: Duration::from_secs(1),
            reporting: Reporting {
                deadband: None,
                interval_min: Duration::ZERO,
                interval_max: Duration::from_secs(60),
                stale_after: Duration::from_secs(30),
            },
            output: Some(Output {
                limits,
                rate_max: None,
                interval_min: Duration::ZERO,
                safe: Value::Int(0),
                relinquish: false,
                readback_tolerance: 0.0,
                readback: true,
            }),
        }
    }

    fn check(p: &Point, given: Value, expected: Result<Value, &str>) {
        assert_eq!(p.accept(&given).map_err(|e| e.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_refusal_names_what_was_given_and_what_is_possible_in_chinese_too() {
        let refused = |p: &Point, given: Value| p.accept(&given).unwrap_err().text_zh();
        let p = point(Shape::Float, &[], Some((30.0, 55.0)));
        assert_eq!(refused(&p, Value::Int(60)), "60 超出 30 至 55 的范围");
        assert_eq!(refused(&p, Value::Bool(true)), "该点位的类型是 float，不是 true");
        let p = point(Shape::Int, &[(0, "off"), (2, "heat")], None);
        assert_eq!(refused(&p, Value::Int(3)), "`3` 不是该点位的状态；可用：off, heat");
        let p = Point { output: None, ..p };
        assert!(refused(&p, Value::Int(0)).contains("[device.….point.….output]"));
    }

    #[test]
    fn a_write_is_taken_in_the_points_own_kind_or_refused() {
        let float = |f| Value::float(f).unwrap();
        let p = point(Shape::Float, &[], Some((30.0, 55.0)));
        check(&p, Value::Int(45), Ok(float(45.0)));
        check(&p, float(55.0), Ok(float(55.0)));
        check(&p, float(55.1), Err("55.1 is outside 30 to 55"));
        check(&p, Value::Bool(true), Err("the point holds float, not true"));
        let p = point(Shape::Int, &[], None);
        check(&p, float(3.0), Ok(Value::Int(3)));
        check(&p, float(3.5), Err("the point holds int, not 3.5"));
        let p = point(Shape::Bool, &[], None);
        check(&p, Value::Int(1), Ok(Value::Bool(true)));
        check(&p, Value::Int(2), Err("the point holds bool, not 2"));
        let p = point(Shape::Int, &[(0, "off"), (2, "heat")], None);
        check(&p, Value::Int(2), Ok(Value::Text("heat".into())));
        check(&p, Value::Text("off".into()), Ok(Value::Text("off".into())));
        let unknown = "`3` is not a state of this point; it knows off, heat";
        check(&p, Value::Int(3), Err(unknown));
        let p = Point { output: None, ..p };
        check(
            &p,
            Value::Int(0),
            Err("the point is no output; the site file makes it one: [device.….point.….output]"),
        );
    }
}
