//! From a value on the wire to a reading, and back.

use crate::wire::Value as Wire;
use crate::wire::service::property;
use crate::{ObjectId, PointSpec, Property};
use wellhead_driver::{DeviceError, Outcome, Raw};
use wellhead_model::Reason;

/// What Status_Flags say of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) fault: bool,
    pub(super) overridden: bool,
    pub(super) out_of_service: bool,
}

impl Flags {
    /// Without flags, a value is what it is.
    pub(super) fn of(value: Option<&Wire>) -> Self {
        match value {
            Some(Wire::Bits(bits)) => {
                Self { fault: bits.get(1), overridden: bits.get(2), out_of_service: bits.get(3) }
            }
            _ => Self::default(),
        }
    }

    /// The reading, with the device's own doubts. `reliability` is told where it is known.
    pub(super) fn judge(self, outcome: Outcome, reliability: Option<u8>) -> Outcome {
        /// Unreliable, other: what a fault without a reason is.
        const UNRELIABLE_OTHER: u8 = 7;
        match outcome {
            Outcome::Good(_) | Outcome::Uncertain(..) if self.fault => {
                Outcome::Bad(Reason::Faulty(reliability.unwrap_or(UNRELIABLE_OTHER)))
            }
            Outcome::Good(value) | Outcome::Uncertain(value, _) if self.out_of_service => {
                Outcome::Uncertain(value, Reason::OutOfService)
            }
            Outcome::Good(value) if self.overridden => Outcome::Manual(value),
            other => other,
        }
    }
}

/// Whether an object's present value is on or off.
fn is_binary(object: ObjectId) -> bool {
    matches!(object.kind.0, 3..=5)
}

/// The decimal that a device meant by a single-precision number: 45.3, and not 45.299999.
fn decimal(single: f32) -> f64 {
    if !single.is_finite() {
        return f64::from(single);
    }
    ryu::Buffer::new().format_finite(single).parse().unwrap_or(f64::from(single))
}

/// What a value comes to as a reading of a point.
pub(super) fn outcome(point: &PointSpec, value: &Wire) -> Outcome {
    let present = point.property.id == property::PRESENT_VALUE;
    let raw = match value {
        Wire::Boolean(b) => Raw::Bool(*b),
        Wire::Unsigned(u) => Raw::UInt(*u),
        Wire::Signed(i) => Raw::Int(*i),
        Wire::Real(f) => Raw::Float(decimal(*f)),
        Wire::Double(f) => Raw::Float(*f),
        Wire::Text(t) => Raw::Text(t.as_str().into()),
        Wire::Enumerated(n @ (0 | 1)) if present && is_binary(point.object) => Raw::Bool(*n == 1),
        Wire::Enumerated(n) => Raw::UInt(u64::from(*n)),
        // A schedule outside its times, an empty slot of a priority array.
        Wire::Null => return Outcome::Bad(Reason::NotComputed),
        Wire::Octets(_)
        | Wire::Bits(_)
        | Wire::Date(_)
        | Wire::Time(_)
        | Wire::Object(_)
        | Wire::Other(_) => return Outcome::Bad(Reason::Undecodable),
    };
    point.conversion.outcome(raw)
}

/// The type that a property is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Unsigned,
    Signed,
    Real,
    Double,
    Text,
    Enumerated,
}

impl Kind {
    /// By the standard's list of objects; `None` where only reading tells.
    pub(super) fn of_object(object: ObjectId, property: Property) -> Option<Self> {
        if property.id != property::PRESENT_VALUE {
            return None;
        }
        Some(match object.kind.0 {
            0..=2 | 12 | 24 | 54 => Kind::Real,
            3..=5 => Kind::Enumerated,
            13 | 14 | 19 | 23 | 48 => Kind::Unsigned,
            40 => Kind::Text,
            45 => Kind::Signed,
            46 => Kind::Double,
            _ => return None,
        })
    }

    /// As it was read.
    pub(super) fn of_value(value: &Wire) -> Option<Self> {
        Some(match value {
            Wire::Boolean(_) => Kind::Boolean,
            Wire::Unsigned(_) => Kind::Unsigned,
            Wire::Signed(_) => Kind::Signed,
            Wire::Real(_) => Kind::Real,
            Wire::Double(_) => Kind::Double,
            Wire::Text(_) => Kind::Text,
            Wire::Enumerated(_) => Kind::Enumerated,
            _ => return None,
        })
    }

    /// A raw value in this type, whole numbers rounded as scaling left them.
    pub(super) fn encode(self, name: &str, raw: &Raw) -> Result<Wire, DeviceError> {
        let fail = |what: &str| {
            let given = match raw {
                Raw::Bool(b) => b.to_string(),
                Raw::Int(i) => i.to_string(),
                Raw::UInt(u) => u.to_string(),
                Raw::Float(f) => f.to_string(),
                Raw::Text(t) => format!("`{t}`"),
            };
            Err(DeviceError::Unencodable(format!("`{name}` takes {what}, not {given}")))
        };
        let whole = match raw {
            Raw::Bool(b) => Some(i128::from(*b)),
            Raw::Int(i) => Some(i128::from(*i)),
            Raw::UInt(u) => Some(i128::from(*u)),
            #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
            Raw::Float(f) if f.is_finite() && f.abs() < 1e18 => Some(f.round() as i128),
            Raw::Float(_) | Raw::Text(_) => None,
        };
        #[expect(clippy::cast_precision_loss, reason = "asked for as a float")]
        let number = match raw {
            Raw::Float(f) => Some(*f).filter(|f| f.is_finite()),
            _ => whole.map(|w| w as f64),
        };
        match self {
            Kind::Boolean | Kind::Enumerated if matches!(raw, Raw::Bool(_)) => {
                let on = whole == Some(1);
                Ok(match self {
                    Kind::Boolean => Wire::Boolean(on),
                    _ => Wire::Enumerated(u32::from(on)),
                })
            }
            Kind::Boolean => match whole {
                Some(n @ (0 | 1)) => Ok(Wire::Boolean(n == 1)),
                _ => fail("true or false"),
            },
            Kind::Enumerated => match whole.and_then(|n| u32::try_from(n).ok()) {
                Some(n) => Ok(Wire::Enumerated(n)),
                None => fail("the number of a state"),
            },
            Kind::Unsigned => match whole.and_then(|n| u64::try_from(n).ok()) {
                Some(n) => Ok(Wire::Unsigned(n)),
                None => fail("a whole number from 0"),
            },
            Kind::Signed => match whole.and_then(|n| i64::try_from(n).ok()) {
                Some(n) => Ok(Wire::Signed(n)),
                None => fail("a whole number"),
            },
            #[expect(clippy::cast_possible_truncation, reason = "infinite beyond its range")]
            Kind::Real => match number.map(|f| f as f32).filter(|f| f.is_finite()) {
                Some(f) => Ok(Wire::Real(f)),
                None => fail("a number of single precision"),
            },
            Kind::Double => match number {
                Some(f) => Ok(Wire::Double(f)),
                None => fail("a number"),
            },
            Kind::Text => match raw {
                Raw::Text(t) => Ok(Wire::Text(t.to_string())),
                _ => fail("text"),
            },
        }
    }
}
