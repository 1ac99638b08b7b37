//! 1-Wire temperature sensors (DS18B20 and relatives) by the kernel's files.

mod spec;

pub use spec::{DeviceSpec, PointSpec, Rom, check};
