//! hwmon and IIO: sensors that the kernel reads.

mod spec;

pub use spec::{Channel, DeviceSpec, PointSpec};
