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
    Duration, "duration", Value::Float(s) => Duration::try_from_secs_f64(*s).ok();
    MonthDay, "day of the year such as 05-15", Value::Text(t) => MonthDay::parse(t);
    TimeOfDay, "time of day such as 23:00", Value::Text(t) => TimeOfDay::parse(t);
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

macro_rules! rows {
    ($($($cell:ident $index:tt),+;)*) => {$(
        impl<$($cell: Cell),+> Row for ($($cell,)+) {
            fn from_row(row: &[Value]) -> Result<Self, (usize, &'static str)> {
                Ok(($(
                    row.get($index).and_then($cell::from_cell).ok_or(($index, $cell::WANTED))?,
                )+))
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
