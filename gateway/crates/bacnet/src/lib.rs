//! BACnet/IP as a driver.
//!
//! [`DeviceSpec`] says what a device is and which of its objects' properties are its points.
//!
//! It never knows where a specification comes from or where a value goes, and never stamps time.

mod spec;
pub mod wire;

pub use spec::{
    Cov, DeviceAddress, DeviceSpec, ObjectId, ObjectType, PointSpec, PortConfig, Property,
    Registration, SpecError, Timing,
};
