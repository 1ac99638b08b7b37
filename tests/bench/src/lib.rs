//! The benchmark behind `make bench`: what the gateway costs for a known job, beside a floor
//! program that does the least possible work for the same job.
//!
//! One run starts a mosquitto, a [`fleet`] of Modbus devices, a [`subscriber`] and then the program
//! under test: the floor (`src/bin/floor.rs`) or a built `wellhead`. Every reply of the fleet
//! carries the wall clock at which it was given and a number, so the subscriber knows the age of
//! each value from one clock and the exact numbers that never came.
//!
//! This crate links no crate of the gateway and must not: it meets the program as an operator does,
//! through a site file, Modbus and MQTT.

pub mod broker;
pub mod buses;
pub mod clock;
pub mod fleet;
pub mod job;
pub mod measure;
pub mod metrics;
pub mod mqtt;
pub mod payload;
pub mod process;
pub mod report;
pub mod rig;
pub mod site;
pub mod subscriber;
pub mod tally;
pub mod wire;
