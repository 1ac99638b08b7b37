//! DL/T 645-2007 (and the 1997 form): Chinese electricity meters on RS-485.
//!
//! Meters of other makers than those it was tried with may differ in what they have: [`Item`] lists
//! the names that are known, and takes any other identifier with its form. It only reads; the
//! standard's writing, freezing and password commands are not here.

pub mod codec;
mod driver;
mod items;
mod plan;
mod scan;
mod spec;
mod value;

pub use driver::Dlt645Driver;
pub use items::{Item, Register};
pub use plan::demand;
pub use scan::{Found, Progress, Report, Scan, scan};
pub use spec::{Address, DeviceSpec, Edition, PointSpec, check};
pub use value::{NoNumber, decode};
