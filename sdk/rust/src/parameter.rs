//! Rust's types for parameters.

use crate::{MonthDay, TimeOfDay, Value};
use std::time::Duration;

/// A Rust type for a parameter or a cell of a table: `bool`, `i64`, `u32`, `usize`, `f64`,
/// `String`, `Duration`, [`MonthDay`], [`TimeOfDay`], and every enum made by
/// [`words!`](crate::words).
pub trait Cell: Sized {
    /// What it is, for the message if it is not.
    const WANTED: &'static str;

    /// This value, if it is of the type.
    fn from_cell(cell: &Value) -> Option<Self>;
}

macro_rules! cells {
    ($($type:ty, $wanted:literal, $cell:pat => $out:expr;)*) => {$(
        impl Cell for $type {
            const WANTED: &'static str = $wanted;

            fn from_cell(cell: &Value) -> Option<Self> {
                match cell { $cell => $out, _ => None }
            }
        }
    )*};
}

cells! {
    bool, "bool", Value::Bool(b) => Some(*b);
    i64, "whole number", Value::Int(i) => Some(*i);
    u32, "whole number from 0", Value::Int(i) => u32::try_from(*i).ok();
    usize, "whole number from 0", Value::Int(i) => usize::try_from(*i).ok();
    String, "text", Value::Text(t) => Some(t.to_string());
    Duration, "duration", Value::Float(s) => duration(*s);
    MonthDay, "day of the year such as 05-15", Value::Text(t) => MonthDay::parse(t);
    TimeOfDay, "time of day such as 23:00", Value::Text(t) => TimeOfDay::parse(t);
}

/// As `Duration::try_from_secs_f64`, to the nanosecond or the one beside it, in a quarter of its code.
fn duration(seconds: f64) -> Option<Duration> {
    let whole = seconds.trunc();
    if !(0.0..u64::MAX as f64).contains(&seconds) {
        return None;
    }
    let nanos = (seconds - whole) * 1e9;
    Duration::from_secs(whole as u64).checked_add(Duration::from_nanos(nanos as u64))
}

impl Cell for f64 {
    const WANTED: &'static str = "number";

    fn from_cell(cell: &Value) -> Option<Self> {
        match cell {
            Value::Float(f) => Some(*f),
            Value::Int(i) => Some(*i as f64),
            _ => None,
        }
    }
}

/// A row of a table: a tuple of up to eight [`Cell`]s.
pub trait Row: Sized {
    /// The row, or the position of the first cell that does not fit and what was wanted there.
    fn from_row(row: &[Value]) -> Result<Self, (usize, &'static str)>;
}

// Kept out of the rows, whose every cell would carry a copy.
#[inline(never)]
fn cell<C: Cell>(row: &[Value], column: usize) -> Result<C, (usize, &'static str)> {
    row.get(column).and_then(C::from_cell).ok_or((column, C::WANTED))
}

macro_rules! rows {
    ($($($cell:ident $index:tt),+;)*) => {$(
        impl<$($cell: Cell),+> Row for ($($cell,)+) {
            fn from_row(row: &[Value]) -> Result<Self, (usize, &'static str)> {
                Ok(($(cell::<$cell>(row, $index)?,)+))
            }
        }
    )*};
}

rows! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn durations_are_those_of_the_standard_library(seconds in prop_oneof![
            -1e3..1e8, 0.0..10.0, any::<f64>(), Just(f64::NAN), (0..100_000_u32).prop_map(|ms| f64::from(ms) / 1e3),
        ]) {
            let ours = duration(seconds);
            let theirs = Duration::try_from_secs_f64(seconds).ok();
            prop_assert_eq!(ours.is_some(), theirs.is_some());
            let apart = ours.zip(theirs).map(|(a, b)| a.abs_diff(b));
            prop_assert!(apart.unwrap_or_default() <= Duration::from_nanos(1), "{ours:?} {theirs:?}");
        }
    }
}
