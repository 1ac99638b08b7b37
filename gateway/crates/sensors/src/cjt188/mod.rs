//! CJ/T 188: Chinese water, heat and gas meters on RS-485 or M-Bus wiring.

mod spec;

pub use spec::{Address, DeviceSpec, Field, IdentifierOrder, PointSpec, UnitPosition};
