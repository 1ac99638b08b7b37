//! What the network cannot take now: the offline cache.
//!
//! An uplink seals samples into batches ([`Entry`]) and gives those it cannot deliver in time to a
//! [`Cache`]. There they are durable, in order and bounded; when the bound is reached the oldest
//! go, and what went is told as [`Gap`]s. [`SledCache`] keeps them on disk, [`MemoryCache`] in
//! memory. [`BootCounter`] numbers the runs of the gateway, so that (boot, stream, seq) names a
//! batch for ever.
//!
//! # On disk
//! All in one directory of its own:
//! - `blocks/`: the store, sled 0.34.7 with many precautions (module `disk`), made when there is
//!   first something to hold and deleted when it is empty and large. Its values are blocks (module
//!   `block`): entries of one append, compressed, at most 96 KiB, under a CRC-32.
//! - `marks`: the highest number of each stream known durable or delivered, the next block number,
//!   and whether the stop was clean (module `marks`). Written before the blocks it speaks for go.
//! - `reserve`: space given up when the disk is full. `lock`: held by the process that has it open.
//! - `blocks.damaged-<utc>`: up to two stores that could not be opened, named after the time they
//!   were last written.
//!
//! Promises: an append has been synced to the device when it returns. Block numbers only rise. What
//! a checksum does not vouch for is never handed out. An entry removed or dropped in this run is
//! not read again in this run; after a crash one may be, once.
//!
//! What reaches the flash, measured on ext4 with 100 devices of 100 points each second in a group
//! commit every 0.5 s (`examples/spill.rs`): 9.2 bytes a sample as stored, of 55.5 as JSON; about
//! 10 to the device while the backlog grows, 13 to 14 at the bound, and 5 to 20 more when it is
//! drained, by how often the drain syncs.
//!
//! This crate must never know MQTT, payload formats or tokio: payloads are bytes, calls block, and
//! whoever calls owns the thread.

mod block;
mod boot;
mod cache;
#[cfg(feature = "testing")]
pub mod conformance;
mod disk;
mod entry;
mod gaps;
mod index;
mod marks;
mod memory;
mod quarantine;
mod room;
mod sled_cache;
mod watch;

pub use block::{BlockError, decode_block};
pub use boot::{BootCounter, BootError, BootId, BootIdError};
pub use cache::{BlockLost, Cache, CacheError, Incident, Quarantined};
#[cfg(feature = "testing")]
pub use disk::Durability;
pub use entry::{
    Appended, BOOT_BYTES_MAX, Entry, EntryId, Gap, Mark, PAYLOAD_BYTES_MAX, STREAM_BYTES_MAX, Stats,
};
pub use memory::MemoryCache;
pub use sled_cache::{CacheConfig, OpenReport, SledCache};
