//! The contract between a protocol and the gateway: what a driver is given, what it must return,
//! and the shared parts no protocol should write again.
//!
//! - [`Line`] owns one port or socket. Drivers of any protocol borrow it for one
//!   [`Line::exchange`] at a time, and everything that must hold between two exchanges (pauses,
//!   reconnecting, leftovers of an earlier reply) is kept there.
//!   A driver that brings its own way to its device gets [`Line::none`].
//! - [`Schedule`] decides, without doing any I/O, which device is asked next, so that a dead one
//!   never slows its neighbours.
//! - [`Conversion`] turns raw numbers into honest [`Outcome`]s: scale, offset, enumerations and
//!   the values that mean "no sensor".
//!
//! A driver plans purely ([`Driver`]'s plan is built before it) and does I/O only in `poll` and
//! `write`. It never stamps time, never spawns, never retries, never knows MQTT, TOML or a store.

mod contract;
mod conversion;
mod line;
mod schedule;

pub use contract::{
    AnyDriver, Demand, DeviceError, Driver, Group, Notice, Outcome, Readback, Readings, Recovery,
    Write,
};
pub use conversion::{Conversion, Raw};
pub use line::{Exchange, Line, LineConfig, Parity, SerialConfig, SerialMode, Step, TcpConfig};
pub use schedule::{Backoff, DeviceSchedule, Next, Schedule};
