//! Modbus as a driver: TCP, RTU, and RTU over TCP.

mod spec;

pub use spec::{
    DeviceSpec, Encoding, Framing, Grouping, PointSpec, Table, Timing, WordOrder, WriteFunction,
};
