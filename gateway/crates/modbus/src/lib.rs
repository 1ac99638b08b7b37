//! Modbus as a driver: TCP, RTU, and RTU over TCP.
//!
//! [`DeviceSpec`] says what a device is; [`plan`] checks it and merges its points into the fewest
//! requests; [`ModbusDriver`] asks them. The [`codec`] is bytes in, answers out.
//!
//! Beside it stand [`server`], by which the gateway answers other masters, and [`scan`], which finds
//! out what is on a line and never writes.
//!
//! It never knows where a specification comes from or where a value goes, never retries, never
//! stamps time, and never takes a reply for the answer to another request.

pub mod codec;
mod driver;
mod known;
mod plan;
mod port;
mod reads;
pub mod scan;
pub mod server;
mod spec;
mod value;

pub use driver::ModbusDriver;
pub use plan::{Plan, PlanError, PlannedRead, plan};
pub use spec::{
    DeviceSpec, Encoding, Framing, Grouping, PointSpec, Table, Timing, WordOrder, WriteFunction,
};
pub use value::{Misfit, decode, encode};
