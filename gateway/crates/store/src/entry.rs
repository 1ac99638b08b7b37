//! What the cache holds, and what it tells about it.

use std::sync::Arc;

use bytes::Bytes;

/// The longest payload of one entry, in bytes. A longer one is refused, not cut.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// The longest stream name, in bytes.
pub const STREAM_BYTES_MAX: usize = 255;
/// The longest boot id, in bytes.
pub const BOOT_BYTES_MAX: usize = 64;

/// One sealed batch of an uplink: never cut again, named by (boot, stream, seq).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The numbered stream it belongs to, such as `data/hp1` or `event`.
    pub stream: Arc<str>,
    /// The run of the gateway that sealed it, such as `12-9f3a61c2`.
    pub boot: Arc<str>,
    /// Its number in (boot, stream).
    pub seq: u64,
    /// How many samples the payload carries; what a gap is counted in.
    pub samples: u32,
    /// When it was sealed, in ms since 1970 UTC by the wall clock. Only told, never used to order.
    pub time_ms: i64,
    /// The text to publish, at most [`PAYLOAD_BYTES_MAX`].
    pub payload: Bytes,
}

/// Names an entry within one run of the gateway. Ordered oldest first, by order of appending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The block it was committed in.
    pub block: u64,
    /// Its place in that block.
    pub index: u32,
}

/// A contiguous range of one stream that was dropped and will never be delivered from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The stream.
    pub stream: Arc<str>,
    /// The boot that numbered it.
    pub boot: Arc<str>,
    /// First number missing.
    pub first: u64,
    /// Last number missing.
    pub last: u64,
    /// Samples in the range.
    pub samples: u64,
}

/// The highest number of a stream known to be durable here or delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The stream.
    pub stream: Arc<str>,
    /// The boot that numbered it.
    pub boot: Arc<str>,
    /// The highest number.
    pub seq: u64,
}

/// What an append did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appended {
    /// One id for each entry, in order.
    pub ids: Vec<EntryId>,
    /// What had to go to stay within the bound, merged into ranges.
    pub gaps: Vec<Gap>,
}

/// Figures for metrics and for `wellhead cache`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries held and not removed.
    pub entries: u64,
    /// Samples in them.
    pub samples: u64,
    /// Blocks that still hold at least one of them.
    pub blocks: u64,
    /// Bytes of those blocks as stored (compressed).
    pub bytes_held: u64,
    /// How many such bytes fit at present; above this the oldest is dropped.
    pub bytes_held_max: u64,
    /// Space taken on disk: allocated blocks of the store and its marks, without the reserve.
    pub bytes_on_disk: u64,
    /// The configured bound on `bytes_on_disk`.
    pub bytes_max: u64,
    /// Bytes handed to the store since it was opened. What reaches the flash is more: see the
    /// write amplification in the crate's first page.
    pub bytes_written: u64,
    /// [`Entry::time_ms`] of the oldest and newest block held.
    pub oldest_ms: Option<i64>,
    /// See `oldest_ms`.
    pub newest_ms: Option<i64>,
}
