//! Points as objects: of which type each is, and what its properties hold.

use super::{Charset, Slots};
use crate::wire::service::property as p;
use crate::wire::{self, Bits, Error, Value, tag};
use crate::{ObjectId, ObjectType, Property};
use std::sync::Arc;
use wellhead_model::{Quality, Reason, Unit, Value as PointValue};

/// Numbers of properties that only a server needs.
pub(super) mod number {
    pub(crate) const ACTIVE_COV_SUBSCRIPTIONS: u32 = 152;
    pub(crate) const APDU_SEGMENT_TIMEOUT: u32 = 10;
    pub(crate) const APDU_TIMEOUT: u32 = 11;
    pub(crate) const APPLICATION_SOFTWARE_VERSION: u32 = 12;
    pub(crate) const DATABASE_REVISION: u32 = 155;
    pub(crate) const DEVICE_ADDRESS_BINDING: u32 = 30;
    pub(crate) const FIRMWARE_REVISION: u32 = 44;
    pub(crate) const MAX_PRES_VALUE: u32 = 65;
    pub(crate) const MAX_SEGMENTS_ACCEPTED: u32 = 167;
    pub(crate) const MIN_PRES_VALUE: u32 = 69;
    pub(crate) const MODEL_NAME: u32 = 70;
    pub(crate) const NUMBER_OF_APDU_RETRIES: u32 = 73;
    pub(crate) const POLARITY: u32 = 84;
    pub(crate) const PROPERTY_LIST: u32 = 371;
    pub(crate) const PROTOCOL_OBJECT_TYPES_SUPPORTED: u32 = 96;
    pub(crate) const PROTOCOL_REVISION: u32 = 139;
    pub(crate) const PROTOCOL_VERSION: u32 = 98;
    pub(crate) const SYSTEM_STATUS: u32 = 112;
    pub(crate) const VENDOR_IDENTIFIER: u32 = 120;
}

/// Errors of clause 18 by class and code.
pub(super) mod error {
    use crate::wire::{Error, error_code as code};
    const fn property(code: u16) -> Error {
        Error { class: 2, code }
    }
    pub(crate) const UNKNOWN_OBJECT: Error = Error { class: 1, code: code::UNKNOWN_OBJECT };
    pub(crate) const UNKNOWN_PROPERTY: Error = property(code::UNKNOWN_PROPERTY);
    pub(crate) const NOT_AN_ARRAY: Error = property(code::PROPERTY_IS_NOT_AN_ARRAY);
    pub(crate) const INVALID_INDEX: Error = property(code::INVALID_ARRAY_INDEX);
    pub(crate) const INVALID_TYPE: Error = property(code::INVALID_DATA_TYPE);
    pub(crate) const OUT_OF_RANGE: Error = property(code::VALUE_OUT_OF_RANGE);
    pub(crate) const DENIED: Error = property(code::WRITE_ACCESS_DENIED);
    pub(crate) const NOT_COV: Error = property(code::NOT_COV_PROPERTY);
    /// Value-not-initialized.
    pub(crate) const NO_VALUE: Error = property(72);
    /// No-space-to-add-list-element: more subscribers than there is room for.
    pub(crate) const NO_ROOM: Error = Error { class: 3, code: 19 };
    /// Device busy.
    pub(crate) const BUSY: Error = Error { class: 0, code: 3 };
    /// Operational problem.
    pub(crate) const FAILED: Error = Error { class: 0, code: 25 };
}

const CHARACTER_STRING_VALUE: u16 = 40;
const LARGE_ANALOG_VALUE: u16 = 46;
/// Types that a point may become, for Protocol_Object_Types_Supported.
pub(super) const KINDS: [u16; 11] =
    [0, 1, 2, 3, 4, 5, 13, 14, 19, CHARACTER_STRING_VALUE, LARGE_ANALOG_VALUE];
const NO_UNITS: u32 = 95;

/// What a point holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Holds {
    /// A number; single precision is all that an analog object has.
    Number,
    /// A number that only grows. Single precision would stop counting at 16 777 216, so it becomes
    /// a large-analog value.
    Count,
    /// On or off.
    Bool,
    /// One of these states; their place in the list, from 1, is their number in BACnet.
    States(Vec<Arc<str>>),
    /// Text.
    Text,
}

/// A point as an object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSpec {
    /// Object_Name, unique in the device.
    pub name: String,
    /// Description.
    pub description: String,
    /// Instance number, unique among objects of its type, 0 to 4194302.
    pub instance: u32,
    /// What it holds.
    pub holds: Holds,
    /// Whether it is asked of the machine, and not measured: a value object instead of an input.
    pub setpoint: bool,
    /// Its unit, where it has one that BACnet knows.
    pub unit: Option<Unit>,
    /// COV_Increment: smallest change that is told; 0 tells every change.
    pub increment: f64,
    /// Smallest and largest value, where they are known.
    pub limits: Option<(f64, f64)>,
    /// For one that may be commanded: Relinquish_Default, what it goes to when no slot is taken.
    pub commanded: Option<PointValue>,
}

impl ObjectSpec {
    /// Its type, by what it holds and whether it may be commanded.
    pub fn kind(&self) -> ObjectType {
        let one = |input, output, value| match (self.commanded.is_some(), self.setpoint) {
            (true, _) => output,
            (false, true) => value,
            (false, false) => input,
        };
        ObjectType(match self.holds {
            Holds::Number => one(0, 1, 2),
            Holds::Bool => one(3, 4, 5),
            Holds::States(_) => one(13, 14, 19),
            Holds::Count => LARGE_ANALOG_VALUE,
            Holds::Text => CHARACTER_STRING_VALUE,
        })
    }

    /// Its identifier.
    pub fn id(&self) -> ObjectId {
        ObjectId { kind: self.kind(), instance: self.instance }
    }

    /// A value of the point as Present_Value has it; `None` where it has no such value.
    pub(super) fn present(&self, value: &PointValue, charset: Charset) -> Option<Value> {
        Some(match &self.holds {
            #[expect(clippy::cast_possible_truncation, reason = "an analog object has no more")]
            Holds::Number => Value::Real(value.as_f64()? as f32),
            Holds::Count => Value::Double(value.as_f64()?),
            Holds::Bool => Value::Enumerated(u32::from(*value == PointValue::Bool(true))),
            Holds::States(states) => {
                let PointValue::Text(name) = value else { return None };
                Value::Unsigned(states.iter().position(|s| s == name)? as u64 + 1)
            }
            Holds::Text => charset.text(&value.to_string()),
        })
    }

    /// A written Present_Value as a value of the point; only the object's own datatype counts.
    pub(super) fn command(&self, value: &Value) -> Result<PointValue, Error> {
        match (&self.holds, value) {
            (Holds::Number, Value::Real(f)) => {
                // By way of its shortest text: 21.3 is meant, not 21.299999237.
                let exact = f.to_string().parse().ok();
                exact.and_then(PointValue::float).ok_or(error::OUT_OF_RANGE)
            }
            (Holds::Bool, Value::Enumerated(n @ (0 | 1))) => Ok(PointValue::Bool(*n == 1)),
            (Holds::Bool, Value::Enumerated(_)) => Err(error::OUT_OF_RANGE),
            (Holds::States(states), Value::Unsigned(n)) => {
                let place = usize::try_from(*n).ok().and_then(|n| n.checked_sub(1));
                let state = place.and_then(|place| states.get(place));
                state.map(|s| PointValue::Text(s.clone())).ok_or(error::OUT_OF_RANGE)
            }
            _ => Err(error::INVALID_TYPE),
        }
    }
}

/// What a point shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The last value there was.
    pub value: Option<PointValue>,
    /// What it is worth.
    pub quality: Quality,
}

impl Live {
    pub(super) const UNREAD: Live = Live { value: None, quality: Quality::Bad(Reason::NotPolled) };

    /// Status_Flags: in alarm, fault, overridden, out of service.
    pub(super) fn flags(&self) -> [bool; 4] {
        let overridden = self.quality == Quality::Manual;
        [false, self.reliability() != 0, overridden, self.out_of_service()]
    }

    pub(super) fn out_of_service(&self) -> bool {
        self.quality == Quality::Uncertain(Reason::OutOfService)
    }

    /// Reliability (clause 21): what is no longer known is told as a fault of communication.
    fn reliability(&self) -> u32 {
        const NO_SENSOR: u32 = 1;
        const OTHER: u32 = 7;
        const CONFIGURATION: u32 = 10;
        const COMMUNICATION: u32 = 12;
        match self.quality {
            Quality::Good | Quality::Manual | Quality::Uncertain(Reason::OutOfService) => 0,
            Quality::Stale(_) => COMMUNICATION,
            Quality::Uncertain(reason) | Quality::Bad(reason) => match reason {
                Reason::NotPolled | Reason::Unreachable | Reason::NoReply | Reason::BadReply => {
                    COMMUNICATION
                }
                Reason::IllegalAddress => CONFIGURATION,
                Reason::NoSensor => NO_SENSOR,
                Reason::Faulty(own @ 1..=63) => u32::from(own),
                _ => OTHER,
            },
        }
    }
}

/// What a property holds.
pub(super) enum Held {
    One(Value),
    Array(Vec<Value>),
    /// A list, with the tags of its elements.
    List(Vec<u8>),
}

impl Held {
    /// The bytes that are read of it, whole or by index.
    pub(super) fn read(&self, index: Option<u32>) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        match (self, index) {
            (Held::One(value), None) => value.write(&mut out),
            (Held::List(bytes), None) => out.extend_from_slice(bytes),
            (Held::Array(all), None) => all.iter().for_each(|v| v.write(&mut out)),
            (Held::Array(all), Some(0)) => Value::Unsigned(all.len() as u64).write(&mut out),
            (Held::Array(all), Some(i)) => {
                all.get(i as usize - 1).ok_or(error::INVALID_INDEX)?.write(&mut out);
            }
            (Held::One(_) | Held::List(_), Some(_)) => return Err(error::NOT_AN_ARRAY),
        }
        Ok(out)
    }
}

/// Required and optional properties of an object, without Property_List.
pub(super) fn properties(spec: &ObjectSpec) -> (Vec<u32>, Vec<u32>) {
    let mut required = vec![
        p::OBJECT_IDENTIFIER,
        p::OBJECT_NAME,
        p::OBJECT_TYPE,
        p::PRESENT_VALUE,
        p::STATUS_FLAGS,
    ];
    let mut optional = vec![p::DESCRIPTION, p::RELIABILITY];
    let ObjectType(kind) = spec.kind();
    match kind {
        CHARACTER_STRING_VALUE | LARGE_ANALOG_VALUE => {
            optional.extend([p::EVENT_STATE, p::OUT_OF_SERVICE]);
        }
        _ => required.extend([p::EVENT_STATE, p::OUT_OF_SERVICE]),
    }
    match &spec.holds {
        Holds::Number | Holds::Count => {
            required.push(p::UNITS);
            optional.push(p::COV_INCREMENT);
            if spec.limits.is_some() && spec.holds == Holds::Number {
                optional.extend([number::MIN_PRES_VALUE, number::MAX_PRES_VALUE]);
            }
        }
        Holds::Bool if !spec.setpoint || spec.commanded.is_some() => {
            required.push(number::POLARITY)
        }
        Holds::States(_) => {
            required.push(p::NUMBER_OF_STATES);
            optional.push(p::STATE_TEXT);
        }
        Holds::Bool | Holds::Text => {}
    }
    if spec.commanded.is_some() {
        required.extend([p::PRIORITY_ARRAY, p::RELINQUISH_DEFAULT]);
    }
    (required, optional)
}

/// What Property_List holds: everything but itself and what names the object.
pub(super) fn property_list(required: &[u32], optional: &[u32]) -> Held {
    let named = [p::OBJECT_IDENTIFIER, p::OBJECT_NAME, p::OBJECT_TYPE];
    let all = required.iter().chain(optional).filter(|id| !named.contains(id));
    Held::Array(all.map(|id| Value::Enumerated(*id)).collect())
}

/// One object among the others, ready to be asked.
pub(super) struct Asked<'a> {
    pub(super) spec: &'a ObjectSpec,
    pub(super) live: &'a Live,
    pub(super) index: usize,
    pub(super) slots: &'a dyn Slots,
    pub(super) charset: Charset,
}

impl Asked<'_> {
    /// The bytes of a property.
    pub(super) fn read(&self, property: Property) -> Result<Vec<u8>, Error> {
        self.held(property.id)?.read(property.index)
    }

    fn held(&self, id: u32) -> Result<Held, Error> {
        let (spec, live) = (self.spec, self.live);
        let (required, optional) = properties(spec);
        if id == number::PROPERTY_LIST {
            return Ok(property_list(&required, &optional));
        }
        if !required.contains(&id) && !optional.contains(&id) {
            return Err(error::UNKNOWN_PROPERTY);
        }
        Ok(Held::One(match id {
            p::OBJECT_IDENTIFIER => Value::Object(spec.id()),
            p::OBJECT_NAME => self.charset.text(&spec.name),
            p::OBJECT_TYPE => Value::Enumerated(u32::from(spec.kind().0)),
            p::PRESENT_VALUE => self.present()?,
            p::STATUS_FLAGS => Value::Bits(Bits::new(&live.flags())),
            p::EVENT_STATE | number::POLARITY => Value::Enumerated(0),
            p::OUT_OF_SERVICE => Value::Boolean(live.out_of_service()),
            p::RELIABILITY => Value::Enumerated(live.reliability()),
            p::DESCRIPTION => self.charset.text(&spec.description),
            p::UNITS => {
                Value::Enumerated(spec.unit.and_then(wire::unit_number).unwrap_or(NO_UNITS))
            }
            p::COV_INCREMENT => self.number(spec.increment),
            number::MIN_PRES_VALUE => self.number(spec.limits.map_or(0.0, |l| l.0)),
            number::MAX_PRES_VALUE => self.number(spec.limits.map_or(0.0, |l| l.1)),
            p::NUMBER_OF_STATES => Value::Unsigned(self.states().len() as u64),
            p::STATE_TEXT => {
                let text = |state: &Arc<str>| self.charset.text(state);
                return Ok(Held::Array(self.states().iter().map(text).collect()));
            }
            p::PRIORITY_ARRAY => return Ok(Held::Array(self.priorities())),
            p::RELINQUISH_DEFAULT => {
                let default = spec.commanded.as_ref().and_then(|v| spec.present(v, self.charset));
                default.ok_or(error::NO_VALUE)?
            }
            _ => return Err(error::UNKNOWN_PROPERTY),
        }))
    }

    fn number(&self, number: f64) -> Value {
        match self.spec.holds {
            Holds::Count => Value::Double(number),
            #[expect(clippy::cast_possible_truncation, reason = "an analog object has no more")]
            _ => Value::Real(number as f32),
        }
    }

    fn states(&self) -> &[Arc<str>] {
        match &self.spec.holds {
            Holds::States(states) => states,
            _ => &[],
        }
    }

    /// Present_Value: the last value there was. Of numbers that never had one it is NaN, as
    /// nothing else says so; of others there is none.
    pub(super) fn present(&self) -> Result<Value, Error> {
        let known = self.live.value.as_ref().and_then(|v| self.spec.present(v, self.charset));
        match (&self.spec.holds, known) {
            (_, Some(value)) => Ok(value),
            (Holds::Number, None) => Ok(Value::Real(f32::NAN)),
            (Holds::Count, None) => Ok(Value::Double(f64::NAN)),
            _ => Err(error::NO_VALUE),
        }
    }

    /// The sixteen slots as Control has them; a slot whose value the object can't show is shown
    /// taken all the same, as an empty context tag would hide that somebody holds it.
    fn priorities(&self) -> Vec<Value> {
        let slots = self.slots.slots(self.index);
        let one = |slot: &Option<PointValue>| match slot {
            None => Value::Null,
            Some(value) => self.spec.present(value, self.charset).unwrap_or_else(|| {
                let mut other = Vec::new();
                tag::opening(&mut other, 0);
                Value::Text(value.to_string()).write(&mut other);
                tag::closing(&mut other, 0);
                Value::Other(other)
            }),
        };
        slots.iter().map(one).collect()
    }
}
