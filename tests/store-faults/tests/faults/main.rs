//! What the cache does when it is killed, when the power goes, and when the disk is full.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod disk_full;
mod kill;
mod mount;
mod power_cut;
mod writer;
