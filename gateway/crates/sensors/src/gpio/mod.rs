//! Contacts, relays and pulse inputs on GPIO lines, by the kernel's character device.

mod spec;

pub use spec::{Bias, DeviceSpec, Pin, PointSpec};
