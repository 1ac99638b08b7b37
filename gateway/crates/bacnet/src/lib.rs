//! BACnet/IP as a driver.
//!
//! [`DeviceSpec`] says what a device is and which of its objects' properties are its points.
//!
//! It never knows where a specification comes from or where a value goes, and never stamps time.

mod batch;
pub mod client;
mod driver;
mod objects;
mod property;
mod spec;
#[cfg(test)]
mod testing;
pub mod wire;

pub use batch::{Abilities, Batch, Found, Want};
pub use client::Client;
pub use driver::{BacnetDriver, SpecProblem, check};
pub use objects::{FoundDevice, FoundObject, discover, look_at, object_list};
pub use spec::{
    Cov, DeviceAddress, DeviceSpec, ObjectId, ObjectType, PointSpec, PortConfig, Property,
    Registration, SpecError, Timing,
};
