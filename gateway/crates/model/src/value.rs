//! What a point can hold.

use std::fmt;
use std::sync::Arc;

/// A value as decoded and scaled. Floats are finite by construction: use [`Value::float`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// On or off.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number beyond `i64`, from 64-bit unsigned counters.
    UInt(u64),
    /// A finite number. Private to build: see [`Value::float`].
    Float(Finite),
    /// Text, or the name of an enumerated state.
    Text(Arc<str>),
}

/// A finite `f64`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Finite(f64);

impl Finite {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Value {
    /// A float, unless it is NaN or infinite.
    pub fn float(f: f64) -> Option<Value> {
        f.is_finite().then_some(Value::Float(Finite(f)))
    }

    /// An unsigned number in the narrowest variant that holds it.
    pub fn unsigned(u: u64) -> Value {
        i64::try_from(u).map_or(Value::UInt(u), Value::Int)
    }

    /// The number, if it is one; `true` is 1.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Bool(b) => Some(f64::from(u8::from(*b))),
            #[expect(clippy::cast_precision_loss, reason = "asked for as a float")]
            Value::Int(i) => Some(*i as f64),
            #[expect(clippy::cast_precision_loss, reason = "asked for as a float")]
            Value::UInt(u) => Some(*u as f64),
            Value::Float(f) => Some(f.0),
            Value::Text(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(i) => write!(f, "{i}"),
            Value::UInt(u) => write!(f, "{u}"),
            Value::Float(x) => write!(f, "{}", x.0),
            Value::Text(t) => f.write_str(t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_infinity_are_no_values() {
        assert_eq!(Value::float(f64::NAN), None);
        assert_eq!(Value::float(f64::INFINITY), None);
        assert_eq!(Value::float(f64::NEG_INFINITY), None);
        assert_eq!(Value::float(44.1).and_then(|v| v.as_f64()), Some(44.1));
    }

    #[test]
    fn a_64_bit_counter_keeps_every_digit() {
        assert_eq!(Value::unsigned(u64::MAX).to_string(), "18446744073709551615");
        assert_eq!(Value::unsigned(7), Value::Int(7));
    }
}
