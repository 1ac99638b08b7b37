//! BACnet/IP: devices as drivers, found and listed; and the gateway as a device.
//!
//! [`DeviceSpec`] says what a device is and which of its objects' properties are its points;
//! [`check`] finds mistakes in it; [`BacnetDriver`] reads, writes and follows them. All devices of a
//! port share one [`Client`], which owns the socket and finds devices; [`look_at`] lists what one holds.
//! [`wire`] is bytes in, messages out. [`server`] is the other way round: points of the gateway as
//! objects for other systems.
//!
//! Devices on MS/TP and other networks are reached through routers only; BACnet/SC and BACnet over
//! IPv6 are not spoken.
//!
//! It never knows where a specification comes from or where a value goes, and never stamps time;
//! it never takes a reply for the answer to another request, nor a part of a list for the whole.

mod batch;
pub mod client;
mod driver;
mod objects;
mod property;
pub mod server;
mod spec;
#[cfg(test)]
mod testing;
pub mod wire;

pub use batch::{Abilities, Batch, Found, Want};
pub use client::Client;
pub use driver::{BacnetDriver, SpecProblem, check};
pub use objects::{FoundDevice, FoundObject, look_at, object_list};
pub use spec::{
    Cov, DeviceAddress, DeviceSpec, ObjectId, ObjectType, PointSpec, PortConfig, Property,
    Registration, SpecError, Timing,
};
