//! 1-Wire temperature sensors (DS18B20 and relatives) by the kernel's files.
//!
//! A string in a borehole is one bus with 30 sensors and more. Where the kernel offers it (5.8 and
//! later), all convert at once and are then read one after the other, so that a sweep takes what
//! the bus takes: one conversion, not one for each sensor. A sensor that is gone, whose checksum is
//! wrong, or that shows what it shows without having converted (85 °C, −127 °C) is bad alone.
//! Which depth a sensor hangs at is the configuration's to say.

mod driver;
mod scan;
mod spec;
mod sweep;
pub mod text;

pub use driver::OneWireDriver;
pub use scan::{Found, scan};
pub use spec::{DeviceSpec, PointSpec, Rom, check};
