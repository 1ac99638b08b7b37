//! The contract of a cache, and how it fails.

use std::io;
use std::path::PathBuf;

use crate::entry::{
    Appended, BOOT_BYTES_MAX, Entry, EntryId, Mark, PAYLOAD_BYTES_MAX, STREAM_BYTES_MAX, Stats,
};

/// Keeps sealed batches until they are acknowledged: in order, bounded, the oldest dropped first.
///
/// Calls block on the disk. An entry is held from the append that returned its id until it is
/// removed or named in a gap. After a crash one that was removed or dropped may come back once:
/// repeats are dropped by (boot, stream, seq) at the receiver. Within one run it never comes back.
pub trait Cache: Send {
    /// Holds `entries`, in order; they are durable when this returns.
    ///
    /// # Errors
    /// [`CacheError::TooLarge`] refuses the call as a whole. After [`CacheError::Full`] and others
    /// none of `entries` is held; the caller keeps them and tries again later.
    fn append(&mut self, entries: &[Entry]) -> Result<Appended, CacheError>;

    /// The oldest entries after `after`, until `bytes_max` of payload; at least one if any is held.
    ///
    /// # Errors
    /// When the disk cannot be read now. Entries damaged on disk are skipped and told by
    /// [`Cache::take_incidents`].
    fn read(
        &mut self,
        after: Option<EntryId>,
        bytes_max: usize,
    ) -> Result<Vec<(EntryId, Entry)>, CacheError>;

    /// Lets delivered entries go, in any order; unknown ids are ignored. Raises the marks of what
    /// it removes. Durable with the next append or sync.
    ///
    /// # Errors
    /// None today on a reachable disk; the entries are gone for this run either way.
    fn remove(&mut self, ids: &[EntryId]) -> Result<(), CacheError>;

    /// Notes what was delivered without ever being held. Durable with the next append or sync.
    fn note_delivered(&mut self, marks: &[Mark]);

    /// Makes removals and marks durable.
    ///
    /// # Errors
    /// When the disk is full or failing; nothing is forgotten, the next sync tries again.
    fn sync(&mut self) -> Result<(), CacheError>;

    /// The highest number known durable or delivered, for each stream of the latest boots,
    /// this run's included.
    fn marks(&self) -> Vec<Mark>;

    /// Ends the run. `clean` says that everything sealed was delivered or appended before.
    ///
    /// # Errors
    /// As [`Cache::sync`].
    fn close(&mut self, clean: bool) -> Result<(), CacheError>;

    /// Figures; measures the disk.
    fn stats(&self) -> Stats;

    /// What was found damaged since the last call, to be published as events.
    fn take_incidents(&mut self) -> Vec<Incident> {
        Vec::new()
    }
}

/// Damage met and survived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incident {
    /// The store could not be used and was set aside; a fresh one took its place.
    Quarantined(Quarantined),
    /// One block could not be read and was let go.
    BlockLost(BlockLost),
    /// Less is there than at the clean stop before, and not for blocks told as lost: the store
    /// below has dropped it without a word. (After an unclean stop nobody can tell; then only the
    /// numbers of the streams show it.)
    EntriesMissing {
        /// Entries held when the run ended.
        expected: u64,
        /// Entries found.
        found: u64,
    },
}

/// A store that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it lies now.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
    /// Records that had been read from it before the damage; they lie in `path`, undelivered.
    pub readable: u64,
    /// Records known to be unreadable; `None` when nobody can say.
    pub unreadable: Option<u64>,
}

/// A block that was let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockLost {
    /// Its number.
    pub block: u64,
    /// How many entries it held, if its header can be read or the run still knew.
    pub entries: Option<u32>,
    /// What was wrong with it.
    pub reason: String,
}

/// Why a cache could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// An entry is over a limit.
    #[error("{what} is {len} bytes long, at most {max} fit a cache entry")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// The disk has no room, and dropping the oldest or the reserve did not help.
    #[error("no space left for the cache in {}; {free} bytes free on its disk", dir.display())]
    Full {
        /// The cache directory.
        dir: PathBuf,
        /// Free bytes on that disk when it was measured.
        free: u64,
    },
    /// Another process has the cache open.
    #[error("the cache in {} is held by another process; is a gateway already running?", dir.display())]
    Locked {
        /// The cache directory.
        dir: PathBuf,
    },
    /// A setting that cannot work.
    #[error("cache setting {key} is {value}: {hint}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// What it was.
        value: u64,
        /// What to do.
        hint: &'static str,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// The store below failed in a way that is neither a full disk nor refused I/O.
    #[error("the cache store in {} failed: {reason}", dir.display())]
    Store {
        /// The cache directory.
        dir: PathBuf,
        /// What it said.
        reason: String,
    },
}

/// Refuses entries over a limit, before anything is changed.
pub(crate) fn check_sizes(entries: &[Entry]) -> Result<(), CacheError> {
    let limits = |e: &Entry| {
        [
            ("the payload", e.payload.len(), PAYLOAD_BYTES_MAX),
            ("the stream name", e.stream.len(), STREAM_BYTES_MAX),
            ("the boot id", e.boot.len(), BOOT_BYTES_MAX),
        ]
    };
    match entries.iter().flat_map(limits).find(|(_, len, max)| len > max) {
        Some((what, len, max)) => Err(CacheError::TooLarge { what, len, max }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn sizes_up_to_the_limits_are_taken_and_one_byte_more_is_refused() {
        let text = |len: usize| "x".repeat(len);
        let entry = |payload: usize, stream: usize, boot: usize| Entry {
            stream: text(stream).into(),
            boot: text(boot).into(),
            seq: 1,
            samples: 1,
            time_ms: 0,
            payload: Bytes::from(text(payload)),
        };
        let said = |e: Entry| check_sizes(&[entry(0, 0, 0), e]).map_err(|e| e.to_string());
        assert_eq!(said(entry(65_536, 255, 64)), Ok(()));
        for (over, message) in [
            (
                entry(65_537, 0, 0),
                "the payload is 65537 bytes long, at most 65536 fit a cache entry",
            ),
            (entry(0, 256, 0), "the stream name is 256 bytes long, at most 255 fit a cache entry"),
            (entry(0, 0, 66), "the boot id is 66 bytes long, at most 64 fit a cache entry"),
        ] {
            assert_eq!(said(over), Err(message.into()));
        }
    }
}
