//! From a device's raw number to an honest value, and back.

use crate::{DeviceError, Outcome};
use std::sync::Arc;
use wellhead_model::{Reason, Value};

/// A value as the device's own type holds it, before scaling.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// A bit.
    Bool(bool),
    /// A signed register value.
    Int(i64),
    /// An unsigned register value.
    UInt(u64),
    /// An IEEE 754 register value; may be NaN.
    Float(f64),
    /// Text.
    Text(Arc<str>),
}

/// How a point's raw value becomes its value: value = raw × `scale` + `offset`.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// Multiplier.
    pub scale: f64,
    /// Added after scaling.
    pub offset: f64,
    /// Raw values by which the device says that no sensor is connected.
    pub no_sensor: Vec<f64>,
    /// Names of states by raw number.
    pub states: Arc<[(i64, Arc<str>)]>,
}

/// A NaN among `no_sensor` equals itself here: two conversions that do the same are equal, so that
/// a device which did not change is not taken for changed.
impl PartialEq for Conversion {
    fn eq(&self, other: &Self) -> bool {
        let bits = |c: &Self| c.no_sensor.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
        (self.scale, self.offset) == (other.scale, other.offset)
            && bits(self) == bits(other)
            && self.states == other.states
    }
}

impl Default for Conversion {
    fn default() -> Self {
        Self { scale: 1.0, offset: 0.0, no_sensor: Vec::new(), states: Arc::from([]) }
    }
}

impl Conversion {
    /// Whether numbers pass unchanged, so that integers stay integers.
    pub fn is_plain(&self) -> bool {
        self.scale == 1.0 && self.offset == 0.0
    }

    /// Reads a raw value.
    pub fn outcome(&self, raw: Raw) -> Outcome {
        if self.means_no_sensor(&raw) {
            return Outcome::Bad(Reason::NoSensor);
        }
        if !self.states.is_empty() {
            return self.state(&raw);
        }
        match raw {
            Raw::Bool(b) => Outcome::Good(Value::Bool(b)),
            Raw::Text(t) => Outcome::Good(Value::Text(t)),
            Raw::Int(i) if self.is_plain() => Outcome::Good(Value::Int(i)),
            Raw::UInt(u) if self.is_plain() => Outcome::Good(Value::unsigned(u)),
            #[expect(clippy::cast_precision_loss, reason = "scaled values are floats")]
            Raw::Int(i) => self.number(i as f64),
            #[expect(clippy::cast_precision_loss, reason = "scaled values are floats")]
            Raw::UInt(u) => self.number(u as f64),
            Raw::Float(f) => self.number(f),
        }
    }

    fn number(&self, raw: f64) -> Outcome {
        // Scaling by 0.1 leaves 45.300000000000004; dividing by 10 gives the decimal that the
        // device meant, and so does every reciprocal of a whole number.
        let inverse = 1.0 / self.scale;
        let whole = inverse.round();
        let scaled = if self.scale.abs() < 1.0 && (inverse - whole).abs() < 1e-9 * whole.abs() {
            raw / whole
        } else {
            raw * self.scale
        };
        match Value::float(scaled + self.offset) {
            Some(v) => Outcome::Good(v),
            None => Outcome::Bad(Reason::NotANumber),
        }
    }

    fn state(&self, raw: &Raw) -> Outcome {
        let code = match raw {
            Raw::Bool(b) => i64::from(*b),
            Raw::Int(i) => *i,
            Raw::UInt(u) => match i64::try_from(*u) {
                Ok(i) => i,
                Err(_) => return Outcome::Uncertain(Value::UInt(*u), Reason::UnknownState),
            },
            Raw::Float(_) | Raw::Text(_) => return Outcome::Bad(Reason::Undecodable),
        };
        match self.states.iter().find(|(c, _)| *c == code) {
            Some((_, name)) => Outcome::Good(Value::Text(name.clone())),
            None => Outcome::Uncertain(Value::Int(code), Reason::UnknownState),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "sentinels are small or match exactly")]
    #[expect(clippy::float_cmp, reason = "a sentinel is one exact value")]
    fn means_no_sensor(&self, raw: &Raw) -> bool {
        let number = match raw {
            Raw::Int(i) => *i as f64,
            Raw::UInt(u) => *u as f64,
            Raw::Float(f) => *f,
            Raw::Bool(_) | Raw::Text(_) => return false,
        };
        self.no_sensor.iter().any(|s| number == *s || (s.is_nan() && number.is_nan()))
    }

    /// The raw number to write for `value`: state names become their number, scaled values are
    /// scaled back. Rounding to the device's type is the driver's.
    pub fn raw(&self, value: &Value) -> Result<Raw, DeviceError> {
        if let Value::Text(text) = value
            && !self.states.is_empty()
        {
            let code = self.states.iter().find(|(_, name)| name == text).map(|(c, _)| *c);
            return code.map(Raw::Int).ok_or_else(|| {
                DeviceError::Unencodable(format!("`{text}` is not a state of this point"))
            });
        }
        Ok(match value {
            Value::Bool(b) => Raw::Bool(*b),
            Value::Int(i) if self.is_plain() => Raw::Int(*i),
            Value::UInt(u) if self.is_plain() => Raw::UInt(*u),
            Value::Text(t) => Raw::Text(t.clone()),
            other => {
                let number = other
                    .as_f64()
                    .ok_or_else(|| DeviceError::Unencodable(format!("{other} is not a number")))?;
                Raw::Float((number - self.offset) / self.scale)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(f: f64) -> Outcome {
        Outcome::Good(Value::float(f).unwrap())
    }

    #[test]
    fn a_scaled_register_reads_as_the_decimal_the_device_meant() {
        let c = Conversion { scale: 0.1, ..Conversion::default() };
        assert_eq!(c.outcome(Raw::Int(453)), float(45.3));
        assert_eq!(c.outcome(Raw::Int(-1)), float(-0.1));
        let c = Conversion { scale: 0.01, offset: -50.0, ..Conversion::default() };
        assert_eq!(c.outcome(Raw::UInt(7003)), float(70.03 - 50.0));
        let c = Conversion { scale: 3.0, ..Conversion::default() };
        assert_eq!(c.outcome(Raw::UInt(2)), float(6.0));
    }

    #[test]
    fn a_missing_sensor_is_bad_and_never_a_number() {
        let c = Conversion {
            scale: 0.1,
            no_sensor: vec![65535.0, -32768.0, f64::NAN],
            ..Conversion::default()
        };
        for raw in [Raw::UInt(65535), Raw::Int(-32768), Raw::Float(f64::NAN)] {
            assert_eq!(c.outcome(raw), Outcome::Bad(Reason::NoSensor));
        }
        assert_eq!(c.outcome(Raw::UInt(65534)), float(6553.4));
        let plain = Conversion::default();
        assert_eq!(plain.outcome(Raw::Float(f64::NAN)), Outcome::Bad(Reason::NotANumber));
    }

    #[test]
    fn a_conversion_that_knows_nan_as_no_sensor_equals_its_like() {
        let with = |n: f64| Conversion { no_sensor: vec![n], ..Conversion::default() };
        assert_eq!(with(f64::NAN), with(f64::NAN));
        assert_ne!(with(f64::NAN), with(65535.0));
        assert_ne!(with(f64::NAN), Conversion::default());
    }

    #[test]
    fn states_read_by_name_and_an_unknown_one_says_so() {
        let states: Arc<[(i64, Arc<str>)]> = Arc::from([(0, "off".into()), (2, "heat".into())]);
        let c = Conversion { states, ..Conversion::default() };
        assert_eq!(c.outcome(Raw::UInt(2)), Outcome::Good(Value::Text("heat".into())));
        let unknown = Outcome::Uncertain(Value::Int(9), Reason::UnknownState);
        assert_eq!(c.outcome(Raw::UInt(9)), unknown);
        assert_eq!(c.raw(&Value::Text("heat".into())), Ok(Raw::Int(2)));
        assert!(c.raw(&Value::Text("cool".into())).is_err());
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let c = Conversion { scale: 0.1, offset: -10.0, ..Conversion::default() };
        let Raw::Float(raw) = c.raw(&Value::float(35.5).unwrap()).unwrap() else { panic!() };
        assert_eq!(c.outcome(Raw::Int(raw.round() as i64)), float(35.5));
    }
}
