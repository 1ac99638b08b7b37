//! A cache in memory: the reference of the conformance suite, and what the uplink falls back to
//! while the disk is full.

use std::collections::BTreeMap;

use crate::block::Line;
use crate::cache::{Cache, CacheError, check_sizes};
use crate::entry::{Appended, Entry, EntryId, Mark, Stats};
use crate::gaps::Gaps;
use crate::marks::Marks;

/// What an entry is counted as beyond its payload: its own fields and its place in the map.
const ENTRY_OVERHEAD_BYTES: u64 = 128;

/// Holds entries in memory up to a bound; the oldest is dropped first. Nothing survives a crash.
#[derive(Debug)]
pub struct MemoryCache {
    held: BTreeMap<EntryId, Entry>,
    bytes: u64,
    bytes_max: u64,
    next_block: u64,
    bytes_written: u64,
    marks: Marks,
}

impl MemoryCache {
    /// A cache of at most `bytes_max` bytes, payloads and overhead together.
    pub fn new(bytes_max: u64) -> Self {
        Self {
            held: BTreeMap::new(),
            bytes: 0,
            bytes_max,
            next_block: 0,
            bytes_written: 0,
            marks: Marks::default(),
        }
    }

    fn forget(&mut self, id: EntryId) -> Option<Entry> {
        let entry = self.held.remove(&id)?;
        self.bytes -= cost(&entry);
        self.marks.raise(&entry.boot, &entry.stream, entry.seq);
        Some(entry)
    }
}

fn cost(e: &Entry) -> u64 {
    e.payload.len() as u64 + ENTRY_OVERHEAD_BYTES
}

impl Cache for MemoryCache {
    fn append(&mut self, entries: &[Entry]) -> Result<Appended, CacheError> {
        check_sizes(entries)?;
        let block = self.next_block;
        self.next_block += 1;
        let mut ids = Vec::with_capacity(entries.len());
        for (index, e) in (0..).zip(entries) {
            let id = EntryId { block, index };
            self.bytes += cost(e);
            self.bytes_written += e.payload.len() as u64;
            self.held.insert(id, e.clone());
            ids.push(id);
        }
        let mut gaps = Gaps::default();
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.held.keys().next().copied() else { break };
            if let Some(e) = self.forget(oldest) {
                gaps.add(&Line::of(&e));
            }
        }
        Ok(Appended { ids, gaps: gaps.merge() })
    }

    fn read(
        &mut self,
        after: Option<EntryId>,
        bytes_max: usize,
    ) -> Result<Vec<(EntryId, Entry)>, CacheError> {
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let mut bytes = 0;
        let mut out = Vec::new();
        for (id, e) in self.held.range((from, std::ops::Bound::Unbounded)) {
            bytes += e.payload.len();
            if bytes > bytes_max && !out.is_empty() {
                break;
            }
            out.push((*id, e.clone()));
        }
        Ok(out)
    }

    fn remove(&mut self, ids: &[EntryId]) -> Result<(), CacheError> {
        for id in ids {
            self.forget(*id);
        }
        Ok(())
    }

    fn note_delivered(&mut self, marks: &[Mark]) {
        for m in marks {
            self.marks.raise(&m.boot, &m.stream, m.seq);
        }
    }

    fn sync(&mut self) -> Result<(), CacheError> {
        Ok(())
    }

    fn marks(&self) -> Vec<Mark> {
        let mut marks = self.marks.clone();
        for e in self.held.values() {
            marks.raise(&e.boot, &e.stream, e.seq);
        }
        marks.list()
    }

    fn close(&mut self, _clean: bool) -> Result<(), CacheError> {
        Ok(())
    }

    fn stats(&self) -> Stats {
        let blocks = self.held.keys().map(|id| id.block).collect::<std::collections::BTreeSet<_>>();
        Stats {
            entries: self.held.len() as u64,
            samples: self.held.values().map(|e| u64::from(e.samples)).sum(),
            blocks: blocks.len() as u64,
            bytes_held: self.bytes,
            bytes_held_max: self.bytes_max,
            bytes_on_disk: 0,
            bytes_max: self.bytes_max,
            bytes_written: self.bytes_written,
            oldest_ms: self.held.values().next().map(|e| e.time_ms),
            newest_ms: self.held.values().next_back().map(|e| e.time_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// Costs 1000.
    fn entry(seq: u64) -> Entry {
        let payload = Bytes::from(vec![0; 872]);
        let (stream, boot) = ("data/hp1".into(), "1-0000000a".into());
        Entry { stream, boot, seq, samples: 2, time_ms: 100 * seq as i64, payload }
    }

    #[test]
    fn the_bound_is_filled_to_the_byte_and_then_the_oldest_go() {
        let mut cache = MemoryCache::new(3_000);
        let no_gaps = cache.append(&[entry(1), entry(2)]).unwrap().gaps;
        assert_eq!(no_gaps, []);
        assert_eq!(cache.append(&[entry(3)]).unwrap().gaps, []);
        let gaps = cache.append(&[entry(4), entry(5)]).unwrap().gaps;
        let said: Vec<_> = gaps.iter().map(|g| (g.first, g.last, g.samples)).collect();
        assert_eq!(said, [(1, 2, 4)]);
        let expected = Stats {
            entries: 3,
            samples: 6,
            blocks: 2,
            bytes_held: 3_000,
            bytes_held_max: 3_000,
            bytes_on_disk: 0,
            bytes_max: 3_000,
            bytes_written: 5 * 872,
            oldest_ms: Some(300),
            newest_ms: Some(500),
        };
        assert_eq!(cache.stats(), expected);
        assert_eq!(cache.read(None, 2 * 872).unwrap().len(), 2, "as much as was asked for");
        assert_eq!(cache.read(None, 2 * 872 - 1).unwrap().len(), 1);
        let held: Vec<_> = cache.read(None, usize::MAX).unwrap();
        cache.remove(&[held[1].0]).unwrap();
        assert_eq!(cache.stats().bytes_held, 2_000);
        assert_eq!(cache.take_incidents(), []);
    }
}
