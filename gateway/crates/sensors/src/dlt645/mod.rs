//! DL/T 645-2007 (and the 1997 form): Chinese electricity meters on RS-485.

mod items;
mod spec;

pub use items::{Item, Register};
pub use spec::{Address, DeviceSpec, Edition, PointSpec, check};
