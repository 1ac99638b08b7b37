//! One reading of one point.

use crate::{PointIndex, Quality, Reason, Timestamp, Value};

/// A value with the time it was taken and how good it is.
///
/// Built only through the constructors, which keep the first promise: no value without a
/// quality that allows one, and none missing without a reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    point: PointIndex,
    time: Timestamp,
    quality: Quality,
    value: Option<Value>,
}

impl Sample {
    /// A value just read.
    pub fn good(point: PointIndex, time: Timestamp, value: Value) -> Self {
        Self { point, time, quality: Quality::Good, value: Some(value) }
    }

    /// A value just read that deserves a caveat.
    pub fn uncertain(point: PointIndex, time: Timestamp, value: Value, why: Reason) -> Self {
        Self { point, time, quality: Quality::Uncertain(why), value: Some(value) }
    }

    /// A value that somebody put in place of the device's, by hand.
    pub fn manual(point: PointIndex, time: Timestamp, value: Value) -> Self {
        Self { point, time, quality: Quality::Manual, value: Some(value) }
    }

    /// No value, and why. `time` is when that was found out.
    pub fn bad(point: PointIndex, time: Timestamp, why: Reason) -> Self {
        Self { point, time, quality: Quality::Bad(why), value: None }
    }

    /// No recent value, and why. `time` is when that was found out.
    pub fn stale(point: PointIndex, time: Timestamp, why: Reason) -> Self {
        Self { point, time, quality: Quality::Stale(why), value: None }
    }

    /// Which point.
    pub fn point(&self) -> PointIndex {
        self.point
    }

    /// When it was read, or found missing.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// How good it is.
    pub fn quality(&self) -> Quality {
        self.quality
    }

    /// The value, if its quality allows one.
    pub fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }
}
