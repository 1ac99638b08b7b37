//! The program `wellhead`, as a library so that tests start the real thing.
//!
//! It knows all the crates and they don't know it: [`config`] reads the site, [`registry`] lists the
//! protocols, [`supervise`] builds lines and devices, [`poll`] runs one task a line, [`hub`] keeps and passes on
//! what was read, [`northbound`] joins it to the uplinks, [`control`] is the only way to an output,
//! [`plugins`] runs the site's plugins, [`simulate`] runs them in virtual time, [`admin`] answers the commands of people at the box,
//! [`metrics`] those of Prometheus, and [`bilingual`] is how they tell what went wrong. [`servers`] show its points to other systems, [`import`] makes
//! device profiles of vendors' register maps.

pub mod admin;
pub mod bilingual;
pub mod clock;
pub mod commands;
pub mod config;
pub mod control;
mod files;
pub mod hub;
pub mod import;
pub mod metrics;
pub mod northbound;
pub mod plugins;
pub mod poll;
pub mod registry;
pub mod servers;
pub mod simulate;
pub mod supervise;
