//! The words of the gateway as types: [`Point`], [`Sample`], [`Quality`], [`Value`], [`Unit`]
//! and the time they carry.
//!
//! Everything else depends on this crate and it depends on nothing: it must never know a runtime,
//! a protocol, a file format or a wire format. Drivers produce [`Sample`]s, the hub keeps the
//! latest of each point, uplinks turn them into messages; each converts by hand at its own edge.
//!
//! Two promises are kept by construction here. A [`Sample`] that is bad or stale has no value, so
//! a guess can't be mistaken for a measurement; and a [`Value`] is never NaN or infinite, so
//! nobody downstream needs to remember to ask.

mod clock;
mod id;
mod point;
mod quality;
mod sample;
mod unit;
mod value;

pub use clock::{Clock, ManualClock, Mono, Now, Timestamp};
pub use id::{DeviceId, IdError, PointId, PointIndex};
pub use point::{Class, Output, Point, Reporting, Shape, WriteRefusal};
pub use quality::{Quality, Reason};
pub use sample::Sample;
pub use unit::{Dimension, Unit, UnitError};
pub use value::Value;
