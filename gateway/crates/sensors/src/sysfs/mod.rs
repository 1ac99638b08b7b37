//! hwmon and IIO: sensors that the kernel reads, by its files.
//!
//! hwmon numbers are in thousandths (temperatures, voltages) or millionths (power) and come here as
//! °C, V, W; IIO numbers are raw with a scale and an offset beside them, or processed.

mod channel;
mod chip;
mod driver;
mod spec;

pub use channel::number;
pub use chip::{FoundChannel, FoundChip, scan};
pub use driver::SysfsDriver;
pub use spec::{Channel, DeviceSpec, PointSpec, check};
