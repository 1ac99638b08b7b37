//! Wired M-Bus meters (EN 13757-2 and -3), as their master.
//!
//! [`link`](mod@link) knows frames, [`telegram`] what a reply's user data is, [`record`] a record's
//! value, name and unit; [`master`] asks a meter for all it has, and [`driver`] and [`mod@scan`]
//! stand on it. The record's codes are looked up by the crate `m-bus-application-layer`, behind
//! walls that `record` explains.

mod driver;
pub mod link;
mod master;
mod names;
pub mod record;
pub mod scan;
mod spec;
pub mod telegram;

pub use driver::{MbusDriver, check, demand};
pub use scan::{Found, FoundRecord, Search, scan};
pub use spec::*;
