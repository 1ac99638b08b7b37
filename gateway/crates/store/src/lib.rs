//! What the network cannot take now: the offline cache.
//!
//! An uplink seals samples into batches ([`Entry`]) and gives those it cannot deliver in time to a
//! [`Cache`]. There they are durable, in order and bounded; when the bound is reached the oldest
//! go, and what went is told as [`Gap`]s. [`SledCache`] keeps them on disk, [`MemoryCache`] in
//! memory. [`BootCounter`] numbers the runs of the gateway, so that (boot, stream, seq) names a
//! batch for ever.
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
