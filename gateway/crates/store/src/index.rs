//! What the cache knows in memory of the blocks it holds: about a hundred bytes each.

use std::collections::BTreeMap;

use crate::block::Line;
use crate::entry::{EntryId, Stats};

/// One block held.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) entries: u32,
    pub(crate) bytes: u32,
    /// Entries not removed.
    left: u32,
    /// Samples in those.
    samples: u64,
    oldest_ms: i64,
    newest_ms: i64,
    /// One bit an entry, set when removed; allocated with the first removal.
    removed: Vec<u64>,
}

impl Held {
    pub(crate) fn new(bytes: usize, lines: &[Line]) -> Self {
        Self {
            entries: lines.len() as u32,
            bytes: bytes as u32,
            left: lines.len() as u32,
            samples: lines.iter().map(|l| u64::from(l.samples)).sum(),
            oldest_ms: lines.iter().map(|l| l.time_ms).min().unwrap_or(0),
            newest_ms: lines.iter().map(|l| l.time_ms).max().unwrap_or(0),
            removed: Vec::new(),
        }
    }

    pub(crate) fn is_removed(&self, index: u32) -> bool {
        let word = self.removed.get(index as usize / 64).copied().unwrap_or(0);
        word & (1 << (index % 64)) != 0
    }

    fn remove(&mut self, index: u32, samples: u32) {
        self.removed.resize(self.entries.div_ceil(64) as usize, 0);
        self.removed[index as usize / 64] |= 1 << (index % 64);
        self.left -= 1;
        self.samples = self.samples.saturating_sub(u64::from(samples));
    }
}

/// All blocks that still hold an entry, and their sums.
#[derive(Debug, Default)]
pub(crate) struct Index {
    blocks: BTreeMap<u64, Held>,
    entries: u64,
    samples: u64,
    bytes: u64,
}

impl Index {
    pub(crate) fn insert(&mut self, block: u64, held: Held) {
        self.take(block);
        self.entries += u64::from(held.left);
        self.samples += held.samples;
        self.bytes += u64::from(held.bytes);
        self.blocks.insert(block, held);
    }

    pub(crate) fn take(&mut self, block: u64) -> Option<Held> {
        let held = self.blocks.remove(&block)?;
        self.entries -= u64::from(held.left);
        self.samples -= held.samples;
        self.bytes -= u64::from(held.bytes);
        Some(held)
    }

    /// Removes one entry; true when it was the last of its block, which is then gone from here.
    pub(crate) fn remove(&mut self, id: EntryId, samples: u32) -> bool {
        let Some(mut held) = self.take(id.block) else { return false };
        if id.index < held.entries && !held.is_removed(id.index) {
            held.remove(id.index, samples);
        }
        let last = held.left == 0;
        if !last {
            self.insert(id.block, held);
        }
        last
    }

    pub(crate) fn get(&self, block: u64) -> Option<&Held> {
        self.blocks.get(&block)
    }

    pub(crate) fn holds(&self, id: EntryId) -> bool {
        self.get(id.block).is_some_and(|h| id.index < h.entries && !h.is_removed(id.index))
    }

    /// The oldest block from `block` on.
    pub(crate) fn first_from(&self, block: u64) -> Option<u64> {
        self.blocks.range(block..).next().map(|(b, _)| *b)
    }

    /// The oldest blocks that together store at least `bytes`.
    pub(crate) fn oldest(&self, bytes: u64) -> Vec<u64> {
        let mut sum = 0;
        let short = |(block, held): (&u64, &Held)| {
            (sum < bytes).then(|| {
                sum += u64::from(held.bytes);
                *block
            })
        };
        self.blocks.iter().map_while(short).collect()
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.blocks.keys().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The sums, in the fields of [`Stats`] that they fill.
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            entries: self.entries,
            samples: self.samples,
            blocks: self.blocks.len() as u64,
            bytes_held: self.bytes,
            oldest_ms: self.blocks.values().next().map(|h| h.oldest_ms),
            newest_ms: self.blocks.values().next_back().map(|h| h.newest_ms),
            ..Stats::default()
        }
    }
}
