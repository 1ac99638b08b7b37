//! Water, gas, heat and cold meters of China's CJ/T 188, on RS-485 or M-Bus converters.
//!
//! The frames are those of the 2004 edition; what the 2018 one changes (it adds security) was not
//! at hand and is not spoken here. Makers differ in two things, which are settings of each meter:
//! the order of a data identifier's bytes, and whether a value's unit stands behind or before it.

pub mod codec;
mod driver;
mod spec;

pub use driver::{Cjt188Driver, check, demand, find_address};
pub use spec::*;
