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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Line;
    use crate::entry::Entry;
    use bytes::Bytes;

    fn line(seq: u64, samples: u32, time_ms: i64) -> Line {
        let (stream, boot) = ("data/hp1".into(), "1-0000000a".into());
        Line::of(&Entry { stream, boot, seq, samples, time_ms, payload: Bytes::new() })
    }

    fn held(bytes: usize, entries: u64) -> Held {
        let lines: Vec<_> = (0..entries).map(|i| line(i, 2, 1_000 - i as i64)).collect();
        Held::new(bytes, &lines)
    }

    /// Three blocks: 10, 20 and 30, of 100, 200 and 300 bytes.
    fn three() -> Index {
        let mut index = Index::default();
        for (block, bytes) in [(20, 200), (10, 100), (30, 300)] {
            index.insert(block, held(bytes, 3));
        }
        index
    }

    #[test]
    fn each_entry_of_a_block_is_removed_by_itself_and_once() {
        let mut index = Index::default();
        index.insert(7, held(500, 150));
        // 11 and 150 have no common factor, so this comes to each of them, out of order.
        let order: Vec<u32> = (0..150).map(|i| i * 11 % 150).collect();
        for (done, &at) in order.iter().enumerate() {
            let stats = index.stats();
            assert_eq!((stats.entries, stats.samples), (150 - done as u64, 300 - 2 * done as u64));
            assert_eq!((stats.blocks, stats.bytes_held), (1, 500), "until the last has gone");
            for (i, &other) in order.iter().enumerate() {
                assert_eq!(index.holds(EntryId { block: 7, index: other }), i >= done);
            }
            let last = index.remove(EntryId { block: 7, index: at }, 2);
            assert_eq!(last, done == 149);
            if !last {
                assert!(!index.remove(EntryId { block: 7, index: at }, 2), "a second time");
            }
        }
        assert_eq!(index.stats(), Stats::default());
        assert!(index.is_empty());
    }

    #[test]
    fn what_is_not_held_is_not_removed() {
        let mut index = three();
        let before = index.stats();
        for (block, at) in [(10, 3), (10, u32::MAX), (15, 0)] {
            let id = EntryId { block, index: at };
            assert!(!index.holds(id));
            assert!(!index.remove(id, 2));
        }
        assert_eq!(index.stats(), before);
    }

    #[test]
    fn the_sums_follow_the_blocks() {
        let mut index = three();
        assert!(!index.is_empty());
        let stats = index.stats();
        assert_eq!((stats.entries, stats.samples, stats.blocks), (9, 18, 3));
        assert_eq!((stats.bytes_held, index.bytes()), (600, 600));
        assert_eq!((stats.oldest_ms, stats.newest_ms), (Some(998), Some(1_000)));
        assert_eq!(index.take(20).map(|h| (h.entries, h.bytes)), Some((3, 200)));
        assert!(index.take(20).is_none());
        index.insert(10, held(50, 1));
        let stats = index.stats();
        assert_eq!((stats.entries, stats.samples, stats.blocks), (4, 8, 2), "in its place");
        assert_eq!(stats.bytes_held, 350);
        assert_eq!(stats.oldest_ms, Some(1_000));
        assert_eq!(index.get(10).map(|h| h.entries), Some(1));
        assert!(index.get(20).is_none());
    }

    #[test]
    fn the_oldest_blocks_are_found_by_number_and_size() {
        let index = three();
        assert_eq!(index.numbers().collect::<Vec<_>>(), [10, 20, 30]);
        for (from, first) in [(0, Some(10)), (10, Some(10)), (11, Some(20)), (31, None)] {
            assert_eq!(index.first_from(from), first);
        }
        let none: [u64; 0] = [];
        assert_eq!(index.oldest(0), none);
        assert_eq!(index.oldest(1), [10]);
        assert_eq!(index.oldest(100), [10]);
        assert_eq!(index.oldest(101), [10, 20]);
        assert_eq!(index.oldest(300), [10, 20]);
        assert_eq!(index.oldest(10_000), [10, 20, 30]);
    }
}
