//! Wired M-Bus (EN 13757-2 and -3): a master on a serial line or behind a TCP converter.

mod spec;

pub use spec::{Address, DeviceSpec, PointSpec, RecordSelector};
